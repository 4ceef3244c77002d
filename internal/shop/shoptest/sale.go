package shoptest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
)

// Change changes a cart, like a form of the shop.
func (w *World) Change(cartID string, ch cart.Change) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Update(w.T.Context(), cartID, Sweden, func(c *cart.Cart) error {
		return c.Apply(ch, w.Catalog, nil)
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// Put sets the quantity of a SKU in a cart.
func (w *World) Put(cartID, sku string, quantity int) cart.Cart {
	w.T.Helper()
	return w.Change(cartID, cart.Change{Set: []cart.Line{{SKU: sku, Quantity: quantity}}})
}

// Cart reads a cart.
func (w *World) Cart(id string) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Get(w.T.Context(), id, Sweden)
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// Open makes an order at Klarna with what a cart says now. It becomes the cart's newest
// order.
func (w *World) Open(cartID string) (orderID string) {
	w.T.Helper()
	content, _, err := w.KCO.Wants.Want(w.Cart(cartID))
	if err != nil {
		w.T.Fatal(err)
	}
	return w.Create(cartID, content)
}

// Create makes an order at Klarna with a given content. It becomes the cart's newest order.
func (w *World) Create(cartID string, content kco.Content) (orderID string) {
	w.T.Helper()
	o, err := w.KCO.Client.CreateOrder(w.T.Context(), content)
	if err != nil {
		w.T.Fatal(err)
	}
	if set, _, err := w.Carts.SetOrderID(w.T.Context(), cartID, w.Cart(cartID).OrderID, o.OrderID, nil); err != nil || !set {
		w.T.Fatal(set, err)
	}
	return o.OrderID
}

// Sync syncs a cart's order within 12 s, like a page under the session's lock. known is the
// order of the session, "" without one.
func (w *World) Sync(cartID string, mode cartsync.Mode, known ...string) (kco.Result, error) {
	w.T.Helper()
	return w.SyncWithin(12*time.Second, cartID, mode, known...)
}

// SyncWithin is Sync with another time limit.
func (w *World) SyncWithin(d time.Duration, cartID string, mode cartsync.Mode, known ...string) (kco.Result, error) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), d)
	defer cancel()
	r := kco.Request{CartID: cartID, Fallback: Sweden, Mode: mode}
	if len(known) > 0 {
		r.SessionOrderID = known[0]
	}
	return w.KCO.Sync(ctx, r)
}

// Buy buys an order in Klarna's form. typed are names and texts of members of the address.
func (w *World) Buy(orderID string, typed ...string) {
	w.T.Helper()
	w.Press(orderID, fakeklarna.Buy{}, typed...)
}

// Press is Buy with a choice of outcome.
func (w *World) Press(orderID string, buy fakeklarna.Buy, typed ...string) {
	w.T.Helper()
	action := fakeklarna.Action{Type: map[string]string{}, Buy: &buy}
	for i := 0; i < len(typed); i += 2 {
		action.Type[typed[i]] = typed[i+1]
	}
	if out, err := w.Fake.Shopper(orderID, action); err != nil || out.Refused != nil {
		w.T.Fatalf("buy: %+v, %v", out, err)
	}
}

// Reserve takes the cart's stock, like the validation of a purchase.
func (w *World) Reserve(cartID, orderID string, made time.Time) {
	w.T.Helper()
	var lines []catalog.ReservedLine
	for _, line := range w.Cart(cartID).Lines {
		lines = append(lines, catalog.ReservedLine(line))
	}
	if err := w.Stock.Reserve(w.T.Context(), catalog.Reservation{CartID: cartID, OrderID: orderID, Lines: lines, Made: made}); err != nil {
		w.T.Fatal(err)
	}
}

// Sale makes a cart of two mugs and a jam and buys it. The order is not placed. typed are
// names and texts of members of the address.
func (w *World) Sale(typed ...string) (cartID, orderID string) {
	w.T.Helper()
	cartID = cart.NewID()
	w.Put(cartID, "MUG-1", 2)
	w.Put(cartID, "JAM-1", 1)
	return cartID, w.Sell(cartID, typed...)
}

// Sell makes an order of a cart, takes its stock and buys it.
func (w *World) Sell(cartID string, typed ...string) (orderID string) {
	w.T.Helper()
	orderID = w.Open(cartID)
	w.Reserve(cartID, orderID, time.Now())
	w.Buy(orderID, typed...)
	return orderID
}

// Place places an order and fails the test when that is refused.
func (w *World) Place(orderID string) order.Order {
	w.T.Helper()
	o, err := w.Book.Place(w.T.Context(), orderID)
	if err != nil {
		w.T.Fatal(err)
	}
	return o
}

// Left returns the stock of a SKU.
func (w *World) Left(sku string) int {
	w.T.Helper()
	left, err := w.Stock.Left(w.T.Context(), sku)
	if err != nil {
		w.T.Fatal(err)
	}
	return left[sku]
}

// ToAbort returns the left-behind orders that are still to be aborted.
func ToAbort(t testing.TB, l *kco.LeftBehind) (ids []string) {
	t.Helper()
	left, _, err := l.List(t.Context(), math.MaxInt32)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range left {
		if !o.Aborted {
			ids = append(ids, o.OrderID)
		}
	}
	return ids
}
