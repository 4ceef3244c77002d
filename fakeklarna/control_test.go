package fakeklarna_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// The fake's own interface needs no credentials and speaks JSON.
func TestControl(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	rows := []struct {
		method, path, body string
		status             int
		answer             string // a part of it
	}{
		{"GET", "/fake/orders", "", 200, `{"orders":[]}`},
		{"GET", "/fake/orders/x", "", 404, `"code":"no_such_order"`},
		{"GET", "/fake/requests", "", 200, `{"requests":[]}`},
		{"GET", "/fake/callbacks", "", 200, `{"callbacks":[]}`},
		{"GET", "/fake/faults", "", 200, `{"faults":[]}`},
		{"GET", "/fake/clock", "", 200, `"offset":"0s"`},
		{"POST", "/fake/clock", `{"advance":"49h"}`, 200, `"offset":"49h0m0s"`},
		{"POST", "/fake/clock", `{"advance":"1h"}`, 200, `"offset":"50h0m0s"`},
		{"POST", "/fake/clock", `{"advance":"-1h"}`, 400, "forward only"},
		{"POST", "/fake/clock", `{"advance":"2540400h"}`, 400, "century"},
		{"POST", "/fake/clock", `{"advance":"soon"}`, 400, "invalid duration"},
		{"POST", "/fake/clock", `{"advance":49}`, 400, "cannot unmarshal"},
		{"POST", "/fake/clock", `{}`, 400, "is missing"},
		{"POST", "/fake/clock", ``, 400, "EOF"},
		{"GET", "/fake/clock", "", 200, `"offset":"50h0m0s"`},
		{"POST", "/fake/reset", "", 200, `{}`},
		{"GET", "/fake/clock", "", 200, `"offset":"0s"`},
		{"PUT", "/fake/clock", "", 405, `this address takes GET, POST`},
		{"GET", "/fake/reset", "", 405, `"code":"method_not_allowed"`},
		{"GET", "/fake/nothing", "", 404, `"code":"not_found"`},
	}
	for _, row := range rows {
		got := s.sendAs("", "", row.method, row.path, row.body)
		if got.status != row.status || !strings.Contains(string(got.body), row.answer) {
			t.Errorf("%s %s %s: got %d %s, want %d with %s", row.method, row.path, row.body, got.status, got.body, row.status, row.answer)
		}
		if contentType := got.header.Get("Content-Type"); contentType != "application/json" || !json.Valid(got.body) {
			t.Errorf("%s %s: got %s %s, want JSON", row.method, row.path, contentType, got.body)
		}
	}
}

