package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/observe"
)

// Receiver gets events: each at least once, unless it is given up, and in no order. It runs
// in every process, for several events at once.
type Receiver struct {
	Name string // a to z and _; it names the cursor and labels metrics
	// Wants says whether an event is for the receiver. It is asked in a transaction.
	Wants func(Event) bool
	// Deliver hands over one event, within DeliverTime. An error names nobody: it is logged
	// and stored. It may be ErrSkipped, ErrRefused or ErrUnsure; after any other there are
	// further tries.
	Deliver func(context.Context, Event) error
	// GiveUp is told of an event that was not, or perhaps not, delivered and is not tried
	// again. After an error it is told again.
	GiveUp func(context.Context, Event, error) error
	// Unsure is after how many tries of which nobody knows what came of them an event is
	// given up: so often it is delivered at most. 0: any number.
	Unsure int
}

// The errors of Deliver that say more than that it did not work now.
var (
	ErrSkipped = errors.New("there is nothing to deliver")
	ErrRefused = errors.New("refused for ever")
	ErrUnsure  = errors.New("it may have been delivered")
)

const (
	// DeliverTime is how long a delivery may take.
	DeliverTime = 25 * time.Second
	// Patience is for how long after an event it is tried again.
	Patience = 3 * 24 * time.Hour

	deliverLease = 2 * time.Minute // a try that has not ended by then was killed
	deliverBatch = 8               // at once, in a process
	deliverEvery = 500 * time.Millisecond
	deliverPause = 5 * time.Second // after a failure of the database, and of the only try
	deliverAway  = time.Minute     // at most between two tries while nothing gets through
	problemSize  = 200             // of what is stored of an error, in bytes
)

// pauses are how long a delivery waits after its tries, the last one from then on.
var pauses = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour,
}

// Delivery brings events to their receivers.
type Delivery struct {
	Outbox    *Outbox
	Receivers []*Receiver
	Observer  *observe.Observer
	Logger    *slog.Logger
}

// Run delivers until ctx ends; what is under way then is finished. Every process may run it.
func (d *Delivery) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, r := range d.Receivers {
		all.Go(func() { d.run(ctx, r) })
	}
	all.Wait()
}

// run delivers to one receiver: nobody waits for another.
func (d *Delivery) run(ctx context.Context, r *Receiver) {
	away := 0 // rounds in which nothing has got through
	for ctx.Err() == nil {
		limit, pause := deliverBatch, deliverEvery
		if away > 0 {
			limit = 1 // to see whether it is back: the others keep their turn
		}
		tried, failed, err := d.Round(ctx, r, limit)
		switch {
		case err != nil && ctx.Err() == nil:
			d.Logger.ErrorContext(ctx, "events are not delivered now", "receiver", r.Name, "error", err)
			pause = deliverPause
		case tried == 0:
		case failed == tried:
			away++
			pause = min(deliverPause<<min(away-1, 8), deliverAway)
		default:
			away, pause = 0, 0
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)): //nolint:gosec // jitter
		case <-ctx.Done():
		}
	}
}

// Round delivers what is due to a receiver, limit at most, and then what is new.
func (d *Delivery) Round(ctx context.Context, r *Receiver, limit int) (tried, failed int, err error) {
	under, err := d.takeDue(ctx, r, limit)
	if err == nil && len(under) < limit {
		var fresh []underway
		fresh, err = d.takeNew(ctx, r, limit-len(under))
		under = append(under, fresh...)
	}
	var all sync.WaitGroup
	failures, problems := make([]bool, len(under)), make([]error, len(under))
	for i, u := range under {
		all.Go(func() { failures[i], problems[i] = d.deliver(ctx, r, u) })
	}
	all.Wait()
	for _, is := range failures {
		if is {
			failed++
		}
	}
	return len(under), failed, errors.Join(err, errors.Join(problems...))
}

// underway is an event that this process delivers now.
type underway struct {
	Event
	tries, unsure int // with this one
}

