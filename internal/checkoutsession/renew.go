package checkoutsession

import (
	"context"
	"database/sql"
	"time"

	"github.com/shopd/shopd/internal/cart"
)

// Renew gives an open session its next revision where a newer published version has changed what
// its basket comes to or how it can be delivered, so that open forms show that before it is paid.
// It returns the cart as it is then.
func (s *Store) Renew(ctx context.Context, carts *cart.Store, pricer *cart.Pricer, c cart.Cart) (cart.Cart, error) {
	if c.Basket == nil || c.Basket.Ended || len(c.Bought) > 0 || !pricer.Outdated(c.Basket) {
		return c, nil
	}
	raised, err := s.raise(ctx, c.ID, c.Basket.Revision)
	if err != nil || raised == 0 {
		return c, err
	}
	return carts.Update(context.WithoutCancel(ctx), c.ID, cart.Fallback{}, func(now *cart.Cart) error {
		if now.Basket != nil && now.Basket.Revision < raised {
			b := *now.Basket
			b.Revision, b.Terms = raised, pricer.Terms(&b)
			now.Basket = &b
		}
		return nil
	})
}

// raise gives an open session a revision above that of its cart; 0: not now. Where the cart is
// behind, somebody is bringing it a newer basket, which must not be taken for an older one, unless
// he has died on the way.
func (s *Store) raise(ctx context.Context, cartID string, from int64) (raised int64, err error) {
	err = s.tx(ctx, "renew", func(tx *sql.Tx) error {
		raised = 0
		now, _, err := lock(ctx, tx, cartID)
		if err != nil || now.Status != Open || now.Changing(from) {
			return err
		}
		raised = max(now.Revision, from) + 1
		_, err = tx.ExecContext(ctx, "update checkout_sessions set revision = $2, expires_at = $3 where cart_id = $1", cartID, raised, time.Now().Add(Life).UnixMilli())
		return err
	})
	return raised, err
}
