package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/redistest"
)

// process is a log as one process has it.
type process struct {
	*inspect.Log
	t    testing.TB
	stop func() // ends it and waits

	mu      sync.Mutex
	counted map[string]int
}

func start(t testing.TB, rdb redis.UniversalClient, beside ...func(context.Context)) *process {
	t.Helper()
	p := &process{t: t, counted: map[string]int{}}
	p.Log = inspect.New(inspect.Options{
		Redis: rdb, Logger: slog.New(slog.DiscardHandler), Observe: func(result string, n int) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.counted[result] += n
		},
	})
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

func (p *process) count(result string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counted[result]
}

// story ends the process, so that all is written, and reads.
func (p *process) story(cartID string, orderIDs ...string) []inspect.Event {
	p.t.Helper()
	p.stop()
	events, err := p.Story(context.WithoutCancel(p.t.Context()), cartID, orderIDs...)
	if err != nil {
		p.t.Fatal(err)
	}
	return events
}

// call is a call of a cart's order that Klarna answered.
func call(at time.Time, operation string, facts ...klarna.Fact) klarna.Call {
	return klarna.Call{
		Operation: operation, Method: "POST", Path: "/checkout/v3/orders/{order_id}", Status: 200, Try: 1, Start: at,
		Duration: 30 * time.Millisecond, CorrelationID: "corr", OrderID: "order", Facts: facts, Subject: klarna.Subject{CartID: "cart"},
	}
}

func told(events []inspect.Event) []string {
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

// Entries of two processes are one story, in the order of time; each is told once,
// and what changed is seen across them.
func TestStory(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	a, b := start(t, rdb), start(t, rdb)
	now := time.Now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	amount := func(v string) klarna.Fact { return klarna.Fact{Name: "order_amount", Value: v} }
	mugs := func(v string) klarna.Fact { return klarna.Fact{Name: "quantity MUG-1", Value: v} }
	price := func(sku string) klarna.Fact { return klarna.Fact{Name: "unit_price " + sku, Value: "1"} }
	jam := klarna.Fact{Name: "quantity JAM-1", Value: "1"}
	refused := call(at(3), "refused", amount("9"), mugs("9"))
	refused.Status, refused.Err = 500, &klarna.Error{Status: 500, Code: "OOPS"}
	management := call(at(6), "management", amount("700"))
	management.Path, management.Subject = "/ordermanagement/v1/orders/{order_id}", klarna.Subject{}
	b.Call(management)
	b.Call(call(at(5), "gone", amount("400"), jam, price("JAM-1")))
	a.Call(call(at(4), "again", amount("700"), mugs("5"), jam, price("JAM-1")))
	b.Call(refused)
	b.Record(inspect.Entry{At: at(2), Kind: inspect.FromKlarna, OrderID: "order", Operation: "push", Result: "ok", Status: 200})
	a.Call(call(at(1), "create", amount("300"), mugs("3"), price("MUG-1")))
	a.Call(klarna.Call{Operation: "quiet", OrderID: "order", Start: now, Subject: klarna.Subject{CartID: "cart", Quiet: true}})
	a.Call(klarna.Call{Operation: "about nothing", Start: now})
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
	if diff := cmp.Diff([]string{"order"}, inspect.Orders(byCart)); diff != "" || inspect.CartOf(b.story("", "order")) != "cart" {
		t.Errorf("the story does not know order and cart: %s", diff)
	}
	if a.count(inspect.Written)+b.count(inspect.Written) != 6 || a.count(inspect.Dropped)+b.count(inspect.Dropped) != 0 {
		t.Errorf("counted %v and %v", a.counted, b.counted)
	}
}

// A story has a length and a life.
func TestStoryIsBounded(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	p := start(t, rdb)
	now := time.Now()
	p.Call(call(now.Add(-inspect.Lifetime-time.Hour), "too old"))
	for i := range inspect.PerStory + 50 {
		p.Call(call(now.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i)))
	}
	for _, events := range [][]inspect.Event{p.story("cart"), p.story("", "order")} {
		if len(events) != inspect.PerStory || events[0].Operation != "50" || events[len(events)-1].Operation != "249" {
			t.Fatalf("%d entries, want the newest %d: %v", len(events), inspect.PerStory, told(events))
		}
	}
	for _, key := range []string{"shopd:inspect:cart:{cart}", "shopd:inspect:order:{order}"} {
		life, err := rdb.PTTL(t.Context(), key).Result()
		if n, countErr := rdb.ZCard(t.Context(), key).Result(); err != nil || countErr != nil || n != inspect.PerStory ||
			life <= inspect.Lifetime-time.Hour || life > inspect.Lifetime {
			t.Errorf("%s: %d entries, lives %s, %v, %v", key, n, life, err, countErr)
		}
	}
}

