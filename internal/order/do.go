package order

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

const (
	// sendTime bounds the tries of a command, and followTime what comes after.
	sendTime, followTime = 12 * time.Second, 4 * time.Second
	// sending is how long a command is left to the process that began to send it.
	sending = 20 * time.Second
	// keyTrusted is how long a command is repeated with its key: Klarna keeps keys
	// for 24 h after the first try, which was made after Command.At.
	// Source: docs.klarna.com, Order Management API reference.
	keyTrusted = 23 * time.Hour
	// conflictLasts is after how long a 409 cannot be of another try with the same
	// key any more.
	conflictLasts = 10 * time.Minute
)

// What keeps Do from sending a command, beside *ImpossibleError and *ChangedError.
var (
	errEnded   = errors.New("the command has ended")
	errSending = errors.New("another process is sending the command")
)

// Do does a command of staff with an order of the book: once, however often it
// is called with the same key, by whomever, and whatever fails meanwhile.
//
// The command becomes the order's Running one, durably, before Klarna is asked
// with its key; the outcome is stored with the audit in one step, and with what
// Klarna says of the order then. Where Klarna gives no answer, or the process
// ends, the reconcile loop goes on with the same key. Klarna's refusal is an
// Outcome, not an error. Called again with a key, Do tells how the command ended
// (Already, or Refused) or that it has not (Unknown).
//
// The error is an *ImpossibleError or a *ChangedError, and Klarna was not
// asked; ErrUnknown when the book has no such order; ErrUnavailable when Redis
// does not answer: the command may be stored then, and be done by the loop, so
// only the same key may be tried again.
func (b *Book) Do(ctx context.Context, orderID string, c Command) (Outcome, error) {
	out, err := b.do(ctx, orderID, c)
	b.tellCommand(c.Action, out, err)
	return out, err
}

func (b *Book) do(ctx context.Context, orderID string, c Command) (Outcome, error) {
	c.At = time.Now().UTC()
	// What was begun is not cut off by a browser that leaves.
	begun, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime+followTime)
	defer cancel()
	o, err := b.begin(begun, orderID, c)
	if impossible, ok := errors.AsType[*ImpossibleError](err); ok && impossible.Reason != ReasonInvalid {
		// Perhaps by an old copy only.
		if _, readErr := b.refresh(begun, orderID); readErr == nil {
			o, err = b.begin(begun, orderID, c)
		}
	}
	switch {
	case errors.Is(err, errNotDurable):
		// It is stored, perhaps not to last. Klarna is not asked by this process.
		return b.outcome(begun, orderID, c.Key)
	case errors.Is(err, errSending):
		return b.await(ctx, orderID, c.Key)
	case errors.Is(err, errEnded):
		return b.outcome(begun, orderID, c.Key)
	case err != nil:
		return Outcome{}, err
	}
	return b.run(begun, o, o.Running.At.Equal(c.At))
}

// begin makes a command the order's running one.
func (b *Book) begin(ctx context.Context, orderID string, c Command) (o Order, err error) {
	if _, found, err := b.ByOrderID(ctx, orderID); err != nil {
		return Order{}, err
	} else if !found {
		return Order{}, fmt.Errorf("%w: not in the book", ErrUnknown)
	}
	err = b.durably(ctx, func(conn *redis.Conn) error {
		var err error
		o, err = b.updateOn(ctx, conn, orderID, func(o *Order) ([]AuditEntry, error) {
			return b.admit(ctx, conn, o, c)
		})
		return err
	})
	if err != nil && !refusal(err) {
		err = fmt.Errorf("%w: store command: %w", ErrUnavailable, err)
	}
	return o, err
}

// admit lets a command in where nothing stands against it. The audit is read
// after the order: a command that ends meanwhile changes the order, and then
// this one is not stored.
func (b *Book) admit(ctx context.Context, rdb redis.Cmdable, o *Order, c Command) ([]AuditEntry, error) {
	entries, err := b.entries(ctx, rdb, o.OrderID)
	if err != nil {
		return nil, err
	}
	if _, ended := endOf(entries, c.Key); ended {
		return nil, errEnded
	}
	if o.Running != nil && o.Running.Key == c.Key {
		if c.At.Before(o.SendingUntil) {
			return nil, errSending
		}
		o.SendingUntil = c.At.Add(sending) // whoever was at it has died
		return nil, nil
	}
	if o.Running != nil || c.Revision < o.MaterialRevision || c.Revision > o.Revision {
		return nil, &ChangedError{Order: *o, Last: newest(entries), Running: o.Running}
	}
	if err := b.Check(*o, c, c.At); err != nil {
		return nil, err
	}
	o.Running, o.SendingUntil = &c, c.At.Add(sending)
	return []AuditEntry{c.entry(Sent)}, nil
}

// refusal reports whether an error says that a command may not be sent.
func refusal(err error) bool {
	_, impossible := errors.AsType[*ImpossibleError](err)
	_, changed := errors.AsType[*ChangedError](err)
	return impossible || changed || errors.Is(err, errEnded) || errors.Is(err, errSending)
}

// await waits for as long as another process may be at a command, or the caller has time.
func (b *Book) await(ctx context.Context, orderID, key string) (Outcome, error) {
	for {
		out, err := b.outcome(context.WithoutCancel(ctx), orderID, key)
		if err != nil || out.Result != Unknown || !time.Now().Before(out.Order.SendingUntil) {
			return out, err
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return out, nil
		case <-timer.C:
		}
	}
}

