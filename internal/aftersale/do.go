package aftersale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
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

// Outcome is how a command ended, or that it has not ended yet.
type Outcome struct {
	Result order.Result
	// Entry is what the audit says of it: who, when, before and after, Klarna's
	// answer. With Already it is that of the first time.
	Entry order.AuditEntry
	// Order is the order as it is now.
	Order order.Order
}

// Desk does commands of staff with the orders of a book. All members are
// required. Safe for concurrent use, on any number of processes.
type Desk struct {
	Book    *order.Book
	Pricer  *cart.Pricer // for products that are added to an order
	Actions Registry
	// Left is how many more of a product can be sold; false where that is not counted.
	Left func(ctx context.Context, sku string) (left int, counted bool)

	bulks chan struct{} // has something when this process starts a bulk job
}

// NewDesk returns the desk of a process.
func NewDesk(b *order.Book, p *cart.Pricer, actions Registry) *Desk {
	return &Desk{
		Book: b, Pricer: p, Actions: actions, bulks: make(chan struct{}, 1),
		Left: func(ctx context.Context, sku string) (int, bool) {
			left, err := b.Stock.Left(ctx, sku) // with an error nothing can be stored either
			n, counted := left[sku]
			return n, counted && err == nil
		},
	}
}

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
// asked; ErrUnknown when the book has no such order; ErrUnavailable when the
// database does not answer: the command may be stored then, and be done by the loop, so
// only the same key may be tried again.
func (d *Desk) Do(ctx context.Context, orderID string, c order.Command) (Outcome, error) {
	out, err := d.do(ctx, orderID, c)
	d.tell(c.Action, out, err)
	return out, err
}

func (d *Desk) do(ctx context.Context, orderID string, c order.Command) (Outcome, error) {
	c.At = time.Now().UTC()
	// What was begun is not cut off by a browser that leaves.
	begun, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime+followTime)
	defer cancel()
	o, err := d.begin(begun, orderID, c)
	if impossible, ok := errors.AsType[*ImpossibleError](err); ok && impossible.Reason != ReasonInvalid {
		// Perhaps by an old copy only.
		if _, readErr := d.Book.Refresh(begun, orderID); readErr == nil {
			o, err = d.begin(begun, orderID, c)
		}
	}
	switch {
	case errors.Is(err, db.ErrCommitUnknown):
		// It is stored, perhaps not to last, or not at all. Klarna is not asked by this process.
		return d.outcome(begun, orderID, c.Key)
	case errors.Is(err, errSending):
		return d.await(ctx, orderID, c.Key)
	case errors.Is(err, errEnded):
		return d.outcome(begun, orderID, c.Key)
	case err != nil:
		return Outcome{}, err
	}
	return d.run(begun, o, o.Running.At.Equal(c.At))
}

// begin makes a command the order's running one.
func (d *Desk) begin(ctx context.Context, orderID string, c order.Command) (o order.Order, err error) {
	if _, found, err := d.Book.ByOrderID(ctx, orderID); err != nil {
		return order.Order{}, err
	} else if !found {
		return order.Order{}, fmt.Errorf("%w: not in the book", order.ErrUnknown)
	}
	o, err = d.Book.Update(ctx, orderID, func(o *order.Order) ([]order.AuditEntry, error) {
		// Read after the order: what happens meanwhile changes the order, and then this runs again.
		audit, err := d.Book.Entries(ctx, orderID)
		if err != nil {
			return nil, err
		}
		return d.admit(ctx, o, audit, c)
	})
	if err != nil && !refusal(err) {
		err = fmt.Errorf("%w: store command: %w", order.ErrUnavailable, err)
	}
	return o, err
}

// admit lets a command in where nothing stands against it.
func (d *Desk) admit(ctx context.Context, o *order.Order, entries []order.AuditEntry, c order.Command) ([]order.AuditEntry, error) {
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
		return nil, d.Changed(*o, entries)
	}
	if impossible := d.Check(ctx, *o, c, c.At); impossible != nil {
		return nil, impossible
	}
	if a := d.Actions.Named(c.Action); a.Was != nil {
		c.Was = a.Was(*o)
	}
	o.Running, o.SendingUntil = &c, c.At.Add(sending)
	return []order.AuditEntry{c.Entry(order.Sent)}, nil
}

