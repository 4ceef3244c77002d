package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/stock"
)

// boughtError: an order of the cart is in the book of which the cart does not know.
type boughtError struct{ order Order }

// Error names the order.
func (e *boughtError) Error() string { return "the cart is bought already by order " + e.order.Ref() }

// Is makes it stock.ErrSold.
func (e *boughtError) Is(target error) bool { return target == stock.ErrSold }

// Approve lets Klarna go on with a purchase of a cart as it was read: takes the stock of
// its lines and writes that the purchase may be running. Neither a crash between placing
// and closing the cart nor a Redis that forgot the closing lets a cart be bought twice:
// an order that the cart does not know of forbids it, and closes the cart. The error is
// stock.ErrSold, stock.ErrPurchaseRunning, stock.ErrCrowded, a *stock.ShortError of goods, or
// a fault of the database; nothing has changed then. It is ErrCartChanged where the cart's
// checkout session has ended or has another basket, or where others have used up a campaign of
// the cart, which knows it then and has another price.
func (b *Book) Approve(ctx context.Context, c cart.Cart, a stock.Approved) error {
	leave, err := b.Stock.Enter(ctx, a.Lines)
	if err != nil {
		return err
	}
	defer leave()
	err = b.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := lockUnbought(ctx, tx, c); err != nil {
			return err
		}
		return b.Stock.Reserve(ctx, tx, a)
	})
	if bought, ok := errors.AsType[*boughtError](err); ok {
		b.closeAgain(ctx, bought.order)
	}
	if short, ok := errors.AsType[*stock.ShortError](err); ok && b.usedUp(ctx, c.ID, short) {
		err = fmt.Errorf("%w: nothing is left of %s", ErrCartChanged, short.SKU) // no goods: nobody is told that they are sold out
	}
	if err != nil {
		return fmt.Errorf("approve purchase of cart %s: %w", c.ID, err)
	}
	return nil
}

// LetGo gives back the stock of a cart that is paid for no more: another one is wanted, or none,
// or nothing pays it. Where that fails it goes back after its time.
func (b *Book) LetGo(ctx context.Context, c cart.Cart) {
	if !c.Held {
		return
	}
	err := b.Stock.LetGo(ctx, c.ID)
	if err == nil {
		err = b.Carts.SetHeld(ctx, c.ID, false)
	}
	if err != nil {
		b.Logger.WarnContext(ctx, "stock of a cart is not let go yet", "cart_id", c.ID, "error", err)
	}
}

// lockUnbought lets the transaction alone decide about a cart as it was read. The error is
// a *boughtError where an order of it is in the book of which the cart does not know, and
// ErrCartChanged where its checkout session has ended, or the merchant's server is changing it:
// that raises the session's row before the cart, and looks at what was approved afterwards, so
// that one of both sees the other.
func lockUnbought(ctx context.Context, tx *sql.Tx, c cart.Cart) error {
	var session checkoutsession.Session
	if c.Basket != nil { // the session's row first
		var err error
		if session, _, err = checkoutsession.Lock(ctx, tx, c.ID); err != nil {
			return err
		}
	}
	if err := stock.LockCart(ctx, tx, c.ID); err != nil {
		return err
	}
	// The order that is being placed first, if it is one of the shop's own.
	orders, err := several(ctx, tx, "select record from orders where cart_id = $1 order by id <> $2, placed_at, id", c.ID, c.OrderID)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if !c.BoughtBy(o.Ref()) {
			return &boughtError{o}
		}
	}
	switch {
	case session.Status == checkoutsession.Expired:
		return fmt.Errorf("%w: %w", ErrCartChanged, checkoutsession.ErrNotOpen)
	case c.Basket != nil && session.Changing(c.Basket.Revision):
		return fmt.Errorf("%w: %w", ErrCartChanged, checkoutsession.ErrRevision)
	}
	return nil
}

// usedUp reports whether what there is too little of are the uses of a campaign. The cart
// is told. Where that fails now, the next purchase does it.
func (b *Book) usedUp(ctx context.Context, cartID string, short *stock.ShortError) bool {
	id, uses := stock.CampaignOf(short.SKU)
	if !uses {
		return false
	}
	if _, err := b.Carts.Update(ctx, cartID, cart.Fallback{}, func(c *cart.Cart) error {
		c.UseUp(id)
		return nil
	}); err != nil {
		b.Logger.WarnContext(ctx, "a cart does not know yet that a campaign is used up", "cart_id", cartID, "error", err)
	}
	return true
}
