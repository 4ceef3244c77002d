package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// memory is how long Klarna may call about an order: it lives 48 h after its last
// touch.
const memory = 49 * time.Hour

// key is where the trace of an order, or of a session of Klarna Payments, is
// remembered: Klarna does not hand it back. The value is a traceparent, which
// names its own version.
func key(id string) string { return "shopd:trace:{" + id + "}" }

// Remember notes that the trace in ctx has made or changed an order, or a session
// of Klarna Payments, for Join and Link: one command to Redis, and only if the
// trace is sent.
func Remember(ctx context.Context, id string) {
	if sampled(ctx) == nil {
		return
	}
	t := of(ctx)
	if t.redis == nil || id == "" {
		return
	}
	parent := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, parent)
	if err := t.redis.Set(unseen(ctx), key(id), parent.Get("traceparent"), memory).Err(); err != nil {
		t.fail(fmt.Errorf("remember a trace: %w", err))
	}
}

// recall returns the trace that is remembered of id, an invalid one for none.
func (t *Tracing) recall(ctx context.Context, id string) trace.SpanContext {
	if t.redis == nil || id == "" {
		return trace.SpanContext{}
	}
	value, err := t.redis.Get(unseen(ctx), key(id)).Result()
	if err != nil {
		if !errors.Is(err, redis.Nil) {
			t.fail(fmt.Errorf("recall a trace: %w", err))
		}
		return trace.SpanContext{}
	}
	parent := propagation.MapCarrier{"traceparent": value}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(unseen(ctx), parent))
}

// Link links the span in ctx to the trace that has made or changed an order, or a
// session of Klarna Payments: one command to Redis, and only if the span is sent.
func Link(ctx context.Context, id string) {
	span := sampled(ctx)
	if span == nil {
		return
	}
	parent := of(ctx).recall(ctx, id)
	if parent.IsValid() && parent.TraceID() != span.SpanContext().TraceID() {
		span.AddLink(trace.Link{SpanContext: parent})
	}
}

// unseen is ctx for what is done for the traces alone: it is no part of them.
func unseen(ctx context.Context) context.Context { return trace.ContextWithSpan(ctx, noop.Span{}) }
