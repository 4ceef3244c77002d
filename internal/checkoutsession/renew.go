package checkoutsession

import (
	"context"
	"database/sql"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
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
	now := time.Now()
	err = s.tx(ctx, "renew", func(tx *sql.Tx) error {
		list, err := db.All(ctx, tx, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) },
			`update checkout_sessions set revision = case when revision > $2 then revision else $2 end + 1, expires_at = $3
			where cart_id = $1 and status = 'open' and (revision <= $2 or expires_at <= $4) returning revision`,
			cartID, from, now.Add(Life).UnixMilli(), now.Add(Life-settled).UnixMilli())
		if len(list) > 0 {
			raised = list[0]
		}
		return err
	})
	return raised, err
}
