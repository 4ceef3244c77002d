package control_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// The fake's own interface needs no credentials and speaks JSON.
func TestControl(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
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
		got := s.SendAs("", "", row.method, row.path, row.body)
		if got.Status != row.status || !strings.Contains(string(got.Body), row.answer) {
			t.Errorf("%s %s %s: got %d %s, want %d with %s", row.method, row.path, row.body, got.Status, got.Body, row.status, row.answer)
		}
		if contentType := got.Header.Get("Content-Type"); contentType != "application/json" || !json.Valid(got.Body) {
			t.Errorf("%s %s: got %s %s, want JSON", row.method, row.path, contentType, got.Body)
		}
	}
}

// The JSON interface and the Go interface show the same.
func TestOrdersAreShown(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	for _, state := range []string{"aborted", "complete", "touched"} {
		s.Start(faketest.CaseA())
		faketest.States[state](s)
	}
	s.Fake.Advance(49 * time.Hour)
	newest := s.Start(faketest.CaseA())

	orders := s.Fake.Orders()
	var fakes []checkout.FakeState
	for _, o := range orders {
		fakes = append(fakes, *o.Fake)
		fakes[len(fakes)-1].ExpiresAt = ""
	}
	want := []checkout.FakeState{
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
	if at, err := time.Parse(time.RFC3339, orders[0].Fake.ExpiresAt); err != nil || at.Sub(s.Fake.Now()).Round(time.Minute) != 48*time.Hour {
		t.Errorf("got expires_at %q, now %v", orders[0].Fake.ExpiresAt, s.Fake.Now())
	}

	var list struct{ Orders []fakeklarna.Order }
	if err := json.Unmarshal(s.Send("GET", "/fake/orders", "").Body, &list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(orders, list.Orders); diff != "" {
		t.Errorf("GET /fake/orders (-Go +JSON):\n%s", diff)
	}
	if diff := cmp.Diff(orders[1], s.Send("GET", "/fake/orders/"+orders[1].OrderID, "").Order(t)); diff != "" {
		t.Errorf("GET /fake/orders/{id} (-Go +JSON):\n%s", diff)
	}
	if strings.Contains(string(s.Send("GET", "/checkout/v3/orders/"+s.ID, "").Body), `"fake"`) {
		t.Error("the API shows what only the fake knows")
	}
	if _, ok := s.Fake.Order("x"); ok {
		t.Error("found an order that was never made")
	}
}

// Each call is recorded, oldest first, with its bodies.
func TestRequestsAreRecorded(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	created := s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA()))
	s.ID = created.Order(t).OrderID
	s.Send("GET", "/checkout/v3/orders/"+s.ID, "")
	s.Send("POST", "/checkout/v3/orders", "not JSON")
	s.SendAs("demo", "secret-word", "GET", "/checkout/v3/orders/other", "")
	s.Send("GET", "/fake/orders", "")

	var list struct{ Requests []fakeklarna.Request }
	body := s.Send("GET", "/fake/requests", "").Body
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
		if !faketest.UUIDShape.MatchString(r.CorrelationID) || r.DurationMS < 0 || s.Fake.Now().Sub(r.Time) > time.Minute {
			t.Errorf("got %+v", r)
		}
	}
	want := []row{
		{"POST", "/checkout/v3/orders", s.ID, 201},
		{"GET", "/checkout/v3/orders/" + s.ID, s.ID, 200},
		{"POST", "/checkout/v3/orders", "", 400},
		{"GET", "/checkout/v3/orders/other", "other", 401},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Fatalf("recorded (-want +got):\n%s", diff)
	}
	first := list.Requests[0]
	if diff := cmp.Diff(faketest.Decode(faketest.Text(faketest.CaseA())), faketest.Decode(string(first.Request))); diff != "" {
		t.Errorf("request body (-sent +recorded):\n%s", diff)
	}
	if string(first.Response) != string(created.Body) || first.CorrelationID != created.Header.Get("Klarna-Correlation-Id") {
		t.Errorf("got response %s", first.Response)
	}
	if got := string(list.Requests[2].Request); got != `"not JSON"` {
		t.Errorf("got request %s", got)
	}
	if list.Requests[1].Request != nil && string(list.Requests[1].Request) != "null" {
		t.Errorf("a read has no body, got %s", list.Requests[1].Request)
	}
	if mine := s.Fake.Requests(s.ID); len(mine) != 2 {
		t.Errorf("got %d calls of the order, want 2", len(mine))
	}
}

// The record is bounded: the newest calls stay.
func TestRecordIsBounded(t *testing.T) {
	t.Run("calls", func(t *testing.T) {
		call := faketest.NewCaller(t)
		for range 10_005 {
			call.Do("GET", "/checkout/v3/orders/x", "")
		}
		call.Do("GET", "/checkout/v3/orders/newest", "")
		if record := call.Fake.Requests(""); len(record) != 10_000 || record[9_999].OrderID != "newest" {
			t.Errorf("got %d calls, the last of order %q", len(record), record[len(record)-1].OrderID)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		call := faketest.NewCaller(t)
		large := `"` + strings.Repeat("a", 4<<20) + `"`
		for range 20 {
			call.Do("POST", "/checkout/v3/orders", large)
		}
		if n := len(call.Fake.Requests("")); n != 15 {
			t.Errorf("got %d calls of 4 MiB, want 15 in 64 MiB", n)
		}
	})
}

// Reset forgets all and the fake works on.
func TestReset(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	s.Fake.AddFault(faketest.Fault{Status: 503})
	s.Fake.Advance(time.Hour)
	s.Fake.Reset()
	if n := len(s.Fake.Orders()) + len(s.Fake.Requests("")) + len(s.Fake.Faults()); n != 0 {
		t.Errorf("%d things are left", n)
	}
	if ahead := time.Until(s.Fake.Now()); ahead > time.Minute {
		t.Errorf("the clock is still %v ahead", ahead)
	}
	if got := s.Send("GET", "/checkout/v3/orders/"+s.ID, ""); got.Status != 404 {
		t.Errorf("got %d, want 404", got.Status)
	}
	s.Start(faketest.CaseA())
	if n := len(s.Fake.Requests("")); n != 2 {
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
	if _, err := fake.Shopper("x", faketest.Action{}); err == nil {
		t.Error("a shopper acted in an unknown order")
	}
}
