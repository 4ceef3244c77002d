package storefront_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// fewStates delivers to three of the states, for nothing.
func fewStates(s *settings.Shop) {
	s.Markets = slices.Clone(s.Markets)
	i := slices.IndexFunc(s.Markets, func(m market.Market) bool { return m.Country == "US" })
	us := &s.Markets[i]
	us.SalesTax = map[string]money.TaxRate{"NJ": 663, "CA": 725, "OR": 0}
	us.ShippingOptions = slices.Clone(us.ShippingOptions)
	us.ShippingOptions[0].Price = 0
}

var austin = with(ada, "country", "US", "region", "TX", "postal_code", "73301", "city", "Austin")

// A state to which nothing is delivered is wrong at its field before anybody pays; who collects may live there.
func TestPaymentsStateNotReached(t *testing.T) {
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Checkout.Payments = true
			fewStates(s)
		})
	}})}
	b := s.browser()
	b.Header.Set("Accept-Language", "en-US")
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout")
	doc := docOf(t, b.Get("/checkout"))
	if field := doc.Find("select#region"); field.Find("option").Length() != 55 || !strings.Contains(" "+field.AttrOr("data-unreachable", "")+" ", " TX ") || strings.Contains(field.AttrOr("data-unreachable", ""), "NJ") {
		t.Errorf("the field has %d states, out of reach %q", field.Find("option").Length(), field.AttrOr("data-unreachable", ""))
	}
	calls := s.asked()
	got, u := p.place("token", austin)
	if diff := cmp.Diff([]string{"region"}, u.InvalidFields); got.StatusCode != http.StatusUnprocessableEntity || u.Error.Code != "bad_address" || diff != "" || s.asked() != calls {
		t.Errorf("got %d %s, %d calls of Klarna %s", got.StatusCode, u.Error.Code, s.asked()-calls, diff)
	}
	p.send(updatePath, `{"shipping_option":"collect","region":"TX"}`)
	p = b.openPayments(s, "/checkout")
	if got, u := p.place(p.authorize(austin), austin); got.StatusCode != http.StatusOK {
		t.Errorf("collected: %d %s %v", got.StatusCode, u.Error.Code, u.InvalidFields)
	}
}

// The form of an order of nothing has the same rule.
func TestFreeStateNotReached(t *testing.T) {
	t.Parallel()
	s := giftShop(t, fewStates)
	b := s.browser()
	b.Post("/market", "country", "US")
	b.takesAll("MUG-1")
	b.Post("/cart/delivery", "option", "mailboat")
	lives := []string{"region", "TX", "postal_code", "73301"}
	doc, form := b.freePage()
	if _, anywhere := doc.Find("#free").Attr("data-anywhere"); anywhere {
		t.Error("what is brought goes anywhere")
	}
	got := b.Submit("/checkout/place", typed(form, lives...))
	if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.Text, "We cannot deliver to Texas.") || s.Number("select count(*) from orders") != 0 {
		t.Errorf("got %d, %d orders", got.StatusCode, s.Number("select count(*) from orders"))
	}
	b.Post("/cart/delivery", "option", "collect")
	doc, form = b.freePage()
	if _, anywhere := doc.Find("#free").Attr("data-anywhere"); !anywhere {
		t.Error("the form does not know that the goods are collected")
	}
	if got := b.Submit("/checkout/place", typed(form, lives...)); got.StatusCode != http.StatusSeeOther || s.Number("select count(*) from orders") != 1 {
		t.Errorf("collected: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}