// outcome is how the command with a key ended, or that it has not.
func (b *Book) outcome(ctx context.Context, orderID, key string) (Outcome, error) {
	o, _, err := b.ByOrderID(ctx, orderID)
	if err != nil {
		return Outcome{}, err
	}
	entries, err := b.entries(ctx, b.Redis, orderID)
	if err != nil {
		return Outcome{}, err
	}
	entry, ended := endOf(entries, key)
	switch {
	case !ended:
		entry, _ = latestOf(entries, key)
		return Outcome{Result: Unknown, Entry: entry, Order: o}, nil
	case entry.Result == Refused:
		return Outcome{Result: Refused, Entry: entry, Order: o}, nil
	}
	return Outcome{Result: Already, Entry: entry, Order: o}, nil
}

// run sends the order's running command and stores what came of it. first is
// whether nobody has sent it before.
func (b *Book) run(ctx context.Context, o Order, first bool) (Outcome, error) {
	c, entry := *o.Running, o.Running.entry(Unknown)
	sendCtx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	start := time.Now()
	id, answer, err := b.send(sendCtx, o, c)
	entry.At, entry.Duration = time.Now().UTC(), time.Since(start).Round(time.Millisecond)
	entry.Status, entry.CorrelationID, entry.Tries, entry.ID = answer.Status, answer.CorrelationID, answer.Tries, id
	if apiErr, ok := errors.AsType[*klarna.Error](err); ok {
		entry.Code, entry.Messages, entry.CorrelationID = apiErr.Code, apiErr.Messages, apiErr.CorrelationID
	}
	entry.Result = commandResult(answer, err, first)
	if entry.Result == Refused && entry.Status == 0 {
		entry.Messages = []string{err.Error()} // our client does not send it
	}
	return b.finish(ctx, o.OrderID, c, entry)
}

// commandResult is what an answer says of a command. Only an answer of Klarna's own
// counts: a gateway that refuses credentials says nothing about a try before.
func commandResult(answer klarna.Answer, err error, first bool) Result {
	if err == nil {
		return Done
	}
	if _, ok := errors.AsType[*klarna.RuleError](err); ok || errors.Is(err, ordermanagement.ErrNotOffered) {
		return Refused
	}
	if !klarna.IsRefused(err) {
		return Unknown
	}
	if klarna.Status(err) == http.StatusUnauthorized && (!first || answer.Unanswered) {
		return Unknown
	}
	return Refused
}

// finish stores how a command ended, or that it is not known, and follows
// Klarna: by one read of the order, or, when that fails, by what follows from
// the command itself. The outcome is Already when another process was faster.
func (b *Book) finish(ctx context.Context, orderID string, c Command, entry AuditEntry) (Outcome, error) {
	var sold *ordermanagement.Order
	if entry.Result != Unknown {
		if read, err := b.sold(ctx, orderID); err == nil && (entry.Result == Refused || shows(read, c, entry.ID)) {
			sold = &read
		}
	}
	o, err := b.update(ctx, orderID, func(o *Order) ([]AuditEntry, error) {
		if o.Running == nil || o.Running.Key != c.Key {
			return nil, errEnded
		}
		if entry.Result == Unknown {
			return b.firstUnknown(ctx, orderID, entry)
		}
		before := *o
		o.Running, o.SendingUntil = nil, time.Time{}
		switch {
		case sold != nil:
			o.takeOver(*sold, entry.At)
		case entry.Result == Done:
			o.apply(c, entry)
		}
		list := changes(before, *o)
		if entry.Result == Refused && len(list) > 0 { // that may be why
			return []AuditEntry{{At: entry.At, Source: ByKlarna, Event: AuditStatus, Changes: list}, entry}, nil
		}
		entry.Changes = list
		return []AuditEntry{entry}, nil
	})
	switch {
	case errors.Is(err, errEnded):
		return b.outcome(ctx, orderID, c.Key)
	case err != nil:
		// Klarna has been asked: the loop finds out.
		b.Logger.WarnContext(ctx, "outcome of a command not stored", "order_id", orderID, "action", c.Action, "error", err)
		entry.Result = Unknown
		return Outcome{Result: Unknown, Entry: entry}, nil
	}
	b.Logger.InfoContext(ctx, "command", "order_id", o.OrderID, "order_number", o.Number, "action", c.Action, "result", entry.Result,
		"klarna_status", entry.Status, "klarna_code", entry.Code, "correlation_id", entry.CorrelationID)
	if o.GoodsDue {
		if returned, err := b.returnGoods(ctx, o); err == nil {
			o = returned // else the loop does it
		}
	}
	return Outcome{Result: entry.Result, Entry: entry, Order: o}, nil
}

// firstUnknown is the entry that a command has no answer: one, however often it
// is repeated.
func (b *Book) firstUnknown(ctx context.Context, orderID string, entry AuditEntry) ([]AuditEntry, error) {
	entries, err := b.entries(ctx, b.Redis, orderID)
	if err != nil {
		return nil, err
	}
	if last, known := latestOf(entries, entry.Key); known && last.Result == Unknown {
		return nil, nil
	}
	return []AuditEntry{entry}, nil
}
