package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/event"
)

// receiver notes what it was handed, by subject.
type receiver struct {
	event.Receiver
	mu    sync.Mutex
	tries map[string]int
	gone  map[string]error // given up
}

// newReceiver answers by a function of the subject and the number of the try.
func newReceiver(answer func(subject string, try int) error) *receiver {
	r := &receiver{tries: map[string]int{}, gone: map[string]error{}}
	r.Receiver = event.Receiver{
		Name:  "test",
		Wants: func(e event.Event) bool { return e.Type != event.OrderUpdated },
		Deliver: func(_ context.Context, e event.Event) error {
			r.mu.Lock()
			r.tries[e.Subject]++
			try := r.tries[e.Subject]
			r.mu.Unlock()
			return answer(e.Subject, try)
		},
		GiveUp: func(_ context.Context, e event.Event, problem error) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.gone[e.Subject] = problem
			return nil
		},
	}
	return r
}

func deliveryTo(d *db.DB, r *receiver) *event.Delivery {
	return &event.Delivery{Outbox: outbox(d), Receivers: []*event.Receiver{&r.Receiver}, Logger: slog.New(slog.DiscardHandler)}
}

// round does a round, and says how many were tried and how many of them failed.
func round(t *testing.T, d *event.Delivery, tried, failed int) {
	t.Helper()
	n, m, err := d.Round(t.Context(), d.Receivers[0], 8)
	if n != tried || m != failed || err != nil {
		t.Fatalf("%d were tried and %d failed, want %d and %d: %v", n, m, tried, failed, err)
	}
}

// rows are the deliveries that are stored: subject, tries, how many of them are unsure, and
// whether there is a further try.
func rows(t *testing.T, d *db.DB) string {
	t.Helper()
	var list []string
	all, err := d.Read.QueryContext(t.Context(), `select subject, tries, unsure, due_at is not null from event_deliveries
		join events on id = event_id order by events.sequence`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = all.Close() }()
	for all.Next() {
		var subject string
		var tries, unsure int
		var due bool
		if err := all.Scan(&subject, &tries, &unsure, &due); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(subject, " ", tries, " ", unsure, " ", due))
	}
	return strings.Join(list, ", ")
}

// later lets the time of all deliveries come.
func later(t *testing.T, d *db.DB) {
	t.Helper()
	exec(t, d, "update event_deliveries set due_at = 1 where due_at is not null")
}

func placed(t *testing.T, d *db.DB, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		add(t, d, event.OrderCreated, event.Order{ID: s})
	}
	number(t, outbox(d), len(subjects))
}

// A new receiver gets what comes, each event once; what fails comes again after a pause, and
// holds up nobody.
func TestDelivery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(subject string, try int) error {
			switch {
			case subject == "bad" && try < 3:
				return errors.New("not now")
			case subject == "none":
				return event.ErrSkipped
			case subject == "never":
				return fmt.Errorf("%w: no such receiver", event.ErrRefused)
			}
			return nil
		})
		delivery := deliveryTo(d, r)
		placed(t, d, "before")
		round(t, delivery, 0, 0) // begins
		add(t, d, event.OrderUpdated, event.Order{ID: "unwanted"})
		add(t, d, event.OrderCreated, event.Order{ID: "good"})
		number(t, outbox(d), 2)
		placed(t, d, "bad", "none", "never")
		placed(t, d, "good2")
		round(t, delivery, 5, 1)
		round(t, delivery, 0, 0)
		if got := rows(t, d); got != "bad 1 0 true, never 1 1 false" {
			t.Errorf("rows: %s", got)
		}
		if n, first, err := delivery.Queue().Length(t.Context()); n != 1 || time.Since(first) > time.Minute || err != nil {
			t.Errorf("%d wait since %v: %v", n, first, err)
		}
		later(t, d)
		round(t, delivery, 1, 1)
		round(t, delivery, 0, 0) // it has a pause
		later(t, d)
		placed(t, d, "good3")
		round(t, delivery, 2, 0)
		want := map[string]int{"good": 1, "good2": 1, "good3": 1, "bad": 3, "none": 1, "never": 1}
		if diff := cmp.Diff(want, r.tries); diff != "" {
			t.Error(diff)
		}
		if len(r.gone) != 1 || !errors.Is(r.gone["never"], event.ErrRefused) {
			t.Errorf("given up: %v", r.gone)
		}
		// What is given up goes with its event.
		if _, err := outbox(d).Forget(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := d.Read.QueryRowContext(t.Context(), "select count(*) from event_deliveries").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left: %v", left, err)
		}
	})
}

// The pauses grow, and end three days after the event.
func TestDeliveryPauses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(string, int) error { return errors.New("away") })
		delivery := deliveryTo(d, r)
		round(t, delivery, 0, 0)
		placed(t, d, "one")
		age := time.Duration(0)
		for i := 0; len(r.gone) == 0; i++ {
			round(t, delivery, 1, 1)
			var due, at int64
			if err := d.Read.QueryRowContext(t.Context(), "select coalesce(due_at, 0), at from event_deliveries").Scan(&due, &at); err != nil {
				t.Fatal(err)
			}
			pause := time.Until(time.UnixMilli(due))
			wants := []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour}
			want := wants[min(i, len(wants)-1)]
			if due != 0 && (pause < want*3/4 || pause > want*5/4) {
				t.Fatalf("after try %d it waits %v, want about %v", i+1, pause, want)
			}
			age += want
			exec(t, d, "update event_deliveries set at = $1", time.Now().Add(-age).UnixMilli())
			later(t, d)
		}
		if age < 60*time.Hour || age > 84*time.Hour || rows(t, d) != fmt.Sprintf("one %d 0 false", r.tries["one"]) && !strings.HasSuffix(rows(t, d), "false") {
			t.Errorf("given up after %v and %d tries: %s", age, r.tries["one"], rows(t, d))
		}
	})
}

