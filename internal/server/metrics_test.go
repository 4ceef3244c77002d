package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/server"
)

// What is counted with each request costs no memory.
func TestObservingAllocatesNothing(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer func() { _ = rdb.Close() }()
	m := server.NewMetrics(rdb)
	sync := m.ObserveSync(server.ProductKCO)
	for name, observe := range map[string]func(){
		"klarna": func() {
			m.ObserveKlarna(klarna.Call{Operation: "read kco order", Status: 200, Try: 2, Duration: time.Millisecond})
		},
		"sync":     func() { sync(cartsync.Event{Result: cartsync.ResultReplaced, Replaced: klarna.Gone}) },
		"lock":     func() { m.ObserveLock("taken", time.Millisecond) },
		"callback": func() { m.ObserveCallback("push", "ok") },
		"failure":  func() { m.ObserveFailure("/checkout/update", "busy") },
		"order":    func() { m.ObserveOrder(order.Event{Event: order.EventPlace, Result: order.ResultStored}) },
		"left":     func() { m.ObserveLeftBehind(kco.LeftEvent{Event: kco.LeftOrder, Result: kco.LeftGone}) },
	} {
		observe() // the first makes the series
		if n := testing.AllocsPerRun(100, observe); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Values that Klarna or a form names are looked up among ours.
func TestLabelsAreBounded(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	defer func() { _ = rdb.Close() }()
	m := server.NewMetrics(rdb)
	m.ObserveOrder(order.Event{Event: order.EventSale, Product: "kco", Country: "XX", Currency: "XXX", Amount: 7})
	m.ObserveOrder(order.Event{Event: order.EventCommand, Action: "ada@example.com", Result: order.ResultNotSent})
	m.ObserveKlarna(klarna.Call{Operation: "read kco order", Status: 987})
	rdb.Echo(t.Context(), "a command that shopd does not use")
	s, _ := newServer(t, func(o *server.Options) { o.Redis, o.Metrics = rdb, m })
	_, ops, stop := start(t, s)
	_, got := fetch(t, ops+"/metrics")
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
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What is no failure of Redis is not counted as one, and what is has its kind.
func TestRedisErrors(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{
		Addr: mini.Addr(), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: 1, PoolTimeout: 10 * time.Millisecond,
	})
	defer func() { _ = rdb.Close() }()
	m := server.NewMetrics(rdb)
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
	s, _ := newServer(t, func(o *server.Options) { o.Redis, o.Metrics = rdb, m })
	_, ops, stop := start(t, s)
	_, got := fetch(t, ops+"/metrics")
	for _, want := range []string{`{kind="timeout"} 1`, `{kind="server"} 1`, `{kind="pool"} 1`} {
		if !contains(got, "shopd_redis_errors_total"+want) {
			t.Errorf("/metrics lacks shopd_redis_errors_total%s", want)
		}
	}
	// The scrape itself asks Redis what waits there, perhaps before it counts.
	const network = `shopd_redis_errors_total{kind="network"} `
	if !strings.Contains(got, "\n"+network) || contains(got, network+"0") {
		t.Error("/metrics tells of no network error")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// contains reports whether text has a line.
func contains(text, line string) bool { return strings.Contains(text, "\n"+line+"\n") }
