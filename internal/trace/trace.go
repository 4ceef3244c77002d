// Package trace shows as OpenTelemetry spans where the time of a request went:
// the request itself, the session's lock, commands to Redis, tries of calls to
// Klarna, Klarna's calls to us, and the rounds of the loops. What a shop does
// carries its trace in the context; without one, every function of this package
// does nothing and allocates nothing, so a shop that is not traced pays nothing.
//
// No span holds an address, a query, a cookie, a token or anything that a shopper
// typed: what leaves the process passes a list of what may; see safe.go.
package trace

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope names what makes the spans.
const scope = "github.com/shopd/shopd"

// The attributes that are ours; the others are those of the semantic conventions.
const (
	orderIDKey       = attribute.Key("shopd.order_id")
	requestIDKey     = attribute.Key("shopd.request_id") // as in logs and on error pages
	revisionKey      = attribute.Key("shopd.cart_revision")
	tryKey           = attribute.Key("klarna.try") // from 1
	correlationIDKey = attribute.Key("klarna.correlation_id")
)

// Tracing makes and sends spans. A nil *Tracing is a shop that is not traced:
// all its methods do nothing. Safe for concurrent use.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	inbound  bool // a request's traceparent is linked to
	redis    redis.UniversalClient
	fail     func(error)
}

type tracingKey struct{}

// Context returns ctx, in which Item begins traces.
func (t *Tracing) Context(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracingKey{}, t)
}

// of is what traces in ctx, nil when nothing does.
func of(ctx context.Context) *Tracing {
	t, _ := ctx.Value(tracingKey{}).(*Tracing)
	return t
}

// sampled is the span in ctx, nil when there is none that will be sent.
func sampled(ctx context.Context) trace.Span {
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsSampled() && span.IsRecording() {
		return span
	}
	return nil
}

// ended is the end of a span that there is not.
func ended(error) {}

// end ends a span, as failed when err is one. What the error says stays here: it
// may hold more than may leave the process.
func end(span trace.Span) func(error) {
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Item begins a trace of its own: a loop has found an order, or a session of
// Klarna Payments, for which something is to be done that no request has asked
// for. It is linked to the trace that has made or changed that at Klarna. A round
// of a loop that finds nothing has no trace. done must be called.
func Item(ctx context.Context, what, id string) (in context.Context, done func(error)) {
	t := of(ctx)
	if t == nil {
		return ctx, ended
	}
	in, span := t.tracer.Start(ctx, "loop "+what, trace.WithNewRoot())
	Link(in, id)
	return in, end(span)
}

// Whole begins a part of the trace in ctx that is shown as one, whatever commands
// are sent within: in is for them. done must be called.
func Whole(ctx context.Context, name string) (in context.Context, done func(error)) {
	if sampled(ctx) == nil {
		return ctx, ended
	}
	_, span := of(ctx).tracer.Start(ctx, name)
	return trace.ContextWithSpan(ctx, noop.Span{}), end(span)
}

// Cart notes on the span in ctx which revision of its cart a request came to, and
// the order that says it, "" for none.
func Cart(ctx context.Context, revision int64, orderID string) {
	span := sampled(ctx)
	if span == nil {
		return
	}
	span.SetAttributes(revisionKey.Int64(revision))
	if orderID != "" {
		span.SetAttributes(orderIDKey.String(orderID))
	}
}

// LogAttrs are what a log record says of the span in ctx: trace_id and span_id;
// nil when there is none.
func LogAttrs(ctx context.Context) []slog.Attr {
	span := trace.SpanContextFromContext(ctx)
	if r := requestOf(ctx); !span.IsValid() && r != nil && r.span != nil {
		span = r.span.SpanContext()
	}
	if !span.IsValid() {
		return nil
	}
	return []slog.Attr{slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String())}
}

// stopTime is how long Stop waits for the collector.
const stopTime = 3 * time.Second

// Stop sends what has not been sent, for at most 3 s. What ends later is not sent.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.fail(err)
	}
}
