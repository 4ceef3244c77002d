package checkout_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// socks is a line that a shop offers.
func socks(pairs ...any) map[string]any {
	return faketest.With(map[string]any{"type": "physical", "reference": "SOCK-1", "name": "Sockor", "quantity": 1, "max_allowed_quantity": 3,
		"quantity_unit": "par", "unit_price": 9900, "tax_rate": 2500, "total_amount": 9900, "total_tax_amount": 1980}, pairs...)
}

func offering(until string, lines ...any) string {
	sent := map[string]any{"upsell_lines": lines}
	if until != "" {
		sent["last_upsell_time"] = until
	}
	return faketest.Text(sent)
}

// upsold makes an order of a shop that offers something, bought; pairs change it.
func upsold(t *testing.T, answer faketest.Says, pairs ...any) *faketest.Called {
	content := faketest.With(faketest.CaseA(), append([]any{"options.confirmation_page_upsell", true}, pairs...)...)
	c := faketest.NewCalled(t, content, "upsell", "upsell_validation")
	c.Will("upsell", answer)
	c.Will("upsell_validation", faketest.Says{Status: 200, Body: "{}"})
	if out := c.Act(`{"buy":{}}`); out.Refused != nil || out.Status != "checkout_complete" {
		t.Fatalf("got %+v", out)
	}
	return c
}

// sums are the order's in the checkout and in Order Management.
func sums(c *faketest.Called) string {
	o, m := c.Order(), *c.Order().Fake.OrderManagement
	return fmt.Sprintf("%d/%d %d lines, %s %d/%d/%d %d lines", o.OrderAmount, o.OrderTaxAmount, len(o.OrderLines),
		m.Status, m.OrderAmount, m.OriginalOrderAmount, m.RemainingAuthorizedAmount, len(m.OrderLines))
}

const (
	asBought = "44700/8940 2 lines, AUTHORIZED 44700/44700/44700 2 lines"
	withOne  = "54600/10920 3 lines, AUTHORIZED 54600/44700/54600 3 lines"
	withTwo  = "64500/12900 3 lines, AUTHORIZED 64500/44700/64500 3 lines"
)

