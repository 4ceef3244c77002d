package story_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/internal/until"
)

// process is a log as one process has it.
type process struct {
	*story.Log
	t    testing.TB
	stop func() // ends it and waits
}

func start(t testing.TB, rdb redis.UniversalClient, beside ...func(context.Context)) *process {
	t.Helper()
	p := &process{t: t, Log: story.New(story.Options{Redis: rdb, Logger: slog.New(slog.DiscardHandler)})}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx, beside...) })
	p.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(p.stop)
	return p
}

func (p *process) written() int64 { n, _ := p.Counts(); return n }
func (p *process) dropped() int64 { _, n := p.Counts(); return n }

// story ends the process, so that all is written, and reads.
func (p *process) story(cartID string, orderIDs ...string) []story.Event {
	p.t.Helper()
	p.stop()
	events, err := p.Story(context.WithoutCancel(p.t.Context()), cartID, orderIDs...)
	if err != nil {
		p.t.Fatal(err)
	}
	return events
}

// call is a call of a cart's order that Klarna answered.
func call(at time.Time, operation string, facts ...story.Fact) story.Entry {
	return story.Entry{
		Kind: story.ToKlarna, Operation: operation, Method: "POST", Path: "/checkout/v3/orders/{order_id}", Status: 200, Try: 1, At: at,
		Duration: 30 * time.Millisecond, CorrelationID: "corr", OrderID: "order", CartID: "cart", Facts: facts,
	}
}

func told(events []story.Event) []string {
	var list []string
	for _, e := range events {
		text := e.Operation
		for _, c := range e.Changes {
			text += fmt.Sprintf("; %s %s>%s", c.Name, c.Before, c.After)
		}
		list = append(list, text)
	}
	return list
}

// Entries of two processes are one story, in the order of time, on one Redis
// and on a Cluster; each is told once, and what changed is seen across them.
func TestStory(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(testing.TB) *redistest.Server{"single": redistest.StartServer, "cluster": redistest.Cluster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := server(t).Client()
			a, b := start(t, rdb), start(t, rdb)
			now := time.Now()
			at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
			amount := func(v string) story.Fact { return story.Fact{Name: "order_amount", Value: v} }
			mugs := func(v string) story.Fact { return story.Fact{Name: "quantity MUG-1", Value: v} }
			price := func(sku string) story.Fact { return story.Fact{Name: "unit_price " + sku, Value: "1"} }
			jam := story.Fact{Name: "quantity JAM-1", Value: "1"}
			refused := call(at(3), "refused", amount("9"), mugs("9"))
			refused.Status, refused.Result = 500, "OOPS"
			management := call(at(6), "management", amount("700"))
			management.Path, management.CartID = "/ordermanagement/v1/orders/{order_id}", ""
			b.Record(management)
			b.Record(call(at(5), "gone", amount("400"), jam, price("JAM-1")))
			a.Record(call(at(4), "again", amount("700"), mugs("5"), jam, price("JAM-1")))
			b.Record(refused)
			b.Record(story.Entry{At: at(2), Kind: story.FromKlarna, OrderID: "order", Operation: "push", Result: "ok", Status: 200})
			a.Record(call(at(1), "create", amount("300"), mugs("3"), price("MUG-1")))
			a.Record(story.Entry{Operation: "about nothing", At: now})
			a.stop()
			got := told(b.story("cart", "order", "", "another"))
			want := []string{
				"create; order_amount >300; quantity MUG-1 >3", "push", "refused; order_amount 300>9; quantity MUG-1 3>9",
				"again; order_amount 300>700; quantity MUG-1 3>5; quantity JAM-1 >1",
				"gone; order_amount 700>400; quantity MUG-1 5>", "management; order_amount >700",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the story: %s", diff)
			}
			byCart := b.story("cart")
			if got := len(byCart); got != 4 {
				t.Errorf("the cart's own story has %d entries: %v", got, told(byCart))
			}
			if diff := cmp.Diff([]string{"order"}, story.Orders(byCart)); diff != "" || story.CartOf(b.story("", "order")) != "cart" {
				t.Errorf("the story does not know order and cart: %s", diff)
			}
			if a.written()+b.written() != 6 || a.dropped()+b.dropped() != 0 {
				t.Errorf("written %d and %d", a.written(), b.written())
			}
		})
	}
}

