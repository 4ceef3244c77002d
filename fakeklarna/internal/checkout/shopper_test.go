package checkout_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The shopper's actions, through the JSON interface: one row per rule.
func TestShopper(t *testing.T) {
	confirmation := func(o fakeklarna.Order) string { return "https://shop.example/thanks?kco=" + o.OrderID }
	rows := []struct {
		name    string
		changes []any // of case A
		actions []string
		check   func(*testing.T, fakeklarna.Outcome, fakeklarna.Order)
	}{
		{"looks", nil, []string{`{}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			want := fakeklarna.Outcome{Status: "checkout_incomplete", Country: "SE", Currency: "SEK", Locale: "sv-SE", Customer: "person", Typed: map[string]string{},
				Missing: []string{"email", "postal_code", "given_name", "family_name", "street_address", "city", "phone"},
				Total:   44700, ShippingOptions: []wire.ShippingOption{}}
			if diff := cmp.Diff(want, out); diff != "" {
				t.Errorf("outcome differs (-want +got):\n%s", diff)
			}
		}},
		{"types", nil, []string{`{"type":{"email":" a@b.example ","postal_code":"11147"}}`, `{"type":{"city":"Kiruna","postal_code":""}}`},
			func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				if diff := cmp.Diff(map[string]string{"email": "a@b.example", "city": "Kiruna"}, out.Typed); diff != "" {
					t.Errorf("typed differs (-want +got):\n%s", diff)
				}
				want := wire.Address{Email: "a@b.example", City: "Kiruna", Country: "se"}
				if o.BillingAddress != want || o.ShippingAddress != want {
					t.Errorf("got addresses %+v and %+v, want %+v", o.BillingAddress, o.ShippingAddress, want)
				}
				if len(out.Missing) != 5 || o.Fake.Typed["city"] != "Kiruna" {
					t.Errorf("got missing %v, fake %+v", out.Missing, o.Fake)
				}
			}},
		{"clears what the shop sent", []any{"options.allow_separate_shipping_address", true, "customer", map[string]any{"date_of_birth": "1990-12-31", "type": "person"},
			"billing_address", map[string]any{"city": "Kiruna", "phone": "+46701234567"}, "shipping_address", map[string]any{"city": "Luleå", "given_name": "Ada"}},
			[]string{`{"type":{"phone":"","shipping.city":" ","date_of_birth":""},"draft":true}`, `{"type":{"email":"a@b.example"}}`},
			func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				if o.BillingAddress != (wire.Address{City: "Kiruna", Email: "a@b.example", Country: "se"}) || o.ShippingAddress != (wire.Address{GivenName: "Ada", Country: "se"}) ||
					o.Customer != (wire.Customer{Type: "person"}) {
					t.Errorf("got %+v, %+v, %+v", o.BillingAddress, o.ShippingAddress, o.Customer)
				}
				if !slices.Contains(out.Missing, "phone") || !slices.Contains(out.Missing, "shipping.city") {
					t.Errorf("got missing %v", out.Missing)
				}
			}},
		{"ships elsewhere", nil, []string{`{"type":{"email":"a@b.example","shipping.city":"Oslo","shipping.country":"NO"}}`},
			func(t *testing.T, _ fakeklarna.Outcome, o fakeklarna.Order) {
				if o.BillingAddress != (wire.Address{Email: "a@b.example", Country: "se"}) || o.ShippingAddress != (wire.Address{City: "Oslo", Country: "no"}) {
					t.Errorf("got %+v and %+v", o.BillingAddress, o.ShippingAddress)
				}
			}},
		{"changes country", []any{"billing_address", map[string]any{"city": "Kiruna", "country": "SE"}}, []string{`{"type":{"postal_code":"0150"}}`, `{"country":"no"}`},
			func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				want := wire.Address{City: "Kiruna", PostalCode: "0150", Country: "no"}
				if out.Country != "NO" || o.PurchaseCountry != "no" || o.BillingAddress != want || o.ShippingAddress != want {
					t.Errorf("got %s, %s, %+v, %+v", out.Country, o.PurchaseCountry, o.BillingAddress, o.ShippingAddress)
				}
				if out.Currency != "SEK" || out.Total != 44700 {
					t.Errorf("the currency is not the shopper's to change: got %s %d", out.Currency, out.Total)
				}
			}},
		{"changes to a country offered", []any{"billing_countries", []string{"SE", "NO"}}, []string{`{"country":"NO"}`},
			func(t *testing.T, out fakeklarna.Outcome, _ fakeklarna.Order) {
				if out.Country != "NO" {
					t.Errorf("got %s", out.Country)
				}
			}},
		{"has an option preselected", []any{"shipping_options", faketest.Options}, []string{`{}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			if out.ShippingOption != "express" || out.Total != 44700+9900 || o.OrderAmount != 44700 {
				t.Errorf("got %s, total %d, order_amount %d", out.ShippingOption, out.Total, o.OrderAmount)
			}
		}},
		{"chooses an option", []any{"shipping_options", faketest.Options}, []string{`{"shipping_option":"post"}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			if out.ShippingOption != "post" || out.Total != 44700+4900 || o.SelectedShippingOption.ID != "post" {
				t.Errorf("got %s, total %d", out.ShippingOption, out.Total)
			}
		}},
		{"chooses where the merchant adds the price", []any{"shipping_options", faketest.Options, "merchant_urls.shipping_option_update", "https://shop.example/o"},
			[]string{`{"shipping_option":"post"}`, `{"buy":{}}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				if out.Total != 44700 || len(o.OrderLines) != 2 || o.SelectedShippingOption.ID != "post" {
					t.Errorf("got total %d, lines %v", out.Total, o.OrderLines)
				}
			}},
		{"buys at once", nil, []string{`{"buy":{}}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			if out.Status != "checkout_complete" || out.ConfirmationURL != confirmation(o) || len(out.Missing) != 0 || out.Refused != nil {
				t.Errorf("got %+v", out)
			}
			want := wire.Address{GivenName: "Testperson-se", FamilyName: "Approved", Email: "testperson-se@example.com",
				StreetAddress: "Stårgatan 1", PostalCode: "12345", City: "Ankeborg", Phone: "+46701234567", Country: "se"}
			if o.BillingAddress != want || o.ShippingAddress != want || o.Customer.Type != "person" {
				t.Errorf("got %+v, %+v, %+v", o.BillingAddress, o.ShippingAddress, o.Customer)
			}
			if o.CompletedAt == "" || o.CompletedAt != o.LastModifiedAt || o.Fake.ExpiresAt != "" || o.Fake.PaymentMethod != "pay_later" {
				t.Errorf("got completed %q, modified %q, %+v", o.CompletedAt, o.LastModifiedAt, o.Fake)
			}
			if !strings.Contains(o.HTMLSnippet, "checkout_complete") {
				t.Error("the snippet is not that of a complete order")
			}
		}},
		{"all in one", nil, []string{`{"country":"DE","type":{"email":"a@b.example","given_name":"Ada"},"buy":{"method":"card"}}`},
			func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				a := o.BillingAddress
				if out.Status != "checkout_complete" || a.Country != "de" || a.Email != "a@b.example" || a.GivenName != "Ada" || a.FamilyName != "Approved" ||
					a.StreetName == "" || a.StreetAddress != "" || o.Fake.PaymentMethod != "card" {
					t.Errorf("got %+v, address %+v", out, a)
				}
			}},
		{"buys in the US", []any{"purchase_country", "US", "order_tax_amount", 0, "order_amount", 1, "order_lines", []faketest.Line{{Type: "sales_tax", Name: "t", Quantity: 1, UnitPrice: 1, TotalAmount: 1}}, "order_tax_amount", 1},
			[]string{`{"buy":{}}`}, func(t *testing.T, _ fakeklarna.Outcome, o fakeklarna.Order) {
				if o.BillingAddress.Region != "NY" {
					t.Errorf("got %+v", o.BillingAddress)
				}
			}},
		{"buys with an option", []any{"shipping_options", faketest.Options}, []string{`{"buy":{}}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			fee := faketest.Line{Type: "shipping_fee", Reference: "express", Name: "Express", Quantity: 1, UnitPrice: 9900, TaxRate: 2500, TotalAmount: 9900, TotalTaxAmount: 1980}
			if cmp.Diff(o.OrderLines[len(o.OrderLines)-1], fee) != "" {
				t.Errorf("got lines %+v", o.OrderLines)
			}
			if o.OrderAmount != 44700+9900 || o.OrderTaxAmount != 8940+1980 || out.Total != o.OrderAmount {
				t.Errorf("got %d / %d, total %d", o.OrderAmount, o.OrderTaxAmount, out.Total)
			}
		}},
		{"buys what recurs", []any{"recurring", true}, []string{`{"buy":{}}`}, func(t *testing.T, _ fakeklarna.Outcome, o fakeklarna.Order) {
			if !faketest.UUIDShape.MatchString(o.RecurringToken) {
				t.Errorf("got token %q", o.RecurringToken)
			}
		}},
		{"leaves the boxes", []any{"options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": true},
			"options.additional_checkboxes", []any{map[string]any{"id": "news", "text": "b", "checked": false, "required": false}}},
			[]string{`{"buy":{}}`}, func(t *testing.T, _ fakeklarna.Outcome, o fakeklarna.Order) {
				if got, want := string(o.MerchantRequested), `{"additional_checkbox":true,"additional_checkboxes":[{"id":"news","checked":false}]}`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}},
		{"URL escaped twice", []any{"merchant_urls.confirmation", "https://shop.example/a%252Fb/%7Bcheckout.order.id%7D"}, []string{`{"buy":{}}`},
			func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
				if want := "https://shop.example/a%2Fb/" + o.OrderID; out.ConfirmationURL != want {
					t.Errorf("got %s, want %s", out.ConfirmationURL, want)
				}
			}},
		{"buys twice", nil, []string{`{"buy":{}}`, `{"buy":{}}`}, func(t *testing.T, out fakeklarna.Outcome, o fakeklarna.Order) {
			if out.Refused == nil || out.Refused.Code != "read_only_order" || out.ConfirmationURL != confirmation(o) {
				t.Errorf("got %+v", out)
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := faketest.NewShop(t, fakeklarna.Options{})
			s.Start(faketest.With(faketest.CaseA(), row.changes...))
			var out fakeklarna.Outcome
			for _, a := range row.actions {
				got := s.Send("POST", "/fake/orders/"+s.ID+"/shopper", a)
				out = fakeklarna.Outcome{}
				if err := json.Unmarshal(got.Body, &out); err != nil || got.Status != 200 {
					t.Fatalf("%s: got %d %s", a, got.Status, got.Body)
				}
			}
			row.check(t, out, s.Order())
		})
	}
}

