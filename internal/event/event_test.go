package event_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/until"
)

func outbox(d *db.DB) *event.Outbox {
	return &event.Outbox{DB: d, Logger: slog.New(slog.DiscardHandler)}
}

func add(t *testing.T, d *db.DB, what event.Type, data event.Data) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *sql.Tx) error { return event.Add(t.Context(), tx, what, data) }); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, o *event.Outbox, want int) {
	t.Helper()
	if n, err := o.Number(t.Context()); n != want || err != nil {
		t.Fatalf("%d were numbered, want %d: %v", n, want, err)
	}
}

func read(t *testing.T, o *event.Outbox, q event.Query) event.Page {
	t.Helper()
	p, err := o.Read(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o, start := outbox(d), time.Now().Truncate(time.Millisecond)
		if p := read(t, o, event.Query{After: event.Oldest}); len(p.Events) != 0 || p.Next != 0 {
			t.Errorf("none: got %v", p)
		}
		add(t, d, event.OrderCreated, event.Order{ID: "ord_1", Number: "SK-1", Revision: 1})
		add(t, d, event.OrderUpdated, event.Order{ID: "ord_2", Number: "SK-2", Revision: 7})
		add(t, d, event.StockOversold, event.Stock{SKU: "MUG-1", Available: -2})
		add(t, d, event.OrderCaptured, event.Order{ID: "ord_1", Number: "SK-1", Reference: "basket", Revision: 2})
		if p := read(t, o, event.Query{}); len(p.Events) != 0 || p.Next != 0 {
			t.Errorf("read before they are numbered: %v", p)
		}
		number(t, o, 4)
		number(t, o, 0)
		p := read(t, o, event.Query{})
		var got []string
		ids := map[string]bool{}
		for _, e := range p.Events {
			got = append(got, fmt.Sprint(e.Sequence, " ", e.Type, " ", e.Subject, " ", string(e.Data)))
			ids[e.ID] = true
			if e.At.Before(start) || e.At.After(time.Now()) || len(e.ID) < 20 {
				t.Errorf("%v", e)
			}
		}
		want := []string{
			`1 order.created ord_1 {"object":"order","id":"ord_1","number":"SK-1","reference":null,"revision":1}`,
			`2 order.updated ord_2 {"object":"order","id":"ord_2","number":"SK-2","reference":null,"revision":7}`,
			`3 stock.oversold MUG-1 {"object":"stock","sku":"MUG-1","available":-2}`,
			`4 order.captured ord_1 {"object":"order","id":"ord_1","number":"SK-1","reference":"basket","revision":2}`,
		}
		if diff := cmp.Diff(want, got); diff != "" || len(ids) != 4 || p.Next != 4 {
			t.Errorf("next %d, %d IDs: %s", p.Next, len(ids), diff)
		}
		if p := read(t, o, event.Query{After: 1, Limit: 2}); len(p.Events) != 2 || p.Next != 3 || p.Events[0].Sequence != 2 {
			t.Errorf("a part: %v", p)
		}
		if p := read(t, o, event.Query{After: 4}); len(p.Events) != 0 || p.Next != 4 {
			t.Errorf("nothing new: %v", p)
		}
		if p := read(t, o, event.Query{Type: event.OrderCreated}); len(p.Events) != 1 || p.Next != 4 {
			t.Errorf("of a type: %v", p)
		}
		for _, after := range []int64{5, -2, 1 << 40, 1<<40 + 1} {
			if _, err := o.Read(t.Context(), event.Query{After: after}); !errors.Is(err, event.ErrGone) {
				t.Errorf("after %d: %v", after, err)
			}
		}
	})
}

// What is rolled back is told to nobody and leaves no gap.
func TestRolledBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := outbox(d)
		for i := range 3 {
			_ = d.Tx(t.Context(), func(tx *sql.Tx) error {
				if err := event.Add(t.Context(), tx, event.OrderCreated, event.Order{ID: fmt.Sprint(i)}); err != nil || i != 1 {
					return err
				}
				return errors.New("no")
			})
		}
		number(t, o, 2)
		p := read(t, o, event.Query{})
		if len(p.Events) != 2 || p.Events[0].Subject != "0" || p.Events[1].Subject != "2" || p.Events[1].Sequence != 2 {
			t.Errorf("got %v", p)
		}
	})
}

