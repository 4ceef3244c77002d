package aftersale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// How commands end that were begun and have no answer.

// clockSkew is by how much Klarna's clock may be behind ours.
const clockSkew = 5 * time.Minute

// Run does the rounds of the loop until ctx ends: those of the book, going on
// with left commands and bulk jobs. Beside them it works on the bulk jobs that
// this process starts.
func (d *Desk) Run(ctx context.Context) {
	var bulks sync.WaitGroup
	bulks.Go(func() { d.runBulks(ctx) })
	defer bulks.Wait()
	d.Book.Run(ctx, d.work())
}

// Reconcile does one round, see order.Book.Reconcile.
func (d *Desk) Reconcile(ctx context.Context, now time.Time) error {
	return d.Book.Reconcile(ctx, now, d.work())
}

func (d *Desk) work() order.Work {
	return order.Work{Resume: d.resume, Rest: func(ctx context.Context, now time.Time) error {
		return d.workBulks(ctx, now, time.Now().Add(bulkShare))
	}}
}

// resume goes on with the order's running command, unless a process may still
// be at it: it is sent again with its key, so Klarna acts on it once. When
// Klarna may have forgotten the key, what the order says there decides.
func (d *Desk) resume(ctx context.Context, o order.Order, now time.Time) (order.Order, error) {
	c := *o.Running
	a := d.Actions.Named(c.Action)
	if a == nil {
		return o, fmt.Errorf("go on with a command: this version has no action %q", c.Action)
	}
	if now.Before(o.SendingUntil) {
		return o, nil
	}
	o, err := d.Book.Update(ctx, o.Ref(), func(o *order.Order) ([]order.AuditEntry, error) {
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
	if age < keyTrusted || o.Free() {
		out, err = d.run(ctx, o, false)
	}
	if err == nil && !o.Free() && (age >= keyTrusted || age >= conflictLasts && out.Entry.Status == http.StatusConflict) {
		out, err = d.decide(ctx, o, a, c)
	}
	d.tell(c.Action, out, err)
	if err == nil && out.Result == order.Unknown {
		err = order.ErrUnavailable
	}
	if out.Order.Ref() == "" {
		return o, err
	}
	return out.Order, err
}

// decide ends a command by what the order at Klarna says: it was done if the
// order has what the command should have made, after what is half done was settled. A capture or refund is known by
// its amount, its reference if Klarna tells it, and a time that is not before the command's; one
// that another command of ours has made is not it. What cannot be seen in an
// order (a message sent again, a due date) counts as not done: both can be
// asked for again.
func (d *Desk) decide(ctx context.Context, o order.Order, a *Action, c order.Command) (Outcome, error) {
	entry := c.Entry(order.Refused)
	sold, err := d.Book.Sold(ctx, o.OrderID)
	if err == nil && a.Settle != nil {
		// What Klarna refuses stays half done: nothing gets better by waiting.
		if err = a.Settle(ctx, d.Book.Management, sold, c); err != nil && !klarna.IsRefused(err) {
			return Outcome{}, err
		}
		sold, err = d.Book.Sold(ctx, o.OrderID)
	}
	switch {
	case errors.Is(err, order.ErrUnknown):
	case err != nil:
		return Outcome{}, err
	default:
		entries, err := d.Book.Entries(ctx, o.OrderID)
		if err != nil {
			return Outcome{}, err
		}
		if id, done := a.found(sold, o, c, entries); done {
			entry.Result, entry.ID = order.Done, id
		}
	}
	if entry.Result == order.Refused {
		entry.Messages = []string{"No answer, and the order at Klarna does not show it."}
	}
	return d.finish(ctx, o.OrderID, a, c, entry)
}

// found looks in an order for what a command has made: the ID of a capture or
// refund, and whether it is there. o is the order as the book has it, entries
// its audit.
func (a *Action) found(sold ordermanagement.Order, o order.Order, c order.Command, entries []order.AuditEntry) (id string, done bool) {
	switch {
	case a.Has != nil:
		return "", a.Has(sold, c)
	case a.Since != nil:
		return "", a.Since(sold, o, c, entries)
	case a.Makes == nil:
		return "", false
	}
	for _, m := range a.Makes(sold) {
		another := slices.ContainsFunc(entries, func(e order.AuditEntry) bool { return e.Key != c.Key && strings.EqualFold(e.ID, m.ID) })
		if m.Amount == c.Amount && (m.Reference == nil || *m.Reference == c.Reference) && !m.At.Before(c.At.Add(-clockSkew)) && !another {
			return m.ID, true
		}
	}
	return "", false
}

// shows reports whether an order that was read after a command was done has
// what the command made: else the read is older than the command.
func (a *Action) shows(sold ordermanagement.Order, c order.Command, id string) bool {
	switch {
	case a.Has != nil:
		return a.Has(sold, c)
	case a.Makes != nil && id != "":
		return slices.ContainsFunc(a.Makes(sold), func(m Made) bool { return strings.EqualFold(m.ID, id) })
	}
	return true
}
