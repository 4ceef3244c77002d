package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// memory is how long Klarna may call about an order: it lives 48 h after its last
// touch.
const memory = 49 * time.Hour

// traceKey is where the trace of an order, or of a session of Klarna Payments, is
// remembered: Klarna does not hand it back. The value is a traceparent, which
// names its own version.
func traceKey(id string) string { return "shopd:trace:{" + id + "}" }

// Remember notes that the trace in ctx has made or changed an order, or a session
// of Klarna Payments, for Join and Link: one command to Redis, and only if the
// trace is sent.
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

// recall returns the trace that is remembered of id, an invalid one for none.
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

// Join begins the span of a request of Klarna's, as part of the trace that has
// made or changed at Klarna what the request is about: an order, or a session of
// Klarna Payments, by its ID. Where nothing is remembered of that, it is a trace
// of its own. A further Join changes nothing.
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

// Link links the span in ctx to the trace that has made or changed an order, or a
// session of Klarna Payments: one command to Redis, and only if the span is sent.
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
