package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// noWays leaves the ways of delivery to the merchant's server alone.
func noWays(s *settings.Shop) {
	s.Markets = slices.Clone(s.Markets)
	s.Markets[0].ShippingOptions = nil
}

// exceptAt says what goes to every place but one, of which it says something else.
func exceptAt(code, otherwise string) func(string) string {
	return func(asked string) string {
		if asked == code {
			return otherwise
		}
		return fromHook
	}
}

// cartOf is the cart of an order of Klarna Checkout.
func cartOf(w *shoptest.World, orderID string) cart.Cart {
	w.T.Helper()
	id, err := w.Signer.Verify(atKlarna(w, orderID).MerchantData)
	if err != nil {
		w.T.Fatal(err)
	}
	return w.Cart(id)
}

// Where the merchant's server does not say what goes to a place, and nobody else knows, Klarna's form says that it did not
// work, and not that nothing goes there; the next try asks again.
func TestUnanswered(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, noWays)
	m.byPlace(exceptAt("11122", ""))
	b := w.Browser()
	b.Add("MUG-1", "2")
	_, id := loadAt(w, b, "/checkout")
	before := cartOf(w, id)
	there := fakeklarna.Action{Type: map[string]string{"postal_code": "11122", "email": "ada@example.com"}}
	out, err := w.Fake.Shopper(id, there)
	if err != nil || out.Refused == nil || out.Refused.Code != "address_failed" {
		t.Fatalf("no answer: %+v %v", out.Refused, err)
	}
	if now := w.Cart(before.ID); now.Revision != before.Revision || now.PostalCode() != "" {
		t.Errorf("the cart goes to %+v", now.ShipTo)
	}
	m.says(fromHook)
	if out, err = w.Fake.Shopper(id, there); err != nil || out.Refused != nil || !slices.Equal(offered(out), []string{"bud", "ombud"}) {
		t.Errorf("with an answer: %+v %v", out, err)
	}
	if _, again := loadAt(w, b, "/checkout"); again != id {
		t.Error("the form is another")
	}
	w.Buy(id)
	w.Place(id)
}

// A cart whose place nobody has said anything of has a form, which does not say that nothing goes there.
func TestUnansweredPage(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, noWays)
	m.byPlace(exceptAt("11122", ""))
	b := w.Browser()
	b.Add("MUG-1", "2")
	_, id := loadAt(w, b, "/checkout")
	if _, err := w.Carts.Update(t.Context(), cartOf(w, id).ID, shoptest.Sweden, func(c *cart.Cart) error {
		c.ShipTo = &cart.ShipTo{PostalCode: "11122"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	page, again := loadAt(w, b, "/checkout")
	if again != id || !strings.Contains(page.Text, i18n.T("sv", "note.no_delivery")) || strings.Contains(page.Text, i18n.T("sv", "note.unreached", "11122")) {
		t.Errorf("the form is of %s, before of %s\n%s", again, id, page.Text)
	}
	m.says(fromHook)
	if page, _ := loadAt(w, b, "/checkout"); strings.Contains(page.Text, i18n.T("sv", "note.no_delivery")) {
		t.Error("it is said still")
	}
}

// The form of an order of nothing is not placed for where nobody has said what goes there, and the next press asks again.
func TestFreeUnanswered(t *testing.T) {
	const free = `{"delivery_options": [{"id": "store", "name": "Butik", "price": 0, "tax_rate": 2500}]}`
	m := newAsked(t)
	w := hooked(t, m, noWays)
	m.byPlace(func(code string) string {
		if code == "" {
			return free
		}
		return ""
	})
	c, b := calls(w), w.Browser()
	b.Get(strings.TrimPrefix(c.want(c.put("b-1", basket(tent+", "+card)), 201, "").Session.URL, w.URL))
	_, form := freeForm(t, b.Get("/checkout/s/b-1"))
	if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 503 || w.Number("select count(*) from orders") != 0 {
		t.Errorf("no answer: %d", got.StatusCode)
	}
	m.says(free)
	_, form = freeForm(t, b.Get("/checkout/s/b-1"))
	if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 200 || w.Number("select count(*) from orders") != 1 {
		t.Errorf("with an answer: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// The page of Klarna Payments sends a place again of which nothing was said, and says meanwhile that it did not work.
func TestPaymentsUnanswered(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Checkout.Payments = true
		noWays(s)
	})
	m.byPlace(exceptAt("11122", ""))
	b := w.Browser()
	b.Add("MUG-1", "2")
	page := &placePage{Browser: b, w: w, path: "/checkout"}
	page.load()
	if status, u := page.update(`"postal_code": "11122"`); status != 503 || u.Error.Code != "delivery_unanswered" {
		t.Errorf("typed: %d %+v", status, u)
	}
	if status, code := page.place("11122"); status != 503 || code != "delivery_unanswered" {
		t.Errorf("bought there: %d %s", status, code)
	}
	if n := w.Number("select count(*) from approved_orders"); n != 0 {
		t.Errorf("%d are approved", n)
	}
	m.says(fromHook)
	if status, u := page.update(`"postal_code": "11122"`); status != 200 {
		t.Errorf("with an answer: %d %+v", status, u)
	}
	page.load()
	if status, code := page.place("11122"); status != 200 {
		t.Errorf("bought: %d %s", status, code)
	}
}
