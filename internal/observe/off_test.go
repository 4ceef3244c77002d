package observe_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/redisconn"
	"go.opentelemetry.io/otel/trace"
)

// A shop that is not traced pays nothing: no allocation, no hook, no change of a context.
func TestOff(t *testing.T) {
	tracing, _, err := setup(t, nil)
	if tracing != nil || err != nil {
		t.Fatalf("got %v, %v", tracing, err)
	}
	rdb, err := redisconn.Open("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rdb.Close() }()
	o := observetest.With(t, observe.Options{Redis: rdb, Tracing: tracing})
	var none *observe.Observer
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, 1)
	for name, what := range map[string]func(context.Context) context.Context{
		"lock": func(ctx context.Context) context.Context {
			in, wait := o.LockWait(ctx)
			wait.End(observe.LockTaken)
			return in
		},
		"lock of nobody": func(ctx context.Context) context.Context {
			in, wait := none.LockWait(ctx)
			wait.End(observe.LockTaken)
			return in
		},
		"join": func(ctx context.Context) context.Context { return o.Join(ctx, "order") },
		"sync": func(ctx context.Context) context.Context {
			o.Sync(ctx, observe.Sync{Revision: 7, OrderID: "order", Changed: "order"})
			return ctx
		},
		"remember": func(ctx context.Context) context.Context { o.Remember(ctx, "order"); return ctx },
		"link":     func(ctx context.Context) context.Context { o.Link(ctx, "order"); return ctx },
	} {
		same := true
		if got := testing.AllocsPerRun(100, func() { same = same && what(ctx) == ctx }); got != 0 || !same {
			t.Errorf("%s: %v allocations, same context: %v", name, got, same)
		}
	}
	// A request costs what its record is to say, and has no trace.
	served, serving := o.Request(ctx, nil, observe.Traced)
	serving.End(served, observe.Served{Method: "GET", Route: "/", Kind: observe.Untraced, Status: 0})
	if trace.SpanFromContext(served).IsRecording() {
		t.Error("a request has a trace")
	}
	// A loop's item costs what its context is about, no more.
	in, done := o.Item(ctx, observe.WorkUnfinished, observe.Subject{OrderID: "order"})
	done(observe.ResultDone, errors.New("x"))
	var out strings.Builder
	slog.New(observe.LogHandler(slog.NewTextHandler(&out, nil))).InfoContext(in, "m")
	if strings.Contains(out.String(), "trace_id") || trace.SpanFromContext(in).IsRecording() {
		t.Errorf("an item has a trace: %s", &out)
	}
}
