package callback_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// authorizations writes down on demand.
type authorizations struct {
	mu    sync.Mutex
	calls []string
	err   error
	slow  bool // answers when the context ends
}

func (a *authorizations) Authorized(ctx context.Context, sessionID, token string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, sessionID+" "+token)
	if a.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.err
}

// authorizationWorld is a world whose shop has Klarna Payments.
func authorizationWorld(t *testing.T, a *authorizations) *world {
	t.Helper()
	w := newWorld(t)
	callbacks := w.callbacks(w.carts)
	callbacks.Authorizations = a
	w.handler = serve(callbacks)
	return w
}

func (w *world) authorizationPath() string {
	return "/klarna/" + w.wants.Signer.CallbackToken() + "/authorization"
}

// Klarna's word of an authorization is written down before it is answered.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	const good = `{"authorization_token":"b4bd3423-24e3","session_id":"e4b81ca2-0aae","merchant_reference1":"x"}`
	for _, tc := range []struct {
		name, body string
		given      *authorizations
		status     int
		result     string
		told       []string
	}{
		{"written down", good, &authorizations{}, 204, "ok", []string{"e4b81ca2-0aae b4bd3423-24e3"}},
		{"Redis is away", good, &authorizations{err: errors.New("x")}, 503, "unavailable", []string{"e4b81ca2-0aae b4bd3423-24e3"}},
		{"it takes too long", good, &authorizations{slow: true}, 503, "unavailable", []string{"e4b81ca2-0aae b4bd3423-24e3"}},
		{"nothing", "", &authorizations{}, 400, "bad_request", nil},
		{"half of it", good[:40], &authorizations{}, 400, "bad_request", nil},
		{"no object", `"x"`, &authorizations{}, 400, "bad_request", nil},
		{"no token", `{"session_id":"e4b81ca2"}`, &authorizations{}, 400, "bad_request", nil},
		{"no session", `{"authorization_token":"b4bd3423"}`, &authorizations{}, 400, "bad_request", nil},
		{"another type", `{"authorization_token":7,"session_id":"e4b81ca2"}`, &authorizations{}, 400, "bad_request", nil},
		{"a path", `{"authorization_token":"../x","session_id":"e4b81ca2"}`, &authorizations{}, 400, "bad_request", nil},
		{"long", `{"authorization_token":"` + strings.Repeat("x", 300) + `","session_id":"e4b81ca2"}`, &authorizations{}, 400, "bad_request", nil},
		{"2 MiB", `{"authorization_token":"` + strings.Repeat("x", 2<<20) + `"}`, &authorizations{}, 413, "bad_request", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := authorizationWorld(t, tc.given)
			if res := w.call(w.authorizationPath(), tc.body); res.StatusCode != tc.status {
				t.Errorf("got %d, want %d", res.StatusCode, tc.status)
			}
			if diff := cmp.Diff(tc.told, tc.given.calls); diff != "" {
				t.Errorf("the book was told: %s", diff)
			}
			if diff := cmp.Diff([]string{"authorization " + tc.result}, w.results); diff != "" {
				t.Errorf("observed: %s", diff)
			}
			if log := w.log.String(); strings.Contains(log, "b4bd3423") {
				t.Errorf("the log has the token:\n%s", log)
			}
		})
	}
}

// Whoever does not know the address's secret is told nothing, and where the shop
// has no Klarna Payments nobody is.
func TestAuthorizationByStrangers(t *testing.T) {
	t.Parallel()
	told := &authorizations{}
	w := authorizationWorld(t, told)
	const body = `{"authorization_token":"b4bd3423","session_id":"e4b81ca2"}`
	if res := w.call("/klarna/guess/authorization", body); res.StatusCode != http.StatusNotFound || len(told.calls) != 0 || len(w.results) != 0 {
		t.Errorf("a wrong token: got %d, told %v", res.StatusCode, told.calls)
	}
	without := newWorld(t)
	if res := without.call(without.authorizationPath(), body); res.StatusCode != http.StatusNotFound {
		t.Errorf("without Klarna Payments: got %d", res.StatusCode)
	}
}
