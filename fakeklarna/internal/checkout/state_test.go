package checkout_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// An update replaces the members that it names, whole, and no others.
func TestUpdateIsPartial(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	before := s.Start(faketest.With(faketest.CaseA(), "merchant_data", "cart 1", "options", map[string]any{"color_button": "#FF0000", "date_of_birth_mandatory": true},
		"shipping_options", []any{map[string]any{"id": "a", "name": "A", "price": 0, "tax_amount": 0, "tax_rate": 0}}))
	s.Fake.Advance(time.Hour)

	got := s.Send("POST", "/checkout/v3/orders/"+s.ID, `{
		"purchase_country": "NO", "purchase_currency": "NOK", "locale": "nb-NO", "order_amount": 1000, "order_tax_amount": 200,
		"order_lines": [{"name": "Kopp", "quantity": 1, "unit_price": 1000, "tax_rate": 2500, "total_amount": 1000, "total_tax_amount": 200}],
		"options": {"color_link": "#00FF00"}, "shipping_options": []}`)
	if got.Status != 200 {
		t.Fatalf("got %d %s, want 200", got.Status, got.Body)
	}
	want := before
	want.PurchaseCountry, want.PurchaseCurrency, want.Locale = "no", "NOK", "nb-NO"
	want.BillingAddress, want.ShippingAddress = wire.Address{Country: "no"}, wire.Address{Country: "no"}
	want.OrderAmount, want.OrderTaxAmount = 1000, 200
	want.OrderLines = []faketest.Line{{Type: "physical", Name: "Kopp", Quantity: 1, UnitPrice: 1000, TaxRate: 2500, TotalAmount: 1000, TotalTaxAmount: 200}}
	want.Options = checkout.OrderOptions{ColorLink: "#00FF00"}
	want.ShippingOptions = nil
	notTold := cmpopts.IgnoreFields(fakeklarna.Order{}, "HTMLSnippet", "LastModifiedAt")
	if diff := cmp.Diff(want, got.Order(t), notTold); diff != "" {
		t.Errorf("answer differs (-want +got):\n%s", diff)
	}
	if modified := got.Order(t).LastModifiedAt; modified <= before.LastModifiedAt {
		t.Errorf("last_modified_at went from %s to %s", before.LastModifiedAt, modified)
	}
	if diff := cmp.Diff(want, s.Send("GET", "/checkout/v3/orders/"+s.ID, "").Order(t), notTold); diff != "" {
		t.Errorf("read differs (-want +got):\n%s", diff)
	}

	for name, body := range map[string]string{
		"amount alone":                 `{"order_amount": 1}`,
		"lines alone":                  faketest.Text(map[string]any{"order_lines": faketest.CaseA()["order_lines"]}),
		"URLs are replaced, not mixed": `{"merchant_urls": {"push": "https://shop.example/p"}}`,
		"tax alone":                    `{"order_tax_amount": 0}`,
	} {
		if got := s.Send("POST", "/checkout/v3/orders/"+s.ID, body); got.Status != 400 {
			t.Errorf("%s: got %d %s, want 400", name, got.Status, got.Body)
		}
	}
}

// Addresses of the merchant count until the shopper has entered something.
func TestAddresses(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "billing_address", map[string]any{"email": "old@b.example", "city": "Kiruna", "country": "SE"}))
	update := func(body string) fakeklarna.Order {
		t.Helper()
		got := s.Send("POST", "/checkout/v3/orders/"+s.ID, body)
		if got.Status != 200 {
			t.Fatalf("got %d %s, want 200", got.Status, got.Body)
		}
		return got.Order(t)
	}
	want := func(o fakeklarna.Order, a wire.Address) {
		t.Helper()
		if diff := cmp.Diff(a, o.BillingAddress); diff != "" {
			t.Errorf("billing address differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(a, o.ShippingAddress); diff != "" {
			t.Errorf("shipping address differs (-want +got):\n%s", diff)
		}
	}
	want(update(`{"billing_address":{"email":"new@b.example","country":"SE"}}`), wire.Address{Email: "new@b.example", Country: "se"})
	want(update(`{"purchase_country":"NO"}`), wire.Address{Email: "new@b.example", Country: "no"})
	s.Shopper(faketest.Action{Type: map[string]string{"postal_code": "0150", "email": "typed@b.example"}})
	typed := wire.Address{Email: "typed@b.example", PostalCode: "0150", Country: "no"}
	want(update(`{"billing_address":{"email":"late@b.example","city":"Oslo","country":"SE"},"shipping_address":{"city":"Bergen"}}`), typed)
	typed.Country = "dk"
	want(update(`{"purchase_country":"DK"}`), typed)
	want(s.Order(), typed)

	// A chosen country is something entered, too.
	s.Start(faketest.CaseA())
	s.Shopper(faketest.Action{Country: "NO"})
	want(update(`{"billing_address":{"city":"Oslo","country":"SE"}}`), wire.Address{Country: "no"})
}

func TestAuthentication(t *testing.T) {
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	key := fakeklarna.Options{Username: "K1234_abc", Password: "kco_test_api_xyz"}
	rows := []struct {
		name    string
		options fakeklarna.Options
		header  string
		want    int
	}{
		{"defaults", fakeklarna.Options{}, basic("demo:demo"), 200},
		{"user name and key", key, basic("K1234_abc:kco_test_api_xyz"), 200},
		{"key as it is", key, "Basic kco_test_api_xyz", 200},
		{"two spaces before the key", key, "Basic  kco_test_api_xyz", 200},
		{"scheme in lower case", key, "basic kco_test_api_xyz", 200},
		{"key without user name, encoded", key, basic(":kco_test_api_xyz"), 401},
		{"key in the user's place", key, basic("kco_test_api_xyz:"), 401},
		{"wrong user name", key, basic("K9:kco_test_api_xyz"), 401},
		{"wrong key", key, basic("K1234_abc:x"), 401},
		{"none", key, "", 401},
		{"empty", key, "Basic ", 401},
		{"no base64", key, "Basic %%%", 401},
		{"bearer", key, "Bearer kco_test_api_xyz", 401},
		{"without a user name", fakeklarna.Options{Password: "kco_test_api_xyz"}, "Basic kco_test_api_xyz", 200},
		{"without a user name, encoded", fakeklarna.Options{Password: "kco_test_api_xyz"}, basic(":kco_test_api_xyz"), 401},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := faketest.NewShop(t, row.options)
			for _, call := range []struct{ method, path, body string }{
				{"POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())},
				{"GET", "/checkout/v3/orders/x", ""},
				{"PUT", "/checkout/v3/nothing", ""},
			} {
				r, _ := http.NewRequestWithContext(t.Context(), call.method, s.Fake.URL+call.path, strings.NewReader(call.body))
				if row.header != "" {
					r.Header.Set("Authorization", row.header)
				}
				got := faketest.Do(r)
				if (got.Status == 401) != (row.want == 401) {
					t.Errorf("%s %s: got %d, want %d", call.method, call.path, got.Status, row.want)
				}
				if got.Status == 401 && !strings.Contains(string(got.Body), "<h1>401 Authorization Required</h1>") {
					t.Errorf("got body %s", got.Body)
				}
			}
			if orders := s.Fake.Orders(); (len(orders) == 0) != (row.want == 401) {
				t.Errorf("got %d orders", len(orders))
			}
			if record := faketest.Text(s.Fake.Requests("")); strings.Contains(record, "xyz") || strings.Contains(record, "Basic") {
				t.Errorf("credentials were recorded: %s", record)
			}
		})
	}
}
