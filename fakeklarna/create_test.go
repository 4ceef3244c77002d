package fakeklarna_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// What is refused, by what was changed in a good order; one row per rule. A
// refused create makes no order, a refused update changes none.
func TestRefusedContent(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	rows := []struct {
		name    string
		message string // after "Bad value: "
		changes []any
	}{
		// Documented texts.
		{"tax of a line 2 above", "total_tax_amount", []any{"order_lines[0].total_tax_amount", 7962, "order_tax_amount", 8942}},
		{"sum of tax 1 above", "order_tax_amount", []any{"order_tax_amount", 8941}},
		{"sum below", "order_amount", []any{"order_amount", 44600}},
		{"total of a line", "total_amount", []any{"order_lines[0].total_amount", 39700}},
		{"total of a line, sums adapted", "total_amount", []any{"order_lines[0].total_amount", 39700, "order_amount", 44600}},
		{"rate in percent", "total_tax_amount", []any{"order_lines[0].tax_rate", 25}},
		{"locale with underscore", "locale", []any{"locale", "sv_SE"}},
		{"terms not http", "merchant_urls.terms (must be a valid http or https URI)", []any{"merchant_urls.terms", "ftp://x"}},
		{"currency not configured", "purchase_currency (order billing country is: SE, configured currencies are: " +
			"AUD, CAD, CHF, CZK, DKK, EUR, GBP, NOK, NZD, PLN, RON, SEK, USD)", []any{"purchase_currency", "JPY"}},

		// Required members.
		{"no country", "purchase_country", []any{"purchase_country", gone{}}},
		{"no currency", "purchase_currency", []any{"purchase_currency", gone{}}},
		{"no locale", "locale", []any{"locale", gone{}}},
		{"no amount", "order_amount", []any{"order_amount", gone{}}},
		{"no tax", "order_tax_amount", []any{"order_tax_amount", gone{}}},
		{"no lines", "order_lines", []any{"order_lines", gone{}}},
		{"null is none", "order_lines", []any{"order_lines", nil}},
		{"no URLs", "merchant_urls", []any{"merchant_urls", gone{}}},
		{"no terms", "merchant_urls.terms", []any{"merchant_urls.terms", gone{}}},
		{"no checkout", "merchant_urls.checkout", []any{"merchant_urls.checkout", gone{}}},
		{"no confirmation", "merchant_urls.confirmation", []any{"merchant_urls.confirmation", gone{}}},
		{"no push", "merchant_urls.push", []any{"merchant_urls.push", gone{}}},
		{"line without name", "order_lines[0].name", []any{"order_lines[0].name", gone{}}},
		{"line without quantity", "order_lines[0].quantity", []any{"order_lines[0].quantity", gone{}}},
		{"line without price", "order_lines[0].unit_price", []any{"order_lines[0].unit_price", gone{}}},
		{"line without rate", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", gone{}}},
		{"line without total", "order_lines[0].total_amount", []any{"order_lines[0].total_amount", gone{}}},
		{"line without tax", "order_lines[1].total_tax_amount", []any{"order_lines[1].total_tax_amount", gone{}}},
		{"misspelt member", "order_tax_amount", []any{"order_tax_amount", gone{}, "Order_Tax_Amount", 8940}},

		// Types and patterns.
		{"country in three letters", "purchase_country", []any{"purchase_country", "SWE"}},
		{"country unknown", "purchase_country", []any{"purchase_country", "XX"}},
		{"currency in two letters", "purchase_currency", []any{"purchase_currency", "SE"}},
		{"locale a number", "locale", []any{"locale", 1}},
		{"amount a text", "order_amount", []any{"order_amount", "44700"}},
		{"amount a fraction", "order_amount", []any{"order_amount", 44700.5}},
		{"amount beyond int64", "order_amount", []any{"order_amount", json.Number("92233720368547758070")}},
		{"amount negative", "order_amount", []any{"order_amount", -1}},
		{"lines an object", "order_lines", []any{"order_lines", map[string]any{}}},
		{"line a text", "order_lines[0]", []any{"order_lines", []any{"x"}}},
		{"1001 lines", "order_lines", []any{"order_lines", make([]any, 1001)}},
		{"fraction of a piece", "order_lines[0].quantity", []any{"order_lines[0].quantity", 1.5}},
		{"quantity negative", "order_lines[0].quantity", []any{"order_lines[0].quantity", -1}},
		{"line of no known type", "order_lines[0].type", []any{"order_lines[0].type", "phsyical"}},
		{"type of Order Management", "order_lines[0].type", []any{"order_lines[0].type", "return_fee"}},
		{"discount negative", "order_lines[0].total_discount_amount", []any{"order_lines[0].total_discount_amount", -1}},
		{"rate above 100 %", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", 10001}},
		{"rate negative", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", -1}},
		{"recurring a text", "recurring", []any{"recurring", "true"}},
		{"e-mail a number", "billing_address.email", []any{"billing_address.email", 1}},
		{"address country in three letters", "billing_address.country", []any{"billing_address.country", "swe"}},
		{"customer type", "customer.type", []any{"customer.type", "dog"}},
		{"date of birth", "customer.date_of_birth", []any{"customer.date_of_birth", "21.3.1941"}},
		{"colour", "options.color_button", []any{"options.color_button", "red"}},
		{"acquiring channel", "options.acquiring_channel", []any{"options.acquiring_channel", "WEB"}},
		{"no customer type allowed", "options.allowed_customer_types", []any{"options.allowed_customer_types", []string{}}},
		{"checkbox without text", "options.additional_checkbox.text", []any{"options.additional_checkbox", map[string]any{"checked": true, "required": true}}},
		{"attachment without body", "attachment.body", []any{"attachment.content_type", "x"}},
		{"shipping country", "shipping_countries[1]", []any{"shipping_countries", []string{"SE", "NOR"}}},
		{"shipping option without rate", "shipping_options[0].tax_rate", []any{"shipping_options", []any{map[string]any{
			"id": "a", "name": "A", "price": 1, "tax_amount": 0}}}},
		{"external payment not https", "external_payment_methods[0].redirect_url", []any{"external_payment_methods", []any{map[string]any{
			"name": "A", "redirect_url": "http://a.example"}}}},
		{"external checkout without image", "external_checkouts[0].image_url", []any{"external_checkouts", []any{map[string]any{
			"name": "A", "redirect_url": "https://a.example"}}}},
		{"discount line positive", "discount_lines[0].unit_price", []any{"discount_lines", []any{map[string]any{
			"name": "A", "quantity": 1, "unit_price": 1, "tax_rate": 0, "total_amount": 0, "total_tax_amount": 0}}}},
		{"subscription interval", "order_lines[0].subscription.interval", []any{"order_lines[0].subscription", map[string]any{
			"interval": "FORTNIGHT", "interval_count": 1}}},

		// Limits.
		{"name empty", "order_lines[0].name", []any{"order_lines[0].name", ""}},
		{"name of 256", "order_lines[0].name", []any{"order_lines[0].name", long(256)}},
		{"reference of 256", "order_lines[0].reference", []any{"order_lines[0].reference", long(256)}},
		{"unit empty", "order_lines[0].quantity_unit", []any{"order_lines[0].quantity_unit", ""}},
		{"unit of 9", "order_lines[0].quantity_unit", []any{"order_lines[0].quantity_unit", long(9)}},
		{"price above a million", "order_lines[0].unit_price", []any{"order_lines[0].unit_price", 100000001}},
		{"total above a million", "order_lines[0].total_amount", []any{"order_lines[0].total_amount", 100000001}},
		{"product URL of 1025", "order_lines[0].product_url", []any{"order_lines[0].product_url", long(1025)}},
		{"image URL of 1025", "order_lines[0].image_url", []any{"order_lines[0].image_url", long(1025)}},
		{"line's data of 1025", "order_lines[0].merchant_data", []any{"order_lines[0].merchant_data", long(1025)}},
		{"brand of 71", "order_lines[0].product_identifiers.brand", []any{"order_lines[0].product_identifiers.brand", long(71)}},
		{"merchant_data of 6001", "merchant_data", []any{"merchant_data", long(6001)}},
		{"reference 1 of 256", "merchant_reference1", []any{"merchant_reference1", long(256)}},
		{"reference 2 of 256", "merchant_reference2", []any{"merchant_reference2", long(256)}},
		{"URL of 2001", "merchant_urls.checkout", []any{"merchant_urls.checkout", "https://shop.example/" + strings.Repeat("a", 1980)}},

		// Products beyond int64 are no way around the arithmetic.
		{"product overflows to the total", "total_amount", []any{"order_lines", []line{
			{Type: "physical", Name: "x", Quantity: 1 << 62, UnitPrice: 4, TotalAmount: 0}}, "order_amount", 0, "order_tax_amount", 0}},
		{"tax overflows", "total_tax_amount", []any{"order_lines", []line{
			{Type: "physical", Name: "x", Quantity: 1, UnitPrice: 0, TaxRate: 2500, TotalTaxAmount: 1 << 62}}, "order_amount", 0, "order_tax_amount", 1 << 62}},

		// URLs.
		{"checkout relative", "merchant_urls.checkout (must be a valid http or https URI)", []any{"merchant_urls.checkout", "/checkout"}},
		{"confirmation empty", "merchant_urls.confirmation (must be a valid http or https URI)", []any{"merchant_urls.confirmation", ""}},
		{"push with a space", "merchant_urls.push (must be a valid http or https URI)", []any{"merchant_urls.push", "https://shop.example/a b"}},
		{"push is checkout", "merchant_urls.push", []any{"merchant_urls.push", "https://shop.example/checkout?kco={checkout.order.id}"}},
		{"push is confirmation", "merchant_urls.push", []any{"merchant_urls.push", "https://shop.example/thanks?kco={checkout.order.id}"}},
		{"validation not https", "merchant_urls.validation (must be a valid https URI)", []any{"merchant_urls.validation", "http://shop.example/v"}},
		{"address_update not https", "merchant_urls.address_update (must be a valid https URI)", []any{"merchant_urls.address_update", "http://shop.example/v"}},
		{"shipping_option_update not https", "merchant_urls.shipping_option_update (must be a valid https URI)", []any{"merchant_urls.shipping_option_update", "http://shop.example/v"}},
		{"country_change not https", "merchant_urls.country_change (must be a valid https URI)", []any{"merchant_urls.country_change", "http://shop.example/v"}},

		// The sequence: members, URLs, line by line, sums, country and currency.
		{"locale before URLs", "locale", []any{"locale", "sv_SE", "merchant_urls.terms", "ftp://x"}},
		{"URLs before lines", "merchant_urls.push", []any{"merchant_urls.push", gone{}, "order_lines[0].quantity", -1}},
		{"first line's tax before second line's name", "total_tax_amount", []any{"order_lines[0].total_tax_amount", 1, "order_lines[1].name", ""}},
		{"line's total before its tax", "total_amount", []any{"order_lines[0].total_amount", 1, "order_lines[0].total_tax_amount", 7000}},
		{"lines before sums", "total_tax_amount", []any{"order_lines[1].total_tax_amount", 1, "order_amount", 1}},
		{"amount before tax", "order_amount", []any{"order_amount", 1, "order_tax_amount", 1}},
		{"sums before currency", "order_tax_amount", []any{"order_tax_amount", 1, "purchase_currency", "JPY"}},
	}
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	before := s.order()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			body := text(with(caseA(), row.changes...))
			wantError(t, s.send("POST", "/checkout/v3/orders", body), 400, "BAD_VALUE", "Bad value: "+row.message)
			if orders := s.fake.Orders(); len(orders) != 1 {
				t.Fatalf("a refused create left %d orders, want 1", len(orders))
			}
			if leavesOut(row.changes) { // what an update leaves out stays as it is
				return
			}
			wantError(t, s.send("POST", "/checkout/v3/orders/"+s.id, body), 400, "BAD_VALUE", "Bad value: "+row.message)
			if diff := cmp.Diff(before, s.order()); diff != "" {
				t.Errorf("a refused update changed the order (-before +after):\n%s", diff)
			}
		})
	}
}

