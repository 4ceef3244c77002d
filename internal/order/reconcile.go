package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/rounds"
	"github.com/shopd/shopd/internal/stock"
)

const (
	// lease is how long what a process has begun is left to it.
	lease = time.Minute
	// roundTime bounds a round, within its leases.
	roundTime = 50 * time.Second
	// roundItems bounds each part of a round.
	roundItems = 50
	// roundFailures is how many failures a part takes before it leaves the rest to the next round.
	roundFailures = 3

	roundEvery = 5 * time.Second // after a round that went well
	roundLate  = time.Minute     // at most, while rounds fail

	// placerTime is how long whoever placed an order has to finish it before the loop does.
	placerTime = 30 * time.Second
	// An order that resists is tried again when it is half as old again, within these limits.
	retrySoonest, retryLatest = 30 * time.Second, time.Hour
)

// due is when the loop looks after an order that is not finished.
func (o Order) due(now time.Time) time.Time {
	since := o.PlacedAt
	if o.Running != nil {
		since = o.Running.At
	}
	return now.Add(min(max(now.Sub(since)/2, retrySoonest), retryLatest))
}

// Work is what a round goes on with that is not the book's own; what is nil is left out.
type Work struct {
	// Resume goes on with the order's running command and returns the order as it is then.
	Resume func(ctx context.Context, o Order, now time.Time) (Order, error)
	Rest   func(ctx context.Context, now time.Time) error
}

// Run finishes in rounds, until ctx ends, what nobody else did: see Reconcile.
// Rounds are 5 s apart, up to a minute while they fail.
func (b *Book) Run(ctx context.Context, work Work) {
	wait := roundEvery
	for {
		timer := time.NewTimer(wait/2 + rand.N(wait)) //nolint:gosec // jitter, so that replicas take turns
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := b.Reconcile(ctx, time.Now(), work); err == nil {
			wait = roundEvery
		} else {
			wait = min(2*wait, roundLate)
		}
	}
}

// Reconcile does one round: it gives back the stock of old approved orders, asks Klarna
// about those that may have become sales, goes on with orders of the book that are not
// finished (not acknowledged, cart not closed, risk not decided, a command without an
// answer), asks about orders that were given up, makes orders of authorizations that the
// browser did not bring or releases them, places what the database has lost, renews what
// orders are found by, and does the rest of the work. Any number of processes may be at
// it: each claims what it does. now is the time by which things are due. The error joins
// what failed; all of it is tried again.
func (b *Book) Reconcile(ctx context.Context, now time.Time, work Work) (err error) {
	ctx, done := b.Observer.Round(ctx, observe.LoopReconcile)
	defer func() { done(err) }()
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	_, err = b.Stock.ReturnOld(ctx, now)
	err = errors.Join(err, b.approved(ctx, now), b.unfinished(ctx, now, work), b.leftBehind(ctx, now), b.authorizations(ctx, now),
		b.lost(ctx), b.renew(ctx), b.Stock.ForgetLocks(ctx, now))
	if work.Rest != nil {
		err = errors.Join(err, work.Rest(ctx, now))
	}
	return err
}

// approved asks about purchases that may have been made without a word to us.
func (b *Book) approved(ctx context.Context, now time.Time) error {
	due, err := b.Stock.Due(ctx, now, roundItems)
	if err != nil {
		return fmt.Errorf("due approved orders: %w", err)
	}
	until := now.Add(lease)
	return rounds.Each(due, roundFailures, func(a stock.Approved) error {
		if mine, err := b.Stock.Claim(ctx, a, until); !mine {
			return err
		}
		if err := b.askApproved(ctx, a); errors.Is(err, ErrUnavailable) {
			return err
		}
		// Also of what was placed, which is sold then: that changes nothing.
		return b.Stock.Asked(ctx, a, until, now)
	})
}

// leftBehindLock is held by the process that asks about orders that were given up: their
// list is in Redis.
const leftBehindLock = "shopd:left_behind_lock"

