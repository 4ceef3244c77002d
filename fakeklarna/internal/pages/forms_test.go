package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Every form works without a script: it does what it says and comes back.
func TestForms(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	order := func() fakeklarna.Order { t.Helper(); return s.Order() }
	for _, tt := range []struct {
		name, path string
		values     url.Values
		back       string // without the query
		check      func(t *testing.T)
	}{
		{"type", "orders/ID/shopper", url.Values{"type.email": {"ada@example.com"}, "type.city": {"Lund"}, "type.given_name": {""}}, "orders/ID", func(t *testing.T) {
			if diff := cmp.Diff(map[string]string{"email": "ada@example.com", "city": "Lund"}, order().Fake.Typed); diff != "" {
				t.Error(diff)
			}
		}},
		{"country", "orders/ID/shopper", url.Values{"country": {"no"}}, "orders/ID", func(t *testing.T) {
			if got := order().PurchaseCountry; got != "no" {
				t.Errorf("country = %s", got)
			}
		}},
		{"delivery", "orders/ID/shopper", url.Values{"shipping_option": {"express"}}, "orders/ID", func(t *testing.T) {
			if got := order().SelectedShippingOption; got == nil || got.ID != "express" {
				t.Errorf("option = %v", got)
			}
		}},
		{"buy", "orders/ID/shopper", url.Values{"do": {"buy"}, "method": {"card"}}, "orders/ID", func(t *testing.T) {
			if got := order(); got.Status != fakeklarna.StatusComplete || got.Fake.PaymentMethod != "card" {
				t.Errorf("%s by %s", got.Status, got.Fake.PaymentMethod)
			}
		}},
		{"clock", "clock", url.Values{"advance": {"49h"}, "back": {"clock"}}, "clock", func(t *testing.T) {
			if ahead := time.Until(s.Fake.Now()).Round(time.Minute); ahead != 49*time.Hour {
				t.Errorf("ahead by %v", ahead)
			}
		}},
		{"quick fault", "faults", url.Values{"quick": {"drop"}, "order_id": {"ID"}, "back": {"orders/ID"}}, "orders/ID", func(t *testing.T) {
			want := []fakeklarna.Fault{{ID: 1, OrderID: s.ID, Count: 1, DropReply: true}}
			if diff := cmp.Diff(want, s.Fake.Faults()); diff != "" {
				t.Error(diff)
			}
		}},
		{"fault", "faults", url.Values{
			"method": {"POST"}, "path": {"/checkout/v3/orders/*"}, "count": {"-1"}, "chance": {"12.5 %"}, "status": {"503"}, "body": {"busy"},
			"delay": {"1s"}, "jitter": {"200 ms"}, "delay_after": {"2s"}, "jitter_after": {"3s"}, "effect": {"drop_reply", "reset", "truncate", "not_json"}, "back": {"faults"},
		}, "faults", func(t *testing.T) {
			want := fakeklarna.Fault{
				ID: 1, Method: "POST", Path: "/checkout/v3/orders/*", Count: -1, Probability: .125, Status: 503, Body: "busy",
				Delay: fakeklarna.Duration(time.Second), Jitter: fakeklarna.Duration(200 * time.Millisecond),
				DelayAfter: fakeklarna.Duration(2 * time.Second), JitterAfter: fakeklarna.Duration(3 * time.Second),
				DropReply: true, Reset: true, Truncate: true, NotJSON: true,
			}
			if diff := cmp.Diff([]fakeklarna.Fault{want}, s.Fake.Faults()); diff != "" {
				t.Error(diff)
			}
		}},
		{"fault of a callback", "faults", url.Values{"callback": {"push"}, "effect": {"drop", "double", "reorder"}, "back": {"faults"}}, "faults", func(t *testing.T) {
			want := []fakeklarna.Fault{{ID: 1, Callback: "push", Count: 1, Drop: true, Double: true, Reorder: true}}
			if diff := cmp.Diff(want, s.Fake.Faults()); diff != "" {
				t.Error(diff)
			}
		}},
		{"remove a fault that is gone", "faults/7", url.Values{"back": {"faults"}}, "faults", func(*testing.T) {}},
		{"remove all", "faults", url.Values{"do": {"clear"}, "back": {"faults"}}, "faults", func(t *testing.T) {
			if n := len(s.Fake.Faults()); n != 0 {
				t.Errorf("%d are left", n)
			}
		}},
		{"forget", "reset", url.Values{}, "", func(t *testing.T) {
			if n := len(s.Fake.Orders()); n != 0 {
				t.Errorf("%d orders are left", n)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Fake.Reset()
			s.Start(faketest.With(faketest.CaseA(), "shipping_options", []any{map[string]any{"id": "express", "name": "Express", "price": 100, "tax_amount": 20, "tax_rate": 2500}}))
			fill := strings.NewReplacer("ID", s.ID)
			for _, values := range tt.values {
				for i := range values {
					if strings.HasSuffix(values[i], "ID") {
						values[i] = fill.Replace(values[i])
					}
				}
			}
			got := s.Browse(http.MethodPost, fill.Replace(tt.path), tt.values, nil)
			at, _, _ := strings.Cut(got.Header.Get("Location"), "?done=")
			if want := "/klarna/fake/" + fill.Replace(tt.back); got.Status != http.StatusSeeOther || at != want {
				t.Errorf("%d to %q, want 303 to %q\n%s", got.Status, at, want, got.Body)
			}
			tt.check(t)
			_, path, _ := strings.Cut(got.Header.Get("Location"), "/fake/")
			if said := s.Page(path, 200).One(t, "#said").Text(); said == "" {
				t.Error("the page says nothing")
			}
		})
	}
}

// A form that cannot be carried out says so on its page, and nothing happened.
func TestFormsRefused(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	for _, tt := range []struct {
		name, path string
		values     url.Values
		want, h1   string
	}{
		{"e-mail", "orders/ID/shopper", url.Values{"type.email": {"nobody"}}, "is not an e-mail address", "ID"},
		{"country", "orders/ID/shopper", url.Values{"country": {"XX"}}, "is not a country", "ID"},
		{"method", "orders/ID/shopper", url.Values{"do": {"buy"}, "method": {"beads"}}, "is none of", "ID"},
		{"declined", "orders/ID/shopper", url.Values{"do": {"buy"}, "decision": {"decline"}}, "Refused, declined.", "ID"},
		{"persona", "orders/ID/shopper", url.Values{"do": {"buy"}, "persona": {"shopper+denied@example.com"}}, "Refused, declined.", "ID"},
		{"clock", "clock", url.Values{"advance": {"soon"}, "back": {"orders/ID"}}, "is not a time span", "ID"},
		{"clock backwards", "clock", url.Values{"advance": {"-1h"}, "back": {"clock"}}, "forward only", "Clock"},
		{"no effect", "faults", url.Values{"back": {"faults"}}, "no effect", "Faults"},
		{"count", "faults", url.Values{"back": {"faults"}, "status": {"500"}, "count": {"many"}}, "not a whole number", "Faults"},
		{"delay", "faults", url.Values{"back": {"faults"}, "delay": {"12"}}, "not a time span", "Faults"},
		{"chance", "faults", url.Values{"back": {"faults"}, "status": {"500"}, "chance": {"NaN"}}, "not a percentage", "Faults"},
		{"back to elsewhere", "clock", url.Values{"advance": {"soon"}, "back": {"//evil.example"}}, "is not a time span", "Orders"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Fake.Reset()
			s.Start(faketest.CaseA())
			for _, values := range tt.values {
				values[0] = strings.Replace(values[0], "ID", s.ID, 1)
			}
			got := s.Browse(http.MethodPost, strings.Replace(tt.path, "ID", s.ID, 1), tt.values, nil)
			doc := faketest.Parse(t, string(got.Body))
			if said := doc.One(t, "#wrong").Text(); got.Status != 422 || !strings.Contains(said, tt.want) {
				t.Errorf("%d, %q, want 422 with %q", got.Status, said, tt.want)
			}
			if h1 := doc.One(t, "h1").Text(); h1 != strings.Replace(tt.h1, "ID", s.ID, 1) {
				t.Errorf("on page %q", h1)
			}
			if title := doc.One(t, "title").Text(); !strings.HasPrefix(title, "Error: ") {
				t.Errorf("title = %q", title)
			}
			if o := s.Order(); o.Status != fakeklarna.StatusIncomplete || len(s.Fake.Faults()) > 0 || time.Until(s.Fake.Now()) > time.Minute {
				t.Error("something happened all the same")
			}
		})
	}
	s.Fake.Reset()
	if got := s.Browse(http.MethodPost, "orders/x/shopper", url.Values{"do": {"buy"}}, nil); got.Status != 404 {
		t.Errorf("form of an unknown order: %d", got.Status)
	}
	got := s.Browse(http.MethodPost, "clock", url.Values{"advance": {"1h"}, "back": {"//evil.example"}}, nil)
	if at := got.Header.Get("Location"); at != "/klarna/fake/?done=clock" {
		t.Errorf("a form returns to %s", at)
	}
}

