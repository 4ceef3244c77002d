package engine_test

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

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/internal/until"
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
		{"status 401", `{"status":401}`, 401, "<h1>401 Authorization Required", "text/html", "status 401", false},
		{"status 403", `{"status":403}`, 403, `"error_code":"MERCHANT_INACTIVE"`, "application/json", "status 403", false},
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
			s := faketest.NewShop(t, fakeklarna.Options{})
			if got := s.Send("POST", "/fake/faults", row.rule); got.Status != 201 {
				t.Fatalf("add the rule: got %d %s", got.Status, got.Body)
			}
			began := time.Now()
			got := s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA()))
			if strings.HasPrefix(row.name, "delay") && time.Since(began) < 10*time.Millisecond {
				t.Errorf("answered after %v", time.Since(began))
			}
			if got.Status != row.status || !strings.Contains(string(got.Body), row.body) && row.body != "-" || row.body == "-" && len(got.Body) > 0 {
				t.Errorf("got %d %q (%v), want %d %s", got.Status, got.Body, got.Err, row.status, row.body)
			}
			if contentType := got.Header.Get("Content-Type"); contentType != row.contentType {
				t.Errorf("got content type %q, want %q", contentType, row.contentType)
			}
			switch row.name {
			case "reset":
				if !errors.Is(got.Err, syscall.ECONNRESET) {
					t.Errorf("got %v, want a connection reset", got.Err)
				}
			case "truncated":
				if !errors.Is(got.Err, io.ErrUnexpectedEOF) || json.Valid(got.Body) {
					t.Errorf("got %v, want half of an answer", got.Err)
				}
			case "status 429":
				if got.Header.Get("Retry-After") != "1" {
					t.Errorf("got headers %v", got.Header)
				}
			}
			if orders := s.Fake.Orders(); len(orders) == 1 != row.stored {
				t.Errorf("got %d orders, stored should be %v", len(orders), row.stored)
			}
			record := s.Fake.Requests("")
			if len(record) != 1 || strings.Join(record[0].Faults, " ") != row.note || record[0].Status != row.status {
				t.Errorf("recorded %s", faketest.Text(record))
			}
			if again := s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())); again.Status != 201 {
				t.Errorf("after the rule: got %d %s", again.Status, again.Body)
			}
		})
	}
}

// A late call lands after what its client has sent since.
func TestFaultLate(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	if got := s.Send("POST", "/fake/faults", `{"method":"PSOT","status":500}`); got.Status != 400 || !strings.Contains(string(got.Body), `\"PSOT\" is none of GET`) {
		t.Errorf("a method that there is not: got %d %s", got.Status, got.Body)
	}
	if got := s.Send("POST", "/fake/faults", `{"late":true,"method":"POST"}`); got.Status != 400 {
		t.Errorf("without a delay: got %d %s", got.Status, got.Body)
	}
	name := func(name string) string {
		return `{"merchant_reference1":"` + name + `"}`
	}
	path := "/checkout/v3/orders/" + s.ID
	s.Fake.AddFault(faketest.Fault{Method: "POST", Late: true, Delay: fakeklarna.Duration(300 * time.Millisecond)})
	if got := s.Send("POST", path, name("first")); !errors.Is(got.Err, syscall.ECONNRESET) {
		t.Errorf("got %d %v, want a connection reset", got.Status, got.Err)
	}
	if got := s.Send("POST", path, name("second")); got.Status != 200 || s.Fake.Orders()[0].MerchantReference1 != "second" {
		t.Errorf("got %d, the order says %q", got.Status, s.Fake.Orders()[0].MerchantReference1)
	}
	until.Holds(t, "it has landed", func() bool { return s.Fake.Orders()[0].MerchantReference1 == "first" })
	if r := s.Fake.Requests("")[1]; strings.Join(r.Faults, " ") != "late delay 300ms" {
		t.Errorf("recorded %s", faketest.Text(r))
	}
	s.Fake.AddFault(faketest.Fault{Method: "POST", Late: true, Delay: fakeklarna.Duration(time.Millisecond)})
	s.Send("POST", faketest.OrdersPath, faketest.Text(faketest.CaseA()))
	until.Holds(t, "the late order is there and recorded", func() bool {
		return len(s.Fake.Orders()) == 2 && len(s.Fake.Requests(s.Fake.Orders()[0].OrderID)) == 1
	})
}

