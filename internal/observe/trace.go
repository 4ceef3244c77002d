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

// scope is the name of this instrumentation.
const scope = "github.com/shopd/shopd"

// The attributes that are ours; the others are those of the semantic conventions.
const (
	orderIDKey       = attribute.Key("shopd.order_id")
	requestIDKey     = attribute.Key("shopd.request_id") // as in logs and on error pages
	revisionKey      = attribute.Key("shopd.cart_revision")
	tryKey           = attribute.Key("klarna.try") // from 1
	correlationIDKey = attribute.Key("klarna.correlation_id")
)

// Tracing makes and sends OpenTelemetry spans. They show where the time of a request
// went. Only allowed attributes leave the process, see trace_safe.go. A nil *Tracing
// does nothing and allocates nothing. Safe for concurrent use.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	inbound  bool // a request's traceparent is linked to
	fail     func(error)
}

// sampled returns the span in ctx if it will be sent, else nil.
func sampled(ctx context.Context) trace.Span {
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsSampled() && span.IsRecording() {
		return span
	}
	return nil
}

// span is a span, or none.
type span struct{ trace.Span }

// end ends the span, as failed when err is not nil. The text of err is not sent: it may
// hold private data.
func (s span) end(err error) {
	if s.Span == nil {
		return
	}
	if err != nil {
		s.SetStatus(codes.Error, "")
	}
	s.End()
}

// root begins a new trace.
func (t *Tracing) root(ctx context.Context, name string) (context.Context, span) {
	if t == nil {
		return ctx, span{}
	}
	in, s := t.tracer.Start(ctx, name, trace.WithNewRoot())
	return in, span{s}
}

// whole begins a span without spans inside it. Commands inside it use in.
func (t *Tracing) whole(ctx context.Context, name string) (in context.Context, whole span) {
	if t == nil || sampled(ctx) == nil {
		return ctx, span{}
	}
	_, s := t.tracer.Start(ctx, name)
	return unseen(ctx), span{s}
}

// unseen returns ctx without its span.
func unseen(ctx context.Context) context.Context { return trace.ContextWithSpan(ctx, noop.Span{}) }

// requestSpan is the span of a request. For a request from Klarna, Join begins it, when
// the order or session is known. It belongs to the goroutine that serves the request.
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

// request begins the span of a request; with later, Join does. The trace that the
// request names as its own is only linked to. Believed, it would let anybody have all
// their requests recorded, or join somebody else's trace.
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

// begin begins the span, in the trace of ctx if there is one.
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

// call makes the span of a finished try of a call to Klarna. Klarna does not get the
// trace.
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

// traceAttrs returns trace_id and span_id of the span in ctx, nil when there is none.
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

// Stop sends the spans that wait, for at most 3 s. Spans that end later are not sent.
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
