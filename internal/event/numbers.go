package event

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/shopd/shopd/internal/db"
)

const (
	numberBatch = 1000
	numberEvery = 100 * time.Millisecond // also what an event waits at most, when all is well
	numberPause = 5 * time.Second        // after a failure
	forgetEvery = 10 * time.Minute
	forgetBatch = 1000
	// Kept is how long an event can be read.
	Kept = 30 * 24 * time.Hour
	// epochSize is how far apart the numbers of two copies of the data begin at least: so a
	// number that only a lost copy gave is hardly ever given again. JavaScript can hold
	// 8,191 such epochs.
	epochSize = 1 << 40
	// epochStep is how many epochs a copy goes on at most, by chance: a second copy of the same
	// backup knows nothing of the numbers that the first has given. That leaves some 500 copies.
	epochStep = 32
)

// Outbox numbers, reads and forgets events.
type Outbox struct {
	DB     *db.DB
	Logger *slog.Logger
}

// Run numbers events and forgets old ones until ctx ends. Every process may run it:
// one is at it at a time.
func (o *Outbox) Run(ctx context.Context) {
	var forgotten time.Time
	for {
		pause := numberEvery
		n, err := o.Number(ctx)
		if err == nil && time.Since(forgotten) > forgetEvery {
			_, err = o.Forget(ctx, time.Now().Add(-Kept))
			forgotten = time.Now()
		}
		switch {
		case err != nil && ctx.Err() == nil:
			o.Logger.ErrorContext(ctx, "events are not numbered now", "error", err)
			pause = numberPause
		case n == numberBatch:
			pause = 0
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// Number gives the next numbers to events that are committed and have none, 1000 at
// most, and returns how many. It does it under a lock, so what is read after a number
// was committed before it.
func (o *Outbox) Number(ctx context.Context) (n int, err error) {
	var found bool
	err = o.DB.Read.QueryRowContext(ctx, "select exists (select 1 from events where sequence is null)").Scan(&found)
	if err == nil && found {
		err = o.DB.Tx(ctx, func(tx *sql.Tx) (err error) {
			n, err = o.number(ctx, tx)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("number events: %w", err)
	}
	return n, nil
}

func (o *Outbox) number(ctx context.Context, tx *sql.Tx) (n int, err error) {
	last, err := o.lock(ctx, tx)
	if err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, `update events set sequence = $1 + fresh.n
		from (select position, row_number() over (order by position) as n from
			(select position from events where sequence is null order by position limit $2) as few) as fresh
		where events.position = fresh.position`, last, numberBatch)
	if err != nil {
		return 0, err
	}
	given, err := result.RowsAffected()
	if err == nil {
		_, err = tx.ExecContext(ctx, "update event_numbers set last = $1", last+given)
	}
	return int(given), err
}

// lock waits for its turn to number and returns the last number that was given. On
// another copy of the data than before it begins a new epoch.
func (o *Outbox) lock(ctx context.Context, tx *sql.Tx) (last int64, err error) {
	var before string
	if err := tx.QueryRowContext(ctx, "update event_numbers set last = last returning last, origin").Scan(&last, &before); err != nil {
		return 0, err
	}
	origin, err := o.DB.Origin(ctx, tx)
	if err != nil || origin == before {
		return last, err
	}
	if before != "" {
		epoch := last / epochSize
		if _, err := tx.ExecContext(ctx, "insert into event_epochs (epoch, ended) values ($1, $2)", epoch, last); err != nil {
			return 0, err
		}
		last = (epoch + 1 + rand.Int64N(epochStep)) * epochSize //nolint:gosec // no secret
	}
	_, err = tx.ExecContext(ctx, "update event_numbers set origin = $1, last = $2", origin, last)
	return last, err
}

// Forget deletes events that are older than a time, oldest first, and returns how many.
func (o *Outbox) Forget(ctx context.Context, before time.Time) (n int, err error) {
	for {
		var gone int64
		if err := o.DB.Tx(ctx, func(tx *sql.Tx) (err error) {
			gone, err = o.forget(ctx, tx, before)
			return err
		}); err != nil {
			return n, fmt.Errorf("forget events: %w", err)
		}
		if n += int(gone); gone == 0 {
			return n, nil
		}
	}
}

// forget deletes a batch from the beginning, so that none is missing between two.
func (o *Outbox) forget(ctx context.Context, tx *sql.Tx, before time.Time) (n int64, err error) {
	last, err := o.lock(ctx, tx)
	if err != nil {
		return 0, err
	}
	var oldest, kept sql.NullInt64
	if err := tx.QueryRowContext(ctx, "select min(sequence) from events").Scan(&oldest); err != nil || !oldest.Valid {
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, "select min(sequence) from events where at >= $1", before.UnixMilli()).Scan(&kept); err != nil {
		return 0, err
	}
	most := min(oldest.Int64+forgetBatch-1, last)
	if kept.Valid {
		most = min(most, kept.Int64-1)
	}
	if most < oldest.Int64 {
		return 0, nil
	}
	// The last that there is, perhaps the last of its epoch: nobody has missed what no event was.
	var end int64
	if err := tx.QueryRowContext(ctx, "select max(sequence) from events where sequence <= $1", most).Scan(&end); err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, "delete from events where sequence <= $1", end)
	if err == nil {
		_, err = tx.ExecContext(ctx, "delete from event_deliveries where sequence <= $1", end)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "update event_numbers set forgotten = $1", end)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
