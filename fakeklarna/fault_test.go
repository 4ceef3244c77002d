package fakeklarna_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// What each fault does to a create: what the client gets and whether the order
// was made.
func TestFaultEffects(t *testing.T) {
	rows := []struct {
		name, rule string // as sent to /fake/faults
		status     int    // 0: no answer
		body       string // part of it, "-" = empty
		contentType,
		note string // what the record says, after "faults"
		stored bool
	}{
		{"status with a text", `{"status":502,"body":"<html>bad</html>"}`, 502, "<html>bad</html>", "text/html", "status 502", false},
		{"status with JSON", `{"status":409,"body":{"error_code":"X"}}`, 409, `{"error_code":"X"}`, "application/json", "status 409", false},
		{"status 400", `{"status":400}`, 400, `"error_code":"BAD_VALUE"`, "application/json", "status 400", false},
		{"status 401", `{"status":401}`, 401, `"internal_message":"authorization_error"`, "application/json", "status 401", false},
		{"status 403", `{"status":403}`, 403, `"error_code":"READ_ONLY_ORDER"`, "application/json", "status 403", false},
		{"status 404", `{"status":404}`, 404, "-", "", "status 404", false},
		{"status 429", `{"status":429,"header":{"Retry-After":"1"}}`, 429, "-", "", "status 429", false},
		{"status 500", `{"status":500}`, 500, `"error_code":"INTERNAL_SERVER_ERROR"`, "application/json", "status 500", false},
		{"status 503", `{"status":503}`, 503, "-", "", "status 503", false},
		{"status 204 has no body", `{"status":204,"body":"x"}`, 204, "-", "", "status 204", false},
		{"delay", `{"delay":"10ms"}`, 201, `"order_id"`, "application/json", "delay 10ms", true},
		{"delay after", `{"delay_after":"10ms"}`, 201, `"order_id"`, "application/json", "delay_after 10ms", true},
		{"reset", `{"reset":true}`, 0, "", "", "reset", false},
		{"reply dropped", `{"drop_reply":true}`, 0, "", "", "drop_reply", true},
		{"truncated", `{"truncate":true}`, 201, `{"order_id"`, "application/json", "truncate", true},
		{"no JSON", `{"not_json":true}`, 201, "<!DOCTYPE html>", "text/html", "not_json", true},
		{"all that fit", `{"delay":"5ms","not_json":true,"drop_reply":true}`, 0, "", "", "delay 5ms drop_reply not_json", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			if got := s.send("POST", "/fake/faults", row.rule); got.status != 201 {
				t.Fatalf("add the rule: got %d %s", got.status, got.body)
			}
			began := time.Now()
			got := s.send("POST", "/checkout/v3/orders", text(caseA()))
			if strings.HasPrefix(row.name, "delay") && time.Since(began) < 10*time.Millisecond {
				t.Errorf("answered after %v", time.Since(began))
			}
			if got.status != row.status || !strings.Contains(string(got.body), row.body) && row.body != "-" || row.body == "-" && len(got.body) > 0 {
				t.Errorf("got %d %q (%v), want %d %s", got.status, got.body, got.err, row.status, row.body)
			}
			if contentType := got.header.Get("Content-Type"); contentType != row.contentType {
				t.Errorf("got content type %q, want %q", contentType, row.contentType)
			}
			switch row.name {
			case "reset":
				if !errors.Is(got.err, syscall.ECONNRESET) {
					t.Errorf("got %v, want a connection reset", got.err)
				}
			case "truncated":
				if !errors.Is(got.err, io.ErrUnexpectedEOF) || json.Valid(got.body) {
					t.Errorf("got %v, want half of an answer", got.err)
				}
			case "status 429":
				if got.header.Get("Retry-After") != "1" {
					t.Errorf("got headers %v", got.header)
				}
			}
			if orders := s.fake.Orders(); len(orders) == 1 != row.stored {
				t.Errorf("got %d orders, stored should be %v", len(orders), row.stored)
			}
			record := s.fake.Requests("")
			if len(record) != 1 || strings.Join(record[0].Faults, " ") != row.note || record[0].Status != row.status {
				t.Errorf("recorded %s", text(record))
			}
			if again := s.send("POST", "/checkout/v3/orders", text(caseA())); again.status != 201 {
				t.Errorf("after the rule: got %d %s", again.status, again.body)
			}
		})
	}
}

