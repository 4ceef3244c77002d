package observe_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
)

// What is counted with each request costs no memory.
func TestObservingAllocatesNothing(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer func() { _ = rdb.Close() }()
	m := observetest.With(t, observe.Options{Redis: rdb})
	ctx := t.Context()
	for name, tell := range map[string]func(){
		"klarna": func() {
			m.Call(ctx, observe.Call{Operation: "read kco order", Status: 200, Try: 2, Duration: time.Millisecond})
		},
		"sync": func() {
			m.Sync(ctx, observe.Sync{Product: observe.KCO, Mode: "load", Result: observe.SyncReplaced, Replaced: "gone"})
		},
		"lock": func() {
			_, wait := m.LockWait(ctx)
			wait.End(observe.LockTaken)
		},
		"callback": func() { m.Callback(t.Context(), observe.Callback{Name: "push", Result: "ok"}) },
		"failure":  func() { m.Failure(ctx, "/checkout/update", "busy", nil) },
		"order":    func() { m.Book(observe.BookPlace, observe.ResultStored) },
		"command":  func() { m.Command("capture", observe.ResultDone) },
		"retry":    m.CartRetry,
	} {
		tell() // the first makes the series
		if n := testing.AllocsPerRun(100, tell); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Values that Klarna or a form names are looked up among ours.
func TestLabelsAreBounded(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	defer func() { _ = rdb.Close() }()
	m := observetest.With(t, observe.Options{Redis: rdb})
	m.Sale(t.Context(), observe.Sale{Product: observe.KCO, Amount: 7})
	m.Command("", observe.ResultNotSent)
	m.Call(t.Context(), observe.Call{Operation: "read kco order", Status: 987})
	rdb.Echo(t.Context(), "a command that shopd does not use")
	got := observetest.Metrics(m)
	for _, want := range []string{
		`shopd_orders_placed_total{country="other",currency="other",product="kco"} 1`,
		`shopd_orders_placed_minor_units_total{country="other",currency="other"} 7`,
		`shopd_commands_total{action="other",result="not_sent"} 1`,
		`shopd_klarna_call_duration_seconds_count{code="other",operation="read kco order"} 1`,
		`shopd_redis_command_duration_seconds_count{family="other"} 1`,
	} {
		if !contains(got, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// The first order of each flag, lost delivery and refused sync are seen by alerts: increase() counts
// from a series' first value.
func TestAlertsSeeTheFirst(t *testing.T) {
	m, _ := observetest.New(t)
	m.WebhookOff("erp", false)
	got := observetest.Metrics(m)
	source, err := os.ReadFile("../order/order.go")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^\t\w+ Flag = "(\w+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(flags) < 6 {
		t.Fatalf("order.go has the flags %q", flags)
	}
	for _, flag := range flags {
		if flag[1] != "unsettled" && !contains(got, `shopd_orders_flagged_total{flag="`+flag[1]+`"} 0`) { // that is not counted
			t.Errorf("the flag %s does not begin with 0", flag[1])
		}
	}
	for mode := cartsync.Load; mode <= cartsync.Push; mode++ {
		if !contains(got, `shopd_syncs_total{mode="`+mode.String()+`",product="kco",result="refused"} 0`) {
			t.Errorf("a refused sync by %s does not begin with 0", mode)
		}
	}
	for _, receiver := range []string{"mail", "webhook_erp"} {
		for _, result := range []string{"done", "refused", "unsure", "given_up"} {
			if !contains(got, `shopd_deliveries_total{receiver="`+receiver+`",result="`+result+`"} 0`) {
				t.Errorf("%s of %s does not begin with 0", result, receiver)
			}
		}
	}
}

// What cannot be read keeps nobody else out of a scrape.
func TestOneHangs(t *testing.T) {
	m, _ := observetest.New(t)
	hangs := func(ctx context.Context) (int64, time.Time, error) {
		<-ctx.Done()
		return 0, time.Time{}, ctx.Err()
	}
	answers := func(ctx context.Context) (int64, time.Time, error) { return 3, time.Time{}, ctx.Err() }
	m.Watch(func(ctx context.Context) error { return ctx.Err() }, observe.Queue{Length: answers},
		observe.Queue{Name: "redis", Length: hangs}, observe.Queue{Name: "redis too", Length: hangs}, observe.Queue{Name: "database", Length: answers})
	got := observetest.Metrics(m)
	for _, want := range []string{
		"shopd_database_up 1", `shopd_queue_entries{queue="database"} 3`, "shopd_unacknowledged_orders 3", "shopd_queue_errors_total 2",
	} {
		if !contains(got, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if contains(got, `shopd_queue_entries{queue="redis"} 0`) {
		t.Error("it shows what it does not know")
	}
}

// What is no failure of Redis is not counted as one, and what is has its kind.
func TestRedisErrors(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{
		Addr: mini.Addr(), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: 1, PoolTimeout: 10 * time.Millisecond,
	})
	defer func() { _ = rdb.Close() }()
	m := observetest.With(t, observe.Options{Redis: rdb})
	ctx := t.Context()
	left, leave := context.WithCancel(ctx)
	leave()
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	rdb.Get(ctx, "nothing")
	rdb.EvalSha(ctx, "0000000000000000000000000000000000000000", nil)
	rdb.Get(left, "nothing")
	rdb.Get(late, "nothing") // timeout
	mini.Set("text", "text")
	rdb.HGet(ctx, "text", "field") // server
	_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "nothing")
		return nil
	})
	conn := rdb.Conn()
	if err := conn.Ping(ctx).Err(); err != nil { // holds the one connection
		t.Fatal(err)
	}
	if err := rdb.Get(ctx, "nothing").Err(); !errors.Is(err, redis.ErrPoolTimeout) { // pool
		t.Fatalf("got %v", err)
	}
	_ = conn.Close()
	mini.Close()
	rdb.Get(ctx, "nothing") // network
	got := observetest.Metrics(m)
	for _, want := range []string{`{kind="timeout"} 1`, `{kind="server"} 1`, `{kind="pool"} 1`, `{kind="network"} 1`} {
		if !contains(got, "shopd_redis_errors_total"+want) {
			t.Errorf("/metrics lacks shopd_redis_errors_total%s", want)
		}
	}
}

// contains reports whether text has a line.
func contains(text, line string) bool { return strings.Contains(text, "\n"+line+"\n") }
