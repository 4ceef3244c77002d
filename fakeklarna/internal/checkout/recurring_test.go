package checkout_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// The token of a recurring purchase is one of the customer token API: it is read, charged
// and cancelled there. Source: recorded answers.
func TestRecurringToken(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "recurring", true))
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	id := s.Order().RecurringToken
	at := "/customer-token/v1/tokens/" + id
	charge := faketest.Text(faketest.With(faketest.CartOf(1), "purchase_currency", "SEK", "locale", "sv-SE", "auto_capture", true))

	calls := []struct {
		call, body string
		status     int
		part       string
	}{
		{"GET " + at, "", 200, `{"payment_method_type":"INVOICE","status":"ACTIVE"}`},
		{"POST " + at + "/order", charge, 200, `"fraud_status":"ACCEPTED","authorized_payment_method":{"type":"invoice"}}`},
		{"POST " + at + "/order", "{}", 400, "Bad value: purchase_currency, order_amount, order_tax_amount, order_lines"},
		{"POST " + at + "/order", strings.Replace(charge, "SEK", "NOK", 1), 403, "UNAVAILABLE_PAYMENT_METHOD"},
		{"PATCH " + at + "/status", `{"status":"CANCELLED"}`, 202, ""},
		{"GET " + at, "", 200, `"status":"CANCELLED"`},
		{"POST " + at + "/order", charge, 403, "TOKEN_CANCELED"},
		{"GET /customer-token/v1/tokens/" + s.ID, "", 404, "TOKEN_NOT_FOUND"},
	}
	var charged string
	for _, c := range calls {
		method, path, _ := strings.Cut(c.call, " ")
		got := s.Send(method, path, c.body)
		if got.Status != c.status || !strings.Contains(string(got.Body), c.part) {
			t.Fatalf("%s: got %d %s, want %d %s", c.call, got.Status, got.Body, c.status, c.part)
		}
		if c.body == charge && got.Status == 200 {
			charged = got.Placed(t).OrderID
		}
		if err := s.Fake.Restore(s.Fake.Snapshot()); err != nil { // a token of the checkout has no session
			t.Fatal(err)
		}
	}
	v, ok := s.Fake.Managed(charged)
	if first, _ := s.Fake.Managed(s.ID); !ok || v.CapturedAmount != 24800 || v.BillingAddress != first.BillingAddress || v.Customer != first.Customer {
		t.Errorf("got %+v, %v", v, ok)
	}
}

// Without recurring there is no token.
func TestNotRecurring(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	if token := s.Order().RecurringToken; token != "" {
		t.Errorf("got the token %q", token)
	}
}

// The checkout sells in countries and currencies that Klarna Payments does not have, by card.
// A token from there is charged in that country and that currency.
func TestRecurringAnywhere(t *testing.T) {
	for _, row := range []struct{ country, currency, other string }{
		{"SE", "EUR", "SEK"}, // another currency than the market's
		{"EE", "EUR", "USD"}, // no core market
		{"AU", "AUD", "USD"}, // where the form asks for no region
	} {
		t.Run(row.country+" "+row.currency, func(t *testing.T) {
			s := faketest.NewShop(t, fakeklarna.Options{})
			s.Start(faketest.With(faketest.CaseA(), "recurring", true, "purchase_country", row.country, "purchase_currency", row.currency))
			s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
			charge := func(currency string, pairs ...any) faketest.Answer {
				cart := faketest.With(faketest.CartOf(1), append(pairs, "purchase_currency", currency)...)
				return s.Send("POST", "/customer-token/v1/tokens/"+s.Order().RecurringToken+"/order", faketest.Text(cart))
			}
			v, ok := s.Fake.Managed(charge(row.currency).Placed(t).OrderID)
			if !ok || v.PurchaseCountry != row.country || v.PurchaseCurrency != row.currency || v.InitialPaymentMethod.Type != "CARD" {
				t.Errorf("got %+v", v)
			}
			if got := charge(row.other); got.Status != 403 || !strings.Contains(string(got.Body), "UNAVAILABLE_PAYMENT_METHOD") {
				t.Errorf("in %s: got %d %s", row.other, got.Status, got.Body)
			}
			for member, wrong := range map[string]any{
				"order_amount": 1, "shipping_address.email": "nobody", "merchant_urls.push": "nowhere",
			} {
				if got := charge(row.currency, member, wrong); got.Status != 400 || !strings.Contains(string(got.Body), "Bad value: "+member) {
					t.Errorf("with a wrong %s: got %d %s", member, got.Status, got.Body)
				}
			}
		})
	}
}