// Old events go from the beginning. Who has not read them is told.
func TestForget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := outbox(d)
		for i := range 6 {
			add(t, d, event.OrderCreated, event.Order{ID: fmt.Sprint(i)})
		}
		number(t, o, 6)
		now := time.Now()
		// The fourth is written down late, and keeps what follows it although that is old.
		age := []time.Duration{9, 9, 9, 1, 9, 1}
		for i, days := range age {
			exec(t, d, "update events set at = $1 where subject = $2", now.Add(-days*24*time.Hour).UnixMilli(), fmt.Sprint(i))
		}
		if n, err := o.Forget(t.Context(), now.Add(-5*24*time.Hour)); n != 3 || err != nil {
			t.Fatalf("%d are gone: %v", n, err)
		}
		for _, after := range []int64{0, 1, 2} {
			if _, err := o.Read(t.Context(), event.Query{After: after}); !errors.Is(err, event.ErrGone) {
				t.Errorf("after %d: %v", after, err)
			}
		}
		for _, after := range []int64{event.Oldest, 3} {
			if p := read(t, o, event.Query{After: after}); len(p.Events) != 3 || p.Events[0].Sequence != 4 {
				t.Errorf("after %d: %v", after, p)
			}
		}
		if n, err := o.Forget(t.Context(), now); n != 3 || err != nil {
			t.Fatalf("%d are gone: %v", n, err)
		}
		add(t, d, event.OrderCreated, event.Order{ID: "new"})
		number(t, o, 1)
		if p := read(t, o, event.Query{After: 6}); len(p.Events) != 1 || p.Events[0].Sequence != 7 {
			t.Errorf("a number is given twice: %v", p)
		}
	})
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// After a restore nobody takes new events for those that he read before.
func TestRestored(t *testing.T) {
	t.Parallel()
	restore := map[db.Engine]func(*testing.T, *db.DB) *db.DB{
		db.SQLite: func(t *testing.T, d *db.DB) *db.DB {
			return dbtest.Open(t, db.Config{URL: dbtest.CopySQLite(t, d)})
		},
		db.Postgres: func(t *testing.T, d *db.DB) *db.DB {
			// As a dump does: the rows, in tables of another database.
			other := dbtest.Postgres(t)
			for _, e := range read(t, outbox(d), event.Query{After: event.Oldest}).Events {
				exec(t, other, "insert into events (sequence, id, type, at, subject, data) values ($1, $2, $3, $4, $5, '{}')",
					e.Sequence, e.ID, e.Type, e.At.UnixMilli(), e.Subject)
			}
			var origin string
			var last int64
			if err := d.Read.QueryRowContext(t.Context(), "select origin, last from event_numbers").Scan(&origin, &last); err != nil {
				t.Fatal(err)
			}
			exec(t, other, "update event_numbers set origin = $1, last = $2", origin, last)
			return other
		},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := outbox(d)
		for i := range 3 {
			add(t, d, event.OrderCreated, event.Order{ID: fmt.Sprint(i)})
		}
		number(t, o, 3)
		back := restore[d.Engine](t, d)
		for i := range 2 { // which the restored copy does not have
			add(t, d, event.OrderCreated, event.Order{ID: fmt.Sprint("lost", i)})
		}
		number(t, o, 2)

		o = outbox(back)
		for i := range 4 {
			add(t, back, event.OrderCreated, event.Order{ID: fmt.Sprint("new", i)})
			number(t, o, 1)
		}
		for _, after := range []int64{4, 5, 6, 7} {
			if _, err := o.Read(t.Context(), event.Query{After: after}); !errors.Is(err, event.ErrGone) {
				t.Errorf("after %d: %v", after, err)
			}
		}
		p := read(t, o, event.Query{After: 2})
		var got []string
		for _, e := range p.Events {
			got = append(got, e.Subject)
		}
		if diff := cmp.Diff([]string{"2", "new0", "new1", "new2", "new3"}, got); diff != "" {
			t.Error(diff)
		}
		if p := read(t, o, event.Query{After: p.Next}); len(p.Events) != 0 {
			t.Errorf("again: %v", p)
		}
		// What was before the restore is old: it is forgotten, and nothing that comes after it.
		exec(t, back, "update events set at = 1 where sequence <= 3")
		if n, err := o.Forget(t.Context(), time.Now().Add(-time.Hour)); n != 3 || err != nil {
			t.Fatalf("%d are gone: %v", n, err)
		}
		for _, after := range []int64{event.Oldest, 3} {
			if p := read(t, o, event.Query{After: after}); len(p.Events) != 4 || p.Events[0].Subject != "new0" {
				t.Errorf("after %d: %v", after, p)
			}
		}
	})
}

