package observe

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
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

// Tracing makes and sends OpenTelemetry spans, which show where the time of a
// request went. What leaves the process passes a list of what may; see
// trace_safe.go. A nil *Tracing is a shop that is not traced: its methods do
// nothing and allocate nothing. Safe for concurrent use.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	inbound  bool // a request's traceparent is linked to
	fail     func(error)
}

// sampled is the span in ctx, nil when there is none that will be sent.
func sampled(ctx context.Context) trace.Span {
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsSampled() && span.IsRecording() {
		return span
	}
	return nil
}

// span is a part of a trace, or none.
type span struct{ trace.Span }

// end ends a span, as failed when err is one. What the error says stays here: it
// may hold more than may leave the process.
func (s span) end(err error) {
	if s.Span == nil {
		return
	}
	if err != nil {
		s.SetStatus(codes.Error, "")
	}
	s.End()
}

// root begins a trace of its own.
func (t *Tracing) root(ctx context.Context, name string) (context.Context, span) {
	if t == nil {
		return ctx, span{}
	}
	in, s := t.tracer.Start(ctx, name, trace.WithNewRoot())
	return in, span{s}
}

// whole begins a part of the trace in ctx that is shown as one, whatever commands
// are sent within: in is for them.
func (t *Tracing) whole(ctx context.Context, name string) (in context.Context, whole span) {
	if t == nil || sampled(ctx) == nil {
		return ctx, span{}
	}
	_, s := t.tracer.Start(ctx, name)
	return unseen(ctx), span{s}
}

// unseen is ctx for what is no part of its trace.
func unseen(ctx context.Context) context.Context { return trace.ContextWithSpan(ctx, noop.Span{}) }

// requestSpan is the span of a request that is served. One of Klarna's begins late,
// by Join, because only what it is about tells which trace it is part of. It
// belongs to the goroutine that serves the request.
type requestSpan struct {
	tracing *Tracing
	start   time.Time
	links   []trace.Link
	span    trace.Span // nil: not begun
}

type requestKey struct{}

func requestOf(ctx context.Context) *requestSpan {
	r, _ := ctx.Value(requestKey{}).(*requestSpan)
	return r
}

// request begins the span of a request, or with later leaves that to Join. The
// trace that the request names as its own is not believed: with it anybody could
// have all of their requests recorded, or be part of somebody else's trace. It is
// linked to.
func (t *Tracing) request(ctx context.Context, header http.Header, start time.Time, later bool) (context.Context, *requestSpan) {
	r := &requestSpan{tracing: t, start: start}
	if t.inbound {
		named := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header)))
		if named.IsValid() {
			r.links = []trace.Link{{SpanContext: named}} // of which the exporter sends the IDs alone
		}
	}
	if later {
		return context.WithValue(ctx, requestKey{}, r), r
	}
	return r.begin(ctx), r
}

// begin begins the span, as part of the trace in ctx if there is one.
func (r *requestSpan) begin(ctx context.Context) context.Context {
	ctx, r.span = r.tracing.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(r.start), trace.WithLinks(r.links...))
	return ctx
}

// end ends the span.
func (r *requestSpan) end(ctx context.Context, s Served) {
	if r.span == nil {
		r.begin(ctx)
	}
	r.span.SetName(s.Method + " " + s.Route)
	r.span.SetAttributes(semconv.HTTPRequestMethodKey.String(s.Method), semconv.HTTPRoute(s.Route), requestIDKey.String(RequestID(ctx)))
	reason := "aborted"
	if s.Status > 0 {
		r.span.SetAttributes(semconv.HTTPResponseStatusCode(s.Status))
		reason = strconv.Itoa(s.Status)
	}
	if s.Status == 0 || s.Status >= http.StatusInternalServerError {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(reason))
		r.span.SetStatus(codes.Error, "")
	}
	r.span.End()
}

// call makes a span of a try of a call to Klarna that is over: nothing within it
// has spans of its own. Klarna is not told of them.
func (t *Tracing) call(ctx context.Context, c Call) {
	if t == nil || sampled(ctx) == nil {
		return
	}
	_, span := t.tracer.Start(ctx, "klarna "+c.Operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(c.Start))
	span.SetAttributes(semconv.HTTPRequestMethodKey.String(c.Method), semconv.URLTemplate(c.Path), tryKey.Int(c.Try))
	if c.Status > 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(c.Status))
	}
	if c.CorrelationID != "" {
		span.SetAttributes(correlationIDKey.String(short(c.CorrelationID)))
	}
	if c.OrderID != "" {
		span.SetAttributes(orderIDKey.String(short(c.OrderID)))
	}
	if c.Err != nil {
		reason := "no answer"
		if c.Status > 0 {
			reason = strconv.Itoa(c.Status)
		}
		span.SetAttributes(semconv.ErrorTypeKey.String(reason))
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(c.Start.Add(max(c.Duration, time.Nanosecond))))
}

// traceAttrs are what a log record says of the span in ctx: trace_id and span_id;
// nil when there is none.
func traceAttrs(ctx context.Context) []slog.Attr {
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
