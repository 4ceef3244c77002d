// Package logs lets every record say what it is about. A context carries what all
// records under it have in common, such as the round of a loop or the order of a
// callback; and a record with an error of Klarna's says which call it was, what
// Klarna answered and by which correlation ID Klarna's support finds it, however
// deep in the error that is.
package logs

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"

	"github.com/shopd/shopd/internal/klarna"
)

// The keys of records that are written in more than one place. docs/monitoring.md
// lists all.
const (
	orderKey      = "order_id"
	correlationID = "correlation_id" // Klarna's, of one answer
	operation     = "operation"      // which call to Klarna
	klarnaStatus  = "klarna_status"  // HTTP status of Klarna's answer, 0 without one
	klarnaCode    = "klarna_code"    // error_code of Klarna's answer

	callback = "callback"
	loop     = "loop"
	roundID  = "round_id"
)

type attrsKey struct{}

// With returns a context whose records have attrs too. Where a record brings the
// same key, the record's own is kept.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	known := attrsOf(ctx)
	return context.WithValue(ctx, attrsKey{}, append(slices.Clip(known), attrs...))
}

// WithOrder returns a context whose records are about an order.
func WithOrder(ctx context.Context, id string) context.Context {
	return With(ctx, slog.String(orderKey, id))
}

// WithCallback returns a context whose records are about a call of Klarna's;
// orderID is "" where it names none.
func WithCallback(ctx context.Context, name, orderID string) context.Context {
	if orderID == "" {
		return With(ctx, slog.String(callback, name))
	}
	return With(ctx, slog.String(callback, name), slog.String(orderKey, orderID))
}

// WithRound returns a context whose records are about one round of a loop, which
// gets an ID of its own.
func WithRound(ctx context.Context, name string) context.Context {
	return With(ctx, slog.String(loop, name), slog.String(roundID, rand.Text()[:8]))
}

func attrsOf(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return attrs
}

// Handler returns h with what the context carries, and with what an error of
// Klarna's says, added to each record.
func Handler(h slog.Handler) slog.Handler { return handler{h} }

type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	further := slices.Clip(attrsOf(ctx))
	rec.Attrs(func(a slog.Attr) bool {
		if kind := a.Value.Kind(); kind != slog.KindAny && kind != slog.KindLogValuer {
			return true
		}
		if err, ok := a.Value.Any().(error); ok {
			further = append(further, ofError(err)...)
		}
		return true
	})
	for i, a := range further {
		if !has(rec, a.Key) && !hasKey(further[i+1:], a.Key) {
			rec.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, rec)
}

// ofError is what an error says of a call to Klarna.
func ofError(err error) []slog.Attr {
	if e, ok := errors.AsType[*klarna.Error](err); ok {
		attrs := []slog.Attr{slog.String(operation, e.Operation), slog.Int(klarnaStatus, e.Status)}
		if e.Code != "" {
			attrs = append(attrs, slog.String(klarnaCode, e.Code))
		}
		return withCorrelation(attrs, e.CorrelationID)
	}
	if e, ok := errors.AsType[*klarna.CallError](err); ok {
		return withCorrelation([]slog.Attr{slog.String(operation, e.Operation), slog.Int(klarnaStatus, e.Status)}, e.CorrelationID)
	}
	return nil
}

func withCorrelation(attrs []slog.Attr, id string) []slog.Attr {
	if id == "" {
		return attrs
	}
	return append(attrs, slog.String(correlationID, id))
}

// has reports whether a record brings a key.
func has(rec slog.Record, key string) bool {
	found := false
	rec.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}

// hasKey reports whether one of attrs, which are younger, has a key.
func hasKey(attrs []slog.Attr, key string) bool {
	for _, a := range attrs {
		if a.Key == key {
			return true
		}
	}
	return false
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