// Changed tells who looked at an older order what has changed it since: the newest entry, of
// those oldest first, that changed something staff decide by. Mails, notes and flags do not.
func (d *Desk) Changed(o order.Order, entries []order.AuditEntry) *ChangedError {
	newest, _ := last(entries, func(e order.AuditEntry) bool {
		switch e.Event {
		case order.AuditFlag, order.AuditStock:
			return false
		case order.AuditErased:
			return true
		}
		return len(e.Changes) > 0 || e.Result == order.Done && d.Actions.Named(order.Action(e.Event)) != nil
	})
	return &ChangedError{Order: o, Last: newest, Running: o.Running}
}

// refusal reports whether an error says that a command may not be sent.
func refusal(err error) bool {
	_, impossible := errors.AsType[*ImpossibleError](err)
	_, changed := errors.AsType[*ChangedError](err)
	return impossible || changed || errors.Is(err, errEnded) || errors.Is(err, errSending)
}

// await waits for as long as another process may be at a command, or the caller has time.
func (d *Desk) await(ctx context.Context, orderID, key string) (Outcome, error) {
	for {
		out, err := d.outcome(context.WithoutCancel(ctx), orderID, key)
		if err != nil || out.Result != order.Unknown || !time.Now().Before(out.Order.SendingUntil) {
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
func (d *Desk) outcome(ctx context.Context, orderID, key string) (Outcome, error) {
	o, _, err := d.Book.ByOrderID(ctx, orderID)
	if err != nil {
		return Outcome{}, err
	}
	entries, err := d.Book.Entries(ctx, orderID)
	if err != nil {
		return Outcome{}, err
	}
	entry, ended := endOf(entries, key)
	switch {
	case !ended:
		entry, _ = latestOf(entries, key)
		return Outcome{Result: order.Unknown, Entry: entry, Order: o}, nil
	case entry.Result == order.Refused:
		return Outcome{Result: order.Refused, Entry: entry, Order: o}, nil
	}
	return Outcome{Result: order.Already, Entry: entry, Order: o}, nil
}

// run sends the order's running command and stores what came of it. first is
// whether nobody has sent it before.
func (d *Desk) run(ctx context.Context, o order.Order, first bool) (Outcome, error) {
	c, entry := *o.Running, o.Running.Entry(order.Unknown)
	a := d.Actions.Named(c.Action)
	if a == nil { // stored by a newer version, which goes on with it
		return Outcome{Result: order.Unknown, Entry: entry, Order: o}, nil
	}
	sendCtx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	start := time.Now()
	var id string
	var answer klarna.Answer
	var err error
	if !o.Free() {
		id, answer, err = a.Send(sendCtx, d.Book.Management, o, c)
	}
	entry.At, entry.Duration = time.Now().UTC(), time.Since(start).Round(time.Millisecond)
	entry.Status, entry.CorrelationID, entry.Tries, entry.ID = answer.Status, answer.CorrelationID, answer.Tries, id
	if apiErr, ok := errors.AsType[*klarna.Error](err); ok {
		entry.Code, entry.Messages, entry.CorrelationID = apiErr.Code, apiErr.Messages, apiErr.CorrelationID
	}
	entry.Result = commandResult(answer, err, first)
	if entry.Result == order.Refused && entry.Status == 0 {
		entry.Messages = []string{err.Error()} // our client does not send it
	}
	return d.finish(ctx, o.Ref(), a, c, entry)
}

// commandResult is what an answer says of a command. Only an answer of Klarna's own
// counts: a gateway that refuses credentials says nothing about a try before.
func commandResult(answer klarna.Answer, err error, first bool) order.Result {
	if err == nil {
		return order.Done
	}
	if _, ok := errors.AsType[*klarna.RuleError](err); ok || errors.Is(err, ordermanagement.ErrNotOffered) {
		return order.Refused
	}
	notAsked := klarna.Status(err) == http.StatusUnauthorized && first && !answer.Unanswered
	if klarna.IsRefused(err) || notAsked {
		return order.Refused
	}
	return order.Unknown
}

// finish stores how a command ended, or that it is not known, with what follows
// from the command itself, and follows Klarna by one read of the order. The outcome is Already when another process was faster.
func (d *Desk) finish(ctx context.Context, orderID string, a *Action, c order.Command, entry order.AuditEntry) (Outcome, error) {
	var sold *ordermanagement.Order
	if entry.Result != order.Unknown {
		if read, err := d.Book.Sold(ctx, orderID); err == nil && (entry.Result == order.Refused || a.shows(read, c, entry.ID)) {
			sold = &read
		}
	}
	o, err := d.Book.Update(ctx, orderID, func(o *order.Order) ([]order.AuditEntry, error) {
		if o.Running == nil || o.Running.Key != c.Key {
			return nil, errEnded
		}
		if entry.Result == order.Unknown {
			return d.firstUnknown(ctx, orderID, entry)
		}
		before := *o
		o.Running, o.SendingUntil = nil, time.Time{}
		if entry.Result == order.Done && a.Own != nil {
			priced, err := d.Pricer.Published.At(ctx, o.Priced)
			if err != nil {
				return nil, err
			}
			a.Own(priced.Shop.Markets, o, c, entry)
		}
		if entry.Result == order.Done && a.Apply != nil {
			a.Apply(o, c, entry)
		}
		if sold != nil { // what it does not say, as the reference of a refund, stays
			o.TakeOver(*sold, entry.At)
		}
		list := order.Changes(before, *o)
		if entry.Result == order.Refused && len(list) > 0 { // that may be why
			return []order.AuditEntry{{At: entry.At, Source: order.ByKlarna, Event: order.AuditStatus, Changes: list}, entry}, nil
		}
		entry.Changes = list
		return []order.AuditEntry{entry}, nil
	})
	switch {
	case errors.Is(err, errEnded):
		return d.outcome(ctx, orderID, c.Key)
	case err != nil:
		// Klarna has been asked: the loop finds out.
		d.Book.Logger.WarnContext(ctx, "outcome of a command not stored", "order_id", orderID, "action", c.Action, "error", err)
		entry.Result = order.Unknown
		return Outcome{Result: order.Unknown, Entry: entry}, nil
	}
	d.Book.Logger.InfoContext(ctx, "command", "order_id", o.Ref(), "order_number", o.Number, "action", c.Action, "staff", c.Staff, "result", entry.Result,
		"klarna_status", entry.Status, "klarna_code", entry.Code, "correlation_id", entry.CorrelationID)
	return Outcome{Result: entry.Result, Entry: entry, Order: o}, nil
}

// firstUnknown is the entry that a command has no answer: one, however often it
// is repeated.
func (d *Desk) firstUnknown(ctx context.Context, orderID string, entry order.AuditEntry) ([]order.AuditEntry, error) {
	entries, err := d.Book.Entries(ctx, orderID)
	if err != nil {
		return nil, err
	}
	if last, known := latestOf(entries, entry.Key); known && last.Result == order.Unknown {
		return nil, nil
	}
	return []order.AuditEntry{entry}, nil
}

// last is the newest entry that is one of those looked for, false without one.
func last(entries []order.AuditEntry, is func(order.AuditEntry) bool) (order.AuditEntry, bool) {
	for _, e := range slices.Backward(entries) {
		if is(e) {
			return e, true
		}
	}
	return order.AuditEntry{}, false
}

// endOf is how the command with a key ended; false when it has not.
func endOf(entries []order.AuditEntry, key string) (order.AuditEntry, bool) {
	return last(entries, func(e order.AuditEntry) bool {
		return e.Key == key && (e.Result == order.Done || e.Result == order.Refused)
	})
}

// latestOf is the newest entry of the command with a key, false without one.
func latestOf(entries []order.AuditEntry, key string) (order.AuditEntry, bool) {
	return last(entries, func(e order.AuditEntry) bool { return e.Key == key })
}

// tell tells how a command has ended, or that the loop goes on with it.
func (d *Desk) tell(action order.Action, out Outcome, err error) {
	if d.Actions.Named(action) == nil {
		action = ""
	}
	_, impossible := errors.AsType[*ImpossibleError](err)
	_, changed := errors.AsType[*ChangedError](err)
	result := observe.Result(out.Result)
	switch {
	case impossible || changed:
		result = observe.ResultNotSent
	case errors.Is(err, order.ErrUnknown):
		result = observe.ResultUnknown
	case err != nil:
		result = observe.ResultFailed
	}
	d.Book.Observer.Command(string(action), result)
}