// A story has a length and a life.
func TestStoryIsBounded(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(testing.TB) *redistest.Server{"single": redistest.StartServer, "cluster": redistest.Cluster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := server(t).Client()
			p := start(t, rdb)
			now := time.Now()
			p.Record(call(now.Add(-story.Lifetime-time.Hour), "too old"))
			for i := range story.PerStory + 50 {
				p.Record(call(now.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i)))
			}
			for _, events := range [][]story.Event{p.story("cart"), p.story("", "order")} {
				if len(events) != story.PerStory || events[0].Operation != "50" || events[len(events)-1].Operation != "249" {
					t.Fatalf("%d entries, want the newest %d: %v", len(events), story.PerStory, told(events))
				}
			}
			for _, key := range []string{"shopd:inspect:cart:{cart}", "shopd:inspect:order:{order}"} {
				life, err := rdb.PTTL(t.Context(), key).Result()
				if n, countErr := rdb.ZCard(t.Context(), key).Result(); err != nil || countErr != nil || n != story.PerStory ||
					life <= story.Lifetime-time.Hour || life > story.Lifetime {
					t.Errorf("%s: %d entries, lives %s, %v, %v", key, n, life, err, countErr)
				}
			}
		})
	}
}

// What is older than a week is no longer told, also while the story goes on.
func TestOldEntries(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	text := `{"id":"x","at":"2020-01-01T00:00:00Z","operation":"old"}`
	if err := rdb.ZAdd(t.Context(), "shopd:inspect:cart:{cart}", redis.Z{Score: float64(time.Now().Add(-story.Lifetime).UnixMicro()), Member: text}).Err(); err != nil {
		t.Fatal(err)
	}
	p := start(t, rdb)
	if got, err := p.Story(t.Context(), "cart"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", told(got), err)
	}
	p.Record(call(time.Now(), "new"))
	p.stop()
	if got := rdb.ZCard(t.Context(), "shopd:inspect:cart:{cart}").Val(); got != 1 {
		t.Errorf("%d entries are kept, want the new one", got)
	}
}

// Who asks for orders that nobody has fills no memory.
func TestUnknownOrders(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t))
	read := func(id string, status int) story.Entry {
		return story.Entry{Kind: story.ToKlarna, Operation: fmt.Sprint(status), OrderID: id, Status: status, At: time.Now()}
	}
	p.Record(read("unknown", 404))
	p.Record(read("nobody", 0))
	p.Record(read("known", 200))
	later := read("known", 404)
	later.At = later.At.Add(time.Second)
	p.Record(later)
	if diff := cmp.Diff([]string{"200", "404"}, told(p.story("", "unknown", "nobody", "known"))); diff != "" {
		t.Error(diff)
	}
}

// A full queue drops and counts; nobody waits.
func TestQueueFull(t *testing.T) {
	t.Parallel()
	log := story.New(story.Options{Redis: redistest.Start(t), Logger: slog.New(slog.DiscardHandler), QueueSize: 4})
	for range 10 {
		log.Record(call(time.Now(), "x")) // would hang if it waited: nothing reads
	}
	if _, dropped := log.Counts(); dropped != 6 {
		t.Errorf("%d were dropped, want 6", dropped)
	}
}

// While Redis is away entries wait; what it does not take in the end is counted.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t)
	p := start(t, server.Client())
	server.Stop()
	for i := range 300 {
		p.Record(call(time.Now(), fmt.Sprint(i)))
	}
	server.Restart()
	until.Holds(t, "all 300 are written", func() bool { return p.written() >= 300 })
	server.Stop()
	p.Record(call(time.Now(), "last"))
	p.stop()
	if got := p.dropped(); got != 1 {
		t.Errorf("%d were dropped, want 1", got)
	}
}

// What the functions beside the log leave at the end is written too.
func TestFlush(t *testing.T) {
	t.Parallel()
	var p *process
	ready := make(chan struct{})
	p = start(t, redistest.Start(t), func(ctx context.Context) {
		<-ctx.Done()
		<-ready
		time.Sleep(300 * time.Millisecond) // a log that did not wait would have ended by now
		for range 250 {
			p.Record(call(time.Now(), "late"))
		}
	})
	close(ready)
	if got := len(p.story("cart")); got != story.PerStory || p.written() != 250 {
		t.Errorf("%d entries, %d were written", got, p.written())
	}
}
