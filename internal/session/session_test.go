package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

// newSessions returns sessions whose failure answer is 503 with "busy" or "store".
func newSessions(rdb redis.UniversalClient, secure bool, set ...func(*session.Options)) *session.Sessions {
	o := session.Options{
		Redis:  rdb,
		Secure: secure,
		Logger: slog.New(slog.DiscardHandler),
		Fail: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusServiceUnavailable)
			switch {
			case errors.Is(err, session.ErrBusy):
				_, _ = io.WriteString(w, "busy")
			case errors.Is(err, session.ErrStore):
				_, _ = io.WriteString(w, "store")
			}
		},
	}
	for _, set := range set {
		set(&o)
	}
	return session.New(o)
}

// A session whose key holds something else is replaced: else its owner would see a fault for a month.
func TestDamagedSession(t *testing.T) {
	rdb := redistest.Start(t)
	sessions := newSessions(rdb, false)
	page := sessions.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sessions.SetCartID(r.Context(), "cart") }), nil)
	sum := sha256.Sum256([]byte("token"))
	if err := rdb.RPush(t.Context(), "shopd:session:"+base64.RawURLEncoding.EncodeToString(sum[:]), "x").Err(); err != nil {
		t.Fatal(err)
	}
	got := ask(t, page, "shopd=token")
	if got.StatusCode != http.StatusOK || len(got.Cookies()) != 1 || got.Cookies()[0].Value == "token" {
		t.Errorf("got %d, %v", got.StatusCode, got.Cookies())
	}
}

// ask runs one request through h; cookie "" sends none.
func ask(t testing.TB, h http.Handler, cookie string) *http.Response {
	t.Helper()
	return askCtx(t.Context(), h, cookie)
}

func askCtx(ctx context.Context, h http.Handler, cookie string) *http.Response {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

// start makes a session and returns its cookie as the browser sends it.
func start(t testing.TB, s *session.Sessions) string {
	t.Helper()
	res := ask(t, s.Locked(set(s, "cart-1"), nil), "")
	if len(res.Cookies()) != 1 {
		t.Fatalf("status %d, cookies %v; want one cookie", res.StatusCode, res.Cookies())
	}
	return res.Cookies()[0].Name + "=" + res.Cookies()[0].Value
}

func set(s *session.Sessions, cartID string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { s.SetCartID(r.Context(), cartID) }
}

// show answers with the session's values.
func show(s *session.Sessions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, s.CartID(r.Context())+" "+s.KCOOrderID(r.Context()))
	}
}

func body(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestValuesAreKept(t *testing.T) {
	t.Parallel()
	s := newSessions(redistest.Start(t), false)
	cookie := start(t, s)
	ask(t, s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.SetKCOOrderID(r.Context(), "order-1")
		s.SetPaymentsSessionID(r.Context(), "payments-1")
	}), nil), cookie)

	if got, want := body(t, ask(t, s.ReadOnly(show(s)), cookie)), "cart-1 order-1"; got != want {
		t.Errorf("ReadOnly: got %q, want %q", got, want)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	got, err := s.Peek(r)
	if d := cmp.Diff(session.Values{CartID: "cart-1", KCOOrderID: "order-1", PaymentsSessionID: "payments-1"}, got); d != "" || err != nil {
		t.Errorf("Peek: %v %s", err, d)
	}
	ask(t, s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.SetKCOOrderID(r.Context(), "")
	}), nil), cookie)
	if got, want := body(t, ask(t, s.ReadOnly(show(s)), cookie)), "cart-1 "; got != want {
		t.Errorf("after removing: got %q, want %q", got, want)
	}
}

func TestCookie(t *testing.T) {
	rdb := redistest.Start(t)
	for _, tt := range []struct {
		name   string
		secure bool
		want   http.Cookie
	}{
		{"http", false, http.Cookie{Name: "shopd", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"https", true, http.Cookie{Name: "__Host-shopd", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSessions(rdb, tt.secure)
			res := ask(t, s.Locked(set(s, "c"), nil), "")
			got := *res.Cookies()[0]
			if days := got.MaxAge / 86400; days != 30 {
				t.Errorf("cookie lives %d days, want 30", days)
			}
			token := got.Value
			got.Value, got.Raw, got.MaxAge, got.Expires, got.RawExpires = "", "", 0, time.Time{}, ""
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			keys, err := rdb.Keys(t.Context(), "*"+token+"*").Result()
			if err != nil || len(keys) > 0 {
				t.Errorf("keys with the plain token: %v, %v", keys, err)
			}
		})
	}
}

func TestNothingSetStoresNothing(t *testing.T) {
	rdb := redistest.Start(t)
	s := newSessions(rdb, false)
	res := ask(t, s.Locked(show(s), nil), "")
	if got := res.Cookies(); len(got) > 0 {
		t.Errorf("cookies = %v, want none", got)
	}
	if n, err := rdb.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("DBSize = %d, %v; want 0", n, err)
	}
}