// Copies of one backup, restored one after the other, do not give the same numbers, which a
// reader of the first would take for those that he has read; but for a rare chance.
func TestRestoredAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := outbox(d)
		add(t, d, event.OrderCreated, event.Order{ID: "0"})
		number(t, o, 1)
		given := map[int64]bool{}
		for range 8 {
			exec(t, d, "delete from events where sequence > 1")
			exec(t, d, "delete from event_epochs")
			exec(t, d, "update event_numbers set origin = 'restored', last = 1")
			add(t, d, event.OrderCreated, event.Order{ID: "new"})
			number(t, o, 1)
			given[read(t, o, event.Query{After: 1}).Next] = true
		}
		if len(given) == 1 {
			t.Errorf("each copy gave the same numbers: %v", given)
		}
	})
}

// While 32 write and two processes number, a reader sees all, in order, without a
// gap, and what one order tells in its turn.
func TestReaderSeesAll(t *testing.T) {
	t.Parallel()
	const writers = 32
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		each := map[db.Engine]int{db.Postgres: 30, db.SQLite: 5}[d.Engine] // SQLite waits for the disk each time
		ctx, stop := context.WithCancel(t.Context())
		var loops, all sync.WaitGroup
		for range 2 {
			loops.Go(func() {
				for ctx.Err() == nil {
					if _, err := outbox(d).Number(ctx); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		for w := range writers {
			all.Go(func() {
				order := fmt.Sprint("ord_", w/2) // two writers to an order
				for range each {
					if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
						var revision int64
						if err := tx.QueryRowContext(t.Context(), `insert into cart_locks (cart_id, touched_at) values ($1, 1)
							on conflict (cart_id) do update set touched_at = cart_locks.touched_at + 1 returning touched_at`, order).Scan(&revision); err != nil {
							return err
						}
						err := event.Add(t.Context(), tx, event.OrderUpdated, event.Order{ID: order, Revision: revision})
						time.Sleep(rand.N(time.Millisecond)) // some commit later than others who began later
						return err
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var seen []event.Event
		after := int64(event.Oldest)
		for deadline := time.Now().Add(time.Minute); len(seen) < writers*each && time.Now().Before(deadline); {
			p, err := outbox(d).Read(t.Context(), event.Query{After: after, Limit: 20})
			if err != nil {
				t.Fatal(err)
			}
			seen, after = append(seen, p.Events...), p.Next
		}
		all.Wait()
		stop()
		loops.Wait()
		revisions := map[string]int{}
		for i, e := range seen {
			revisions[e.Subject]++
			want, _ := event.Order{ID: e.Subject, Revision: int64(revisions[e.Subject])}.MarshalJSON()
			if e.Sequence != int64(i+1) || string(e.Data) != string(want) {
				t.Fatalf("the event in place %d is %d: %s", i+1, e.Sequence, e.Data)
			}
		}
		if len(seen) != writers*each {
			t.Errorf("%d were seen", len(seen))
		}
	})
}

// The loop goes on by itself after the database was away, and ends with its context.
func TestRun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			outbox(d).Run(ctx)
			close(done)
		}()
		add(t, d, event.OrderCreated, event.Order{ID: "o"})
		until.Holds(t, "it is numbered", func() bool { return len(read(t, outbox(d), event.Query{}).Events) > 0 })
		stop()
		<-done
	})
}
