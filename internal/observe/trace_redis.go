package observe

import (
	"context"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// useRedis makes a span for each command of rdb inside a trace, with its name only.
func (t *Tracing) useRedis(rdb redis.UniversalClient) error {
	if t == nil {
		return nil
	}
	return redisotel.InstrumentTracing(rdb, redisotel.WithTracerProvider(inner{t.provider}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false))
}

// inner makes spans only inside a trace that is sent. Without it, a command outside any
// request or round would be a trace of one span.
type inner struct{ trace.TracerProvider }

func (p inner) Tracer(name string, o ...trace.TracerOption) trace.Tracer {
	return innerTracer{p.TracerProvider.Tracer(name, o...)}
}

type innerTracer struct{ trace.Tracer }

func (t innerTracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	if sampled(ctx) == nil {
		return ctx, noop.Span{}
	}
	return t.Tracer.Start(ctx, name, o...)
}