// What is older than a week is no longer told, also while the story goes on.
func TestOldEntries(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	text := `{"id":"x","at":"2020-01-01T00:00:00Z","operation":"old"}`
	if err := rdb.ZAdd(t.Context(), "shopd:inspect:cart:{cart}", redis.Z{Score: float64(time.Now().Add(-inspect.Lifetime).UnixMicro()), Member: text}).Err(); err != nil {
		t.Fatal(err)
	}
	p := start(t, rdb)
	if got, err := p.Story(t.Context(), "cart"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", told(got), err)
	}
	p.Call(call(time.Now(), "new"))
	p.stop()
	if got := rdb.ZCard(t.Context(), "shopd:inspect:cart:{cart}").Val(); got != 1 {
		t.Errorf("%d entries are kept, want the new one", got)
	}
}

// Who asks for orders that nobody has fills no memory.
func TestUnknownOrders(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t))
	read := func(id string, status int) klarna.Call {
		return klarna.Call{Operation: fmt.Sprint(status), OrderID: id, Status: status, Start: time.Now()}
	}
	p.Call(read("unknown", 404))
	p.Call(read("nobody", 0))
	p.Call(read("known", 200))
	later := read("known", 404)
	later.Start = later.Start.Add(time.Second)
	p.Call(later)
	if diff := cmp.Diff([]string{"200", "404"}, told(p.story("", "unknown", "nobody", "known"))); diff != "" {
		t.Error(diff)
	}
}

// A full queue drops and counts; nobody waits.
func TestQueueFull(t *testing.T) {
	t.Parallel()
	dropped := 0
	log := inspect.New(inspect.Options{
		Redis: redistest.Start(t), Logger: slog.New(slog.DiscardHandler), QueueSize: 4, Observe: func(result string, n int) {
			if result == inspect.Dropped {
				dropped += n
			}
		},
	})
	for range 10 {
		log.Call(call(time.Now(), "x")) // would hang if it waited: nothing reads
	}
	if dropped != 6 {
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
		p.Call(call(time.Now(), fmt.Sprint(i)))
	}
	server.Restart()
	for deadline := time.Now().Add(30 * time.Second); p.count(inspect.Written) < 300; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("counted %v", p.counted)
		}
	}
	server.Stop()
	p.Call(call(time.Now(), "last"))
	p.stop()
	if got := p.count(inspect.Dropped); got != 1 {
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
			p.Call(call(time.Now(), "late"))
		}
	})
	close(ready)
	if got := len(p.story("cart")); got != inspect.PerStory || p.count(inspect.Written) != 250 {
		t.Errorf("%d entries, counted %v", got, p.counted)
	}
}

// Why a call failed is told in words of ours: Klarna's may repeat what was sent.
func TestProblems(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	for _, tc := range []struct {
		name, want string
		err        error
	}{
		{"none", "", nil},
		{"refused", "BAD_VALUE", &klarna.Error{Status: 400, Code: "BAD_VALUE", Messages: []string{"ada@example.com"}}},
		{"empty", "", &klarna.Error{Status: 404}},
		{"long code", strings.Repeat("X", 64), &klarna.Error{Status: 404, Code: strings.Repeat("X", 100)}},
		{"time-out", "no answer in time", fmt.Errorf("read: %w", context.DeadlineExceeded)},
		{"given up", "given up", fmt.Errorf("read: %w", context.Canceled)},
		{"reset", "connection failed", errors.New("connection reset by ada@example.com")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, rdb)
			c := call(time.Now(), "x")
			c.Err, c.Subject.CartID = tc.err, tc.name
			p.Call(c)
			if got := p.story(tc.name); len(got) != 1 || got[0].Result != tc.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
