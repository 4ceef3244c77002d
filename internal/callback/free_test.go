package callback_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// No purchase of 0 is approved: the form says what to do, and the cart takes over what has
// made it 0, so that the checkout shows the shop's own form next.
func TestValidationOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *shop.Config) { c.Published = publish.Fixed(shoptest.Gifts(t)) })
	for _, tc := range []struct {
		name  string
		cart  func(*cart.Contents)
		later func(*cart.Contents)
		order func(*kco.Order)
		lang  i18n.Lang
		moves bool
	}{
		{name: "it was 0 when the order was made", cart: func(c *cart.Contents) { c.DiscountCode, c.ShippingOption = "ALL", "collect" }, lang: "sv"},
		{name: "digital goods", cart: func(c *cart.Contents) { c.Lines, c.DiscountCode = []cart.Line{{SKU: "EBK-1", Quantity: 3}}, "ALL" }, lang: "sv"},
		{name: "collecting was chosen in the form", cart: func(c *cart.Contents) { c.DiscountCode = "ALL" }, order: choose("collect"), lang: "sv", moves: true},
		{name: "in English", cart: func(c *cart.Contents) { c.DiscountCode, c.Locale = "ALL", "en-SE" }, order: choose("collect"), lang: "en", moves: true},
		{name: "a code in another tab", cart: func(c *cart.Contents) { c.ShippingOption = "collect" }, later: func(c *cart.Contents) { c.DiscountCode = "ALL" }, lang: "sv"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.in(t)
			c := w.cart("order-1", tc.cart)
			o := w.order(c)
			if tc.order != nil {
				tc.order(&o)
			}
			body := w.body(o)
			if tc.later != nil {
				c = w.edit(c.ID, tc.later)
			}
			for range 2 {
				res := w.call(w.path("validation", "order-1"), body)
				if got := text(t, res); res.StatusCode != http.StatusBadRequest || !strings.Contains(got, `"approval_failed"`) || !strings.Contains(got, i18n.T(tc.lang, "free.reload")) {
					t.Errorf("got %d %s", res.StatusCode, got)
				}
			}
			now := w.Cart(c.ID)
			quote, err := w.Pricer.Quote(now.Contents)
			if err != nil || !quote.Free() || (now.Revision != c.Revision) != tc.moves {
				t.Errorf("the cart costs %d at revision %d, it was %d, %v", quote.OrderAmount, now.Revision, c.Revision, err)
			}
			if len(w.Approved(c.ID)) != 0 {
				t.Error("it is approved")
			}
		})
	}
}
