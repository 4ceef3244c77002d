package checkout_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// wantError checks an error answer of the API, headers and all.
func wantError(t testing.TB, got faketest.Answer, status int, code, message string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(got.Body, &body); err != nil || got.Status != status {
		t.Fatalf("got %d %q (%v), want %d %s", got.Status, got.Body, err, status, message)
	}
	want := map[string]any{
		"error_code": code, "error_messages": []any{message}, "service_version": "SNAPSHOT",
		"correlation_id": got.Header.Get("Klarna-Correlation-Id"),
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("error body differs (-want +got):\n%s", diff)
	}
	wantHeaders(t, got)
	if got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got content type %q", got.Header.Get("Content-Type"))
	}
}

// wantHeaders checks the headers that each answer of the API has.
func wantHeaders(t testing.TB, got faketest.Answer) {
	t.Helper()
	if id := got.Header.Get("Klarna-Correlation-Id"); !faketest.UUIDShape.MatchString(id) {
		t.Errorf("got correlation ID %q, want a UUID", id)
	}
	for name, want := range map[string]string{"Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Server": "openresty"} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("got %s %q, want %q", name, value, want)
		}
	}
	if !regexp.MustCompile(`^\d+$`).MatchString(got.Header.Get("Render-Time")) {
		t.Errorf("got Render-Time %q, want milliseconds", got.Header.Get("Render-Time"))
	}
}

// Bodies that are no order at all.
func TestMalformedBodies(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	for name, body := range map[string]string{
		"list": "[]", "empty": "", "text": `"x"`, "null": "null", "cut short": `{"locale":`, "two values": "{} {}", "no JSON": "<html>",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/checkout/v3/orders", "/checkout/v3/orders/" + s.ID} {
				got := s.Send("POST", path, body)
				if got.Status != 400 || !bytes.Contains(got.Body, []byte(`"error_code":"BAD_REQUEST"`)) {
					t.Errorf("%s: got %d %s, want 400 BAD_REQUEST", path, got.Status, got.Body)
				}
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		got := s.Send("POST", "/checkout/v3/orders", `{"locale":"`+strings.Repeat("a", 9<<20)+`"}`)
		if got.Status != 413 {
			t.Errorf("got %d %s, want 413", got.Status, got.Body)
		}
	})
}

// The answer to a create: status, headers, members and their order, as recorded.
func TestCreateAnswer(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	for name, path := range map[string]string{"plain": "/checkout/v3/orders", "trailing slash": "/checkout/v3/orders/"} {
		t.Run(name, func(t *testing.T) {
			content := faketest.With(faketest.CaseA(), "merchant_urls.id", "57141", "unknown", 1, "order_id", "mine", "status", "checkout_complete",
				"order_lines[0].unknown", 1, "recurring", true, "started_at", 5, "selected_shipping_option", map[string]any{"id": "x"})
			got := s.Send("POST", path, faketest.Text(content))
			if got.Status != 201 {
				t.Fatalf("got %d %s, want 201", got.Status, got.Body)
			}
			wantHeaders(t, got)
			o := got.Order(t)
			if want := s.Fake.URL + "/checkout/v3/orders/" + o.OrderID; got.Header.Get("Location") != want || !faketest.UUIDShape.MatchString(o.OrderID) {
				t.Errorf("got Location %q, want %q", got.Header.Get("Location"), want)
			}
			if !strings.Contains(o.HTMLSnippet, "klarna-checkout-container") || o.StartedAt != o.LastModifiedAt {
				t.Errorf("got snippet %q, started %s, modified %s", o.HTMLSnippet, o.StartedAt, o.LastModifiedAt)
			}
			if _, err := time.Parse("2006-01-02T15:04:05Z", o.StartedAt); err != nil {
				t.Error(err)
			}
			snippet, _ := json.Marshal(o.HTMLSnippet)
			plain := bytes.NewBuffer(nil)
			if err := json.Compact(plain, got.Body); err != nil || plain.String() != string(got.Body) {
				t.Errorf("the body is not compact JSON: %v", err)
			}
			var escaped bytes.Buffer
			json.HTMLEscape(&escaped, got.Body)
			body := strings.Replace(escaped.String(), string(snippet), `"…"`, 1)
			want := `{"order_id":"` + o.OrderID + `","status":"checkout_incomplete","purchase_country":"se","purchase_currency":"SEK",` +
				`"locale":"sv-SE","billing_address":{"country":"se"},"customer":{},"shipping_address":{"country":"se"},` +
				`"order_amount":44700,"order_tax_amount":8940,"order_lines":[` +
				`{"type":"physical","reference":"MUG-1","name":"Mugg","quantity":2,"quantity_unit":"pcs","unit_price":19900,"tax_rate":2500,` +
				`"total_amount":39800,"total_discount_amount":0,"total_tax_amount":7960},` +
				`{"type":"shipping_fee","reference":"STD","name":"Frakt","quantity":1,"unit_price":4900,"tax_rate":2500,` +
				`"total_amount":4900,"total_discount_amount":0,"total_tax_amount":980}],` +
				`"merchant_urls":{"terms":"https://shop.example/terms","checkout":"https://shop.example/checkout?kco={checkout.order.id}",` +
				`"confirmation":"https://shop.example/thanks?kco={checkout.order.id}","push":"https://shop.example/kco/push?kco={checkout.order.id}"},` +
				`"html_snippet":"…","started_at":"` + o.StartedAt + `","last_modified_at":"` + o.StartedAt + `",` +
				`"options":{"allow_separate_shipping_address":false,"date_of_birth_mandatory":false,"require_validate_callback_success":false},` +
				`"external_payment_methods":[],"external_checkouts":[],"merchant_reference1":"100123","recurring":true}`
			if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("body differs (-want +got):\n%s", diff)
			}
		})
	}
	if orders := s.Fake.Orders(); len(orders) != 2 || orders[0].OrderID == orders[1].OrderID {
		t.Errorf("two creates of the same content left %d orders, want 2 different ones", len(orders))
	}
}

// Without PublicURL the address is the one by which the fake was called.
func TestLocationFollowsHost(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{PublicURL: "http://browsers.example/klarna"})
	got := s.Send("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA()))
	if want := s.Fake.URL + "/checkout/v3/orders/"; !strings.HasPrefix(got.Header.Get("Location"), want) {
		t.Errorf("got Location %q, want %q…", got.Header.Get("Location"), want)
	}
	if want := "http://browsers.example/klarna/"; !strings.Contains(got.Order(t).HTMLSnippet, want) {
		t.Errorf("the snippet does not lead to %s", want)
	}
}