// leavesOut reports whether changes take away a top-level member.
func leavesOut(changes []any) bool {
	for i := 0; i < len(changes); i += 2 {
		topLevel := !strings.Contains(changes[i].(string), ".")
		if topLevel && (changes[i+1] == nil || changes[i+1] == any(gone{})) {
			return true
		}
	}
	return false
}

// wantError checks an error answer of the API, headers and all.
func wantError(t testing.TB, got answer, status int, code, message string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(got.body, &body); err != nil || got.status != status {
		t.Fatalf("got %d %q (%v), want %d %s", got.status, got.body, err, status, message)
	}
	want := map[string]any{
		"error_code": code, "error_messages": []any{message}, "service_version": "SNAPSHOT",
		"correlation_id": got.header.Get("Klarna-Correlation-Id"),
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("error body differs (-want +got):\n%s", diff)
	}
	wantHeaders(t, got)
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got content type %q", got.header.Get("Content-Type"))
	}
}

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// wantHeaders checks the headers that each answer of the API has.
func wantHeaders(t testing.TB, got answer) {
	t.Helper()
	if id := got.header.Get("Klarna-Correlation-Id"); !uuidShape.MatchString(id) {
		t.Errorf("got correlation ID %q, want a UUID", id)
	}
	for name, want := range map[string]string{"Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache"} {
		if value := got.header.Get(name); value != want {
			t.Errorf("got %s %q, want %q", name, value, want)
		}
	}
	if !regexp.MustCompile(`^\d+$`).MatchString(got.header.Get("Render-Time")) {
		t.Errorf("got Render-Time %q, want milliseconds", got.header.Get("Render-Time"))
	}
}

