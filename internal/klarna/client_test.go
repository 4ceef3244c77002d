package klarna_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe/observetest"
)

// roundTrips answers try n with answers[n], the last one for ever.
type roundTrips struct {
	answers []any // *http.Response of answer, error, or unsent error
	seen    []*http.Request
}

type unsent struct{ error }

func (r *roundTrips) RoundTrip(req *http.Request) (*http.Response, error) {
	next := r.answers[min(len(r.seen), len(r.answers)-1)]
	r.seen = append(r.seen, req)
	if err, ok := next.(unsent); ok {
		return nil, err
	}
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
	switch next := next.(type) {
	case error:
		return nil, next
	case time.Duration: // never answers
		<-req.Context().Done()
		return nil, req.Context().Err()
	case func() *http.Response:
		return next(), nil
	}
	panic("unknown answer")
}

func answer(status int, body string, headers ...string) func() *http.Response {
	return func() *http.Response {
		res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i < len(headers); i += 2 {
			res.Header.Set(headers[i], headers[i+1])
		}
		return res
	}
}

func client(t *testing.T, transport http.RoundTripper, c klarna.Config) *klarna.Client {
	t.Helper()
	c.Transport = transport
	if c.BaseURL == "" {
		c.BaseURL, c.Username, c.Password = "https://klarna.example/base", "user", "secret"
	}
	k, err := klarna.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRetries(t *testing.T) {
	const ok = `{"order_id":"1"}`
	reset := errors.New("connection reset")
	for _, tc := range []struct {
		name       string
		retry      klarna.Retry
		answers    []any
		tries      int
		status     int // of the error, 0 = success, -1 = no answer
		unanswered bool
		within     time.Duration
	}{
		{"read succeeds", klarna.RetryRead, []any{answer(200, ok)}, 1, 0, false, 0},
		{"read after a reset", klarna.RetryRead, []any{reset, answer(200, ok)}, 2, 0, true, time.Second},
		{"read gives up after 3", klarna.RetryRead, []any{answer(500, "")}, 3, 500, false, time.Second},
		{"read is not asked again after 404", klarna.RetryRead, []any{answer(404, "")}, 1, 404, false, 0},
		{"read of a lock is not", klarna.RetryRead, []any{answer(409, "")}, 1, 409, false, 0},
		{"read waits after 429", klarna.RetryRead, []any{answer(429, "", "Retry-After", "1"), answer(200, ok)}, 2, 0, false, 2 * time.Second},
		{"Retry-After is capped", klarna.RetryRead, []any{answer(503, "", "Retry-After", "3600"), answer(200, ok)}, 2, 0, false, 2 * time.Second},
		{"read of broken JSON", klarna.RetryRead, []any{answer(200, `{"order_`), answer(200, ok)}, 2, 0, true, time.Second},
		{"keyed write answered by a gateway", klarna.RetryKeyed, []any{answer(200, "<html>ok</html>"), answer(204, "")}, 2, 0, true, time.Second},
		{"read too slow", klarna.RetryRead, []any{time.Hour, answer(200, ok)}, 2, 0, true, 5 * time.Second},
		{"keyed write after a lost answer", klarna.RetryKeyed, []any{reset, answer(204, "{}")}, 2, 0, true, time.Second},
		{"keyed write that another try is at", klarna.RetryKeyed, []any{answer(409, ""), answer(204, "{}")}, 2, 0, false, time.Second},
		{"keyed write gives up after 3", klarna.RetryKeyed, []any{answer(409, "")}, 3, 409, false, time.Second},
		{"keyed write refused", klarna.RetryKeyed, []any{answer(403, "")}, 1, 403, false, 0},
		{"create is sent once", klarna.RetryUnsent, []any{reset}, 1, -1, true, 0},
		{"create is not asked again after 500", klarna.RetryUnsent, []any{answer(500, "")}, 1, 500, false, 0},
		{"create unsent is sent again", klarna.RetryUnsent, []any{unsent{reset}, answer(201, ok)}, 2, 0, false, time.Second},
		{"update waits for locks", klarna.RetryReplace, []any{
			answer(409, ""), answer(423, ""), answer(429, ""), answer(409, ""), answer(409, ""), answer(200, ok),
		}, 6, 0, false, 5 * time.Second},
		{"update gives up a lock at the end of time", klarna.RetryReplace, []any{answer(423, "", "Retry-After", "1")}, 12, 423, false, 12 * time.Second},
		{"update after a lost answer", klarna.RetryReplace, []any{reset, answer(200, ok)}, 2, 0, true, time.Second},
		{"update refused", klarna.RetryReplace, []any{answer(400, `{"error_code":"BAD_VALUE"}`)}, 1, 400, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				defer cancel()
				transport := &roundTrips{answers: tc.answers}
				start := time.Now()
				var out any = &struct{}{}
				if tc.retry == klarna.RetryKeyed { // nothing is read of its answers
					out = nil
				}
				got, err := client(t, transport, klarna.Config{}).Do(ctx,
					klarna.Request{Operation: "test", Method: "POST", Path: "/x", Body: struct{}{}, Retry: tc.retry}, out)
				if len(transport.seen) != tc.tries {
					t.Errorf("got %d tries, want %d", len(transport.seen), tc.tries)
				}
				if took := time.Since(start); took > tc.within {
					t.Errorf("took %v, want at most %v", took, tc.within)
				}
				status := 0
				if apiErr, answered := errors.AsType[*klarna.Error](err); answered {
					status = apiErr.Status
				} else if err != nil {
					status = -1
				}
				if status != tc.status || got.Unanswered != tc.unanswered {
					t.Errorf("got status %d (%v), unanswered %v, want %d, %v", status, err, got.Unanswered, tc.status, tc.unanswered)
				}
			})
		})
	}
}

