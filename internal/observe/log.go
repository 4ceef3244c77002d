package observe

import (
	"context"
	"errors"
	"log/slog"
	"slices"
)

// CallError is the error of a call to Klarna. It names the call and Klarna's answer.
type CallError interface {
	error
	Call() FailedCall
}

// FailedCall describes the call of a CallError.
type FailedCall struct {
	Operation     string
	Status        int    // of Klarna's answer, 0 without one
	Code          string // error_code of an answer outside 2xx, "" for none
	CorrelationID string // Klarna's, of its answer
}

// LogHandler returns a handler that adds attributes to each record and passes it to h, with its time in UTC.
// They are the subject and the trace of the context, and the details of a CallError
// anywhere in the record's errors. A key that the record has already is kept.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, rec slog.Record) error {
	rec.Time = rec.Time.UTC()
	further := subjectOf(ctx).attrs()
	own := make([]string, 0, rec.NumAttrs()+len(further)+8)
	rec.Attrs(func(a slog.Attr) bool {
		own = append(own, a.Key)
		if kind := a.Value.Kind(); kind != slog.KindAny && kind != slog.KindLogValuer {
			return true
		}
		if err, ok := a.Value.Any().(error); ok {
			further = append(further, ofError(err)...)
		}
		return true
	})
	for _, a := range append(further, traceAttrs(ctx)...) {
		if !slices.Contains(own, a.Key) {
			own = append(own, a.Key)
			rec.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, rec)
}

// ofError returns the attributes of a failed call to Klarna.
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