// Actions that no shopper could take change nothing.
func TestShopperRefused(t *testing.T) {
	rows := []struct {
		name, state, body string
		status            int
		message           string
	}{
		{"no JSON", "open", `buy`, 400, "invalid character"},
		{"unknown member", "open", `{"pay":{}}`, 400, "unknown field"},
		{"wrong type", "open", `{"type":"x"}`, 400, "cannot unmarshal"},
		{"unknown field", "open", `{"type":{"e_mail":"a@b.example"}}`, 400, `no field "e_mail"`},
		{"country is no field", "open", `{"type":{"country":"NO"}}`, 400, `no field "country"`},
		{"no e-mail address", "open", `{"type":{"email":"Ada <a@b.example>"}}`, 400, "not an e-mail address"},
		{"no date of birth", "open", `{"type":{"date_of_birth":"21.03.1941"}}`, 400, "no date of the form yyyy-mm-dd"},
		{"no day of a year", "open", `{"type":{"date_of_birth":"1990-13-01"}}`, 400, "no date of the form yyyy-mm-dd"},
		{"too long", "open", `{"type":{"city":"` + strings.Repeat("a", 256) + `"}}`, 400, "255"},
		{"unknown country", "open", `{"country":"XX"}`, 400, "not a country"},
		{"country in three letters", "open", `{"country":"NOR"}`, 400, "not a country"},
		{"country not offered", "open", `{"country":"DE"}`, 400, "offers only NO, SE"},
		{"no such option", "open", `{"shipping_option":"x"}`, 400, `no option "x"`},
		{"no such method", "open", `{"buy":{"method":"barter"}}`, 400, "barter"},
		{"one of two is bad", "open", `{"type":{"email":"a@b.example"},"shipping_option":"x"}`, 400, `no option "x"`},
		{"unknown order", "unknown", `{}`, 404, "no such order"},
		{"expired order", "expired", `{"buy":{}}`, 404, "expired"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := faketest.NewShop(t, fakeklarna.Options{})
			s.Start(faketest.With(faketest.CaseA(), "billing_countries", []string{"no"}))
			faketest.States[row.state](s)
			before := s.Fake.Orders()
			got := s.Send("POST", "/fake/orders/"+s.ID+"/shopper", row.body)
			var e struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal(got.Body, &e); err != nil || got.Status != row.status || !strings.Contains(e.Error.Message, row.message) {
				t.Errorf("got %d %s, want %d with %q", got.Status, got.Body, row.status, row.message)
			}
			if diff := cmp.Diff(before, s.Fake.Orders()); diff != "" {
				t.Errorf("the order changed (-before +after):\n%s", diff)
			}
		})
	}
	for _, state := range []string{"complete", "aborted"} {
		t.Run(state, func(t *testing.T) {
			s := faketest.NewShop(t, fakeklarna.Options{})
			s.Start(faketest.CaseA())
			faketest.States[state](s)
			before := s.Order()
			out := s.Shopper(faketest.Action{Country: "NO", Type: map[string]string{"city": "Oslo"}, Buy: &fakeklarna.Buy{}})
			if out.Refused == nil || out.Refused.Code != "read_only_order" {
				t.Errorf("got %+v, want it refused", out)
			}
			if diff := cmp.Diff(before, s.Order()); diff != "" {
				t.Errorf("the order changed (-before +after):\n%s", diff)
			}
		})
	}
}