// What the shopper takes on the confirmation page is added to the order; how shops answer.
// Source: docs.kustom.co, Upsell.
func TestUpsell(t *testing.T) {
	fine := faketest.Says{Status: 200, Body: offering("", socks())}
	rows := []struct {
		name   string
		says   faketest.Says // to upsell
		also   faketest.Says // to upsell_validation, status 0: 200
		change []any         // of the order
		before string        // an action before; "" = none
		action string
		code   string // of the refusal
		after  string
		calls  string // kinds of callbacks
		why    string // the last one's answer was not taken
	}{
		{name: "looks", says: fine, action: `{"upsell":{}}`, after: asBought, calls: "upsell"},
		{name: "looks twice", says: fine, before: `{"upsell":{}}`, action: `{"upsell":{}}`, after: asBought, calls: "upsell"},
		{name: "takes one", says: fine, action: `{"upsell":{"take":{"SOCK-1":1}}}`, after: withOne, calls: "upsell upsell_validation"},
		{name: "takes two", says: fine, before: `{"upsell":{}}`, action: `{"upsell":{"take":{"SOCK-1":2}}}`, after: withTwo, calls: "upsell upsell_validation"},
		{name: "takes one and one more", says: fine, before: `{"upsell":{"take":{"SOCK-1":1}}}`, action: `{"upsell":{"take":{"SOCK-1":1}}}`,
			after: "64500/12900 4 lines, AUTHORIZED 64500/44700/64500 4 lines", calls: "upsell upsell_validation upsell_validation"},
		{name: "more than the order was worth", says: faketest.Says{Status: 200, Body: offering("", socks("unit_price", 44800, "total_amount", 44800, "total_tax_amount", 8960))},
			action: `{"upsell":{"take":{"SOCK-1":1}}}`, code: "upsell_refused", after: asBought, calls: "upsell upsell_validation"},
		{name: "discounted", says: faketest.Says{Status: 200, Body: offering("", socks("quantity", 2, "total_discount_amount", 9900, "total_amount", 9900))},
			action: `{"upsell":{"take":{"SOCK-1":2}}}`, after: withOne, calls: "upsell upsell_validation"},
		{name: "nothing offered", says: faketest.Says{Status: 200, Body: `{"upsell_lines":[],"empty":true}`}, before: `{"upsell":{}}`, action: `{"upsell":{}}`, code: "upsell_over", after: asBought, calls: "upsell"},
		{name: "the time is over", says: faketest.Says{Status: 200, Body: offering("2000-01-01T00:00:00Z", socks())}, before: `{"upsell":{}}`, action: `{"upsell":{}}`, code: "upsell_over", after: asBought, calls: "upsell"},
		{name: "the shop fails", says: faketest.Says{Status: 500}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "500 is not 200"},
		{name: "no JSON", says: faketest.Says{Status: 200, Body: "<html>"}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad request: the body is not JSON"},
		{name: "a line that does not add up", says: faketest.Says{Status: 200, Body: offering("", socks("total_amount", 9901))}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad value: upsell_lines[0].total_amount"},
		{name: "a line's tax", says: faketest.Says{Status: 200, Body: offering("", socks("total_tax_amount", 1))}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad value: upsell_lines[0].total_tax_amount"},
		{name: "a line without reference", says: faketest.Says{Status: 200, Body: offering("", socks("reference", faketest.Gone{}))}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad value: upsell_lines[0].reference"},
		{name: "a line twice", says: faketest.Says{Status: 200, Body: offering("", socks(), socks())}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "upsell_lines[1].reference is that of another line"},
		{name: "a line that gives money", says: faketest.Says{Status: 200, Body: offering("", socks("unit_price", -9900, "total_amount", -9900, "total_tax_amount", -1980))}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad value: upsell_lines[0].unit_price"},
		{name: "a time that is none", says: faketest.Says{Status: 200, Body: offering("soon", socks())}, action: `{"upsell":{}}`, code: "upsell_failed", after: asBought, calls: "upsell", why: "Bad value: last_upsell_time"},
		{name: "the shop refuses", says: fine, also: faketest.Says{Status: 400, Body: `{"error_type":"x","error_message":"Sold out"}`}, action: `{"upsell":{"take":{"SOCK-1":1}}}`, code: "upsell_refused Sold out", after: asBought, calls: "upsell upsell_validation"},
		{name: "the shop refuses without a word", says: fine, also: faketest.Says{Status: 400}, action: `{"upsell":{"take":{"SOCK-1":1}}}`, code: "upsell_refused", after: asBought, calls: "upsell upsell_validation", why: "it says no error_message"},
		{name: "the shop fails to validate", says: fine, also: faketest.Says{Status: 503}, action: `{"upsell":{"take":{"SOCK-1":1}}}`, code: "upsell_failed", after: asBought, calls: "upsell upsell_validation", why: "503 is not 200"},
		{name: "Klarna refuses", says: fine, change: []any{"billing_address.email", "ada+denied-raise@example.com"}, action: `{"upsell":{"take":{"SOCK-1":1}}}`, code: "declined", after: asBought, calls: "upsell upsell_validation"},
		{name: "captured at once", says: fine, change: []any{"options.auto_capture", true}, action: `{"upsell":{}}`, code: "upsell_over", after: strings.Replace(asBought, "AUTHORIZED 44700/44700/44700", "CAPTURED 44700/44700/0", 1)},
		{name: "checked for fraud", says: fine, change: []any{"billing_address.email", "ada+pend-accept-05@example.com"}, action: `{"upsell":{}}`, code: "upsell_over", after: asBought},
		{name: "bought and looked at in one", says: fine, action: `{"upsell":{}}`, after: asBought, calls: "upsell"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := upsold(t, row.says, row.change...)
			if row.also.Status != 0 {
				c.Will("upsell_validation", row.also)
			}
			if row.before != "" {
				c.Act(row.before)
			}
			out := c.Act(row.action)
			code, text, _ := strings.Cut(row.code, " ")
			if got := out.Refused; got == nil && code != "" || got != nil && (got.Code != code || got.Message == "" || text != "" && got.Message != text) {
				t.Errorf("got %+v, want %q", got, row.code)
			}
			if got := sums(c); got != row.after {
				t.Errorf("after: got  %s\nwant %s", got, row.after)
			}
			if got := c.Kinds(); got != row.calls {
				t.Errorf("got the callbacks %q, want %q", got, row.calls)
			}
			why := ""
			if record := c.Fake.Callbacks(c.ID); len(record) > 0 {
				why = strings.TrimPrefix(record[len(record)-1].Error, "answer not taken: ")
			}
			if why != row.why {
				t.Errorf("the answer was not taken: got %q, want %q", why, row.why)
			}
			if err := faketest.AddsUp(c.Order()); err != nil {
				t.Error(err)
			}
			if err := c.Fake.Restore(c.Fake.Snapshot()); err != nil || sums(c) != row.after {
				t.Errorf("restored: %v, %s", err, sums(c))
			}
		})
	}
}

// What the shop is asked, and what the shopper sees.
func TestUpsellBodies(t *testing.T) {
	c := upsold(t, faketest.Says{Status: 200, Body: offering("", socks(), socks("reference", "CAP-1"))})
	out := c.Act(`{"upsell":{}}`)
	if len(out.Offers) != 2 || out.Offers[0].Reference != "SOCK-1" || out.Offers[0].MaxAllowedQuantity != 3 || out.OffersUntil == "" {
		t.Errorf("got %+v until %s", out.Offers, out.OffersUntil)
	}
	c.Act(`{"upsell":{"take":{"SOCK-1":2}}}`)
	asked := faketest.Decode(c.Received()[0].Body)
	lines := asked["order_lines"].([]any)
	delete(asked, "order_lines")
	if diff := cmp.Diff(map[string]any{"upsell_possible": true, "max_upsell_amount": json.Number("44700"), "purchase_currency": "SEK"}, asked); diff != "" || len(lines) != 2 {
		t.Errorf("upsell is asked for %d lines (-want +got):\n%s", len(lines), diff)
	}
	want := `{"upsell_lines":[{"type":"physical","reference":"SOCK-1","name":"Sockor","quantity":2,"quantity_unit":"par","unit_price":9900,"tax_rate":2500,` +
		`"total_amount":19800,"total_discount_amount":0,"total_tax_amount":3960}]}`
	if got := c.Received()[1]; got.Body != want || got.URL != "https://shop.example/kco/upsell_validation?kco="+c.ID {
		t.Errorf("got %+v, want %s", got, want)
	}
	read := c.Do("GET", "/checkout/v3/orders/"+c.ID, "")
	if o := read.Order(t); o.OrderAmount != 64500 || o.Status != "checkout_complete" || o.OrderLines[2].Reference != "SOCK-1" {
		t.Errorf("read again: %s", read.Body)
	}
}

// Actions that are not possible are told, and change nothing.
func TestUpsellImpossible(t *testing.T) {
	c := upsold(t, faketest.Says{Status: 200, Body: offering("", socks())})
	impossible := func(action, want string) {
		t.Helper()
		got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", action)
		if said := faketest.Decode(string(got.Body))["error"].(map[string]any)["message"]; got.Status != 400 || said != want {
			t.Errorf("%s: got %d %v, want %s", action, got.Status, said, want)
		}
	}
	for action, want := range map[string]string{
		`{"upsell":{"take":{"CAP-1":1}}}`:  `upsell.take: "CAP-1" is not offered`,
		`{"upsell":{"take":{"SOCK-1":0}}}`: `upsell.take: of "SOCK-1" from 1 to 3 in all, 0 are taken`,
		`{"upsell":{"take":{"SOCK-1":4}}}`: `upsell.take: of "SOCK-1" from 1 to 3 in all, 0 are taken`,
	} {
		impossible(action, want)
	}
	if got := sums(c); got != asBought {
		t.Errorf("got %s", got)
	}
	c.Act(`{"upsell":{"take":{"SOCK-1":2}}}`) // whose answer may be lost on its way
	impossible(`{"upsell":{"take":{"SOCK-1":2}}}`, `upsell.take: of "SOCK-1" from 1 to 3 in all, 2 are taken`)
	if got := sums(c); got != withTwo {
		t.Errorf("got %s", got)
	}
	for name, pairs := range map[string][]any{
		"the order is not bought":               {"options.confirmation_page_upsell", true, "merchant_urls.upsell", "https://shop.example/u"},
		"confirmation_page_upsell that is true": {"merchant_urls.upsell", "https://shop.example/u"},
	} {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), pairs...))
		action := `{"upsell":{}}`
		if name != "the order is not bought" {
			c.Act(`{"buy":{}}`)
		}
		if got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", action); got.Status != 400 || !strings.Contains(string(got.Body), name) {
			t.Errorf("%s: got %d %s", name, got.Status, got.Body)
		}
	}
}