// The JSON interface and the Go interface show the same.
func TestOrdersAreShown(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	for _, state := range []string{"aborted", "complete", "touched"} {
		s.start(caseA())
		states[state](s)
	}
	s.fake.Advance(49 * time.Hour)
	newest := s.start(caseA())

	orders := s.fake.Orders()
	var fakes []fakeklarna.FakeState
	for _, o := range orders {
		fakes = append(fakes, *o.Fake)
		fakes[len(fakes)-1].ExpiresAt = ""
	}
	want := []fakeklarna.FakeState{
		{Typed: map[string]string{}},
		{Expired: true, Typed: map[string]string{"email": "a@b.example"}},
		{Typed: fakes[2].Typed, PaymentMethod: "pay_later", OrderManagement: fakes[2].OrderManagement},
		{Expired: true, Aborted: true, Typed: map[string]string{}},
	}
	if diff := cmp.Diff(want, fakes); diff != "" {
		t.Fatalf("newest first (-want +got):\n%s", diff)
	}
	if orders[0].OrderID != newest.OrderID {
		t.Errorf("got %s first, want %s", orders[0].OrderID, newest.OrderID)
	}
	if at, err := time.Parse(time.RFC3339, orders[0].Fake.ExpiresAt); err != nil || at.Sub(s.fake.Now()).Round(time.Minute) != 48*time.Hour {
		t.Errorf("got expires_at %q, now %v", orders[0].Fake.ExpiresAt, s.fake.Now())
	}

	var list struct{ Orders []fakeklarna.Order }
	if err := json.Unmarshal(s.send("GET", "/fake/orders", "").body, &list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(orders, list.Orders); diff != "" {
		t.Errorf("GET /fake/orders (-Go +JSON):\n%s", diff)
	}
	if diff := cmp.Diff(orders[1], s.send("GET", "/fake/orders/"+orders[1].OrderID, "").order(t)); diff != "" {
		t.Errorf("GET /fake/orders/{id} (-Go +JSON):\n%s", diff)
	}
	if strings.Contains(string(s.send("GET", "/checkout/v3/orders/"+s.id, "").body), `"fake"`) {
		t.Error("the API shows what only the fake knows")
	}
	if _, ok := s.fake.Order("x"); ok {
		t.Error("found an order that was never made")
	}
}

// Each call is recorded, oldest first, with its bodies.
func TestRequestsAreRecorded(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	created := s.send("POST", "/checkout/v3/orders", text(caseA()))
	s.id = created.order(t).OrderID
	s.send("GET", "/checkout/v3/orders/"+s.id, "")
	s.send("POST", "/checkout/v3/orders", "not JSON")
	s.sendAs("demo", "secret-word", "GET", "/checkout/v3/orders/other", "")
	s.send("GET", "/fake/orders", "")

	var list struct{ Requests []fakeklarna.Request }
	body := s.send("GET", "/fake/requests", "").body
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "secret-word") {
		t.Error("credentials were recorded")
	}
	type row struct {
		Method, Path, OrderID string
		Status                int
	}
	var rows []row
	for _, r := range list.Requests {
		rows = append(rows, row{r.Method, r.Path, r.OrderID, r.Status})
		if !uuidShape.MatchString(r.CorrelationID) || r.DurationMS < 0 || s.fake.Now().Sub(r.Time) > time.Minute {
			t.Errorf("got %+v", r)
		}
	}
	want := []row{
		{"POST", "/checkout/v3/orders", s.id, 201},
		{"GET", "/checkout/v3/orders/" + s.id, s.id, 200},
		{"POST", "/checkout/v3/orders", "", 400},
		{"GET", "/checkout/v3/orders/other", "other", 401},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Fatalf("recorded (-want +got):\n%s", diff)
	}
	first := list.Requests[0]
	if diff := cmp.Diff(decode(text(caseA())), decode(string(first.Request))); diff != "" {
		t.Errorf("request body (-sent +recorded):\n%s", diff)
	}
	if string(first.Response) != string(created.body) || first.CorrelationID != created.header.Get("Klarna-Correlation-Id") {
		t.Errorf("got response %s", first.Response)
	}
	if got := string(list.Requests[2].Request); got != `"not JSON"` {
		t.Errorf("got request %s", got)
	}
	if list.Requests[1].Request != nil && string(list.Requests[1].Request) != "null" {
		t.Errorf("a read has no body, got %s", list.Requests[1].Request)
	}
	if mine := s.fake.Requests(s.id); len(mine) != 2 {
		t.Errorf("got %d calls of the order, want 2", len(mine))
	}
}

// The record is bounded: the newest calls stay.
func TestRecordIsBounded(t *testing.T) {
	t.Run("calls", func(t *testing.T) {
		call := newCaller(t)
		for range 10_005 {
			call.do("GET", "/checkout/v3/orders/x", "")
		}
		call.do("GET", "/checkout/v3/orders/newest", "")
		if record := call.fake.Requests(""); len(record) != 10_000 || record[9_999].OrderID != "newest" {
			t.Errorf("got %d calls, the last of order %q", len(record), record[len(record)-1].OrderID)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		call := newCaller(t)
		large := `"` + strings.Repeat("a", 4<<20) + `"`
		for range 20 {
			call.do("POST", "/checkout/v3/orders", large)
		}
		if n := len(call.fake.Requests("")); n != 15 {
			t.Errorf("got %d calls of 4 MiB, want 15 in 64 MiB", n)
		}
	})
}

// Reset forgets all and the fake works on.
func TestReset(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	s.fake.AddFault(fault{Status: 503})
	s.fake.Advance(time.Hour)
	s.fake.Reset()
	if n := len(s.fake.Orders()) + len(s.fake.Requests("")) + len(s.fake.Faults()); n != 0 {
		t.Errorf("%d things are left", n)
	}
	if ahead := time.Until(s.fake.Now()); ahead > time.Minute {
		t.Errorf("the clock is still %v ahead", ahead)
	}
	if got := s.send("GET", "/checkout/v3/orders/"+s.id, ""); got.status != 404 {
		t.Errorf("got %d, want 404", got.status)
	}
	s.start(caseA())
	if n := len(s.fake.Requests("")); n != 2 {
		t.Errorf("got %d calls, want 2", n)
	}
}

func TestMisuseOfTheGoInterface(t *testing.T) {
	fake := fakeklarna.New(fakeklarna.Options{})
	for name, misuse := range map[string]func(){
		"clock backwards":   func() { fake.Advance(-time.Second) },
		"public URL no URL": func() { fakeklarna.New(fakeklarna.Options{PublicURL: "localhost:9090"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
	}
	if _, err := fake.Shopper("x", action{}); err == nil {
		t.Error("a shopper acted in an unknown order")
	}
}