// An answer is that of the last try, and of no try before it.
func TestAnswer(t *testing.T) {
	busy := answer(503, "", "Klarna-Correlation-Id", "c1")
	reset := errors.New("connection reset")
	type seen struct {
		Status, Tries     int
		CorrelationID, ID string
	}
	for _, tc := range []struct {
		name    string
		answers []any
		want    seen
	}{
		{"answered", []any{busy, answer(201, "", "klarna-correlation-id", "c2", "capture-id", "7")}, seen{201, 2, "c2", "7"}},
		{"without a correlation ID", []any{busy, answer(204, "")}, seen{204, 2, "", ""}},
		{"lost", []any{busy, reset}, seen{0, 3, "", ""}},
		{"refused", []any{reset, answer(403, "", "Klarna-Correlation-Id", "c3")}, seen{403, 2, "c3", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				observer, told := observetest.New(t)
				k := client(t, &roundTrips{answers: tc.answers}, klarna.Config{Observer: observer})
				a, _ := k.Do(t.Context(), klarna.Request{Operation: "x", Method: "POST", Path: "/x", Retry: klarna.RetryKeyed}, nil)
				if diff := cmp.Diff(tc.want, seen{a.Status, a.Tries, a.CorrelationID, a.Header.Get("Capture-Id")}); diff != "" {
					t.Error(diff)
				}
				calls := told.Entries()
				if last := calls[len(calls)-1]; last.Status != tc.want.Status || last.CorrelationID != tc.want.CorrelationID {
					t.Errorf("observed %+v, want status %d and correlation ID %q", last, tc.want.Status, tc.want.CorrelationID)
				}
			})
		})
	}
}