// Which calls a rule hits.
func TestFaultMatch(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	other := s.id
	s.start(caseA())
	calls := map[string]func() answer{
		"create": func() answer { return s.send("POST", "/checkout/v3/orders/", text(caseA())) },
		"read":   func() answer { return s.send("GET", "/checkout/v3/orders/"+s.id, "") },
		"update": func() answer { return s.send("POST", "/checkout/v3/orders/"+s.id, "{}") },
		"other":  func() answer { return s.send("GET", "/checkout/v3/orders/"+other, "") },
	}
	rows := []struct {
		name string
		rule fault
		hits string // the calls hit of: create, other, read, read, update
	}{
		{"any", fault{Count: -1}, "create other read read update"},
		{"one by default", fault{}, "create"},
		{"count", fault{Count: 3}, "create other read"},
		{"method", fault{Method: "get", Count: -1}, "other read read"},
		{"path", fault{Path: "/checkout/v3/orders", Count: -1}, "create"},
		{"path with a star", fault{Path: "/checkout/v3/orders/*", Count: -1}, "other read read update"},
		{"path and method", fault{Method: "POST", Path: "/checkout/v3/orders/*", Count: -1}, "update"},
		{"star for one segment only", fault{Path: "/checkout/*", Count: -1}, ""},
		{"order", fault{OrderID: other, Count: -1}, "other"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.rule.Status = 503
			s.fake.AddFault(row.rule)
			var hits []string
			for _, name := range []string{"create", "other", "read", "read", "update"} {
				if calls[name]().status == 503 {
					hits = append(hits, name)
				}
			}
			if got := strings.Join(hits, " "); got != row.hits {
				t.Errorf("got hits %q, want %q", got, row.hits)
			}
			s.fake.ClearFaults()
		})
	}
	t.Run("probability", func(t *testing.T) {
		s.fake.AddFault(fault{Status: 503, Count: -1, Probability: 0.5})
		defer s.fake.ClearFaults()
		hits := 0
		for range 200 {
			if calls["read"]().status == 503 {
				hits++
			}
		}
		if hits < 50 || hits > 150 { // 7 standard deviations
			t.Errorf("got %d hits of 200, want about 100", hits)
		}
	})
	t.Run("not the fake's own interface", func(t *testing.T) {
		s.fake.AddFault(fault{Status: 503})
		defer s.fake.ClearFaults()
		if got := s.send("GET", "/fake/orders", ""); got.status != 200 {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("several rules", func(t *testing.T) {
		s.fake.AddFault(fault{Status: 503, Count: 2})
		s.fake.AddFault(fault{Status: 500})
		s.fake.AddFault(fault{NotJSON: true})
		for _, want := range []string{"503 true", "503 false", "200 false"} {
			got := calls["read"]()
			if state := strings.Fields(want); text(got.status) != state[0] || (got.header.Get("Content-Type") == "text/html") != (state[1] == "true") {
				t.Errorf("got %d %s, want %s", got.status, got.header.Get("Content-Type"), want)
			}
		}
	})
}

// eventually waits until ok, at most 5 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// A client that goes away does not undo its call, whenever it goes.
func TestClientGoesAway(t *testing.T) {
	update := func(n string) string { return `{"merchant_reference1":"` + n + `"}` }
	t.Run("before it is stored", func(t *testing.T) {
		s := newShop(t, fakeklarna.Options{})
		s.start(caseA())
		s.fake.AddFault(fault{Delay: fakeklarna.Duration(200 * time.Millisecond)})
		if got := s.sendFor(20*time.Millisecond, "POST", "/checkout/v3/orders/"+s.id, update("slow")); got.err == nil {
			t.Fatalf("got an answer: %d", got.status)
		}
		if s.order().MerchantReference1 != "100123" {
			t.Fatal("stored before the delay was over")
		}
		if got := s.send("POST", "/checkout/v3/orders/"+s.id, update("fast")); got.status != 200 {
			t.Fatalf("a call that waits locks the order: got %d", got.status)
		}
		eventually(t, "the slow update lands", func() bool { return s.order().MerchantReference1 == "slow" })
	})
	t.Run("after it is stored", func(t *testing.T) {
		s := newShop(t, fakeklarna.Options{})
		s.start(caseA())
		s.fake.AddFault(fault{DelayAfter: fakeklarna.Duration(20 * time.Second)})
		if got := s.sendFor(50*time.Millisecond, "POST", "/checkout/v3/orders/"+s.id, update("slow")); got.err == nil {
			t.Fatalf("got an answer: %d", got.status)
		}
		if got := s.order().MerchantReference1; got != "slow" {
			t.Fatalf("got %q, want it stored", got)
		}
		if got := s.send("POST", "/checkout/v3/orders/"+s.id, update("next")); got.status != 200 {
			t.Fatalf("a call that waits locks the order: got %d", got.status)
		}
		eventually(t, "the call that nobody waits for ends", func() bool { return s.fake.Requests(s.id)[1].Status == 200 })
	})
	t.Run("fake is reset", func(t *testing.T) {
		s := newShop(t, fakeklarna.Options{})
		s.fake.AddFault(fault{Delay: fakeklarna.Duration(20 * time.Second)})
		done := make(chan answer)
		go func() { done <- s.send("POST", "/checkout/v3/orders", text(caseA())) }()
		eventually(t, "the call arrives", func() bool { return len(s.fake.Requests("")) == 1 })
		s.fake.Reset()
		if got := <-done; got.err == nil {
			t.Errorf("got %d, want no answer", got.status)
		}
		if n := len(s.fake.Orders()) + len(s.fake.Requests("")); n != 0 {
			t.Errorf("%d orders and calls are left", n)
		}
	})
	t.Run("fake is closed", func(t *testing.T) {
		s := newShop(t, fakeklarna.Options{})
		s.fake.AddFault(fault{DelayAfter: fakeklarna.Duration(20 * time.Second)})
		done := make(chan answer)
		go func() { done <- s.send("POST", "/checkout/v3/orders", text(caseA())) }()
		eventually(t, "the call arrives", func() bool { return len(s.fake.Orders()) == 1 })
		s.fake.Close()
		if got := <-done; got.err == nil {
			t.Errorf("got %d, want no answer", got.status)
		}
	})
}

// Klarna gives up on a call after 30 s.
func TestServerLimit(t *testing.T) {
	for name, row := range map[string]struct {
		rule   fault
		status int
		took   time.Duration
		stored bool
	}{
		"within":        {fault{Delay: fakeklarna.Duration(20 * time.Second), DelayAfter: fakeklarna.Duration(9 * time.Second)}, 201, 29 * time.Second, true},
		"before stored": {fault{Delay: fakeklarna.Duration(40 * time.Second)}, 504, 30 * time.Second, false},
		"after stored":  {fault{Delay: fakeklarna.Duration(20 * time.Second), DelayAfter: fakeklarna.Duration(20 * time.Second)}, 504, 30 * time.Second, true},
		"with an error": {fault{Delay: fakeklarna.Duration(40 * time.Second), Status: 400}, 504, 30 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := fakeklarna.New(fakeklarna.Options{})
				fake.AddFault(row.rule)
				r := httptest.NewRequestWithContext(t.Context(), "POST", "/checkout/v3/orders", strings.NewReader(text(caseA())))
				r.SetBasicAuth("demo", "demo")
				w := httptest.NewRecorder()
				began := time.Now()
				fake.ServeHTTP(w, r)
				if w.Code != row.status || time.Since(began) != row.took || len(fake.Orders()) == 1 != row.stored {
					t.Errorf("got %d after %v with %d orders, want %d after %v", w.Code, time.Since(began), len(fake.Orders()), row.status, row.took)
				}
			})
		})
	}
}

