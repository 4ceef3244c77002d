package observe

import (
	"cmp"
	"context"
	"log/slog"
)

// Subject names what the work under a context is about, as far as known. Log records
// show it. The story of a cart holds the calls made for it.
type Subject struct {
	RequestID string // as the answer names it
	Callback  string // which of Klarna's calls
	Loop      Loop
	RoundID   string
	CartID    string
	OrderID   string
	SessionID string // of Klarna Payments
	Quiet     bool   // somebody only looks: the calls are not part of the cart's story

	heard *heard // of the request; nil outside one
}

type subjectKey struct{}

// About returns a context with s added to its subject. Empty members of s change nothing.
func About(ctx context.Context, s Subject) context.Context {
	was := subjectOf(ctx)
	hear(ctx, words{cartID: s.CartID, orderID: s.OrderID, sessionID: s.SessionID})
	return context.WithValue(ctx, subjectKey{}, &Subject{
		RequestID: cmp.Or(s.RequestID, was.RequestID), Callback: cmp.Or(s.Callback, was.Callback),
		Loop: cmp.Or(s.Loop, was.Loop), RoundID: cmp.Or(s.RoundID, was.RoundID),
		CartID: cmp.Or(s.CartID, was.CartID), OrderID: cmp.Or(s.OrderID, was.OrderID),
		SessionID: cmp.Or(s.SessionID, was.SessionID), Quiet: s.Quiet || was.Quiet, heard: cmp.Or(s.heard, was.heard),
	})
}

var nothing = new(Subject)

func subjectOf(ctx context.Context) *Subject {
	if s, ok := ctx.Value(subjectKey{}).(*Subject); ok {
		return s
	}
	return nothing
}

// RequestID returns the ID that logs and error answers name, "" outside a request.
func RequestID(ctx context.Context) string { return subjectOf(ctx).RequestID }

// attrs returns the log attributes of a subject.
func (s *Subject) attrs() []slog.Attr {
	return present(slog.String("request_id", s.RequestID), slog.String("callback", s.Callback),
		slog.String("loop", string(s.Loop)), slog.String("round_id", s.RoundID), slog.String("cart_id", s.CartID),
		slog.String("order_id", s.OrderID), slog.String("payments_session_id", s.SessionID))
}

// present returns the attributes whose text is not empty.
func present(attrs ...slog.Attr) []slog.Attr {
	kept := attrs[:0]
	for _, a := range attrs {
		if a.Value.String() != "" {
			kept = append(kept, a)
		}
	}
	return kept
}
