package api

import (
	"context"
	"errors"
	"time"

	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/stock"
)

// sweepSessions ends sessions that nobody has touched for 48 h, however many there are, and
// forgets those that ended long ago.
func (a *API) sweepSessions(ctx context.Context, now time.Time) error {
	const step = 100
	for {
		due, err := a.Sessions.Due(ctx, now, step)
		if err == nil {
			err = a.endDue(ctx, due, now)
		}
		switch {
		case err != nil:
			return err
		case len(due) < step:
			return a.Sessions.Forget(ctx, now)
		}
	}
}

// endDue ends sessions of which it is time to look whether somebody has touched them. Each has
// another time then.
func (a *API) endDue(ctx context.Context, due []db.Due, now time.Time) error {
	for _, d := range due {
		touched, err := a.Carts.TouchedAt(ctx, d.Key)
		if err != nil {
			return err
		}
		until := now.Add(time.Hour) // tried again then, should this process end now
		ends := touched.Add(checkoutsession.Life)
		if ends.After(now) {
			until = ends
		}
		taken, err := a.Sessions.Claim(ctx, d, until)
		if err != nil {
			return err
		}
		if !taken || ends.After(now) {
			continue
		}
		if _, err := a.end(ctx, d.Key); err != nil && !errors.Is(err, checkoutsession.ErrNotOpen) && !errors.Is(err, stock.ErrPurchaseRunning) {
			return err
		}
	}
	return nil
}
