package observe_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/tracetest"
)

// On every kind of Redis: commands are spans of the request by which they were
// sent, keys and values stay here, and the trace of an order is found again.
func TestRedis(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(testing.TB) *redistest.Server
	}{
		{"one node", redistest.StartServer},
		{"Cluster", redistest.Cluster},
		{"Sentinel", redistest.Sentinel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rdb := tt.start(t).Client()
			c := tracetest.Start(t)
			tracing, log, err := setup(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
			if err != nil {
				t.Fatal(err)
			}
			o := observetest.With(t, observe.Options{Redis: rdb, Tracing: tracing})
			alone := func() { rdb.Get(t.Context(), "nobody asked") }
			alone()

			ctx, shopper := o.Request(t.Context(), http.Header{}, observe.Traced)
			const typed = "lovelace@example.com"
			for _, key := range []string{"a", "b", "c", "d"} { // on all masters
				if err := rdb.Set(ctx, typed+key, typed, 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
			rdb.Get(ctx, "not there") // redis.Nil is no failure
			_, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, "{"+typed+"}1", typed, typed)
				p.HGetAll(ctx, "{"+typed+"}1")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			rdb.Eval(ctx, "return redis.error_reply(ARGV[1])", []string{"k"}, typed) // repeats what it was sent
			locking, wait := o.LockWait(ctx)
			rdb.Exists(locking, "not shown")
			wait.End(observe.LockTaken)
			o.Remember(ctx, "order 1")
			shopper.End(ctx, observe.Served{Method: "GET", Route: "/checkout", Status: 200})

			called, klarna := o.Request(t.Context(), http.Header{}, observe.Joining)
			joined := o.Join(called, "order 1")
			rdb.Del(joined, "k")
			klarna.End(called, observe.Served{Method: "POST", Route: "/klarna/{token}/push", Status: 200})

			called, stranger := o.Request(t.Context(), http.Header{}, observe.Joining)
			o.Join(called, "order 2")
			stranger.End(called, observe.Served{Method: "POST", Route: "/klarna/{token}/validation", Status: 200})

			_, done := o.Item(t.Context(), observe.WorkUnfinished, observe.Subject{OrderID: "order 1"})
			done(observe.ResultDone, nil)
			tracing.Stop(t.Context())

			spans := c.Spans()
			one := func(name string) tracetest.Span {
				t.Helper()
				named := tracetest.Named(spans, name)
				if len(named) != 1 {
					t.Fatalf("%d spans %q:\n%s", len(named), name, c.Text())
				}
				return named[0]
			}
			request, push := one("GET /checkout"), one("POST /klarna/{token}/push")
			for _, within := range []tracetest.Span{one("session lock"), one("redis.pipeline hset hgetall"), one("get"), one("eval"), push} {
				if within.Trace != request.Trace || within.Parent != request.ID {
					t.Errorf("%s is not part of the request", within.Name)
				}
			}
			if one("del").Parent != push.ID {
				t.Error("what a callback does is not part of it")
			}
			sets := tracetest.Named(spans, "set")
			if len(sets) != 4 {
				t.Errorf("%d spans set, want those of the request alone", len(sets))
			}
			if other := one("POST /klarna/{token}/validation"); other.Trace == request.Trace || other.Parent != "" {
				t.Error("an order of which nothing is known is part of a trace")
			}
			if item := one("loop unfinished"); item.Trace == request.Trace || len(item.Links) != 1 || item.Links[0] != request.Trace {
				t.Errorf("the loop's links = %x", item.Links)
			}
			if one("get").Failed || !one("eval").Failed {
				t.Error("which commands failed is wrong")
			}
			attributes := one("get").Attributes
			if _, more := attributes["db.connection_string"]; more || attributes["db.system"] != "redis" {
				t.Errorf("a command has %v, want what is allowed", attributes) // redisotel sets both
			}
			if text := c.Text() + log.String(); strings.Contains(text, "lovelace") || strings.Contains(text, "order 1") || strings.Contains(text, "exists") {
				t.Errorf("keys or values were sent:\n%s", text)
			}
			if left, err := rdb.TTL(t.Context(), "shopd:trace:{order 1}").Result(); err != nil || left <= 48*60*60*1e9 {
				t.Errorf("the trace of the order is kept for %s, %v", left, err)
			}
		})
	}
}
