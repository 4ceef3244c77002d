// Package mail writes e-mails to those who bought: when an order is placed, shipped, refunded
// or cancelled. It is a receiver of events, so a mail follows only what is committed.
package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Sender sends a message, or does what stands in its place. The error names nobody. It may
// be event.ErrRefused or event.ErrUnsure.
type Sender interface {
	Send(context.Context, *Message) error
}

// Mailer writes the mails of a shop.
type Mailer struct {
	Book      *order.Book
	Published *publish.Published
	PublicURL string // of the links
	Sender    Sender
}

// kinds are the mails that follow events.
var kinds = map[event.Type]settings.MailKind{
	event.OrderCreated: settings.MailPlaced, event.OrderShipped: settings.MailShipped,
	event.OrderCaptured: settings.MailShipped, event.OrderRefunded: settings.MailRefunded, event.OrderCancelled: settings.MailCancelled,
	event.OrderWithdrawalRequested: settings.MailWithdrawal,
}

// Receiver is the mailer among the receivers of events. A mail is sent twice at most.
func (m *Mailer) Receiver() *event.Receiver {
	return &event.Receiver{Name: "mail", Wants: m.wants, Deliver: m.deliver, GiveUp: m.giveUp, Unsure: 2}
}

// Writes reports whether the shop writes mails of a kind. Of a nil Mailer it does not.
func (m *Mailer) Writes(kind settings.MailKind) bool {
	if m == nil {
		return false
	}
	says := m.Published.Now().Shop.Mail
	return says.From.Address != "" && (kind == settings.MailWithdrawal || slices.Contains(says.Send, kind))
}

// Follows reports whether the shop writes a mail of a kind about an order; reference is that of
// its checkout session, "" where it has none. A withdrawal is acknowledged of whichever order.
func (m *Mailer) Follows(kind settings.MailKind, reference string) bool {
	return m.Writes(kind) && (kind == settings.MailWithdrawal || reference == "" || m.Published.Now().Shop.Mail.Sessions)
}

// wants reports whether the shop writes a mail when this happens.
func (m *Mailer) wants(e event.Event) bool {
	kind, known := kinds[e.Type]
	var about struct{ Reference string }
	_ = json.Unmarshal(e.Data, &about) // we wrote it
	return known && m.Follows(kind, about.Reference)
}

// deliver writes the mail of an event, once: what the audit has is sent.
func (m *Mailer) deliver(ctx context.Context, e event.Event) error {
	o, found, err := m.Book.ByOrderID(ctx, e.Subject)
	if err != nil {
		return err
	}
	if !found || o.Erased() {
		return event.ErrSkipped
	}
	if told, err := m.told(ctx, o, e.ID); err != nil || told {
		return cmp.Or(err, event.ErrSkipped)
	}
	if time.Since(e.At) > event.Patience {
		return fmt.Errorf("%w: it is too late for this mail", event.ErrRefused)
	}
	kind := kinds[e.Type]
	var about struct{ Revision int64 }
	if err := json.Unmarshal(e.Data, &about); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	if e.Type == event.OrderCaptured {
		if sent, err := m.sent(ctx, o, about.Revision); err != nil || !sent {
			return cmp.Or(err, event.ErrSkipped)
		}
	}
	message, err := m.Compose(ctx, o, kind, e.ID, about.Revision)
	if err == nil {
		err = m.Sender.Send(ctx, message)
	}
	if err != nil {
		return err
	}
	if err := m.note(ctx, o, entry(kind, e.ID, order.Done)); err != nil {
		return fmt.Errorf("%w: %w", event.ErrUnsure, err)
	}
	return nil
}

// sent reports whether a capture tells the buyer that goods are on their way: they are captured
// when they are sent. Where a parcel is known, its event tells it; and a shop that captures at
// once has sent nothing by that.
func (m *Mailer) sent(ctx context.Context, o order.Order, revision int64) (bool, error) {
	priced, err := m.Published.At(ctx, o.Priced)
	if err != nil {
		return false, err
	}
	return !priced.Shop.Checkout.Forms[o.PurchaseCountry].AutoCapture && o.SentWithout(revision), nil
}

