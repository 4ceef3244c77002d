package checkoutsession

import (
	"context"
	"fmt"

	"github.com/shopd/shopd/internal/cart"
)

// Renew gives an open session its next revision where a newer published version has changed what
// its basket comes to or how it can be delivered, so that open forms show that before it is paid.
// It returns the cart as it is then.
func (s *Store) Renew(ctx context.Context, carts *cart.Store, pricer *cart.Pricer, c cart.Cart) (cart.Cart, error) {
	if c.Basket == nil || c.Basket.Ended || len(c.Bought) > 0 || !pricer.Outdated(c.Basket) {
		return c, nil
	}
	// Only on top of the revision of the cart: else the basket that the merchant's server is
	// just saying would be taken for an older one.
	from := c.Basket.Revision
	raised, err := s.DB.Exec(ctx, "update checkout_sessions set revision = revision + 1 where cart_id = $1 and revision = $2 and status = $3", c.ID, from, Open)
	if err != nil {
		return c, fmt.Errorf("%w: renew checkout session: %w", ErrUnavailable, err)
	}
	if raised == 0 { // by somebody else, in this moment
		return c, nil
	}
	return carts.Update(context.WithoutCancel(ctx), c.ID, cart.Fallback{}, func(now *cart.Cart) error {
		if now.Basket != nil && now.Basket.Revision == from {
			b := *now.Basket
			b.Revision, b.Terms = from+1, pricer.Terms(&b)
			now.Basket = &b
		}
		return nil
	})
}
