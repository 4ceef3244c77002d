package session_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

func signedBy(keys ...string) func(*session.Options) {
	return func(o *session.Options) {
		o.Keys = func() (all [][]byte) {
			for _, key := range keys {
				all = append(all, []byte(key))
			}
			return all
		}
	}
}

// An identity is ours and a day old at most: nobody makes one up, or keeps one in store.
func TestIdentity(t *testing.T) {
	rdb := redistest.Start(t)
	now := time.Now()
	ours, rotated, others := newSessions(rdb, false, signedBy("old")), newSessions(rdb, false, signedBy("new", "old")), newSessions(rdb, false, signedBy("other"))
	token := session.NewIdentity(ours, now)
	for _, tc := range []struct {
		name  string
		by    *session.Sessions
		token string
		at    time.Time
		want  bool
	}{
		{"ours", ours, token, now, true},
		{"of an older key", rotated, token, now, true},
		{"of another shop", others, token, now, false},
		{"after a day", ours, token, now.Add(24*time.Hour + 2*time.Second), false},
		{"of a clock that is ahead", ours, token, now.Add(-30 * time.Second), true},
		{"of tomorrow", ours, token, now.Add(-24 * time.Hour), false},
		{"changed", ours, "A" + token[1:], now, false},
		{"cut", ours, token[:len(token)-4], now, false},
		{"no base64", ours, token + "!", now, false},
		{"none", ours, "", now, false},
	} {
		if got := session.IsIdentity(tc.by, tc.token, tc.at); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
	if session.NewIdentity(ours, now) == token {
		t.Error("two identities are one")
	}
}

// A visitor's identity is stored nowhere; two first changes at once make one session of it.
// A token of somebody's making does not become a session.
func TestVisitor(t *testing.T) {
	rdb := redistest.Start(t)
	s := newSessions(rdb, true, signedBy("key"))
	page := s.ReadOnly(s.Visitor(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(s.CartID(r.Context()))) })))
	got := ask(t, page, "")
	if len(got.Cookies()) != 1 {
		t.Fatalf("cookies %v", got.Cookies())
	}
	c := got.Cookies()[0]
	if c.Name != "__Host-shopd-visitor" || c.Path != "/" || c.MaxAge != 0 || !c.Expires.IsZero() || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("got %s", c)
	}
	cookie := c.Name + "=" + c.Value
	if again := ask(t, page, cookie); len(again.Cookies()) > 0 {
		t.Errorf("again: %v", again.Cookies())
	}
	if n := rdb.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys in Redis for a visitor", n)
	}

	var mu sync.Mutex
	found := map[string]int{}
	first := s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		found[s.CartID(r.Context())]++
		mu.Unlock()
		s.SetCartID(r.Context(), "cart")
	}), nil)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { ask(t, first, cookie) })
	}
	both.Wait()
	if found[""] != 1 || found["cart"] != 1 {
		t.Errorf("they found %v", found)
	}
	if n := len(rdb.Keys(t.Context(), "shopd:session:*").Val()); n != 1 {
		t.Errorf("%d sessions", n)
	}
	read := func(cookie string) string {
		res := ask(t, page, cookie)
		body := make([]byte, 10)
		n, _ := res.Body.Read(body)
		return string(body[:n])
	}
	if got := read("__Host-shopd=" + c.Value); got != "cart" {
		t.Errorf("the session has %q", got)
	}
	if got := read(cookie); got != "cart" {
		t.Errorf("without the answer to the first change: %q", got)
	}

	made := strings.Repeat("A", len(c.Value))
	for _, cookie := range []string{"__Host-shopd-visitor=" + made, "__Host-shopd=" + made} {
		if got := ask(t, first, cookie); len(got.Cookies()) != 1 || got.Cookies()[0].Value == made {
			t.Errorf("%s: got %v", cookie, got.Cookies())
		}
	}

	forget := s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = s.Forget(r.Context()) }), nil)
	for _, c := range ask(t, forget, "__Host-shopd="+c.Value+"; "+cookie).Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("forgotten, and %s stays", c)
		}
	}
}
