package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
)

// What was bought with Klarna Payments and cannot be placed now is paid: its page says so and tries
// again, with and without the buyer's cookie, and is right in the end. Klarna Checkout, which
// does not know it, is not asked.
func TestPaymentsConfirmationFaults(t *testing.T) {
	t.Parallel()
	const managed = "/ordermanagement/v1/orders/*"
	for _, tc := range []struct {
		name, method, path string
		status             int
	}{
		{"not known yet", "GET", managed, 404},
		{"read", "GET", managed, 503},
		{"references", "PATCH", managed + "/merchant-references", 503},
		{"acknowledge", "POST", managed + "/acknowledge", 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Add("MUG-1", "2")
			p := b.openPayments(s, "/checkout/payments")
			token := p.authorize(ada)
			s.Fake.AddFault(fakeklarna.Fault{Method: tc.method, Path: tc.path, Status: tc.status, Count: -1})
			if got, _ := p.place(token, ada); got.StatusCode != http.StatusOK {
				t.Fatalf("place: %d %s", got.StatusCode, got.Text)
			}
			orderID := s.paymentOrders()[0].OrderID
			path := "/checkout/confirmation?order_id=" + orderID
			for who, browser := range map[string]*browser{"the buyer": b, "without a cookie": s.browser()} {
				got := browser.Get(path)
				if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Refresh") != "2; url="+path+"&try=1" ||
					!strings.Contains(html.UnescapeString(got.Text), i18n.T("sv", "unavailable.order.title")) {
					t.Errorf("%s: got %d with Refresh %q\n%.300s", who, got.StatusCode, got.Header.Get("Refresh"), got.Text)
				}
			}
			if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
				t.Errorf("the checkout answers %d to %q", got.StatusCode, got.Header.Get("Location"))
			}
			if got := s.browser().Get("/checkout/confirmation?order_id=invented"); got.StatusCode != http.StatusNotFound {
				t.Errorf("an invented order: got %d", got.StatusCode)
			}
			s.Fake.ClearFaults()
			if got := s.browser().Get(path); got.StatusCode != http.StatusOK || !s.placed(orderID).Acknowledged {
				t.Errorf("in the end, without a cookie: got %d", got.StatusCode)
			}
			if got := b.Get(path); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, s.placed(orderID).Number) || b.cart().String() != "SE sv-SE []" {
				t.Errorf("in the end: got %d, the cart is %s", got.StatusCode, b.cart())
			}
			for _, r := range s.Fake.Requests("") {
				if strings.HasPrefix(r.Path, "/checkout/v3/") {
					t.Errorf("%s %s", r.Method, r.Path)
				}
			}
		})
	}
}
