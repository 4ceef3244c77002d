package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/settings"
)

// Who has paid a session with Klarna Payments comes to the merchant's page, also while the order cannot
// be placed: then the session says so.
func TestPaymentsPlacing(t *testing.T) {
	const managed = "/ordermanagement/v1/orders/*"
	for _, tc := range []struct {
		name  string
		fault fakeklarna.Fault
	}{
		{"not known yet", fakeklarna.Fault{Method: "GET", Path: managed, Status: 404}},
		{"read", fakeklarna.Fault{Method: "GET", Path: managed, Status: 503}},
		{"acknowledge", fakeklarna.Fault{Method: "POST", Path: managed + "/acknowledge", Status: 503}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := like(t, func(s *settings.Shop) { s.Checkout.Payments = true })
			c := calls(w)
			b := w.Browser()
			page := openPayments(w, b, c.want(c.put("p-1", basket(tent, home)), 201, "").Session.URL, "p-1")
			row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
			now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(`{"authorization_token": %q, "form": %q, "order_amount": 257800, "billing_address": {"given_name": "Eva", "family_name": "Lind", "email": "eva@example.com", "phone": "+46701234567", "street_address": "Storgatan 1", "postal_code": "11122", "city": "Stockholm", "country": "SE"}}`, w.Authorize(now.SessionID), page.Payments.Form)
			tc.fault.Count = -1
			w.Fake.AddFault(tc.fault)
			if got := b.Do(http.MethodPost, page.Payments.PlaceURL, "application/json", body); got.StatusCode != 200 {
				t.Fatalf("place: %d %s", got.StatusCode, got.Text)
			}
			at, _ := w.Fake.Session(now.SessionID)
			confirmation := "/checkout/confirmation?order_id=" + at.Fake.OrderID
			is := func(when, status string) {
				t.Helper()
				if got := b.Get(confirmation); got.StatusCode != 303 || got.Header.Get("Location") != "https://www.example.com/thanks?basket=p-1" {
					t.Errorf("%s: %d to %q", when, got.StatusCode, got.Header.Get("Location"))
				}
				if got := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session.Status; string(got) != status {
					t.Errorf("%s the session is %s, want %s", when, got, status)
				}
			}
			stored := tc.name == "acknowledge" // it is in the book then
			is("while it fails", map[bool]string{false: "placing", true: "complete"}[stored])
			w.Fake.ClearFaults()
			is("in the end", "complete")
		})
	}
}