// leftBehind asks about orders that were given up: one may have been paid in an old tab.
// Those wait where Redis is full, and the round goes well without them.
func (b *Book) leftBehind(ctx context.Context, now time.Time) error {
	err := redisconn.Alone(ctx, b.Redis, leftBehindLock, func(ctx context.Context) error { return b.askLeftBehind(ctx, now) })
	if errors.Is(err, redisconn.ErrElsewhere) || redisconn.Full(err) {
		return nil
	}
	return err
}

func (b *Book) askLeftBehind(ctx context.Context, now time.Time) error {
	due, err := b.LeftBehind.Unsettled(ctx, now, roundItems)
	if err != nil {
		return fmt.Errorf("left-behind orders: %w", err)
	}
	return rounds.Each(due, roundFailures, func(id string) error {
		err := b.ask(ctx, observe.WorkLeftBehind, id)
		switch {
		case errors.Is(err, ErrUnavailable):
			return err
		case errors.Is(err, ErrUnknown):
			return b.LeftBehind.Asked(ctx, id, now)
		}
		return b.LeftBehind.Settled(ctx, id)
	})
}

// ask places an order if it was bought.
func (b *Book) ask(ctx context.Context, work observe.Work, orderID string) error {
	ctx, done := b.Observer.Item(ctx, work, observe.Subject{OrderID: orderID})
	_, stored, err := b.place(ctx, orderID)
	failed := err
	if !errors.Is(err, ErrUnavailable) {
		failed = nil // also that it was not bought is an answer
	}
	done(resultOf(stored, err), failed)
	return err
}

// unfinished goes on with the orders of the book that are due.
func (b *Book) unfinished(ctx context.Context, now time.Time, work Work) error {
	due, err := b.due(ctx, "due_at", now, roundItems)
	if err != nil {
		return fmt.Errorf("unfinished orders: %w", err)
	}
	until := now.Add(lease)
	return rounds.Each(due, roundFailures, func(d db.Due) error {
		mine, err := b.DB.Claim(ctx, "update orders set due_at = $3 where "+columnOf(d.Key)+" = $1 and due_at = $2", d.Key, d.At, until)
		if mine {
			err = b.goOn(ctx, d.Key, until, now, work)
		}
		return err
	})
}

// due are at most limit orders whose time in a column has come, the oldest first.
func (b *Book) due(ctx context.Context, column string, now time.Time, limit int) ([]db.Due, error) {
	return b.DB.Due(ctx, "select coalesce(order_id, id), "+column+" from orders where "+column+" <= $1 order by "+column+" limit $2", now, limit)
}

// goOn goes on with one order that is claimed until a time, and puts it off when it is not
// finished then.
func (b *Book) goOn(ctx context.Context, id string, until, now time.Time, work Work) (err error) {
	ctx, done := b.Observer.Item(ctx, observe.WorkUnfinished, observe.Subject{OrderID: id})
	result := observe.ResultDone
	defer func() { done(result, err) }()
	o, found, err := b.ByOrderID(ctx, id)
	next := o
	switch {
	case err != nil || !found:
	case !o.Acknowledged || !o.CartClosed:
		next, _, err = b.place(ctx, id)
	case o.Running == nil:
		next, err = b.refresh(ctx, id)
	}
	if err == nil && next.Running != nil && work.Resume != nil {
		next, err = work.Resume(ctx, next, now)
	}
	if err == nil {
		o = next
	}
	var later sql.NullInt64
	if err != nil || !o.finished() {
		later = sql.NullInt64{Int64: o.due(now).UnixMilli(), Valid: true}
		result = observe.ResultPending
	}
	// Not where somebody has written it meanwhile, who knows better when it is due: it may be
	// finished, or a command may have begun.
	_, putOff := b.DB.Exec(ctx, "update orders set due_at = $2 where "+columnOf(id)+" = $1 and due_at = $3", id, later, until.UnixMilli())
	if err = errors.Join(err, putOff); err != nil {
		result = observe.ResultFailed
	}
	return err
}
