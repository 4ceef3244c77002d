package aftersale

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What Klarna allows to be done with an order is asked before Klarna is, so that
// staff see a reason instead of a refusal. What is not documented is left to Klarna.
// Source: docs.klarna.com, Order Management API reference.

// maxKey is the length of a command's key in characters, well above that of a UUID.
const maxKey = 100

// Possible returns nil when an action can be done with the order in its state at
// now, on the platform that the book talks to: a button; else the reason: a
// sentence. What a command says (amounts, lines, which capture) is for Check.
func (d *Desk) Possible(o order.Order, a *Action, now time.Time) *ImpossibleError {
	reason := a.Possible(d.state(o, now))
	switch {
	case o.Free() && !a.OwnToo:
		reason = ReasonFree
	case a.Personal && o.Erased():
		reason = ReasonErased
	}
	if reason != "" {
		return &ImpossibleError{Action: a.Name, Reason: reason}
	}
	return nil
}

// Check returns nil when Klarna can be asked to do a command with the order as
// the book has it. Klarna may still refuse what only Klarna knows, such as the
// risk of a higher amount.
func (d *Desk) Check(ctx context.Context, o order.Order, c order.Command, now time.Time) *ImpossibleError {
	a := d.Actions.Named(c.Action)
	if a == nil {
		return &ImpossibleError{Action: c.Action, Reason: ReasonInvalid, Field: "action"}
	}
	if impossible := d.Possible(o, a, now); impossible != nil {
		return impossible
	}
	s := d.state(o, now)
	s.Left = func(sku string) (int, bool) { return d.Left(ctx, sku) }
	return a.check(s, c)
}

func (a *Action) check(s State, c order.Command) *ImpossibleError {
	if !isKey(c.Key) {
		return &ImpossibleError{Action: c.Action, Reason: ReasonInvalid, Field: "key"}
	}
	if a.Limits != nil {
		if member, rule := refusedMember(a.Limits(s.Order, c)); member != "" {
			return &ImpossibleError{Action: c.Action, Reason: ReasonInvalid, Field: member, Rule: rule}
		}
	}
	if a.Check != nil {
		if reason, member := a.Check(s, c); reason != "" {
			return &ImpossibleError{Action: c.Action, Reason: reason, Field: member}
		}
	}
	return nil
}

// state is an order at now.
func (d *Desk) state(o order.Order, now time.Time) State {
	return State{Order: o, Status: statusAt(o, now), Now: now, Rules: d.Book.Management.Platform().Rules()}
}

// statusAt is the status at now: an order whose time is over has expired, also
// when Klarna has not been asked since. One for which nothing was to be paid is open until
// it is cancelled.
func statusAt(o order.Order, now time.Time) ordermanagement.Status {
	if o.Free() && o.Status == ordermanagement.Captured {
		return ordermanagement.Authorized
	}
	open := o.Status == ordermanagement.Authorized || o.Status == ordermanagement.PartCaptured
	over := !o.ExpiresAt.IsZero() && !now.Before(o.ExpiresAt)
	if open && over && (o.RemainingAuthorizedAmount > 0 || !o.Followed()) {
		return ordermanagement.Expired
	}
	return o.Status
}

// members are what Command calls members of Klarna's requests.
var members = strings.NewReplacer(
	"captured_amount", "amount", "refunded_amount", "amount", "order_amount", "amount",
	"merchant_reference", "reference", "body", "order_lines", "shipping_info", "shipments", "shipping_company", "carrier",
)

// refusedMember is the member of a command that a rule is about, "" without an error.
func refusedMember(err error) (member, rule string) {
	if err == nil {
		return "", ""
	}
	broken, ok := errors.AsType[*klarna.RuleError](err)
	if !ok {
		return "order_lines", "sums that overflow"
	}
	return members.Replace(broken.Field), broken.Rule
}

// checkCaptureID looks for the capture that a command names.
func checkCaptureID(s State, c order.Command) (Reason, string) {
	if reason := uncaptured(s); reason != "" {
		return reason, ""
	}
	if _, ok := s.Order.Capture(c.CaptureID); !ok {
		return ReasonUnknownCapture, "capture_id"
	}
	return "", ""
}

// hasFee reports whether lines have a return fee.
func hasFee(lines []klarna.OrderLine) bool {
	for _, line := range lines {
		if line.Type == klarna.ReturnFee {
			return true
		}
	}
	return false
}

// isKey reports whether a text can be a command's key, and a header.
func isKey(key string) bool {
	if key == "" || utf8.RuneCountInString(key) > maxKey {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}