// Pages of other sites change nothing, whichever way they ask; programs may.
func TestCrossOrigin(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	for _, tt := range []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"a program", map[string]string{"Accept": "*/*"}, 200},
		{"the fake's own page", map[string]string{"Accept": "*/*", "Sec-Fetch-Site": "same-origin"}, 200},
		{"another site", map[string]string{"Accept": "*/*", "Sec-Fetch-Site": "cross-site"}, 403},
		{"another site's form", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"an old browser on another site", map[string]string{"Accept": "*/*", "Origin": "https://evil.example"}, 403},
		{"a sandboxed frame", map[string]string{"Accept": "*/*", "Origin": "null"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Fake.AddFault(faketest.Fault{Status: 500})
			for _, call := range [][2]string{{"POST", "reset"}, {"DELETE", "faults"}} {
				if got := s.Browse(call[0], call[1], nil, tt.header); got.Status != tt.want {
					t.Errorf("%s %s: %d, want %d", call[0], call[1], got.Status, tt.want)
				}
			}
			if n := len(s.Fake.Faults()); (n > 0) != (tt.want == 403) {
				t.Errorf("%d faults are left", n)
			}
			s.Fake.Reset()
		})
	}
	if got := s.Browse(http.MethodGet, "orders", nil, map[string]string{"Sec-Fetch-Site": "cross-site"}); got.Status != 200 {
		t.Errorf("a link from elsewhere: %d", got.Status)
	}
}