func TestRequest(t *testing.T) {
	for _, tc := range []struct{ name, username, password, authorization string }{
		{"user and secret", "K123", "secret", "Basic SzEyMzpzZWNyZXQ="},
		{"API key alone is sent as it is", "", "kco_test_api_x", "Basic kco_test_api_x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			transport := &roundTrips{answers: []any{answer(200, "{}")}}
			k := client(t, transport, klarna.Config{BaseURL: "https://klarna.example/base/", Username: tc.username, Password: tc.password, UserAgent: "Library/shopd_1"})
			if _, err := k.Do(t.Context(), klarna.Request{Operation: "x", Method: "GET", Path: "/orders/a%2Fb"}, nil); err != nil {
				t.Fatal(err)
			}
			req := transport.seen[0]
			got := []string{req.URL.String(), req.Header.Get("Authorization"), req.Header.Get("User-Agent"), req.Header.Get("Accept")}
			want := []string{"https://klarna.example/base/orders/a%2Fb", tc.authorization, "Library/shopd_1", "application/json"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorBodies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func() *http.Response
		want   klarna.Error
	}{
		{
			"Klarna's", answer(400, `{"error_code":"BAD_VALUE","error_messages":["Bad value: locale"],"correlation_id":"c1","x":1}`),
			klarna.Error{Operation: "x", Status: 400, Code: "BAD_VALUE", Messages: []string{"Bad value: locale"}, CorrelationID: "c1"},
		},
		{
			"header wins", answer(403, `{"error_code":"READ_ONLY_ORDER","error_message":"Resource is read-only"}`, "Klarna-Correlation-Id", "c2"),
			klarna.Error{Operation: "x", Status: 403, Code: "READ_ONLY_ORDER", Messages: []string{"Resource is read-only"}, CorrelationID: "c2"},
		},
		{"empty 404", answer(404, ""), klarna.Error{Operation: "x", Status: 404}},
		{"HTML 401", answer(401, "<html>no</html>"), klarna.Error{Operation: "x", Status: 401}},
		{"redirects are not followed", answer(302, "", "Location", "https://elsewhere.example"), klarna.Error{Operation: "x", Status: 302}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := client(t, &roundTrips{answers: []any{tc.answer}}, klarna.Config{}).
				Do(t.Context(), klarna.Request{Operation: "x", Method: "GET", Path: "/x"}, nil)
			got, ok := errors.AsType[*klarna.Error](err)
			if !ok {
				t.Fatalf("got %v, want *klarna.Error", err)
			}
			if diff := cmp.Diff(tc.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What goes to the log says what Klarna does not take, and nothing of who bought.
func TestErrorsHoldNoPeople(t *testing.T) {
	for said, want := range map[string]string{
		"Bad value: billing_address.postal_code":       "Bad value: billing_address.postal_code",
		"order_amount 119800 is not the sum 119900":    "order_amount 119800 is not the sum 119900",
		"ada@example.com is not allowed":               "… is not allowed",
		"Not a phone number: +46 70-123 45 67":         "Not a phone number: …",
		"We found no Storgatan 1b in 111 47":           "We found no … in 111 47",
		"captured_amount must be between 1 and 10000":  "captured_amount must be between 1 and 10000",
		"given_name 'Ada' is not allowed":              "given_name '…' is not allowed",
		`Unknown value "ada lovelace"`:                 `Unknown value "…"`,
		"'Ada', 'Lovelace'":                            "'…'",
		"It isn't Klarna's":                            "It isn't Klarna's",
		"'tax_rate' of 'NO' must be \"2500\"":          "'tax_rate' of '…\"",
		"'order_lines[0].name', \"locale\", ''":        "'order_lines[0].name', \"locale\", ''",
		"given_name 'ADA' is not 'anna.svensson'":      "given_name '…'",
		"family_name 'O'Brien' is not allowed":         "family_name '…' is not allowed",
		"'D'Angelo Rossi', '11147'":                    "'…'",
		`"Ada""Lovelace" and 'Ada''Lovelace'`:          `"…'`,
		"Bad value: 'Hans' Nilsson'":                   "Bad value: '…'",
		`"Anna "Nisse" Berg" is wrong`:                 `"…" is wrong`,
		"no end of 'Ada Lovelace":                      "no end of '…",
		"billing_address 'billing_address.given_name'": "billing_address 'billing_address.given_name'",
	} {
		err := &klarna.Error{Operation: "x", Status: 400, Messages: []string{said}}
		if got := err.Error(); got != fmt.Sprintf("x: klarna answered 400 %q", []string{want}) {
			t.Errorf("%q is told as %s", said, got)
		}
	}
}

// The error of a real connection holds neither URL nor credentials.
func TestErrorsHoldNoSecrets(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	k, err := klarna.NewClient(klarna.Config{BaseURL: server.URL, Username: "user", Password: "topsecret"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Do(t.Context(), klarna.Request{Operation: "read", Method: "GET", Path: "/checkout/v3/orders/private"}, nil)
	if text := fmt.Sprint(err); err == nil || strings.Contains(text, "topsecret") || strings.Contains(text, "private") {
		t.Errorf("got %v", err)
	}
}

func TestObserve(t *testing.T) {
	observer, told := observetest.New(t)
	k := client(t, &roundTrips{answers: []any{answer(500, "", "Klarna-Correlation-Id", "c")}}, klarna.Config{
		BaseURL: "https://klarna.example", Password: "x", Observer: observer,
	})
	_, _ = k.Do(t.Context(), klarna.Request{Operation: "read kco order", Method: "GET", Path: "/", Retry: klarna.RetryRead}, nil)
	calls := told.Entries()
	if len(calls) != 3 || calls[2].Try != 3 || calls[2].Status != 500 || calls[2].CorrelationID != "c" {
		t.Errorf("got %+v", calls)
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, c := range []klarna.Config{
		{BaseURL: "", Password: "x"}, {BaseURL: "ftp://x", Password: "x"}, {BaseURL: "https://", Password: "x"}, {BaseURL: "https://x"},
	} {
		if _, err := klarna.NewClient(c); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "2000000": 2e6 * time.Second, "Sun, 29 Nov 2026 11:59:00 GMT": 0, "120": 2 * time.Minute, "Sun, 29 Nov 2026 12:01:00 GMT": time.Minute,
	} {
		if got := klarna.RetryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
