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
