package webhook

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/settings"
)

// State is how far a delivery is.
type State string

// The states.
const (
	Delivered State = "delivered"
	Waiting   State = "waiting" // for its next try, or under way
	GivenUp   State = "given_up"
)

// Sent is an event that an endpoint was handed.
type Sent struct {
	Event   event.Event
	State   State
	Tries   int
	DueAt   time.Time // of the next try
	DoneAt  time.Time
	Problem string // of the last try
}

// Counts are how many events of an endpoint are in each state, of those that are kept, and
// when it got the last one.
type Counts struct {
	Waiting, GivenUp, Delivered int64
	Last                        time.Time
}

// states are the conditions of the states.
var states = map[State]string{
	Delivered: " and d.done_at is not null and d.due_at is null", Waiting: " and d.due_at is not null", GivenUp: " and d.due_at is null and d.done_at is null",
}

// Known reports whether it is one of the states.
func (s State) Known() bool { return states[s] != "" }

// History are the newest events that an endpoint was handed, before a sequence, 0: all; with a
// state only those.
func (w *Webhooks) History(ctx context.Context, id string, state State, before int64, limit int) ([]Sent, error) {
	query := "select e.id, e.sequence, e.type, e.at, e.subject, e.data, d.tries, d.due_at, d.done_at, coalesce(d.problem, '') " +
		"from event_deliveries d join events e on e.id = d.event_id where d.receiver = $1 and ($2 = 0 or d.sequence < $2)" +
		states[state] + " order by d.sequence desc limit $3"
	list, err := db.All(ctx, w.DB.Read, func(rows *sql.Rows) (s Sent, err error) {
		var at int64
		var due, done sql.NullInt64
		var data string
		err = rows.Scan(&s.Event.ID, &s.Event.Sequence, &s.Event.Type, &at, &s.Event.Subject, &data, &s.Tries, &due, &done, &s.Problem)
		s.Event.At, s.Event.Data, s.State = time.UnixMilli(at).UTC(), []byte(data), GivenUp
		if done.Valid {
			s.State, s.DoneAt = Delivered, time.UnixMilli(done.Int64).UTC()
		}
		if due.Valid {
			s.State, s.DueAt = Waiting, time.UnixMilli(due.Int64).UTC()
		}
		return s, err
	}, query, receiverPrefix+id, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return list, nil
}

// Count counts the events of an endpoint.
func (w *Webhooks) Count(ctx context.Context, id string) (c Counts, err error) {
	var last sql.NullInt64
	err = w.DB.Read.QueryRowContext(ctx, `select coalesce(sum(case when due_at is not null then 1 else 0 end), 0),
		coalesce(sum(case when due_at is null and done_at is null then 1 else 0 end), 0),
		coalesce(sum(case when due_at is null and done_at is not null then 1 else 0 end), 0), max(done_at) from event_deliveries where receiver = $1`,
		receiverPrefix+id).Scan(&c.Waiting, &c.GivenUp, &c.Delivered, &last)
	if err != nil {
		return c, fmt.Errorf("count deliveries: %w", err)
	}
	if last.Valid {
		c.Last = time.UnixMilli(last.Int64).UTC()
	}
	return c, nil
}

// Again delivers an event to an endpoint again, whatever came of it. It is false where the
// endpoint was never handed it.
func (w *Webhooks) Again(ctx context.Context, id, eventID string) (bool, error) {
	now := time.Now().UnixMilli()
	n, err := w.DB.Exec(ctx, "update event_deliveries set due_at = $3, at = $3, tries = 0, unsure = 0, done_at = null where receiver = $1 and event_id = $2", receiverPrefix+id, eventID, now)
	if err != nil {
		return false, fmt.Errorf("deliver again: %w", err)
	}
	return n > 0, nil
}

// AllAgain delivers to an endpoint all that happened since a time and that it wants and has not
// got; with all also what it has got. It returns how many that are.
func (w *Webhooks) AllAgain(ctx context.Context, to settings.Webhook, since time.Time, all bool) (int64, error) {
	args := []any{receiverPrefix + to.ID, time.Now().UnixMilli(), since.UnixMilli()}
	var wanted []string
	for _, t := range event.Types() {
		if to.Wants(t) {
			args = append(args, string(t))
			wanted = append(wanted, fmt.Sprintf("$%d", len(args)))
		}
	}
	got := " where event_deliveries.done_at is null and event_deliveries.due_at is null"
	if all {
		got = " where event_deliveries.due_at is null"
	}
	// Up to the receiver's cursor: what comes after it he is handed anyway.
	n, err := w.DB.Exec(ctx, `insert into event_deliveries (receiver, event_id, sequence, at, due_at, tries, unsure)
		select $1, id, sequence, $2, $2, 0, 0 from events
		where at >= $3 and sequence <= (select after from event_cursors where receiver = $1) and type in (`+strings.Join(wanted, ", ")+`)
		on conflict (receiver, event_id) do update set due_at = excluded.due_at, at = excluded.at, tries = 0, unsure = 0, done_at = null`+got, args...)
	if err != nil {
		return 0, fmt.Errorf("deliver all again: %w", err)
	}
	return n, nil
}

// Failing are the events of an endpoint that were tried in vain and are tried again.
type Failing struct {
	Count   int64
	Problem string // of one of them
}

// Failing counts them.
func (w *Webhooks) Failing(ctx context.Context, id string) (f Failing, err error) {
	err = w.DB.Read.QueryRowContext(ctx, "select count(*), coalesce(max(problem), '') from event_deliveries where receiver = $1 and due_at is not null and tries > 0 and problem <> ''",
		receiverPrefix+id).Scan(&f.Count, &f.Problem)
	if err != nil {
		return f, fmt.Errorf("count failing deliveries: %w", err)
	}
	return f, nil
}

// Reach connects to an endpoint, and sends nothing.
func (w *Webhooks) Reach(ctx context.Context, e settings.Webhook) error {
	return w.caller.Reach(ctx, e.URL, e.SecretFile)
}
