package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
)

// Who opens somebody else's confirmation before the order is placed, or after it was cancelled
// before that, learns nothing; the buyer is told.
func TestStrangerBeforePlacing(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	buyer := s.norwegian()
	open := buyer.open(s)
	path := "/checkout/confirmation?order_id=" + open.OrderID
	withCart := s.browser()
	withCart.Add("JAM-1", "1")
	nothing := func(when string) {
		t.Helper()
		for name, b := range map[string]*browser{"nobody": s.browser(), "another shopper": withCart} {
			got := b.Get(path)
			text := html.UnescapeString(got.Text)
			if got.StatusCode != http.StatusNotFound || got.Header.Get("Location") != "" || !strings.Contains(text, i18n.T("sv", "notfound.title")) {
				t.Errorf("%s, %s: got %d to %q", when, name, got.StatusCode, got.Header.Get("Location"))
			}
			for _, part := range []string{i18n.T("sv", "confirmation.cancelled"), i18n.T("sv", "note.not_finished")} {
				if strings.Contains(text, part) {
					t.Errorf("%s, %s: reads %q", when, name, part)
				}
			}
		}
	}
	nothing("open")
	if got := buyer.Get(path); got.Header.Get("Location") != "/checkout?reason=not_finished" {
		t.Errorf("open, the buyer: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	s.buy(open.OrderID)
	s.CancelAtKlarna(open.OrderID)
	nothing("cancelled")
	for range 2 { // also after a reload
		if got := buyer.Get(path); got.StatusCode != http.StatusOK || !strings.Contains(html.UnescapeString(got.Text), i18n.T("nb", "confirmation.cancelled")) {
			t.Errorf("cancelled, the buyer: got %d", got.StatusCode)
		}
	}
	if next := buyer.Get("/checkout"); next.StatusCode != http.StatusOK || strings.Contains(next.Text, open.OrderID) {
		t.Errorf("the buyer's next checkout: got %d", next.StatusCode)
	}
	if got := buyer.Get(path); got.StatusCode != http.StatusNotFound {
		t.Errorf("cancelled, when the session has another order: got %d", got.StatusCode)
	}
}
