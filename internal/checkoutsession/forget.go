package checkoutsession

import (
	"context"
	"fmt"
	"time"
)

// Kept is how long a session that ended without an order is kept: longer than its cart, than a
// bank may take to answer, and than the events that name it.
const Kept = 40 * 24 * time.Hour

// forgetBatch is how many sessions one statement deletes, so that none takes long.
const forgetBatch = 1000

// Forget deletes the sessions that ended without an order so long before now, with what the
// merchant has said in them. One that was bought stays with its order.
func (s *Store) Forget(ctx context.Context, now time.Time) error {
	for {
		// The conditions stand outside, too: one may have been bought in this moment.
		n, err := s.DB.Exec(ctx, `delete from checkout_sessions where status = 'expired' and order_id is null and cart_id in
			(select cart_id from checkout_sessions where status = 'expired' and order_id is null and expires_at <= $1 order by expires_at limit $2)`,
			now.Add(-Kept).UnixMilli(), forgetBatch)
		if err != nil {
			return fmt.Errorf("%w: forget checkout sessions: %w", ErrUnavailable, err)
		}
		if n < forgetBatch {
			return nil
		}
	}
}