func TestSetWithoutLockPanics(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	for _, tt := range []struct {
		name string
		set  func(context.Context, string)
	}{{"cart", s.SetCartID}, {"order", s.SetKCOOrderID}, {"payment session", s.SetPaymentsSessionID}} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			ask(t, s.ReadOnly(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { tt.set(r.Context(), "x") })), "")
		})
	}
}

func TestStrangeCookiesAreNewSessions(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	start(t, s)
	for _, tt := range []struct{ name, cookie string }{
		{"unknown", "shopd=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"empty", "shopd="},
		{"binary", "shopd=\x01\xff"},
		{"glob", "shopd=*"},
		{"long", "shopd=" + strings.Repeat("a", 30_000)},
		{"other name", "__Host-shopd=a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, h := range map[string]http.Handler{"ReadOnly": s.ReadOnly(show(s)), "Locked": s.Locked(show(s), nil)} {
				res := ask(t, h, tt.cookie)
				if got := body(t, res); res.StatusCode != http.StatusOK || got != " " {
					t.Errorf("%s: %d %q", name, res.StatusCode, got)
				}
			}
		})
	}
}

func TestUnreadableSessionIsReplaced(t *testing.T) {
	rdb := redistest.Start(t)
	s := newSessions(rdb, false)
	cookie := start(t, s)
	keys, err := rdb.Keys(t.Context(), "shopd:session:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys = %v, %v", keys, err)
	}
	if err := rdb.Set(t.Context(), keys[0], "not gob", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	res := ask(t, s.Locked(set(s, "cart-2"), nil), cookie)
	if len(res.Cookies()) != 1 || strings.HasSuffix(cookie, res.Cookies()[0].Value) {
		t.Errorf("status %d, cookies %v; want a new session", res.StatusCode, res.Cookies())
	}
}

func TestLifetimeMovesForwardOnceADay(t *testing.T) {
	rdb := redistest.Start(t)
	s := newSessions(rdb, false)
	cookie := start(t, s)
	keys, _ := rdb.Keys(t.Context(), "shopd:session:*").Result()
	if got := rdb.TTL(t.Context(), keys[0]).Val(); got < 59*time.Minute || got > time.Hour {
		t.Errorf("TTL = %s, want an hour: the cookie has not come back", got)
	}
	if got := body(t, ask(t, s.ReadOnly(show(s)), cookie)); got != "cart-1 " {
		t.Errorf("the session is %q", got)
	}
	if got := rdb.TTL(t.Context(), keys[0]).Val(); got < 719*time.Hour || got > 720*time.Hour {
		t.Errorf("TTL = %s, want 30 days", got)
	}
	if got := ask(t, s.Locked(show(s), nil), cookie).Cookies(); len(got) > 0 {
		t.Errorf("a fresh session was stored again: %v", got)
	}
	age(t, rdb, keys[0], 25*time.Hour)
	if got := ask(t, s.ReadOnly(show(s)), cookie).Cookies(); len(got) > 0 {
		t.Errorf("ReadOnly stored: %v", got)
	}
	if got := ask(t, s.Locked(show(s), nil), cookie).Cookies(); len(got) != 1 {
		t.Errorf("a session 25 h old was not renewed: %v", got)
	}
	if got := rdb.TTL(t.Context(), keys[0]).Val(); got < 719*time.Hour {
		t.Errorf("TTL after renewal = %s, want 30 days", got)
	}
}

// A lock costs two round trips, a load and a save one; a lock loads by the way.
func TestRoundTrips(t *testing.T) {
	rdb := redistest.Start(t)
	var hook counter
	rdb.AddHook(&hook)
	s := newSessions(rdb, false)
	cookie := start(t, s)
	ask(t, s.Locked(show(s), nil), cookie) // brings the scripts to Redis
	for _, tt := range []struct {
		name   string
		h      http.Handler
		cookie string
		want   int32
	}{
		{"read only", s.ReadOnly(show(s)), cookie, 1},
		{"read only without cookie", s.ReadOnly(show(s)), "", 0},
		{"locked, unchanged", s.Locked(show(s), nil), cookie, 2},
		{"locked, the same set again", s.Locked(set(s, "cart-1"), nil), cookie, 2},
		{"locked, changed", s.Locked(set(s, "cart-2"), nil), cookie, 3},
		{"locked without cookie, changed", s.Locked(set(s, "cart-3"), nil), "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook.n.Store(0)
			ask(t, tt.h, tt.cookie)
			if got := hook.n.Load(); got != tt.want {
				t.Errorf("%d round trips, want %d", got, tt.want)
			}
		})
	}
}

// counter is a go-redis hook that counts round trips.
type counter struct{ n atomic.Int32 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}