// giveUp says in the order's timeline that a mail was not, or perhaps not, sent.
func (m *Mailer) giveUp(ctx context.Context, e event.Event, problem error) error {
	o, found, err := m.Book.ByOrderID(ctx, e.Subject)
	if err != nil || !found || o.Erased() {
		return err
	}
	if told, err := m.told(ctx, o, e.ID); err != nil || told {
		return err
	}
	result := order.Refused
	if errors.Is(problem, event.ErrUnsure) {
		result = order.Unknown
	}
	said := entry(kinds[e.Type], e.ID, result)
	said.Messages = []string{problem.Error()}
	return m.note(ctx, o, said)
}

// Again sends a mail that staff ask for. A key that is used again sends nothing, unless the mail
// was not sent before. The error is that of Compose or of the sender, or order.ErrUnavailable:
// with order.Unknown the mail may be sent.
func (m *Mailer) Again(ctx context.Context, o order.Order, kind settings.MailKind, key, staff string) (order.Result, error) {
	message, err := m.Compose(ctx, o, kind, key, 0)
	if err != nil {
		return "", err
	}
	said := entry(kind, key, order.Sent)
	said.Source, said.Staff = order.ByStaff, staff
	// Before it leaves the house: the same form that comes meanwhile finds it.
	if first, err := m.Book.Once(ctx, o.Ref(), said); err != nil || !first {
		return order.Already, err
	}
	problem := m.Sender.Send(ctx, message)
	said.At, said.Result = time.Now().UTC(), order.Done
	if problem != nil {
		said.Result, said.Messages = order.Refused, []string{problem.Error()}
	}
	if errors.Is(problem, event.ErrUnsure) {
		said.Result, problem = order.Unknown, nil
	}
	err = m.note(context.WithoutCancel(ctx), o, said)
	switch {
	case problem != nil:
		return "", problem
	case err != nil:
		return order.Unknown, err
	}
	return said.Result, nil
}

// Kinds are the mails that fit an order as it is.
func Kinds(o order.Order) (fit []settings.MailKind) {
	if o.Erased() {
		return nil
	}
	fit = append(fit, settings.MailPlaced)
	if len(o.Shipments) > 0 || o.SentWithout(0) {
		fit = append(fit, settings.MailShipped)
	}
	if o.RefundedAmount > 0 {
		fit = append(fit, settings.MailRefunded)
	}
	if o.Status == ordermanagement.Cancelled {
		fit = append(fit, settings.MailCancelled)
	}
	if len(o.Withdrawals) > 0 {
		fit = append(fit, settings.MailWithdrawal)
	}
	return fit
}

// entry is what the audit says of a mail. It names no address.
func entry(kind settings.MailKind, key string, result order.Result) order.AuditEntry {
	return order.AuditEntry{At: time.Now().UTC(), Source: order.BySystem, Event: order.AuditMail, ID: string(kind), Key: key, Result: result}
}

// told reports whether the audit says what came of the mail with a key.
func (m *Mailer) told(ctx context.Context, o order.Order, key string) (bool, error) {
	entries, err := m.Book.Entries(ctx, o.Ref())
	return slices.ContainsFunc(entries, func(e order.AuditEntry) bool { return e.Event == order.AuditMail && e.Key == key }), err
}

// note adds an entry to the audit. It names nobody, so an order that was erased meanwhile gets it too.
func (m *Mailer) note(ctx context.Context, o order.Order, e order.AuditEntry) error {
	_, err := m.Book.Update(ctx, o.Ref(), func(*order.Order) ([]order.AuditEntry, error) { return []order.AuditEntry{e}, nil })
	return err
}