// The push waits until nothing can be added any more. Source: docs.kustom.co, Upsell.
func TestUpsellHoldsThePush(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	rows := []struct {
		name   string
		change []any
		says   func() string // the answer to upsell
		looks  time.Duration // after the purchase; 0: never
		push   time.Duration // after the purchase
	}{
		{"no offers", []any{"options.confirmation_page_upsell", false}, nil, 0, 2 * time.Second},
		{"nobody looks", nil, nil, 0, 10 * time.Minute},
		{"offers for three minutes", nil, func() string { return offering(in(3*time.Minute), socks()) }, time.Minute, 4 * time.Minute},
		{"offers for an hour", nil, func() string { return offering(in(time.Hour), socks()) }, time.Minute, 61 * time.Minute},
		{"nothing to offer", nil, func() string { return `{"upsell_lines":[],"empty":true}` }, time.Minute, time.Minute},
		{"nothing to offer, at once", nil, func() string { return `{"upsell_lines":[],"empty":true}` }, time.Second, 2 * time.Second},
		{"captured at once", []any{"options.auto_capture", true}, nil, 0, 2 * time.Second},
		{"checked for fraud", []any{"billing_address.email", "ada+pend-accept-05@example.com"}, nil, 0, 2 * time.Second},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := upsold(t, faketest.Says{Status: 200}, row.change...)
				began := time.Now()
				pushed := func() bool {
					return slices.ContainsFunc(c.Received(), func(r faketest.Received) bool { return r.Kind == "push" })
				}
				if row.looks > 0 {
					time.Sleep(row.looks)
					c.Will("upsell", faketest.Says{Status: 200, Body: row.says()})
					c.Act(`{"upsell":{}}`)
				}
				time.Sleep(row.push - time.Since(began) - time.Millisecond)
				synctest.Wait()
				if row.push > row.looks && pushed() {
					t.Errorf("pushed before %v", row.push)
				}
				time.Sleep(2 * time.Millisecond)
				synctest.Wait()
				if !pushed() {
					t.Errorf("not pushed after %v", time.Since(began))
				}
				c.Fake.Close()
			})
		})
	}
}

// A shop's own clock does not move with the fake's.
func TestUpsellClock(t *testing.T) {
	c := faketest.NewCalledWith(t, fakeklarna.Options{}, faketest.With(faketest.CaseA(), "options.confirmation_page_upsell", true), "upsell")
	c.Fake.Advance(1000 * time.Hour)
	c.Will("upsell", faketest.Says{Status: 200, Body: offering(time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339), socks())})
	if got := c.Do("GET", "/checkout/v3/orders/"+c.ID, ""); got.Status != 404 {
		t.Fatalf("the order lives: %d", got.Status)
	}
	made := c.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.With(faketest.CaseA(), "options.confirmation_page_upsell", true, "merchant_urls.upsell", "https://shop.example/kco/upsell")))
	c.ID = made.Order(t).OrderID
	c.Act(`{"buy":{}}`)
	if out := c.Act(`{"upsell":{"take":{"SOCK-1":1}}}`); out.Refused != nil || len(out.Offers) != 1 {
		t.Errorf("got %+v", out)
	}
}
