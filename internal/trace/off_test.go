package trace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/trace"
)

// A shop that is not traced pays nothing: no allocation, no hook, no change of a context.
func TestOff(t *testing.T) {
	tracing, _, err := setup(t, nil)
	if tracing != nil || err != nil {
		t.Fatalf("got %v, %v", tracing, err)
	}
	if tracing.Calls() != nil {
		t.Error("calls to Klarna are observed")
	}
	rdb, err := redisconn.Open("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rdb.Close() }()
	if err := tracing.UseRedis(rdb); err != nil {
		t.Fatal(err)
	}
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, 1)
	failed := errors.New("x")
	for name, what := range map[string]func(context.Context) context.Context{
		"context": tracing.Context,
		"item": func(ctx context.Context) context.Context {
			in, done := trace.Item(ctx, "unfinished", "order")
			done(failed)
			return in
		},
		"whole": func(ctx context.Context) context.Context {
			in, done := trace.Whole(ctx, "session lock")
			done(nil)
			return in
		},
		"join":     func(ctx context.Context) context.Context { return trace.Join(ctx, "order") },
		"cart":     func(ctx context.Context) context.Context { trace.Cart(ctx, 7, "order"); return ctx },
		"remember": func(ctx context.Context) context.Context { trace.Remember(ctx, "order"); return ctx },
		"link":     func(ctx context.Context) context.Context { trace.Link(ctx, "order"); return ctx },
		"log": func(ctx context.Context) context.Context {
			if attrs := trace.LogAttrs(ctx); len(attrs) > 0 {
				t.Errorf("logs have %v", attrs)
			}
			return ctx
		},
	} {
		same := true
		if got := testing.AllocsPerRun(100, func() { same = same && what(ctx) == ctx }); got != 0 || !same {
			t.Errorf("%s: %v allocations, same context: %v", name, got, same)
		}
	}
}
