package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
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
	// AtOnce is how many deliveries a process has under way; each gets its turn whatever came of
	// the others. 0: they go in rounds of 8, and fewer are tried while nothing gets through.
	AtOnce int
	// Keep keeps what was delivered in the database for as long as its event, so that it can be
	// looked at and delivered again.
	Keep bool
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
	moreEvery    = time.Second
	longestWait  = 24 * time.Hour // that a receiver may ask for
)

// pauses are how long a delivery waits after its tries, the last one from then on.
var pauses = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour,
}

// LaterError is an error of Deliver after which the next try waits for so long at least.
type LaterError struct {
	Wait time.Duration
	Err  error
}

// Error is that of Err.
func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LaterError) Unwrap() error { return e.Err }

// Delivery brings events to their receivers.
type Delivery struct {
	Outbox    *Outbox
	Receivers []*Receiver
	// More are receivers that come and go, by their names. It is asked each second; nil: none.
	More     func(context.Context) []*Receiver
	Observer *observe.Observer
	Logger   *slog.Logger
}

// Run delivers until ctx ends; what is under way then is finished. Every process may run it.
func (d *Delivery) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	running := map[string]context.CancelFunc{}
	for {
		there := map[string]bool{}
		for _, r := range d.all(ctx) {
			there[r.Name] = true
			if running[r.Name] != nil {
				continue
			}
			own, end := context.WithCancel(ctx)
			running[r.Name] = end
			all.Go(func() {
				if r.AtOnce > 0 {
					d.steady(own, r)
				} else {
					d.run(own, r)
				}
			})
		}
		for name, end := range running {
			if !there[name] {
				end()
				delete(running, name)
			}
		}
		select {
		case <-time.After(moreEvery):
		case <-ctx.Done():
			return
		}
	}
}

// all are the receivers of now.
func (d *Delivery) all(ctx context.Context) []*Receiver {
	if d.More == nil {
		return d.Receivers
	}
	return slices.Concat(d.Receivers, d.More(ctx))
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
	outcomes := make([]outcome, len(under))
	for i, u := range under {
		all.Go(func() { outcomes[i] = d.try(ctx, r, u) })
	}
	all.Wait()
	for _, o := range outcomes {
		if o.failed() {
			failed++
		}
	}
	return len(under), failed, errors.Join(err, d.settle(ctx, r, outcomes))
}

// underway is an event that this process delivers now.
type underway struct {
	Event
	tries, unsure int       // with this one
	since         time.Time // for Patience: when it happened, or when it was asked for again
}

