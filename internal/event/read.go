package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/shopd/shopd/internal/db"
)

// ErrGone: a reader cannot go on after this number, since he would miss something.
// It was given by a copy of the data that is lost, or by nobody, or what came next is
// deleted already. He looks at everything once, and goes on from Oldest.
var ErrGone = errors.New("what came after this event is gone")

// Oldest is the After of a reader who begins.
const Oldest = -1

// The number of events that are read at once.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Query says which events are wanted.
type Query struct {
	After int64 // a Sequence, a Page's Next, or Oldest
	Type  Type  // "" is all
	Limit int   // 1 to MaxLimit; 0 is DefaultLimit
}

// Page is some events, oldest first.
type Page struct {
	Events []Event
	// Next is the After of the next query, also when there is nothing new.
	Next int64
}

// Read returns the events that follow. The error may be ErrGone.
func (o *Outbox) Read(ctx context.Context, q Query) (p Page, err error) {
	q.Limit = min(q.Limit, MaxLimit)
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	err = o.DB.View(ctx, func(tx *sql.Tx) (err error) {
		p, err = read(ctx, tx, q)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("read events: %w", err)
	}
	return p, nil
}

func read(ctx context.Context, tx *sql.Tx, q Query) (p Page, err error) {
	var last, forgotten int64
	if err := tx.QueryRowContext(ctx, "select last, forgotten from event_numbers").Scan(&last, &forgotten); err != nil {
		return p, err
	}
	if q.After == Oldest {
		q.After = forgotten
	}
	known := q.After >= forgotten && q.After <= last
	if known && q.After/epochSize != last/epochSize {
		// It is of a copy of the data before: did this one begin after it?
		var ended sql.NullInt64
		err := tx.QueryRowContext(ctx, "select max(ended) from event_epochs where epoch = $1", q.After/epochSize).Scan(&ended)
		if err != nil {
			return p, err
		}
		known = ended.Valid && q.After <= ended.Int64
	}
	if !known {
		return p, ErrGone
	}
	// Not what was numbered since: it comes after Next, so it is read the next time.
	p.Events, err = db.All(ctx, tx, scanned, `select `+columns+` from events
		where sequence > $1 and sequence <= $2 and ($3 = '' or type = $3) order by sequence limit $4`, q.After, last, string(q.Type), q.Limit)
	p.Next = last
	if len(p.Events) == q.Limit {
		p.Next = p.Events[q.Limit-1].Sequence
	}
	return p, err
}

// columns are those of scanned.
const columns = "id, sequence, type, at, subject, data"

func scanned(rows *sql.Rows) (e Event, err error) {
	var at int64
	var data string
	err = rows.Scan(&e.ID, &e.Sequence, &e.Type, &at, &e.Subject, &data)
	e.At, e.Data = time.UnixMilli(at).UTC(), []byte(data)
	return e, err
}
