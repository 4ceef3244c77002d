package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

func keys(t *testing.T, rdb redis.UniversalClient, pattern string) []string {
	t.Helper()
	found, err := rdb.Keys(t.Context(), pattern).Result()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// between does something before a command is sent.
type between struct {
	command string
	do      func()
}

func (b between) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b between) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b between) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == b.command {
			b.do()
		}
		return next(ctx, cmd)
	}
}

var ada = session.StaffValues{Name: "ada", Proof: "p1"}

// staffRequest is a request with a cookie, "" for none.
func staffRequest(t *testing.T, cookie string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

// signIn opens a session from a browser that has a cookie, and returns the new one.
func signIn(t *testing.T, s *session.Staff, cookie string) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.SignIn(w, staffRequest(t, cookie), ada); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value == "" {
		t.Fatalf("cookies = %v, want one", cookies)
	}
	return cookies[0]
}

func pair(c *http.Cookie) string { return c.Name + "=" + c.Value }

// found says whether a cookie opens a session.
func found(t *testing.T, s *session.Staff, cookie string) bool {
	t.Helper()
	v, ok, err := s.Find(staffRequest(t, cookie))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ada, v); ok && d != "" {
		t.Error(d)
	}
	return ok
}

func TestStaffCookie(t *testing.T) {
	rdb := redistest.Start(t)
	for _, tt := range []struct {
		name   string
		secure bool
		cookie string
	}{
		{"plain", false, "shopd-staff"},
		{"https", true, "__Host-shopd-staff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := signIn(t, session.NewStaff(rdb, tt.secure), "")
			if c.Name != tt.cookie || c.Secure != tt.secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("cookie = %v", c)
			}
			if limit := time.Duration(c.MaxAge) * time.Second; limit <= 23*time.Hour || limit > 24*time.Hour+time.Minute {
				t.Errorf("cookie lives %v, want 24 h: longer than the session, so that what is typed comes back", limit)
			}
		})
	}
}

// A token is never the one that the browser brought, be it made up or another's.
func TestStaffSignInRenews(t *testing.T) {
	rdb := redistest.Start(t)
	s := session.NewStaff(rdb, false)
	made := signIn(t, s, "shopd-staff=made-up-by-somebody-else")
	if made.Value == "made-up-by-somebody-else" || found(t, s, "shopd-staff=made-up-by-somebody-else") {
		t.Error("the browser's own token opens a session")
	}
	again := signIn(t, s, pair(made))
	if again.Value == made.Value || found(t, s, pair(made)) || !found(t, s, pair(again)) {
		t.Error("the token before the sign-in lives on")
	}
	for _, key := range keys(t, rdb, "*") {
		if strings.Contains(key, again.Value) {
			t.Errorf("key %q has the token", key)
		}
	}
}

func TestStaffSignOut(t *testing.T) {
	rdb := redistest.Start(t)
	s := session.NewStaff(rdb, false)
	c := signIn(t, s, "")
	if !found(t, s, pair(c)) {
		t.Fatal("no session after the sign-in")
	}
	w := httptest.NewRecorder()
	if err := s.SignOut(w, staffRequest(t, pair(c))); err != nil {
		t.Fatal(err)
	}
	if left := keys(t, rdb, "shopd:staff:*"); len(left) != 0 || found(t, s, pair(c)) {
		t.Errorf("the session is still there: %v", left)
	}
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("cookies = %v, want one that is dropped", cookies)
	}
}

// A request that was under way at the sign-out does not bring the session back.
func TestStaffSignOutWins(t *testing.T) {
	rdb := redistest.Start(t)
	s := session.NewStaff(rdb, false)
	c := signIn(t, s, "")
	key := keys(t, rdb, "shopd:staff:*")[0]
	// As Find stands between its read and its write.
	rdb.AddHook(between{"pexpire", func() { rdb.Del(t.Context(), key) }})
	if found(t, s, pair(c)) {
		t.Error("a session that was ended meanwhile is found")
	}
	if left := keys(t, rdb, "shopd:staff:*"); len(left) != 0 {
		t.Errorf("the session is back: %v", left)
	}
}

// Half an hour without a request ends a session, each request gives it half an hour, and
// twelve hours are the end.
func TestStaffLimits(t *testing.T) {
	rdb := redistest.Start(t)
	s := session.NewStaff(rdb, false)
	c := signIn(t, s, "")
	key := keys(t, rdb, "shopd:staff:*")[0]
	near := func(what string, want time.Duration) {
		t.Helper()
		got, err := rdb.PTTL(t.Context(), key).Result()
		if err != nil || got > want || got < want-5*time.Minute {
			t.Errorf("%s: lives %v (%v), want %v", what, got, err, want)
		}
	}
	near("after the sign-in", session.StaffIdle)
	rdb.PExpire(t.Context(), key, time.Minute)
	if !found(t, s, pair(c)) {
		t.Fatal("no session")
	}
	near("after a request", session.StaffIdle)
	// As it stands ten minutes before twelve hours are over.
	late, err := scs.GobCodec{}.Encode(time.Now().Add(10*time.Minute), map[string]any{"name": ada.Name, "proof": ada.Proof})
	if err != nil {
		t.Fatal(err)
	}
	rdb.Set(t.Context(), key, late, session.StaffIdle)
	if !found(t, s, pair(c)) {
		t.Fatal("no session")
	}
	near("near its end", 10*time.Minute)
}

func TestStaffStoreFails(t *testing.T) {
	server := redistest.StartServer(t)
	s := session.NewStaff(server.Client(), false)
	c := signIn(t, s, "")
	server.Stop()
	if _, ok, err := s.Find(staffRequest(t, pair(c))); ok || err == nil {
		t.Errorf("found %v, error %v; want an error", ok, err)
	}
	w := httptest.NewRecorder()
	if err := s.SignIn(w, staffRequest(t, ""), ada); err == nil || len(w.Result().Cookies()) > 0 {
		t.Errorf("signed in without a store: %v", err)
	}
	if err := s.SignOut(w, staffRequest(t, pair(c))); err == nil {
		t.Error("signed out without a store")
	}
}
