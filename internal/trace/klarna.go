package trace

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopd/shopd/internal/klarna"
)

// maxText bounds what a span takes from an answer, in bytes.
const maxText = 64

// Calls is klarna.Config's Trace: each try of a call becomes a span; nil when
// there are no traces. Klarna is not told of them.
func (t *Tracing) Calls() func(context.Context, klarna.Call) {
	if t == nil {
		return nil
	}
	return t.call
}

// call makes a span of a try that is over: nothing within it has spans of its own.
func (t *Tracing) call(ctx context.Context, c klarna.Call) {
	if sampled(ctx) == nil {
		return
	}
	_, span := t.tracer.Start(ctx, "klarna "+c.Operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(c.Start))
	span.SetAttributes(semconv.HTTPRequestMethodKey.String(c.Method), semconv.URLTemplate(c.Path), tryKey.Int(c.Try))
	if c.Status > 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(c.Status))
	}
	if c.CorrelationID != "" {
		span.SetAttributes(correlationIDKey.String(c.CorrelationID[:min(len(c.CorrelationID), maxText)]))
	}
	if c.OrderID != "" {
		span.SetAttributes(orderIDKey.String(c.OrderID[:min(len(c.OrderID), maxText)]))
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