// takeDue takes deliveries whose time has come, in one transaction. A row has a lease while it is tried, so a
// killed process leaves it to the others.
func (d *Delivery) takeDue(ctx context.Context, r *Receiver, limit int) (taken []underway, err error) {
	now := time.Now()
	due, err := db.All(ctx, d.Outbox.DB.Read, func(rows *sql.Rows) (id string, err error) {
		return id, rows.Scan(&id)
	}, "select event_id from event_deliveries where receiver = $1 and due_at <= $2 order by due_at limit $3", r.Name, now.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	if len(due) == 0 {
		return nil, nil
	}
	among, args := db.In(due)
	n := len(args)
	args = append(args, r.Name, now.UnixMilli(), now.Add(deliverLease).UnixMilli())
	err = d.Outbox.DB.Tx(ctx, func(tx *sql.Tx) error {
		taken = nil
		// What somebody else has taken meanwhile is not due any more.
		mine, err := db.All(ctx, tx, func(rows *sql.Rows) (u underway, err error) {
			var since int64
			err = rows.Scan(&u.ID, &u.tries, &u.unsure, &since)
			u.since = time.UnixMilli(since)
			return u, err
		}, fmt.Sprintf(`update event_deliveries set due_at = $%d, tries = tries + 1, unsure = unsure + 1
			where event_id %s and receiver = $%d and due_at <= $%d returning event_id, tries, unsure, at`, n+3, among, n+1, n+2), args...)
		if err != nil || len(mine) == 0 {
			return err
		}
		events, err := db.All(ctx, tx, scanned, "select "+columns+" from events where id "+among, args[:n]...)
		if err != nil {
			return err
		}
		known := map[string]Event{}
		for _, e := range events {
			known[e.ID] = e
		}
		for _, u := range mine {
			if e, there := known[u.ID]; there {
				u.Event = e
				taken = append(taken, u)
			} else if _, err := tx.ExecContext(ctx, "delete from event_deliveries where receiver = $1 and event_id = $2", r.Name, u.ID); err != nil { // it is forgotten
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take deliveries: %w", err)
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
		taken = append(taken, underway{e, 1, 1, e.At})
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
	return note(ctx, tx, r, taken)
}

// note makes the rows of what was handed over. Who has made a row has the event: after ErrGone some are there already,
// and another may be at them.
func note(ctx context.Context, tx *sql.Tx, r *Receiver, taken []underway) ([]underway, error) {
	if len(taken) == 0 {
		return nil, nil
	}
	until := time.Now().Add(deliverLease).UnixMilli()
	var rows []string
	args := []any{r.Name, until}
	for _, u := range taken {
		n := len(args)
		rows = append(rows, fmt.Sprintf("($1, $%d, $%d, $%d, $2, 1, 1)", n+1, n+2, n+3))
		args = append(args, u.ID, u.Sequence, u.At.UnixMilli())
	}
	made := map[string]bool{}
	_, err := db.All(ctx, tx, func(rows *sql.Rows) (id string, err error) {
		err = rows.Scan(&id)
		made[id] = true
		return id, err
	}, "insert into event_deliveries (receiver, event_id, sequence, at, due_at, tries, unsure) values "+
		strings.Join(rows, ", ")+" on conflict do nothing returning event_id", args...)
	return slices.DeleteFunc(taken, func(u underway) bool { return !made[u.ID] }), err
}

// outcome is what came of a try.
type outcome struct {
	underway
	result  observe.DeliveryResult
	problem error
	next    time.Time // of DeliveryFailed: when it is tried again
}

// failed: there was no answer to the try that is about this event alone.
func (o outcome) failed() bool {
	return o.result == observe.DeliveryFailed || o.result == observe.DeliveryUnsure || o.result == observe.DeliveryGivenUp
}

// try does one try.
func (d *Delivery) try(ctx context.Context, r *Receiver, u underway) outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), DeliverTime)
	defer cancel()
	o := outcome{underway: u, problem: ErrUnsure} // of the tries before, which were killed
	if r.Unsure == 0 || u.unsure <= r.Unsure {
		o.problem = r.Deliver(ctx, u.Event)
	}
	pause := pauseAfter(u.tries)
	if later, ok := errors.AsType[*LaterError](o.problem); ok {
		pause = max(pause, min(later.Wait, longestWait))
	}
	o.next = time.Now().Add(pause)
	unsure := errors.Is(o.problem, ErrUnsure)
	switch {
	case o.problem == nil:
		o.result = observe.DeliveryDone
	case errors.Is(o.problem, ErrSkipped):
		o.result = observe.DeliverySkipped
	case errors.Is(o.problem, ErrRefused):
		o.result = observe.DeliveryRefused
	case unsure && r.Unsure > 0 && u.unsure >= r.Unsure:
		o.result = observe.DeliveryUnsure
	case o.next.After(u.since.Add(Patience)):
		o.result = observe.DeliveryGivenUp
	default:
		o.result = observe.DeliveryFailed
		if !unsure {
			o.unsure--
		}
	}
	return o
}

// settle stores what came of tries, in one transaction, however long they took; the database has limits of its own.
func (d *Delivery) settle(ctx context.Context, r *Receiver, outcomes []outcome) error {
	ctx = context.WithoutCancel(ctx)
	var done []string
	var other []outcome
	var errs []error
	for _, o := range outcomes {
		if err := d.tell(ctx, r, o); err != nil {
			errs = append(errs, err)
			continue
		}
		if o.result == observe.DeliveryDone || o.result == observe.DeliverySkipped {
			done = append(done, o.ID)
		} else {
			other = append(other, o)
		}
	}
	if len(done)+len(other) == 0 {
		return errors.Join(errs...)
	}
	err := d.Outbox.DB.Tx(ctx, func(tx *sql.Tx) error {
		for _, o := range other {
			// Given up, the row stays as long as the event, so that it can be found.
			due := sql.NullInt64{Int64: o.next.UnixMilli(), Valid: o.result == observe.DeliveryFailed}
			if _, err := tx.ExecContext(ctx, "update event_deliveries set due_at = $3, unsure = $4, problem = $5 where receiver = $1 and event_id = $2",
				r.Name, o.ID, due, o.unsure, short(o.problem)); err != nil {
				return err
			}
		}
		return setDone(ctx, tx, r, done)
	})
	return errors.Join(append(errs, err)...)
}

// attrs say in a record which event it is.
func (e Event) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("event_id", e.ID), slog.String("event", string(e.Type))}
	if strings.HasPrefix(string(e.Type), "order.") {
		attrs = append(attrs, slog.String("own_order_id", e.Subject))
	}
	return attrs
}

