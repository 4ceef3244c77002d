package callback_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (w *world) authorizationPath() string {
	return "/klarna/" + w.Signer.CallbackToken() + "/authorization"
}

// written are the authorizations that are written down, "session token".
func (w *world) written() (all []string) {
	w.T.Helper()
	if w.Number("select count(*) from authorizations") == 0 {
		return nil
	}
	return strings.Split(w.Text("select string_agg(session_id || ' ' || token, ',') from authorizations"), ",")
}

// Klarna's word of an authorization is written down before it is answered.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var observed []string
	const good = `{"authorization_token":"b4bd3423-24e3","session_id":"e4b81ca2-0aae","merchant_reference1":"x"}`
	frozen := func() (again func()) {
		w.Callbacks.AnswerTime = 100 * time.Millisecond
		locked, end, free := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			free <- w.DB.Tx(context.WithoutCancel(t.Context()), func(tx *sql.Tx) error {
				_, err := tx.Exec("lock table authorizations")
				close(locked)
				<-end
				return err
			})
		}()
		<-locked
		return func() {
			close(end)
			if err := <-free; err != nil {
				t.Error(err)
			}
			w.Callbacks.AnswerTime = 0
		}
	}
	away := func() (again func()) {
		w.Exec("alter table authorizations rename to elsewhere")
		return func() { w.Exec("alter table elsewhere rename to authorizations") }
	}
	for _, tc := range []struct {
		name, body string
		database   func() (again func())
		status     int
		result     string
		written    []string
	}{
		{"nothing", "", nil, 400, "bad_request", nil},
		{"half of it", good[:40], nil, 400, "bad_request", nil},
		{"no object", `"x"`, nil, 400, "bad_request", nil},
		{"no token", `{"session_id":"e4b81ca2"}`, nil, 400, "bad_request", nil},
		{"no session", `{"authorization_token":"b4bd3423"}`, nil, 400, "bad_request", nil},
		{"another type", `{"authorization_token":7,"session_id":"e4b81ca2"}`, nil, 400, "bad_request", nil},
		{"a path", `{"authorization_token":"../x","session_id":"e4b81ca2"}`, nil, 400, "bad_request", nil},
		{"long", `{"authorization_token":"` + strings.Repeat("x", 300) + `","session_id":"e4b81ca2"}`, nil, 400, "bad_request", nil},
		{"2 MiB", `{"authorization_token":"` + strings.Repeat("x", 2<<20) + `"}`, nil, 413, "bad_request", nil},
		{"the database is away", good, away, 503, "unavailable", nil},
		{"written down", good, nil, 204, "ok", []string{"e4b81ca2-0aae b4bd3423-24e3"}},
		{"it takes too long", good, frozen, 503, "unavailable", []string{"e4b81ca2-0aae b4bd3423-24e3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.in(t)
			again := func() {}
			if tc.database != nil {
				again = tc.database()
			}
			res := w.call(w.authorizationPath(), tc.body)
			again()
			observed = append(observed, "authorization "+tc.result)
			if res.StatusCode != tc.status {
				t.Errorf("got %d, want %d", res.StatusCode, tc.status)
			}
			if diff := cmp.Diff(tc.written, w.written()); diff != "" {
				t.Errorf("written down: %s", diff)
			}
		})
	}
	if diff := cmp.Diff(observed, w.results); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if log := w.Log.String(); strings.Contains(log, "b4bd3423") {
		t.Errorf("the log has the token:\n%s", log)
	}
}
