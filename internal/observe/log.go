package observe

import (
	"context"
	"errors"
	"log/slog"
)

// CallError is an error of a call to Klarna: it says which call it was, and what
// Klarna answered.
type CallError interface {
	error
	Call() FailedCall
}

// FailedCall is what a CallError says.
type FailedCall struct {
	Operation     string
	Status        int    // of Klarna's answer, 0 without one
	Code          string // error_code of an answer outside 2xx, "" for none
	CorrelationID string // Klarna's, of its answer
}

// LogHandler returns h with what the context is about, with the trace there, and
// with what an error of a call to Klarna says, however deep it is, added to each
// record. Where a record brings the same key, the record's own is kept.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, rec slog.Record) error {
	further := subjectOf(ctx).attrs()
	own := map[string]bool{}
	rec.Attrs(func(a slog.Attr) bool {
		own[a.Key] = true
		if kind := a.Value.Kind(); kind != slog.KindAny && kind != slog.KindLogValuer {
			return true
		}
		if err, ok := a.Value.Any().(error); ok {
			further = append(further, ofError(err)...)
		}
		return true
	})
	for _, a := range append(further, traceAttrs(ctx)...) {
		if !own[a.Key] {
			own[a.Key] = true
			rec.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, rec)
}

// ofError is what an error says of a call to Klarna.
func ofError(err error) []slog.Attr {
	failed, ok := errors.AsType[CallError](err)
	if !ok {
		return nil
	}
	call := failed.Call()
	return append([]slog.Attr{slog.String("operation", call.Operation), slog.Int("klarna_status", call.Status)},
		present(slog.String("klarna_code", call.Code), slog.String("correlation_id", call.CorrelationID))...)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}
