package order

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// How commands end that were begun and have no answer.

// clockSkew is by how much Klarna's clock may be behind ours.
const clockSkew = 5 * time.Minute

// resume goes on with the order's running command, unless a process may still
// be at it: it is sent again with its key, so Klarna acts on it once. When
// Klarna may have forgotten the key, what the order says there decides.
func (b *Book) resume(ctx context.Context, o Order, now time.Time) (Order, error) {
	c := *o.Running
	if now.Before(o.SendingUntil) {
		return o, nil
	}
	o, err := b.update(ctx, o.OrderID, func(o *Order) ([]AuditEntry, error) {
		if o.Running == nil || o.Running.Key != c.Key || now.Before(o.SendingUntil) {
			return nil, errSending
		}
		o.SendingUntil = now.Add(sending)
		return nil, nil
	})
	if errors.Is(err, errSending) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	var out Outcome
	age := now.Sub(c.At)
	if age < keyTrusted {
		out, err = b.run(ctx, o, false)
	}
	if err == nil && (age >= keyTrusted || age >= conflictLasts && out.Entry.Status == http.StatusConflict) {
		out, err = b.decide(ctx, o, c)
	}
	b.tellCommand(c.Action, out, err)
	if err == nil && out.Result == Unknown {
		err = ErrUnavailable
	}
	if out.Order.OrderID == "" {
		return o, err
	}
	return out.Order, err
}

// decide ends a command by what the order at Klarna says: it was done if the
// order has what the command should have made. A capture or refund is known by
// its amount, its reference, and a time that is not before the command's; one
// that another command of ours has made is not it. What cannot be seen in an
// order (a message sent again, a due date) counts as not done: both can be
// asked for again.
func (b *Book) decide(ctx context.Context, o Order, c Command) (Outcome, error) {
	entry := c.entry(Refused)
	sold, err := b.sold(ctx, o.OrderID)
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		return Outcome{}, err
	default:
		entries, err := b.entries(ctx, b.Redis, o.OrderID)
		if err != nil {
			return Outcome{}, err
		}
		if id, done := found(sold, o, c, entries); done {
			entry.Result, entry.ID = Done, id
		}
	}
	if entry.Result == Refused {
		entry.Messages = []string{"No answer, and the order at Klarna does not show it."}
	}
	return b.finish(ctx, o.OrderID, c, entry)
}

// found looks in an order for what a command has made: the ID of a capture or
// refund, and whether it is there. o is the order as the book has it, entries
// its audit.
func found(sold ordermanagement.Order, o Order, c Command, entries []AuditEntry) (id string, done bool) {
	match := func(made string, amount money.Amount, reference string, at time.Time) bool {
		return amount == c.Amount && reference == c.Reference && !at.Before(c.At.Add(-clockSkew)) &&
			!slices.ContainsFunc(entries, func(e AuditEntry) bool { return e.Key != c.Key && strings.EqualFold(e.ID, made) })
	}
	switch c.Action {
	case ActionCapture:
		for _, x := range sold.Captures {
			if match(x.CaptureID, x.CapturedAmount, x.Reference, x.CapturedAt.Time) {
				return x.CaptureID, true
			}
		}
	case ActionRefund:
		for _, x := range sold.Refunds {
			if match(x.RefundID, x.RefundedAmount, x.Reference, x.RefundedAt.Time) {
				return x.RefundID, true
			}
		}
	case ActionExtend:
		return "", sold.ExpiresAt.After(expiryBefore(o, c, entries))
	case ActionLines, ActionReferences, ActionShippingAddress, ActionShippingInfo, ActionCancel, ActionRelease:
		return "", has(sold, c)
	case ActionSendOut, ActionExtendDueDate:
	}
	return "", false
}

// expiryBefore is until when an order could be captured before it was extended:
// the book may have read it since, and said so in the audit.
func expiryBefore(o Order, c Command, entries []AuditEntry) time.Time {
	sent := false
	for _, e := range entries {
		sent = sent || e.Key == c.Key
		for _, change := range e.Changes {
			if at, err := time.Parse(time.RFC3339, change.Before); sent && change.Field == "expires_at" && err == nil {
				return at
			}
		}
	}
	return o.ExpiresAt
}