// One rule can be removed by its ID.
func TestRemoveFault(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Fake.AddFault(faketest.Fault{Status: 500})
	s.Fake.AddFault(faketest.Fault{Status: 503})
	if got := s.Send("DELETE", "/fake/faults/1", ""); got.Status != 200 || !strings.Contains(string(got.Body), `"status":503`) {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	for _, id := range []string{"1", "x"} {
		if got := s.Send("DELETE", "/fake/faults/"+id, ""); got.Status != 404 || !strings.Contains(string(got.Body), "no_such_fault") {
			t.Errorf("%s: %d %s", id, got.Status, got.Body)
		}
	}
	if got := s.Send("GET", "/checkout/v3/orders/x", ""); got.Status != 503 {
		t.Errorf("the rule that stays: %d", got.Status)
	}
	if got := s.Send("DELETE", "/fake/faults/2", ""); got.Status != 404 {
		t.Errorf("removed a rule that has had its hit: %d", got.Status)
	}
}

// A rule reads as a sentence.
func TestFaultSentences(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	second := fakeklarna.Duration(time.Second)
	for _, tt := range []struct {
		fault faketest.Fault
		want  string
	}{
		{faketest.Fault{Status: 500}, "The next call is answered 500. 1 hit left"},
		{faketest.Fault{Status: 500, Count: 3}, "The next 3 calls are answered 500. 3 hits left"},
		{faketest.Fault{Status: 429, Count: -1, Probability: .2}, "Every call with a chance of 20 % is answered 429. any number of hits"},
		{faketest.Fault{Method: "POST", Path: "/checkout/v3/orders/*", DropReply: true}, "The next POST call to /checkout/v3/orders/* is stored, then loses its answer. 1 hit left"},
		{faketest.Fault{OrderID: "0d1f7c8e-53b2", DelayAfter: 12 * second}, "The next call of order 0d1f7c8e is stored, then waits 12 s for its answer. 1 hit left, order"},
		{faketest.Fault{Delay: second, Jitter: second / 2, Reset: true, Count: 2}, "The next 2 calls wait 1 s to 1.5 s first and have their connections reset. 2 hits left"},
		{faketest.Fault{Truncate: true, NotJSON: true, Delay: 90 * second}, "The next call waits 1m30s first, gets half of its answer and gets a page of HTML. 1 hit left"},
		{faketest.Fault{Callback: "push", Drop: true}, "The next push callback is not sent. 1 hit left"},
		{faketest.Fault{Callback: "*", Double: true, Reorder: true, Count: -1}, "Every callback is sent twice and waits until another one was sent. any number of hits"},
	} {
		s.Fake.ClearFaults()
		s.Fake.AddFault(tt.fault)
		if got := s.Page("faults", 200).One(t, ".rules").One(t, "p").Words(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// Where the shop offers no delivery, a shipping assistant can.
func TestAssistantForm(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	offer := func() string { return s.Page("orders/"+s.ID, 200).Text() }
	if text := offer(); !strings.Contains(text, "Ask a shipping assistant") {
		t.Errorf("the page does not offer it: %s", text)
	}
	if got := s.Browse("POST", "orders/"+s.ID+"/shopper", url.Values{"do": {"assistant"}}, nil); got.Status != 303 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	for _, want := range []string{"Hemleverans", "Utlämningsställe, Kiosk 24", "Utlämningsställe, City Market"} {
		if text := offer(); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