func setDone(ctx context.Context, tx *sql.Tx, r *Receiver, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	among, args := db.In(ids)
	end := fmt.Sprintf(" where event_id %s and receiver = $%d", among, len(args)+1)
	args = append(args, r.Name)
	if !r.Keep {
		_, err := tx.ExecContext(ctx, "delete from event_deliveries"+end, args...) //nolint:gosec // it has placeholders alone
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("update event_deliveries set due_at = null, problem = null, done_at = $%d", len(args)+1)+end, append(args, time.Now().UnixMilli())...)
	return err
}

// tell tells log, metrics and, of what is given up, the receiver what came of a try.
func (d *Delivery) tell(ctx context.Context, r *Receiver, o outcome) error {
	level := slog.LevelError
	switch o.result {
	case observe.DeliveryDone, observe.DeliverySkipped:
		d.Observer.Delivery(r.Name, o.result)
		if o.result == observe.DeliveryDone {
			d.Logger.LogAttrs(ctx, slog.LevelInfo, "delivered", append(o.attrs(), slog.String("receiver", r.Name), slog.Int("try", o.tries))...)
		}
		return nil
	case observe.DeliveryFailed:
		d.Logger.WarnContext(ctx, "delivery failed", "receiver", r.Name, "event_id", o.ID, "try", o.tries, "error", o.problem)
		d.Observer.Delivery(r.Name, o.result)
		return nil
	case observe.DeliveryRefused: // mostly an address that somebody mistyped
		level = slog.LevelWarn
	case observe.DeliveryUnsure, observe.DeliveryGivenUp:
	}
	if err := r.GiveUp(ctx, o.Event, o.problem); err != nil {
		return fmt.Errorf("give up delivery: %w", err)
	}
	d.Logger.Log(ctx, level, "delivery given up", "receiver", r.Name, "event_id", o.ID, "try", o.tries, "error", o.problem)
	d.Observer.Delivery(r.Name, o.result)
	return nil
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
	return observe.Queue{Name: "deliveries", Length: func(ctx context.Context) (int64, time.Time, error) {
		var names []string
		for _, r := range d.all(ctx) {
			names = append(names, r.Name)
		}
		among, args := db.In(names)
		return d.Outbox.DB.Waiting(ctx, `select count(*), min(at) from (
			select at from event_deliveries where receiver `+among+` and due_at is not null
			union all select events.at from events join event_cursors on sequence > after where receiver `+among+`) as waiting`, args...)
	}}
}
