package observe

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// allowed are the attributes that may leave the process. None holds personal data, a
// token or a shopper's address.
var allowed = []attribute.Key{
	semconv.HTTPRequestMethodKey, semconv.HTTPRouteKey, semconv.HTTPResponseStatusCodeKey, semconv.URLTemplateKey,
	semconv.ErrorTypeKey, orderIDKey, requestIDKey, revisionKey, tryKey, correlationIDKey,
	// From redisotel, which follows an older version of the conventions.
	"db.system", "db.redis.num_cmd", "server.address", "server.port",
}

// safe is an exporter that removes error texts, events and all attributes that are not
// allowed: they may repeat what a shopper typed.
type safe struct{ sdk.SpanExporter }

func (e safe) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	sent := make([]sdk.ReadOnlySpan, len(spans))
	for i, span := range spans {
		sent[i] = safeSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, sent)
}

type safeSpan struct{ sdk.ReadOnlySpan }

func (s safeSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(kv attribute.KeyValue) bool {
		return !slices.Contains(allowed, kv.Key)
	})
}

func (s safeSpan) Status() sdk.Status { return sdk.Status{Code: s.ReadOnlySpan.Status().Code} }

func (s safeSpan) Events() []sdk.Event { return nil }
