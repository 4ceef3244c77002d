// Package mend looks at Klarna's copies of carts on which an update may have landed late,
// and brings them in step again.
package mend

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/rounds"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/underway"
)

// Mender looks at the list of updates under way. A copy is read and compared under the
// lease of whoever sent the update, by the rules of every other sync; nothing is created. All
// members but Observer are required.
type Mender struct {
	Redis    redis.UniversalClient
	Underway *underway.List
	Locks    *session.Sessions
	Carts    *cart.Store
	Stock    *stock.Store // knows of purchases that may be running
	KCO      *kco.Syncer
	Payments *payments.Syncer
	Logger   *slog.Logger
	Observer *observe.Observer // gets each round and each look; may be nil
}

const (
	lockKey  = "shopd:{underway}:lock"
	every    = 5 * time.Second
	batch    = 50               // looks a round
	failures = 5                // in one round; then Klarna or Redis is away
	lookTime = 12 * time.Second // for one look, as for a request
	soon     = 5 * time.Second  // to the look after one that failed, at first
	giveUp   = 49 * time.Hour   // an order lives 48 h after its last touch
)

// Run looks at what is due every 5 s, until ctx ends.
func (m *Mender) Run(ctx context.Context) {
	rounds.Every(ctx, every, func() { _ = m.Round(ctx, time.Now()) }) // the observer is told
}

// Round looks at all that is due at now. It stops after five failures. The error is
// redisconn.ErrElsewhere while another process is at it.
func (m *Mender) Round(ctx context.Context, now time.Time) error {
	ctx, done := m.Observer.Round(ctx, observe.LoopMend)
	err := redisconn.Alone(ctx, m.Redis, lockKey, func(ctx context.Context) error { return m.round(ctx, now) })
	done(err)
	return err
}

func (m *Mender) round(ctx context.Context, now time.Time) error {
	due, err := m.Underway.Due(ctx, now, batch)
	if err != nil {
		return err
	}
	return rounds.Each(due, failures, func(u underway.Update) error { return m.mend(ctx, u, now) })
}

// mend looks at the copy of one update, and says when to look again. What keeps failing is
// looked at when it is half as old again.
func (m *Mender) mend(ctx context.Context, u underway.Update, now time.Time) (err error) {
	ctx, done := m.Observer.Item(ctx, observe.WorkMend, observe.Subject{CartID: u.CartID})
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	result, looked := m.look(ctx, u)
	defer func() { done(result, err) }()
	age := now.Sub(u.Started)
	last := u.Started.Add(underway.LastLook)
	switch over := result != observe.ResultReserved && looked == nil; {
	case over && !now.Before(last), result == observe.ResultGone, age >= giveUp:
		return errors.Join(looked, m.Underway.End(ctx, u))
	case over:
		return m.Underway.Again(ctx, u, last)
	}
	return errors.Join(looked, m.Underway.Again(ctx, u, now.Add(max(soon, age/2))))
}

// look brings a copy in step with its cart. ResultReserved: a purchase of it may be running.
// ResultGone: there is nothing any more on which an update can land.
func (m *Mender) look(ctx context.Context, u underway.Update) (observe.Result, error) {
	c, err := m.Carts.Get(ctx, u.CartID, cart.Fallback{})
	if err != nil {
		return observe.ResultFailed, err
	}
	purchase := c.OrderID
	if u.Product == observe.Payments {
		purchase = payments.Purchase(c.SessionID)
	}
	switch {
	case u.Product == observe.KCO && (c.OrderID == "" || cart.IsOwnOrder(c.OrderID)), u.Product == observe.Payments && c.SessionID == "":
		return observe.ResultGone, nil
	}
	approved, running, err := m.Stock.OfOrder(ctx, purchase)
	switch {
	case err != nil:
		return observe.ResultFailed, err
	case running && time.Since(approved.Made) < stock.Young:
		return observe.ResultReserved, nil
	}
	release, err := m.lock(ctx, u)
	if err != nil {
		return observe.ResultFailed, err
	}
	defer release()
	ended, err := m.sync(ctx, u)
	switch {
	case errors.Is(err, cartsync.ErrNothingToRepair):
		return observe.ResultGone, nil
	case errors.Is(err, cartsync.ErrPurchaseRunning):
		return observe.ResultReserved, nil
	case errors.Is(err, cartsync.ErrRefused):
		return observe.ResultRefused, nil // the same would be refused again
	case err != nil:
		return observe.ResultFailed, err
	case ended.Outcome == cartsync.Complete, ended.Outcome == cartsync.Bought:
		return observe.ResultGone, nil
	case ended.Updated:
		m.Logger.InfoContext(ctx, "an update landed late at klarna, mended", "cart_id", u.CartID)
		return observe.ResultMended, nil
	}
	return observe.ResultDone, nil
}

func (m *Mender) lock(ctx context.Context, u underway.Update) (release func(), err error) {
	if u.Lease == "" {
		return m.Locks.LockCart(ctx, u.CartID)
	}
	return m.Locks.LockAgain(ctx, u.Lease)
}

func (m *Mender) sync(ctx context.Context, u underway.Update) (cartsync.Ending, error) {
	if u.Product == observe.Payments {
		result, err := m.Payments.Sync(ctx, payments.Request{CartID: u.CartID, Mode: cartsync.Repair, Lease: u.Lease})
		return result.Ending, err
	}
	result, err := m.KCO.Sync(ctx, kco.Request{CartID: u.CartID, Mode: cartsync.Repair, Lease: u.Lease})
	return result.Ending, err
}