// Which calls a rule hits.
func TestFaultMatch(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	other := s.ID
	s.Start(faketest.CaseA())
	calls := map[string]func() faketest.Answer{
		"create": func() faketest.Answer { return s.Send("POST", "/checkout/v3/orders/", faketest.Text(faketest.CaseA())) },
		"read":   func() faketest.Answer { return s.Send("GET", "/checkout/v3/orders/"+s.ID, "") },
		"update": func() faketest.Answer { return s.Send("POST", "/checkout/v3/orders/"+s.ID, "{}") },
		"other":  func() faketest.Answer { return s.Send("GET", "/checkout/v3/orders/"+other, "") },
	}
	rows := []struct {
		name string
		rule faketest.Fault
		hits string // the calls hit of: create, other, read, read, update
	}{
		{"any", faketest.Fault{Count: -1}, "create other read read update"},
		{"one by default", faketest.Fault{}, "create"},
		{"count", faketest.Fault{Count: 3}, "create other read"},
		{"method", faketest.Fault{Method: "get", Count: -1}, "other read read"},
		{"path", faketest.Fault{Path: "/checkout/v3/orders", Count: -1}, "create"},
		{"path with a star", faketest.Fault{Path: "/checkout/v3/orders/*", Count: -1}, "other read read update"},
		{"path and method", faketest.Fault{Method: "POST", Path: "/checkout/v3/orders/*", Count: -1}, "update"},
		{"star for one segment only", faketest.Fault{Path: "/checkout/*", Count: -1}, ""},
		{"order", faketest.Fault{OrderID: other, Count: -1}, "other"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.rule.Status = 503
			s.Fake.AddFault(row.rule)
			var hits []string
			for _, name := range []string{"create", "other", "read", "read", "update"} {
				if calls[name]().Status == 503 {
					hits = append(hits, name)
				}
			}
			if got := strings.Join(hits, " "); got != row.hits {
				t.Errorf("got hits %q, want %q", got, row.hits)
			}
			s.Fake.ClearFaults()
		})
	}
	t.Run("probability", func(t *testing.T) {
		s.Fake.AddFault(faketest.Fault{Status: 503, Count: -1, Probability: 0.5})
		defer s.Fake.ClearFaults()
		hits := 0
		for range 200 {
			if calls["read"]().Status == 503 {
				hits++
			}
		}
		if hits < 50 || hits > 150 { // 7 standard deviations
			t.Errorf("got %d hits of 200, want about 100", hits)
		}
	})
	t.Run("not the fake's own interface", func(t *testing.T) {
		s.Fake.AddFault(faketest.Fault{Status: 503})
		defer s.Fake.ClearFaults()
		if got := s.Send("GET", "/fake/orders", ""); got.Status != 200 {
			t.Errorf("got %d", got.Status)
		}
	})
	t.Run("several rules", func(t *testing.T) {
		s.Fake.AddFault(faketest.Fault{Status: 503, Count: 2})
		s.Fake.AddFault(faketest.Fault{Status: 500})
		s.Fake.AddFault(faketest.Fault{NotJSON: true})
		for _, want := range []string{"503 true", "503 false", "200 false"} {
			got := calls["read"]()
			if state := strings.Fields(want); faketest.Text(got.Status) != state[0] || (got.Header.Get("Content-Type") == "text/html") != (state[1] == "true") {
				t.Errorf("got %d %s, want %s", got.Status, got.Header.Get("Content-Type"), want)
			}
		}
	})
}

// A client that goes away does not undo its call, whenever it goes.
func TestClientGoesAway(t *testing.T) {
	update := func(n string) string { return `{"merchant_reference1":"` + n + `"}` }
	t.Run("before it is stored", func(t *testing.T) {
		s := faketest.NewShop(t, fakeklarna.Options{})
		s.Start(faketest.CaseA())
		s.Fake.AddFault(faketest.Fault{Delay: fakeklarna.Duration(200 * time.Millisecond)})
		if got := s.SendFor(20*time.Millisecond, "POST", "/checkout/v3/orders/"+s.ID, update("slow")); got.Err == nil {
			t.Fatalf("got an answer: %d", got.Status)
		}
		if s.Order().MerchantReference1 != "100123" {
			t.Fatal("stored before the delay was over")
		}
		if got := s.Send("POST", "/checkout/v3/orders/"+s.ID, update("fast")); got.Status != 200 {
			t.Fatalf("a call that waits locks the order: got %d", got.Status)
		}
		until.Holds(t, "the slow update lands", func() bool { return s.Order().MerchantReference1 == "slow" })
	})
	t.Run("after it is stored", func(t *testing.T) {
		s := faketest.NewShop(t, fakeklarna.Options{})
		s.Start(faketest.CaseA())
		s.Fake.AddFault(faketest.Fault{DelayAfter: fakeklarna.Duration(20 * time.Second)})
		if got := s.SendFor(50*time.Millisecond, "POST", "/checkout/v3/orders/"+s.ID, update("slow")); got.Err == nil {
			t.Fatalf("got an answer: %d", got.Status)
		}
		if got := s.Order().MerchantReference1; got != "slow" {
			t.Fatalf("got %q, want it stored", got)
		}
		if got := s.Send("POST", "/checkout/v3/orders/"+s.ID, update("next")); got.Status != 200 {
			t.Fatalf("a call that waits locks the order: got %d", got.Status)
		}
		until.Holds(t, "the call that nobody waits for ends", func() bool { return s.Fake.Requests(s.ID)[1].Status == 200 })
	})
	t.Run("fake is reset", func(t *testing.T) {
		s := faketest.NewShop(t, fakeklarna.Options{})
		s.Fake.AddFault(faketest.Fault{Delay: fakeklarna.Duration(20 * time.Second)})
		done := make(chan faketest.Answer)
		go func() { done <- s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())) }()
		until.Holds(t, "the call arrives", func() bool { return len(s.Fake.Requests("")) == 1 })
		s.Fake.Reset()
		if got := <-done; got.Err == nil {
			t.Errorf("got %d, want no answer", got.Status)
		}
		if n := len(s.Fake.Orders()) + len(s.Fake.Requests("")); n != 0 {
			t.Errorf("%d orders and calls are left", n)
		}
	})
	t.Run("fake is closed", func(t *testing.T) {
		s := faketest.NewShop(t, fakeklarna.Options{})
		s.Fake.AddFault(faketest.Fault{DelayAfter: fakeklarna.Duration(20 * time.Second)})
		done := make(chan faketest.Answer)
		go func() { done <- s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())) }()
		until.Holds(t, "the call arrives", func() bool { return len(s.Fake.Orders()) == 1 })
		s.Fake.Close()
		if got := <-done; got.Err == nil {
			t.Errorf("got %d, want no answer", got.Status)
		}
	})
}

