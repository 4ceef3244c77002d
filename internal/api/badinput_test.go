package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// everything is a session with every member that one can have.
const everything = `{
  "country": "SE", "currency": "SEK", "locale": "sv-SE",
  "order_lines": [{"id": "1", "reference": "TENT-2P", "name": "Tent", "quantity": 1, "unit_price": 249900, "tax_rate": 2500, "total_discount_amount": 100,
    "total_amount": 249800, "total_tax_amount": 49960, "type": "physical", "image_url": "https://example.com/a.png", "product_url": "https://example.com/a",
    "weight": 2100, "product_identifiers": {"brand": "b", "category_path": "c", "global_trade_item_number": "g", "manufacturer_part_number": "m"}, "merchant_data": "d"}],
  "delivery_options": [{"id": "parcel", "name": "Home", "description": "d", "price": 7900, "tax_rate": 2500, "preselected": true}],
  "shipping_countries": ["SE"], "billing_countries": ["SE"],
  "customer": {"type": "person", "email": "ada@example.com", "billing_address": {"given_name": "Ada", "postal_code": "11122", "country": "SE"},
    "shipping_address": {"street_address": "x 1"}, "prefill_consent": true},
  "mode": "embedded", "success_url": "https://example.com/t", "cancel_url": "https://example.com/c", "checkout_url": "https://example.com/k",
  "order_number": "W-1", "metadata": {"a": "b"}
}`

// Whatever stands in the place of any member is answered with 2xx or a 4xx that does not
// repeat it.
func TestBadSessions(t *testing.T) {
	w := world(t)
	c := calls(w)
	c.want(c.put("good", everything), 201, "")
	var whole any
	if err := json.Unmarshal([]byte(everything), &whole); err != nil {
		t.Fatal(err)
	}
	bad := []string{
		`null`, `true`, `-1`, `0`, `9007199254740993`, `1e300`, `0.5`, `""`, `"hunter2"`, `"hunter2\u0000"`, `"hunter2\ud800"`, `[]`, `[null]`, `["hunter2"]`, `{}`,
		`{"hunter": "hunter2"}`, `"` + strings.Repeat("hunter2", 400) + `"`, `"../hunter2"`, `"https://hunter2:x@y/"`, `"{REFERENCE}"`,
	}
	tried := 0
	each(whole, func(put func(any) any) {
		for _, text := range bad {
			body, err := json.Marshal(put(json.RawMessage(text)))
			if err != nil {
				t.Fatal(err)
			}
			got := c.Do(http.MethodPut, "/v1/checkout_sessions/bad", "application/json", string(body))
			tried++
			switch {
			case got.StatusCode >= 500, got.StatusCode >= 300 && got.StatusCode < 400:
				t.Errorf("%d to %s\n%s", got.StatusCode, body, got.Text)
			case got.StatusCode >= 400 && strings.Contains(got.Text, "hunter2"):
				t.Errorf("%s repeats what was sent: %s", text, got.Text)
			}
		}
	})
	if tried < 1000 {
		t.Errorf("only %d tried", tried)
	}
	for _, path := range []string{"/checkout_sessions", "/checkout_sessions/", "/checkout_sessions/a/b", "/checkout_sessions/%00", "/checkout_sessions/..%2f..", "/checkout_sessions/" + strings.Repeat("a", 65), "/checkout_sessions/a/expire/", "//", "/%ff"} {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"} {
			if got := c.Do(method, "/v1"+path, "application/json", everything); got.StatusCode < 300 || got.StatusCode >= 500 {
				t.Errorf("%s %s: %d %s", method, path, got.StatusCode, got.Text)
			}
		}
	}
}

