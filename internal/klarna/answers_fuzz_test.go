package klarna_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/klarna"
)

// FuzzAnswers: whatever Klarna (or a gateway in front of it) answers, a call ends with a
// value or an error, never a panic; outside 2xx the error is an *Error that has the
// status and no more of the body than code and messages; Retry-After is never negative.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"order_id":"x"}`, "", "application/json")
	f.Add(200, `{"order_id":1}`, "", "")
	f.Add(201, ``, "", "text/html")
	f.Add(401, "<html>Unauthorized</html>", "", "text/html")
	f.Add(404, "", "", "")
	f.Add(403, `{"error_code":"READ_ONLY_ORDER","error_messages":["x"],"correlation_id":"c"}`, "", "application/json")
	f.Add(429, `{"error_code":1,"error_messages":"x"}`, "5", "application/json")
	f.Add(503, `{"error_messages":[null,{}]}`, "Fri, 31 Dec 9999 23:59:59 GMT", "application/json")
	f.Add(400, `[]`, "-1", "")
	f.Add(500, `{`, "99999999999999999999", "")
	f.Add(302, `x`, "1.5", "")
	f.Fuzz(func(t *testing.T, status int, body, retryAfter, contentType string) {
		if status < 200 || status > 599 {
			return // no final status of HTTP
		}
		c, err := klarna.NewClient(klarna.Config{BaseURL: "https://klarna.example", Username: "u", Password: "hunter2", Transport: &roundTrips{
			answers: []any{answer(status, body, "Retry-After", retryAfter, "Content-Type", contentType, "Location", "https://klarna.example/x")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			OrderID string `json:"order_id"`
		}
		_, err = c.Do(t.Context(), klarna.Request{Operation: "create kco order", Method: http.MethodPost, Path: "/x"}, &out)
		if err == nil {
			if status >= 300 || json.Unmarshal([]byte(body), &out) != nil && strings.TrimSpace(body) != "" {
				t.Errorf("%d %q is no error", status, body)
			}
			return
		}
		e, answered := errors.AsType[*klarna.Error](err)
		if status >= 400 && (!answered || e.Status != status || e.RetryAfter < 0 || e.RetryAfter > 0 && e.RetryAfter < time.Second && !strings.Contains(retryAfter, ":")) {
			t.Errorf("%d with Retry-After %q is %v, %+v", status, retryAfter, err, e)
		}
		if strings.Contains(err.Error(), "hunter2") && !strings.Contains(body, "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	})
}
