package shoptest

import (
	"context"
	"database/sql"
	"math"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/stock"
)

// Change changes a cart on arrival, as a form of the shop does.
func (w *World) Change(cartID string, ch cart.Change) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Update(w.T.Context(), cartID, Sweden, func(c *cart.Cart) error {
		return w.Pricer.Apply(c, ch, nil)
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

// Cart is a cart as it is stored now.
func (w *World) Cart(id string) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Get(w.T.Context(), id, Sweden)
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// Open makes an order at Klarna for what a cart says now, the cart's newest.
func (w *World) Open(cartID string) (orderID string) {
	w.T.Helper()
	content, _, err := w.KCO.Wants.Want(w.Cart(cartID))
	if err != nil {
		w.T.Fatal(err)
	}
	return w.Create(cartID, content)
}

// Create makes an order at Klarna with a content, the cart's newest.
func (w *World) Create(cartID string, content kco.Content) (orderID string) {
	w.T.Helper()
	o, err := w.KCO.Client.CreateOrder(w.T.Context(), content, kco.Prefill{})
	if err != nil {
		w.T.Fatal(err)
	}
	if set, _, err := w.Carts.SetOrderID(w.T.Context(), cartID, w.Cart(cartID).OrderID, o.OrderID, nil); err != nil || !set {
		w.T.Fatal(set, err)
	}
	return o.OrderID
}

// Sync syncs a cart's order within 12 s, as under the session's lock. known is the
// order that the session names, if any.
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

// Buy presses the button in Klarna's form. typed are members of the address, by
// name and text.
func (w *World) Buy(orderID string, typed ...string) {
	w.T.Helper()
	w.Press(orderID, fakeklarna.Buy{}, typed...)
}

// Press is Buy in another way than the usual one.
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

// Reserve does what the validation of a purchase does: the cart's stock is taken.
func (w *World) Reserve(cartID, orderID string, made time.Time) {
	w.T.Helper()
	var lines []stock.Line
	for _, line := range w.Cart(cartID).Lines {
		lines = append(lines, stock.Line(line))
	}
	w.Approve(stock.Approved{CartID: cartID, OrderID: orderID, Lines: lines, Made: made})
}

// Approve approves a purchase and demands success.
func (w *World) Approve(a stock.Approved) {
	w.T.Helper()
	if err := w.TryApprove(a); err != nil {
		w.T.Fatal(err)
	}
}

// TryApprove approves a purchase, whatever the cart says.
func (w *World) TryApprove(a stock.Approved) error {
	w.T.Helper()
	return w.DB.Tx(w.T.Context(), func(tx *sql.Tx) error {
		if err := stock.LockCart(w.T.Context(), tx, a.CartID); err != nil {
			return err
		}
		return w.Stock.Reserve(w.T.Context(), tx, a)
	})
}

// Approved are the approved orders of a cart, the newest first.
func (w *World) Approved(cartID string) []stock.Approved {
	w.T.Helper()
	list, err := w.Stock.OfCart(w.T.Context(), w.DB.Read, cartID)
	if err != nil {
		w.T.Fatal(err)
	}
	return list
}

// Sale is a cart with two mugs and a jam, bought and not placed. typed are members
// of the address, by name and text.
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

// Place places an order and demands success.
func (w *World) Place(orderID string) order.Order {
	w.T.Helper()
	o, err := w.Book.Place(w.T.Context(), orderID)
	if err != nil {
		w.T.Fatal(err)
	}
	return o
}

// Left is the stock of a SKU.
func (w *World) Left(sku string) int {
	w.T.Helper()
	left, err := w.Stock.Left(w.T.Context(), sku)
	if err != nil {
		w.T.Fatal(err)
	}
	return left[sku]
}

// ToAbort are the orders that were left behind and are yet to be aborted.
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
