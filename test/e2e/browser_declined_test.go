package e2e_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// When Klarna pays nothing, its form tells the page and the page the shop: the stock that the purchase held is there for
// others at once, and the shopper's form can still be used.
func TestDeclinedGivesStockBack(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	d.stocked("MUG-1", 5)
	s := d.shopper(t, browsertest.Options{AcceptLanguage: "en-SE"})
	s.fill("MUG-1")
	s.openCheckout()
	id := s.orderID()
	s.typeContact()
	s.typeInFrame("given_name", "family_name", "street_address", "city", "phone")
	s.Frame(kco).MustElement("[data-testid=email]").MustSelectAllText().MustInput("ada+denied@example.com")
	s.Frame(kco).MustElement("[data-testid=pay]").MustClick()
	s.eventually(40*time.Second, "the purchase is approved by us", func() bool {
		_, approved := d.rows("select order_id, 0 from approved_orders")[id]
		return approved
	})
	s.eventually(40*time.Second, "its stock is there again", func() bool { return d.left()["MUG-1"] == 5 })
	if order := s.order(); order.Status != fakeklarna.StatusIncomplete || order.OrderID != id {
		t.Errorf("order %s is %s", order.OrderID, order.Status)
	}
	s.Wait("the note", `() => document.querySelector("[data-note=method]")`)
}
