package observe

import (
	"context"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// useRedis makes each command that rdb sends as part of a trace a span, by its
// name alone. rdb may be of one node, a Cluster or behind Sentinel.
func (t *Tracing) useRedis(rdb redis.UniversalClient) error {
	if t == nil {
		return nil
	}
	return redisotel.InstrumentTracing(rdb, redisotel.WithTracerProvider(inner{t.provider}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false))
}

// inner makes spans only as parts of a trace that is sent: a command that no
// request and no round has asked for would be a trace of one span.
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
