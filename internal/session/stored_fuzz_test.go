package session_test

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

// FuzzStored: whatever is stored as a session, and whatever a cookie says, a request gets
// its session or an empty one, in which a cart can be put and found again; never a panic.
func FuzzStored(f *testing.F) {
	f.Add("token", []byte("x"))
	f.Add("", []byte{})
	f.Add("a\"b;c", []byte{0xff, 0x81, 0x03, 0x01, 0x01, 0x07, 's', 'e'})
	f.Add("token", []byte(`{"v":1,"deadline":"2099-01-01T00:00:00Z","values":{"cart_id":"c"}}`))
	f.Add("token", []byte(`{"v":1}`))
	f.Add("token", []byte(`null`))
	f.Add("0", []byte("\x01$"))
	f.Add("token", []byte("\x12\xff\x81\x03\x01\x02\xff\x82\x00\x01\x10\x01\x10\x00\x00"))
	rdb := redistest.Start(f)
	failed := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusServiceUnavailable) }
	sessions := session.New(session.Options{Redis: rdb, Logger: slog.New(slog.DiscardHandler), Fail: failed})
	f.Fuzz(func(t *testing.T, token string, stored []byte) {
		sum := sha256.Sum256([]byte(token))
		key := "shopd:session:" + base64.RawURLEncoding.EncodeToString(sum[:])
		if err := rdb.Set(t.Context(), key, stored, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "shopd", Value: token})
		for _, handler := range []http.Handler{
			sessions.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })),
			sessions.Locked(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sessions.SetCartID(r.Context(), "cart")
				w.WriteHeader(http.StatusOK)
			}), nil),
		} {
			got := httptest.NewRecorder()
			handler.ServeHTTP(got, r.Clone(t.Context()))
			if got.Code != http.StatusOK {
				t.Errorf("session %q: got %d", stored, got.Code)
			}
			for _, cookie := range got.Result().Cookies() {
				again := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				again.AddCookie(cookie)
				if v, err := sessions.Peek(again); err != nil || v.CartID != "cart" {
					t.Errorf("session %q, then a cart was put in: %+v, %v", stored, v, err)
				}
			}
		}
	})
}