// Klarna gives up on a call after 30 s.
func TestServerLimit(t *testing.T) {
	for name, row := range map[string]struct {
		rule   faketest.Fault
		status int
		took   time.Duration
		stored bool
	}{
		"within":        {faketest.Fault{Delay: fakeklarna.Duration(20 * time.Second), DelayAfter: fakeklarna.Duration(9 * time.Second)}, 201, 29 * time.Second, true},
		"before stored": {faketest.Fault{Delay: fakeklarna.Duration(40 * time.Second)}, 504, 30 * time.Second, false},
		"after stored":  {faketest.Fault{Delay: fakeklarna.Duration(20 * time.Second), DelayAfter: fakeklarna.Duration(20 * time.Second)}, 504, 30 * time.Second, true},
		"with an error": {faketest.Fault{Delay: fakeklarna.Duration(40 * time.Second), Status: 400}, 504, 30 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := fakeklarna.New(fakeklarna.Options{})
				fake.AddFault(row.rule)
				r := httptest.NewRequestWithContext(t.Context(), "POST", "/checkout/v3/orders", strings.NewReader(faketest.Text(faketest.CaseA())))
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
	s := faketest.NewShop(t, fakeklarna.Options{})
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
		got := s.Send("POST", "/fake/faults", body)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(got.Body, &e); err != nil || got.Status != 400 || e.Error.Code != "bad_request" || !strings.Contains(e.Error.Message, want) {
			t.Errorf("%s: got %d %s, want 400 with %q", body, got.Status, got.Body, want)
		}
	}
	if rules := s.Fake.Faults(); len(rules) != 0 {
		t.Errorf("%d rules were kept", len(rules))
	}
	defer func() {
		if recover() == nil {
			t.Error("AddFault took a rule without effect")
		}
	}()
	s.Fake.AddFault(faketest.Fault{})
}

// Rules are listed as they were given, with what is left of their count.
func TestFaultList(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Send("POST", "/fake/faults", `{"method":"GET","path":"/checkout/v3/orders/*","count":2,"status":503,"delay":"120ms"}`)
	s.Send("POST", "/fake/faults", `{"reset":true}`)
	list := func() string { return strings.TrimSpace(string(s.Send("GET", "/fake/faults", "").Body)) }
	first := `{"id":1,"method":"GET","path":"/checkout/v3/orders/*","count":2,"status":503,"delay":"120ms"}`
	if diff := cmp.Diff(`{"faults":[`+first+`,{"id":2,"count":1,"reset":true}]}`, list()); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
	s.Send("POST", "/checkout/v3/orders", "{}")
	s.Send("GET", "/checkout/v3/orders/x", "")
	if diff := cmp.Diff(`{"faults":[`+strings.Replace(first, `"count":2`, `"count":1`, 1)+`]}`, list()); diff != "" {
		t.Errorf("after one hit each (-want +got):\n%s", diff)
	}
	if got := s.Send("DELETE", "/fake/faults", ""); got.Status != 200 || list() != `{"faults":[]}` {
		t.Errorf("after DELETE: got %d, %s", got.Status, list())
	}
}
