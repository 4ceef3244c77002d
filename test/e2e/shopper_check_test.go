package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db/dbtest"
	kcoapi "github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// check holds the invariants of design.md for every visitor, once nothing fails any more.
func (c *crowd) check() {
	c.t.Helper()
	c.fails, c.busy = false, false
	if c.buys {
		c.fake.Advance(6 * time.Minute) // a push that was in vain comes again
	}
	listed := shoptest.ToAbort(c.t, c.here.LeftBehind) // to be aborted
	lossy := map[string]bool{}                         // creates whose answer did not reach the shop whole
	for _, call := range c.fake.Requests("") {
		if call.Method == "POST" && strings.HasSuffix(call.Path, "/orders") && slices.ContainsFunc(call.Faults, isLoss) {
			lossy[call.OrderID] = true
		}
	}
	for _, v := range c.visitors {
		current := v.tabs[0].last()
		if c.t.Failed() {
			return
		}
		v.orders(current, listed, lossy)
	}
	if c.buys {
		c.books()
		c.stock()
	}
}

func isLoss(fault string) bool {
	return fault == "late" || fault == "drop_reply" || fault == "truncate" || fault == "not_json"
}

// last comes back once more and returns the order shown: the cart is as it was
// answered, and the order says what it says (invariants 1, 3 and 4).
func (b *tab) last() (orderID string) {
	b.t.Helper()
	if b.unsettled() {
		b.settle()
	}
	for _, s := range b.sales {
		b.confirm(s)
	}
	if got, _ := b.send("POST", "/cart/lines", "sku="+extra, ""); got.status != http.StatusSeeOther {
		b.t.Fatalf("%s: the last add: got %d\n%s", b.name, got.status, got.body)
	}
	id, ok := b.load()
	if !ok {
		again, _ := b.send("GET", "/checkout", "", "")
		lines, _ := b.send("GET", "/cart", "", "application/json")
		b.t.Fatalf("%s: the last load shows no order, once more: %d to %s; the cart is %s", b.name, again.status, again.header.Get("Location"), lines.body)
	}
	got, _ := b.send("GET", "/cart", "", "application/json")
	for _, other := range b.tabs {
		other.compare(got.body)
	}
	b.cartID = b.agrees(id)
	return id
}

// orders demands that of the orders that were made for the cart one is open, and
// that each other one is bought, or aborted, or on the list of those that will be
// (invariant 2); and that an order was replaced only where Klarna failed or Redis
// forgot it, so that what was typed is still there (invariant 8).
func (v *visitor) orders(current string, listed []string, lossy map[string]bool) {
	v.t.Helper()
	var bought []string
	for _, o := range v.fake.Orders() {
		gone := v.faulty || v.away.forgot(startOf(o))
		switch shown := v.shown[o.OrderID]; {
		case v.cartOf(o.OrderID) != v.cartID || o.OrderID == current || lossy[o.OrderID]:
		case o.Fake.OrderManagement != nil:
			bought = append(bought, o.OrderID)
			if got := o.Fake.Typed["email"]; got != v.name {
				v.t.Errorf("%s typed the e-mail address of order %s, Klarna has %q", v.name, o.OrderID, got)
			}
		case o.Fake.Aborted, slices.Contains(listed, o.OrderID):
			if !gone {
				v.t.Errorf("%s: order %s was replaced for no reason", v.name, o.OrderID)
			}
		case !shown && v.shopDied(), v.away.forgot(startOf(o)):
			v.strays.Add(1)
		default:
			v.t.Errorf("%s: order %s is open, not the cart's, and on no list; it was shown: %v", v.name, o.OrderID, shown)
		}
	}
	var sold []string
	for _, s := range v.sales {
		sold = append(sold, s.orderID)
	}
	slices.Sort(sold)
	slices.Sort(bought)
	if diff := cmp.Diff(sold, bought); diff != "" {
		v.t.Errorf("%s bought (-told, +Klarna has):\n%s", v.name, diff)
	}
}

// startOf is when an order was made.
func startOf(o fakeklarna.Order) time.Time {
	at, _ := time.Parse(time.RFC3339, o.StartedAt)
	return at
}

