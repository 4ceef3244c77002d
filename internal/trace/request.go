package trace

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Request is the span of a request that is served. One of Klarna's begins late,
// by Join, because only what it is about tells which trace it is part of. It
// belongs to the goroutine that serves the request.
type Request struct {
	tracing *Tracing
	start   time.Time
	links   []trace.Link
	span    trace.Span // nil: not begun
}

type requestKey struct{}

func requestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Request begins the span of a request, or with later leaves that to Join. End
// must be called. The trace that the request names as its own is not believed:
// with it anybody could have all of their requests recorded, or be part of
// somebody else's trace. It is linked to.
func (t *Tracing) Request(ctx context.Context, header http.Header, later bool) (context.Context, *Request) {
	r := &Request{tracing: t, start: time.Now()}
	if t.inbound {
		named := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header)))
		if named.IsValid() {
			r.links = []trace.Link{{SpanContext: named}} // of which the exporter sends the IDs alone
		}
	}
	ctx = t.Context(ctx)
	if later {
		return context.WithValue(ctx, requestKey{}, r), r
	}
	return r.begin(ctx), r
}

// begin begins the span, as part of the trace in ctx if there is one.
func (r *Request) begin(ctx context.Context) context.Context {
	ctx, r.span = r.tracing.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(r.start), trace.WithLinks(r.links...))
	return ctx
}

// Join begins the span of a request of Klarna's, as part of the trace that has
// made or changed at Klarna what the request is about: an order, or a session of
// Klarna Payments, by its ID. Where nothing is remembered of that, it is a trace
// of its own. A further Join changes nothing.
func Join(ctx context.Context, id string) context.Context {
	r := requestOf(ctx)
	if r == nil || r.span != nil {
		return ctx
	}
	if parent := r.tracing.recall(ctx, id); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return r.begin(ctx)
}

// Served is how a request came out.
type Served struct {
	Method, Route string // of bounded sets; the route is a pattern
	Status        int    // 0: it was cut off
	RequestID     string
}

// End ends the span.
func (r *Request) End(ctx context.Context, s Served) {
	if r.span == nil {
		r.begin(ctx)
	}
	r.span.SetName(s.Method + " " + s.Route)
	r.span.SetAttributes(semconv.HTTPRequestMethodKey.String(s.Method), semconv.HTTPRoute(s.Route), requestIDKey.String(s.RequestID))
	if s.Status > 0 {
		r.span.SetAttributes(semconv.HTTPResponseStatusCode(s.Status))
	}
	switch {
	case s.Status == 0:
		r.span.SetAttributes(semconv.ErrorTypeKey.String("aborted"))
		r.span.SetStatus(codes.Error, "")
	case s.Status >= http.StatusInternalServerError:
		r.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(s.Status)))
		r.span.SetStatus(codes.Error, "")
	}
	r.span.End()
}
