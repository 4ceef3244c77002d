package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
)

// Both pages of an erased order say so and show nobody, neither ours nor Klarna's own part,
// which Klarna goes on to serve with the shopper's name.
func TestErasedPages(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	confirmation := s.buyAs(bought.OrderID, eva)
	if page := b.Get(confirmation); !strings.Contains(page.Text, "klarna-checkout-container") || !strings.Contains(page.Text, "Havnegata 7") {
		t.Fatal("before, the page does not show what is erased")
	}
	o := s.placed(bought.OrderID)
	if _, err := s.Book.Management.Cancel(t.Context(), o.OrderID, uuid.NewString()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Book.Refresh(t.Context(), o.OrderID); err != nil {
		t.Fatal(err)
	}
	o, err := s.Book.Erase(t.Context(), o.OrderID, order.ByStaff)
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"confirmation": confirmation, "order page": "/orders/" + o.Number + "?key=" + o.Key} {
		page := b.Get(path)
		text := html.UnescapeString(page.Text)
		if want := i18n.T("nb", "orderpage.erased", i18n.Date("nb", o.ErasedAt)); page.StatusCode != http.StatusOK || !strings.Contains(text, want) || !strings.Contains(text, o.Number) {
			t.Errorf("%s: %d, does not say %q", name, page.StatusCode, want)
		}
		for _, gone := range []string{"klarna-checkout-container", "Eva", "Berg", "Havnegata", "•••@", i18n.T("nb", "confirmation.deliver_to"), i18n.T("nb", "confirmation.receipt")} {
			if strings.Contains(text, gone) {
				t.Errorf("%s: has %q", name, gone)
			}
		}
	}
}
