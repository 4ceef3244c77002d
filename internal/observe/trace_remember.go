package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopd/shopd/internal/story"
)

// memory is how long Klarna may call about an order: it lives 48 h after its last use.
const memory = 49 * time.Hour

// traceKey is the key that remembers the trace of an order or a Klarna Payments session.
// Klarna does not return it. The value is a traceparent, which names its own version.
func traceKey(id string) string { return "shopd:trace:{" + id + "}" }

// Remember stores the trace in ctx as the last to change an order or Klarna Payments
// session, for Join and Link. It sends one command, and only if the trace is sent.
func (o *Observer) Remember(ctx context.Context, id string) {
	if o == nil || o.o.Tracing == nil || o.o.Redis == nil || id == "" || sampled(ctx) == nil {
		return
	}
	parent := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, parent)
	if err := o.o.Redis.Set(unseen(ctx), traceKey(id), parent.Get("traceparent"), memory).Err(); err != nil {
		o.o.Tracing.fail(fmt.Errorf("remember a trace: %w", err))
	}
}

// recall returns the trace that Remember stored for id, an invalid one for none.
func (o *Observer) recall(ctx context.Context, id string) trace.SpanContext {
	if o.o.Tracing == nil || o.o.Redis == nil || id == "" {
		return trace.SpanContext{}
	}
	value, err := o.o.Redis.Get(unseen(ctx), traceKey(id)).Result()
	if err != nil {
		if !errors.Is(err, redis.Nil) {
			o.o.Tracing.fail(fmt.Errorf("recall a trace: %w", err))
		}
		return trace.SpanContext{}
	}
	parent := propagation.MapCarrier{"traceparent": value}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(unseen(ctx), parent))
}

// Join begins the span of a request from Klarna. It joins the trace that last changed
// the order or session named by id, or else begins a new trace. A second Join changes
// nothing.
func (o *Observer) Join(ctx context.Context, id string) context.Context {
	r := requestOf(ctx)
	if o == nil || r == nil || r.span != nil {
		return ctx
	}
	if parent := o.recall(ctx, id); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return r.begin(ctx)
}

// Link links the span in ctx to the trace that last changed the order or session named
// by id. It sends one command, and only if the span is sent.
func (o *Observer) Link(ctx context.Context, id string) {
	span := sampled(ctx)
	if o == nil || span == nil {
		return
	}
	parent := o.recall(ctx, id)
	if parent.IsValid() && parent.TraceID() != span.SpanContext().TraceID() {
		span.AddLink(trace.Link{SpanContext: parent})
	}
}

// Forget deletes the story of a cart and an order, and the traces of the order and of its
// Klarna Payments session; "" is left out.
func (o *Observer) Forget(ctx context.Context, cartID, orderID, sessionID string) error {
	if o == nil || o.o.Redis == nil {
		return nil
	}
	keys := story.Keys(cartID, orderID)
	for _, id := range []string{orderID, sessionID} {
		if id != "" {
			keys = append(keys, traceKey(id))
		}
	}
	_, err := o.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Del(ctx, key)
		}
		return nil
	})
	return err
}
