package api

import (
	"context"
	"slices"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
)

// change is what a call has stored of a session.
type change struct {
	was, is checkoutsession.Session
	basket  *cart.Basket // that it had
	raised  bool         // the cart has another basket
}

// isSold reports whether an order was bought with the lines and the number that a cart has now:
// its page showed them before the call was answered.
func (a *API) isSold(ctx context.Context, c cart.Cart, orderID string) (bool, error) {
	o, err := a.Book.Sold(ctx, orderID)
	if err != nil {
		return false, err
	}
	q, err := a.Pricer.Quote(c.Contents)
	return c.Basket != nil && o.MerchantReference1 == c.Basket.OrderNumber && o.OrderAmount == q.OrderAmount && slices.EqualFunc(o.OrderLines, q.OrderLines, func(x, y klarna.OrderLine) bool {
		return x.Type == y.Type && x.Reference == y.Reference && x.Name == y.Name && x.Quantity == y.Quantity && x.TotalAmount == y.TotalAmount
	}), err
}

// When a basket is undone: anyway, or unless a form has shown it, which may be what is bought.
var (
	anyway = func(*cart.Cart) bool { return true }
	unseen = func(c *cart.Cart) bool { return c.Seen < c.Basket.Revision }
)

// undo brings back what a session said before a change, under its new revision.
func (a *API) undo(ctx context.Context, done change, when func(*cart.Cart) bool) {
	ctx = context.WithoutCancel(ctx)
	var err error
	undone := !done.raised
	put := func(number string) error {
		_, err := a.Carts.Update(ctx, done.is.CartID, cart.Fallback{}, func(c *cart.Cart) error {
			if undone = c.Basket != nil && c.Basket.Revision == done.is.Revision && when(c); undone {
				b := *done.basket
				b.Revision, b.OrderNumber = done.is.Revision, number
				c.Put(&b, a.Published.Now())
			}
			return nil
		})
		return err
	}
	if !undone && done.basket != nil {
		err = put(done.was.OrderNumber)
	}
	if err == nil && undone {
		var number string
		number, err = a.Sessions.Undo(ctx, done.is, done.was)
		if err == nil && number != done.was.OrderNumber { // another session has taken it meanwhile
			err = put(number)
		}
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "a change of a session is not undone", "cart_id", done.is.CartID, "error", err)
	}
}
