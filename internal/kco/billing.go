package kco

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/redisconn"
)

// NoteBilling stores the billing country of the form after the shop or the merchant has
// changed the market. Later, another country is the shopper's choice, which the cart follows.
// result is that of a Sync with the outcome InSync; its cart becomes the stored one.
func (s *Syncer) NoteBilling(ctx context.Context, result *Result) error {
	billing := result.Order.BillingAddress.Country
	if billing == "" || strings.EqualFold(billing, result.Cart.KnownBilling()) {
		return nil
	}
	noted := false
	c, err := s.Carts.UpdateFor(ctx, result.Cart.ID, result.OrderID, func(c *cart.Cart) error {
		if noted = c.Revision == result.Cart.Revision; noted { // else a callback may have brought a later one
			c.NoteBilling(billing)
		}
		return nil
	})
	switch {
	case errors.Is(err, cart.ErrNotItsOrder), redisconn.Full(err): // the next Sync notes it
		return nil
	case err != nil:
		return fmt.Errorf("note billing country of cart %s: %w: %w", result.Cart.ID, cartsync.ErrUnavailable, err)
	case noted:
		result.Cart = c
	}
	return nil
}

// asShown is a cart with what its order's form shows, of which a Redis that was full has kept
// nothing: what the shopper typed and chose is not undone, and is what is bought. A cart that
// cannot follow stays as it is.
func (s *Syncer) asShown(ctx context.Context, c cart.Cart) cart.Cart {
	ctx, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	found := judge(s.Client.GetOrder(ctx, c.OrderID))
	if !found.open() {
		return c
	}
	next, _, quote, err := s.Wants.Following(&c, found.order.Address(), "", nil)
	if err != nil || quote.Free() {
		return c
	}
	return next
}