// Bodies that are no order at all.
func TestMalformedBodies(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	for name, body := range map[string]string{
		"list": "[]", "empty": "", "text": `"x"`, "null": "null", "cut short": `{"locale":`, "two values": "{} {}", "no JSON": "<html>",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/checkout/v3/orders", "/checkout/v3/orders/" + s.id} {
				got := s.send("POST", path, body)
				if got.status != 400 || !bytes.Contains(got.body, []byte(`"error_code":"BAD_REQUEST"`)) {
					t.Errorf("%s: got %d %s, want 400 BAD_REQUEST", path, got.status, got.body)
				}
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		got := s.send("POST", "/checkout/v3/orders", `{"locale":"`+strings.Repeat("a", 9<<20)+`"}`)
		if got.status != 413 {
			t.Errorf("got %d %s, want 413", got.status, got.body)
		}
	})
}

// The answer to a create: status, headers, members and their order, as recorded.
func TestCreateAnswer(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	for name, path := range map[string]string{"plain": "/checkout/v3/orders", "trailing slash": "/checkout/v3/orders/"} {
		t.Run(name, func(t *testing.T) {
			content := with(caseA(), "merchant_urls.id", "57141", "unknown", 1, "order_id", "mine", "status", "checkout_complete",
				"order_lines[0].unknown", 1, "recurring", true, "started_at", 5, "selected_shipping_option", map[string]any{"id": "x"})
			got := s.send("POST", path, text(content))
			if got.status != 201 {
				t.Fatalf("got %d %s, want 201", got.status, got.body)
			}
			wantHeaders(t, got)
			o := got.order(t)
			if want := s.fake.URL + "/checkout/v3/orders/" + o.OrderID; got.header.Get("Location") != want || !uuidShape.MatchString(o.OrderID) {
				t.Errorf("got Location %q, want %q", got.header.Get("Location"), want)
			}
			if !strings.Contains(o.HTMLSnippet, "klarna-checkout-container") || o.StartedAt != o.LastModifiedAt {
				t.Errorf("got snippet %q, started %s, modified %s", o.HTMLSnippet, o.StartedAt, o.LastModifiedAt)
			}
			if _, err := time.Parse("2006-01-02T15:04:05Z", o.StartedAt); err != nil {
				t.Error(err)
			}
			snippet, _ := json.Marshal(o.HTMLSnippet)
			plain := bytes.NewBuffer(nil)
			if err := json.Compact(plain, got.body); err != nil || plain.String() != string(got.body) {
				t.Errorf("the body is not compact JSON: %v", err)
			}
			var escaped bytes.Buffer
			json.HTMLEscape(&escaped, got.body)
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
	if orders := s.fake.Orders(); len(orders) != 2 || orders[0].OrderID == orders[1].OrderID {
		t.Errorf("two creates of the same content left %d orders, want 2 different ones", len(orders))
	}
}

// Without PublicURL the address is the one by which the fake was called.
func TestLocationFollowsHost(t *testing.T) {
	s := newShop(t, fakeklarna.Options{PublicURL: "http://browsers.example/klarna"})
	got := s.send("POST", "/checkout/v3/orders", text(caseA()))
	if want := s.fake.URL + "/checkout/v3/orders/"; !strings.HasPrefix(got.header.Get("Location"), want) {
		t.Errorf("got Location %q, want %q…", got.header.Get("Location"), want)
	}
	if want := "http://browsers.example/klarna/"; !strings.Contains(got.order(t).HTMLSnippet, want) {
		t.Errorf("the snippet does not lead to %s", want)
	}
}

// What is accepted and how it comes back.
func TestEcho(t *testing.T) {
	rows := []struct {
		name    string
		options fakeklarna.Options
		changes []any
		pick    func(fakeklarna.Order) any
		want    any
	}{
		{"URL raw", fakeklarna.Options{}, nil,
			func(o fakeklarna.Order) any { return o.MerchantURLs.Push }, "https://shop.example/kco/push?kco={checkout.order.id}"},
		{"URL filled in", fakeklarna.Options{EchoFilledURLs: true}, nil,
			func(o fakeklarna.Order) any { return strings.Replace(o.MerchantURLs.Push, o.OrderID, "ID", 1) }, "https://shop.example/kco/push?kco=ID"},
		{"encoded placeholder filled in", fakeklarna.Options{EchoFilledURLs: true},
			[]any{"merchant_urls.push", "https://shop.example/%7Bcheckout.order.id%7D"},
			func(o fakeklarna.Order) any { return strings.Replace(o.MerchantURLs.Push, o.OrderID, "ID", 1) }, "https://shop.example/ID"},
		{"country as sent", fakeklarna.Options{EchoCountryAsSent: true}, nil,
			func(o fakeklarna.Order) any { return o.PurchaseCountry + o.BillingAddress.Country }, "SESE"},
		{"type left out", fakeklarna.Options{}, []any{"order_lines[0].type", gone{}},
			func(o fakeklarna.Order) any { return o.OrderLines[0].Type }, "physical"},
		{"http callback on this machine", fakeklarna.Options{}, []any{"merchant_urls.validation", "http://127.0.0.1:1/v"},
			func(o fakeklarna.Order) any { return o.MerchantURLs.Validation }, "http://127.0.0.1:1/v"},
		{"separate shipping in Germany", fakeklarna.Options{}, []any{"purchase_country", "DE"},
			func(o fakeklarna.Order) any { return o.Options.AllowSeparateShippingAddress }, true},
		{"separate shipping in Germany, refused", fakeklarna.Options{},
			[]any{"purchase_country", "DE", "options.allow_separate_shipping_address", false},
			func(o fakeklarna.Order) any { return o.Options.AllowSeparateShippingAddress }, false},
		{"country with a foreign currency", fakeklarna.Options{}, []any{"purchase_currency", "NOK"},
			func(o fakeklarna.Order) any { return o.PurchaseCurrency }, "NOK"},
		{"own list of currencies", fakeklarna.Options{Currencies: []string{"JPY"}}, []any{"purchase_currency", "jpy"},
			func(o fakeklarna.Order) any { return o.PurchaseCurrency }, "jpy"},
		{"shipping mirrors billing", fakeklarna.Options{}, []any{"billing_address.email", "a@b.example", "shipping_address.city", "Bergen"},
			func(o fakeklarna.Order) any { return o.ShippingAddress },
			fakeklarna.Address{Email: "a@b.example", Country: "se"}},
		{"shipping apart", fakeklarna.Options{}, []any{"options.allow_separate_shipping_address", true, "shipping_address.city", "Bergen", "shipping_address.country", "NO"},
			func(o fakeklarna.Order) any { return o.ShippingAddress }, fakeklarna.Address{City: "Bergen", Country: "no"}},
		{"option preselected", fakeklarna.Options{}, []any{"shipping_options", []any{
			map[string]any{"id": "a", "name": "A", "price": 0, "tax_amount": 0, "tax_rate": 0},
			map[string]any{"id": "b", "name": "B", "price": 500, "tax_amount": 100, "tax_rate": 2500, "preselected": true}}},
			func(o fakeklarna.Order) any { return o.SelectedShippingOption.ID }, "b"},
		{"null is as left out", fakeklarna.Options{}, []any{"merchant_reference1", nil, "order_lines[0].reference", nil},
			func(o fakeklarna.Order) any { return o.MerchantReference1 + o.OrderLines[0].Reference }, ""},
		{"markup stays as it is", fakeklarna.Options{}, []any{"merchant_data", `<a & "b">`},
			func(o fakeklarna.Order) any { return o.MerchantData }, `<a & "b">`},
		{"longest texts", fakeklarna.Options{}, []any{"order_lines[0].name", strings.Repeat("é", 255), "merchant_data", strings.Repeat("é", 6000)},
			func(o fakeklarna.Order) any { return len(o.OrderLines[0].Name) + len(o.MerchantData) }, 2 * 6255},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := newShop(t, row.options)
			created := s.start(with(caseA(), row.changes...))
			if diff := cmp.Diff(row.want, row.pick(created)); diff != "" {
				t.Errorf("created (-want +got):\n%s", diff)
			}
			// The order as read can be posted back.
			read := s.send("GET", "/checkout/v3/orders/"+s.id, "")
			if again := s.send("POST", "/checkout/v3/orders/"+s.id, string(read.body)); again.status != http.StatusOK {
				t.Errorf("posting back what was read: got %d %s, want 200", again.status, again.body)
			} else if diff := cmp.Diff(row.want, row.pick(again.order(t))); diff != "" {
				t.Errorf("posted back (-want +got):\n%s", diff)
			}
		})
	}
}