// What is wrong is said in words for those who know neither Go nor our libraries.
func TestFaultWords(t *testing.T) {
	c := as(keyed(t), "all")
	for _, tt := range []struct{ method, path, body, want string }{
		{"PUT", "/checkout_sessions/a", basket(`{"reference": "A", "name": "A", "quantity": 1, "unit_price": 1000000000, "tax_rate": 0}`), "body.order_lines[0].unit_price: expected number <= 100000000"},
		{"PUT", "/checkout_sessions/a", basket(`{"reference": "A", "quantity": 0}`), "body.order_lines[0].quantity: expected number >= 1"},
		{"PUT", "/checkout_sessions/a", basket(`{"reference": "A", "name": "A", "quantity": 1, "unit_price": 1, "unit_price": 2, "tax_rate": 0}`), "body.order_lines[0].unit_price: stands twice"},
		{"PUT", "/checkout_sessions/a", `{"a: b": 1, "a: b": 2}`, "body.a: b: stands twice"},
		{"PUT", "/checkout_sessions/a", basket("{\"reference\": \"A\", \"name\": \"T\xe4lt\", \"quantity\": 1, \"unit_price\": 1, \"tax_rate\": 0}"), "body.order_lines[0].name: is not UTF-8"},
		{"PUT", "/checkout_sessions/a", basket(`{"reference": "A", "name": "A", "quantity": 1, "unit_price": 1, "tax_rate": 2.5}`), "body.order_lines[0].tax_rate: expected integer"},
		{"PUT", "/checkout_sessions/a", basket(`{"reference": "A", "name": "A", "quantity": 1e400, "unit_price": 1, "tax_rate": 0}`), "body.order_lines[0].quantity: expected number <= 1000000"},
		{"GET", "/orders?placed_after=yesterday", "", "query.placed_after: is no time such as 2026-11-30T08:15:00Z"},
		{"GET", "/orders?limit=ten", "", "query.limit: invalid integer"},
		{"GET", "/commands/hunter2xx12345678-1234-1234-1234-123456789012", "", "path.id: expected string to be RFC 4122 uuid"},
	} {
		var got []string
		for _, fault := range c.want(c.call(tt.method, tt.path, tt.body), 422, api.CodeInvalid).Problem.Errors {
			got = append(got, fault.Location+": "+fault.Message)
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s %s: %q, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

// Programs write whole numbers as 2500.0 and 1e3, too.
func TestWholeNumbers(t *testing.T) {
	w := world(t)
	c := calls(w)
	got := c.want(c.put("whole", basket(`{"reference": "A", "name": "A", "quantity": 2.0, "unit_price": 1e3, "tax_rate": 2.5E3}`)), 201, "")
	var session struct {
		OrderAmount int64 `json:"order_amount"`
		OrderLines  []struct {
			Quantity int64 `json:"quantity"`
			TaxRate  int64 `json:"tax_rate"`
		} `json:"order_lines"`
	}
	if err := json.Unmarshal([]byte(got.Text), &session); err != nil || session.OrderAmount != 6900 ||
		session.OrderLines[0].Quantity != 2 || session.OrderLines[0].TaxRate != 2500 {
		t.Errorf("%v: %s", err, got.Text)
	}
}

// each calls do for every member and element of a JSON value: put returns the whole with
// another value in its place.
func each(value any, do func(put func(any) any)) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			with := func(other any) any {
				m := maps.Clone(v)
				m[name] = other
				return m
			}
			do(with)
			each(member, func(put func(any) any) { do(func(x any) any { return with(put(x)) }) })
		}
	case []any:
		for i, element := range v {
			with := func(other any) any {
				s := slices.Clone(v)
				s[i] = other
				return s
			}
			do(with)
			each(element, func(put func(any) any) { do(func(x any) any { return with(put(x)) }) })
		}
	}
}

// A shop without a storefront has hosted pages, and no others of a shop.
func TestNoStorefront(t *testing.T) {
	w := world(t, func(c *shop.Config) {
		c.Published = publish.Fixed(publish.NewVersion(1, noStorefront(t), c.Published.Now().Catalog))
	})
	c := calls(w)
	b := w.Browser()
	made := c.want(c.put("b", basket(tent, home)), 201, "").Session
	_, id := open(w, b, made)
	for _, path := range []string{"/", "/cart", "/products/MUG-1", "/checkout"} {
		if got := b.Get(path); got.StatusCode != 404 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := b.Post("/cart/lines", "sku", "MUG-1", "quantity", "1"); got.StatusCode != 404 {
		t.Errorf("a line: %d", got.StatusCode)
	}
	w.Buy(id)
	if got := b.Get("/checkout/confirmation?order_id=" + id); got.StatusCode != 303 {
		t.Errorf("confirmation: %d", got.StatusCode)
	}
}

func noStorefront(t *testing.T) *settings.Shop {
	t.Helper()
	s := *shoptest.Own(t).Shop
	s.Storefront = false
	return &s
}