// takeDue takes deliveries whose time has come. A row has a lease while it is tried, so a
// killed process leaves it to the others.
func (d *Delivery) takeDue(ctx context.Context, r *Receiver, limit int) (taken []underway, err error) {
	now := time.Now()
	due, err := db.All(ctx, d.Outbox.DB.Read, func(rows *sql.Rows) (due db.Due, err error) {
		err = rows.Scan(&due.Key, &due.At)
		return due, err
	}, "select event_id, due_at from event_deliveries where receiver = $1 and due_at <= $2 order by due_at limit $3", r.Name, now.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	for _, row := range due {
		var u underway
		found := false
		err := d.Outbox.DB.Tx(ctx, func(tx *sql.Tx) error {
			err := tx.QueryRowContext(ctx, `update event_deliveries set due_at = $4, tries = tries + 1, unsure = unsure + 1
				where receiver = $1 and event_id = $2 and due_at = $3 returning tries, unsure`,
				r.Name, row.Key, row.At, now.Add(deliverLease).UnixMilli()).Scan(&u.tries, &u.unsure)
			if found = err == nil; !found {
				if errors.Is(err, sql.ErrNoRows) { // somebody else was faster
					err = nil
				}
				return err
			}
			events, err := db.All(ctx, tx, scanned, "select "+columns+" from events where id = $1", row.Key)
			if err == nil && len(events) > 0 {
				u.Event = events[0]
				return nil
			}
			found = false // it is forgotten
			if err == nil {
				_, err = tx.ExecContext(ctx, "delete from event_deliveries where receiver = $1 and event_id = $2", r.Name, row.Key)
			}
			return err
		})
		if err != nil {
			return taken, fmt.Errorf("take delivery: %w", err)
		}
		if found {
			taken = append(taken, u)
		}
	}
	return taken, nil
}

// takeNew moves the receiver's cursor over what is new, and makes a row of each event that
// he wants: when that is committed he has it. A new receiver begins with what comes.
func (d *Delivery) takeNew(ctx context.Context, r *Receiver, limit int) (taken []underway, err error) {
	var after, last int64
	err = d.Outbox.DB.Read.QueryRowContext(ctx, "select after, last from event_cursors, event_numbers where receiver = $1", r.Name).Scan(&after, &last)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err := d.Outbox.DB.Exec(ctx, "insert into event_cursors (receiver, after) select $1, last from event_numbers where true on conflict do nothing", r.Name)
		if err != nil {
			return nil, fmt.Errorf("begin with a receiver: %w", err)
		}
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read cursor: %w", err)
	case after == last:
		return nil, nil
	}
	err = d.Outbox.DB.Tx(ctx, func(tx *sql.Tx) (err error) {
		taken, err = d.hand(ctx, tx, r, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hand over events: %w", err)
	}
	return taken, nil
}

func (d *Delivery) hand(ctx context.Context, tx *sql.Tx, r *Receiver, after int64, limit int) (taken []underway, err error) {
	page, err := read(ctx, tx, Query{After: after, Limit: MaxLimit})
	if errors.Is(err, ErrGone) {
		d.Logger.ErrorContext(ctx, "a receiver has missed events, it goes on with the oldest", "receiver", r.Name)
		page, err = read(ctx, tx, Query{After: Oldest, Limit: MaxLimit})
	}
	if err != nil {
		return nil, err
	}
	for i, e := range page.Events {
		if !r.Wants(e) {
			continue
		}
		taken = append(taken, underway{e, 1, 1})
		if len(taken) == limit && i < len(page.Events)-1 {
			page.Next = e.Sequence
			break
		}
	}
	moved, err := tx.ExecContext(ctx, "update event_cursors set after = $3 where receiver = $1 and after = $2", r.Name, after, page.Next)
	if err != nil {
		return nil, err
	}
	if n, err := moved.RowsAffected(); err != nil || n == 0 { // somebody else was faster
		return nil, err
	}
	until := time.Now().Add(deliverLease).UnixMilli()
	for _, u := range taken {
		// After ErrGone it may be there already.
		if _, err := tx.ExecContext(ctx, `insert into event_deliveries (receiver, event_id, sequence, at, due_at, tries, unsure)
			values ($1, $2, $3, $4, $5, 1, 1) on conflict do nothing`, r.Name, u.ID, u.Sequence, u.At.UnixMilli(), until); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// deliver does one try and stores what came of it. failed: there was no answer to it that is
// about this event alone.
func (d *Delivery) deliver(ctx context.Context, r *Receiver, u underway) (failed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), DeliverTime)
	defer cancel()
	problem := ErrUnsure // of the tries before, which were killed
	if r.Unsure == 0 || u.unsure <= r.Unsure {
		problem = r.Deliver(ctx, u.Event)
	}
	ctx = context.WithoutCancel(ctx) // what came of it is stored, however long it took; the database has limits of its own
	next := time.Now().Add(pauseAfter(u.tries))
	unsure := errors.Is(problem, ErrUnsure)
	switch {
	case problem == nil:
		return false, d.done(ctx, r, u, observe.DeliveryDone)
	case errors.Is(problem, ErrSkipped):
		return false, d.done(ctx, r, u, observe.DeliverySkipped)
	case errors.Is(problem, ErrRefused):
		return false, d.giveUp(ctx, r, u, problem, observe.DeliveryRefused)
	case unsure && r.Unsure > 0 && u.unsure >= r.Unsure:
		return true, d.giveUp(ctx, r, u, problem, observe.DeliveryUnsure)
	case next.After(u.At.Add(Patience)):
		return true, d.giveUp(ctx, r, u, problem, observe.DeliveryGivenUp)
	case !unsure:
		u.unsure--
	}
	d.Logger.WarnContext(ctx, "delivery failed", "receiver", r.Name, "event_id", u.ID, "try", u.tries, "error", problem)
	d.Observer.Delivery(r.Name, observe.DeliveryFailed)
	_, err = d.Outbox.DB.Exec(ctx, "update event_deliveries set due_at = $3, unsure = $4, problem = $5 where receiver = $1 and event_id = $2",
		r.Name, u.ID, next.UnixMilli(), u.unsure, short(problem))
	return true, err
}

func (d *Delivery) done(ctx context.Context, r *Receiver, u underway, result observe.DeliveryResult) error {
	d.Observer.Delivery(r.Name, result)
	_, err := d.Outbox.DB.Exec(ctx, "delete from event_deliveries where receiver = $1 and event_id = $2", r.Name, u.ID)
	return err
}

// giveUp ends the tries. The row stays as long as the event, so that it can be found.
func (d *Delivery) giveUp(ctx context.Context, r *Receiver, u underway, problem error, result observe.DeliveryResult) error {
	if err := r.GiveUp(ctx, u.Event, problem); err != nil {
		return fmt.Errorf("give up delivery: %w", err)
	}
	level := slog.LevelError
	if result == observe.DeliveryRefused { // mostly an address that somebody mistyped
		level = slog.LevelWarn
	}
	d.Logger.Log(ctx, level, "delivery given up", "receiver", r.Name, "event_id", u.ID, "try", u.tries, "error", problem)
	d.Observer.Delivery(r.Name, result)
	_, err := d.Outbox.DB.Exec(ctx, "update event_deliveries set due_at = null, problem = $3 where receiver = $1 and event_id = $2", r.Name, u.ID, short(problem))
	return err
}

// pauseAfter is how long to wait after a number of tries, from four fifths to six fifths of
// what it should be.
func pauseAfter(tries int) time.Duration {
	pause := pauses[min(tries, len(pauses))-1]
	return pause*4/5 + rand.N(pause*2/5) //nolint:gosec // jitter
}

func short(problem error) string {
	text := problem.Error()
	return text[:min(len(text), problemSize)]
}

// Queue is what is not delivered yet, and when the first of it happened.
func (d *Delivery) Queue() observe.Queue {
	var names []string
	for _, r := range d.Receivers {
		names = append(names, r.Name)
	}
	among, args := db.In(names)
	return observe.Queue{Name: "deliveries", Length: func(ctx context.Context) (int64, time.Time, error) {
		return d.Outbox.DB.Waiting(ctx, `select count(*), min(at) from (
			select at from event_deliveries where receiver `+among+` and due_at is not null
			union all select events.at from events join event_cursors on sequence > after where receiver `+among+`) as waiting`, args...)
	}}
}