// Rules that make no sense are refused and say why.
func TestFaultRefused(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	for body, want := range map[string]string{
		``:                               "EOF",
		`[]`:                             "cannot unmarshal array",
		`{}`:                             "no effect",
		`{"status":99}`:                  "not from 200 to 599",
		`{"status":"503"}`:               "cannot unmarshal string",
		`{"body":"x","reset":true}`:      "need a status",
		`{"status":503,"count":-2}`:      "count",
		`{"status":503,"delay":"1"}`:     "missing unit",
		`{"status":503,"delay":"-1s"}`:   "negative",
		`{"status":503,"path":"orders"}`: "slash",
		`{"status":503,"probability":2}`: "probability",
		`{"status":503,"pth":"/x"}`:      "unknown field",
		`{"status":503}{}`:               "more than one",
	} {
		got := s.send("POST", "/fake/faults", body)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(got.body, &e); err != nil || got.status != 400 || e.Error.Code != "bad_request" || !strings.Contains(e.Error.Message, want) {
			t.Errorf("%s: got %d %s, want 400 with %q", body, got.status, got.body, want)
		}
	}
	if rules := s.fake.Faults(); len(rules) != 0 {
		t.Errorf("%d rules were kept", len(rules))
	}
	defer func() {
		if recover() == nil {
			t.Error("AddFault took a rule without effect")
		}
	}()
	s.fake.AddFault(fault{})
}

// Rules are listed as they were given, with what is left of their count.
func TestFaultList(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.send("POST", "/fake/faults", `{"method":"GET","path":"/checkout/v3/orders/*","count":2,"status":503,"delay":"120ms"}`)
	s.send("POST", "/fake/faults", `{"reset":true}`)
	list := func() string { return strings.TrimSpace(string(s.send("GET", "/fake/faults", "").body)) }
	first := `{"id":1,"method":"GET","path":"/checkout/v3/orders/*","count":2,"status":503,"delay":"120ms"}`
	if diff := cmp.Diff(`{"faults":[`+first+`,{"id":2,"count":1,"reset":true}]}`, list()); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
	s.send("POST", "/checkout/v3/orders", "{}")
	s.send("GET", "/checkout/v3/orders/x", "")
	if diff := cmp.Diff(`{"faults":[`+strings.Replace(first, `"count":2`, `"count":1`, 1)+`]}`, list()); diff != "" {
		t.Errorf("after one hit each (-want +got):\n%s", diff)
	}
	if got := s.send("DELETE", "/fake/faults", ""); got.status != 200 || list() != `{"faults":[]}` {
		t.Errorf("after DELETE: got %d, %s", got.status, list())
	}
}