// books demands that each purchase is in the order book once, as Klarna
// authorised it, with the number that buyer and Klarna were told, and is
// acknowledged (invariants 5 and 6).
func (c *crowd) books() {
	c.t.Helper()
	total, numbers := int64(0), map[string]string{}
	for _, v := range c.visitors {
		for _, s := range v.sales {
			total++
			o, found, err := c.here.Book.ByOrderID(c.t.Context(), s.orderID)
			if err != nil || !found {
				c.t.Errorf("order %s of %s is not in the book: %v", s.orderID, v.name, err)
				continue
			}
			if numbers[o.Number] != "" {
				c.t.Errorf("orders %s and %s have one number", numbers[o.Number], s.orderID)
			}
			numbers[o.Number] = s.orderID
			at, _ := c.fake.Order(s.orderID)
			managed, _ := c.fake.Managed(s.orderID)
			if !o.Acknowledged || !o.CartClosed || !at.Fake.Acknowledged || o.CartID != v.cartID {
				c.t.Errorf("order %s: in the book acknowledged %v, cart closed %v, cart %s; at Klarna acknowledged %v, of cart %s",
					s.orderID, o.Acknowledged, o.CartClosed, o.CartID, at.Fake.Acknowledged, v.cartID)
			}
			if o.Number != s.number || managed.MerchantReference1 != s.number {
				c.t.Errorf("order %s: the buyer was told %s, the book says %s, Klarna %s", s.orderID, s.number, o.Number, managed.MerchantReference1)
			}
			goods := map[string]int{}
			for _, line := range o.Goods() {
				goods[line.SKU] += line.Quantity
			}
			if diff := cmp.Diff(s.goods, goods); diff != "" || int64(o.OrderAmount) != at.OrderAmount {
				c.t.Errorf("order %s: %d in the book, %d at Klarna (-Klarna, +book):\n%s", s.orderID, o.OrderAmount, at.OrderAmount, diff)
			}
		}
	}
	if n := c.rows("select 'n', count(*) from orders")["n"]; n != int(total) {
		c.t.Errorf("the book has %d orders, want %d", n, total)
	}
}

// stock demands of each product that on hand is what there was, committed what was sold
// and reserved what purchases that came to nothing still hold; and that all three are the
// sums of the ledger (invariant 15).
func (c *crowd) stock() {
	c.t.Helper()
	sold, held := map[string]int{}, map[string]int{}
	for _, v := range c.visitors {
		for _, s := range v.sales {
			for sku, n := range s.goods {
				sold[sku] += n
			}
		}
		approved, err := c.here.Stock.OfCart(c.t.Context(), c.here.Book.DB.Read, v.cartID)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, a := range approved {
			for _, line := range a.Lines {
				if !a.Returned && !a.Sold {
					held[line.SKU] += line.Quantity
				}
			}
		}
	}
	onHand, reserved, committed := c.rows("select sku, on_hand from stock"), c.rows("select sku, reserved from stock"), c.rows("select sku, committed from stock")
	for _, p := range c.published.Now().Catalog.Products() {
		if p.Digital {
			continue
		}
		got, want := []int{onHand[p.SKU], reserved[p.SKU], committed[p.SKU]}, []int{p.Stock, held[p.SKU], sold[p.SKU]}
		if !slices.Equal(got, want) {
			c.t.Errorf("%s: on hand, reserved, committed are %v, want %v", p.SKU, got, want)
		}
	}
	c.ledger()
}

// ledger demands that the numbers of each product are the sums of its moves, and that as
// many are committed as orders have open (invariant 15). Nothing was captured.
func (d *deployment) ledger() {
	d.t.Helper()
	dbtest.StockAdds(d.t, d.here.Book.DB)
	open := map[string]int{}
	if err := d.here.Book.Each(d.t.Context(), order.Query{}, func(o order.Order) error {
		for _, line := range o.Goods() {
			open[line.SKU] += line.Quantity
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	for sku, n := range d.rows("select sku, committed from stock") {
		if n != open[sku] {
			d.t.Errorf("%s: %d are committed, orders have %d open", sku, n, open[sku])
		}
	}
}

// agrees demands that an order is the one of its cart and says what it says. It
// returns the cart's ID.
func (d *deployment) agrees(orderID string) (cartID string) {
	d.t.Helper()
	order, err := d.here.KCO.Client.GetOrder(d.t.Context(), orderID)
	if err != nil {
		d.t.Fatal(err)
	}
	cartID, err = d.here.Signer.Verify(order.MerchantData)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.here.Carts.Get(d.t.Context(), cartID, cart.Fallback{})
	if err != nil {
		d.t.Fatal(err)
	}
	want, _, err := d.here.KCO.Wants.Want(c)
	if err != nil {
		d.t.Fatal(err)
	}
	if diff := kcoapi.Differences(want, order); len(diff) > 0 || c.OrderID != orderID {
		d.t.Errorf("cart and order %s differ in %v, the cart's order is %s", orderID, diff, c.OrderID)
	}
	return cartID
}
