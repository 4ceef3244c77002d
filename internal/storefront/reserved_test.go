package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/stock"
)

// reserve says that a purchase of a cart by an order may be running.
func (s *shopWorld) reserve(cartID, orderID string) {
	s.T.Helper()
	s.Approve(stock.Approved{CartID: cartID, OrderID: orderID})
}

// A cart that may just be being bought gets no second order, and the shopper is
// told so: as a page that tries again, as JSON with the cart as it is now.
func TestPurchaseRunning(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	order := b.open(s)
	cartID := cartOfOrder(t, s, order.OrderID)
	s.reserve(cartID, order.OrderID)
	before := len(s.Fake.Requests(""))

	s.Fake.AddFault(fakeklarna.Fault{Method: "GET", Status: 403})
	page := b.Get("/checkout")
	if page.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page.Header.Get("Refresh"), "try=1") || page.Header.Get("Retry-After") == "" {
		t.Errorf("page: got %d, Refresh %q", page.StatusCode, page.Header.Get("Refresh"))
	}
	for _, part := range []string{"title", "body"} {
		if want := i18n.T(i18n.Swedish, "unavailable.running."+part); !strings.Contains(html.UnescapeString(page.Text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}

	s.Fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 502, Count: 3})
	got := b.Update(`{"order_id":"` + order.OrderID + `","lines":[{"sku":"MUG-1","quantity":4}]}`)
	if u := updateOf(t, got); got.StatusCode != http.StatusServiceUnavailable || u.Error.Code != "purchase_running" || u.CartRevision != 2 ||
		!strings.Contains(u.SummaryHTML, `data-region="totals"`) || got.Header.Get("Retry-After") == "" {
		t.Errorf("update: got %d %s", got.StatusCode, got.Text)
	}
	if c := b.cart(); c.Lines[0].Quantity != 4 {
		t.Errorf("the change is lost: %+v", c.Lines)
	}
	if diff := cmp.Diff(map[string]int{"read": 1, "update": 3}, s.calls(before)); diff != "" {
		t.Errorf("calls of Klarna: %s", diff)
	}
	// Invariant 4: it heals, with the order as it was.
	s.Fake.ClearFaults()
	if again := s.holds(b, 0); again.OrderID != order.OrderID {
		t.Errorf("got order %s, had %s", again.OrderID, order.OrderID)
	}
}