// A process that is killed leaves what it was at to the others, when its lease has run out.
// Where twice is enough, two deaths are.
func TestDeliveryKilled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, tt := range []struct {
			unsure, deaths, tries int
			gone                  bool
		}{{2, 1, 2, false}, {2, 2, 2, true}, {0, 5, 6, false}} {
			r := newReceiver(func(string, int) error { return nil })
			r.Unsure = tt.unsure
			r.Name = fmt.Sprint("test_", tt.unsure, tt.deaths)
			delivery := deliveryTo(d, r)
			round(t, delivery, 0, 0)
			placed(t, d, "one")
			for range tt.deaths {
				if _, _, err := delivery.Take(t.Context(), &r.Receiver); err != nil { // and never says what came of it
					t.Fatal(err)
				}
				_ = r.Deliver(t.Context(), event.Event{Subject: "one"})
				if n, _, _ := delivery.Round(t.Context(), &r.Receiver, 8); n != 0 {
					t.Fatal("it is taken from one who may still be at it")
				}
				later(t, d)
			}
			failed := 0
			if tt.gone {
				failed = 1
			}
			round(t, delivery, 1, failed)
			if r.tries["one"] != tt.tries || (len(r.gone) > 0) != tt.gone {
				t.Errorf("%d deaths: %d tries, given up: %v", tt.deaths, r.tries["one"], r.gone)
			}
			exec(t, d, "delete from event_deliveries")
		}
	})
}

// Nobody knows what came of a try: it is tried once more, and then given up.
func TestDeliveryUnsure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(_ string, try int) error {
			if try == 2 {
				return errors.New("not even begun")
			}
			return fmt.Errorf("%w: no answer", event.ErrUnsure)
		})
		r.Unsure = 2
		delivery := deliveryTo(d, r)
		round(t, delivery, 0, 0)
		placed(t, d, "one")
		for _, want := range []string{"one 1 1 true", "one 2 1 true", "one 3 2 false"} {
			round(t, delivery, 1, 1)
			if got := rows(t, d); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			later(t, d)
		}
		round(t, delivery, 0, 0)
		if !errors.Is(r.gone["one"], event.ErrUnsure) {
			t.Errorf("given up: %v", r.gone)
		}
	})
}

// Several processes hand over and deliver while others write, and a receiver fails now and
// then: each event is delivered once, none is lost.
func TestDeliveryTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const events = 60
		done := map[string]int{}
		var mu sync.Mutex
		r := newReceiver(func(subject string, _ int) error {
			if rand.N(3) == 0 {
				return errors.New("now and then")
			}
			mu.Lock()
			defer mu.Unlock()
			done[subject]++
			return nil
		})
		first := deliveryTo(d, r)
		round(t, first, 0, 0)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { outbox(d).Run(ctx) })
		for range 3 {
			delivery := deliveryTo(d, r)
			all.Go(func() {
				for ctx.Err() == nil {
					if _, _, err := delivery.Round(ctx, &r.Receiver, 4); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
					_, _ = d.Exec(ctx, "update event_deliveries set due_at = 1 where due_at > 1 and unsure = 0") // pauses of 0
				}
			})
		}
		for i := range events {
			add(t, d, event.OrderCreated, event.Order{ID: fmt.Sprint(i)})
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			n := len(done)
			mu.Unlock()
			if n == events || time.Now().After(deadline) {
				break
			}
		}
		stop()
		all.Wait()
		for i := range events {
			if done[fmt.Sprint(i)] != 1 {
				t.Errorf("%d was delivered %d times", i, done[fmt.Sprint(i)])
			}
		}
	})
}

// Who has missed events goes on with the oldest that are there.
func TestDeliveryAfterGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(string, int) error { return nil })
		delivery := deliveryTo(d, r)
		round(t, delivery, 0, 0)
		placed(t, d, "old")
		if _, err := outbox(d).Forget(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		placed(t, d, "new")
		round(t, delivery, 1, 0)
		round(t, delivery, 0, 0)
		if r.tries["new"] != 1 || len(r.tries) != 1 {
			t.Errorf("got %v", r.tries)
		}
	})
}

// What is numbered while a process hands over is not his to deliver: his cursor stays before it, and it is handed over then.
func TestDeliveryNumberedMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(string, int) error { return nil })
		delivery := deliveryTo(d, r)
		round(t, delivery, 0, 0)
		placed(t, d, "one", "two", "three")
		exec(t, d, "update event_numbers set last = 1") // as it was when he asked
		round(t, delivery, 1, 0)
		exec(t, d, "update event_numbers set last = 3")
		round(t, delivery, 2, 0)
		if diff := cmp.Diff(map[string]int{"one": 1, "two": 1, "three": 1}, r.tries); diff != "" {
			t.Error(diff)
		}
	})
}

// Who begins anew with the oldest leaves alone what another has under way.
func TestDeliveryGoneBesideAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newReceiver(func(string, int) error { return nil })
		delivery := deliveryTo(d, r)
		round(t, delivery, 0, 0)
		placed(t, d, "one")
		if _, n, err := delivery.Take(t.Context(), &r.Receiver); n != 1 || err != nil {
			t.Fatalf("another has taken %d: %v", n, err)
		}
		placed(t, d, "two")
		exec(t, d, "update event_cursors set after = 1000") // of a copy that is lost
		round(t, delivery, 1, 0)
		if r.tries["two"] != 1 || len(r.tries) != 1 {
			t.Errorf("got %v", r.tries)
		}
	})
}
