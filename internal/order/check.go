package order

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// maxKey is the length of a command's key in characters, well above that of a UUID.
const maxKey = 100

// MayRaise returns nil when the order's amount can be raised by its payment
// method and market, else an *ImpossibleError. Klarna checks the risk then, and
// may still refuse.
func (o Order) MayRaise() error {
	if reason := o.raisable(); reason != "" {
		return &ImpossibleError{Action: ActionLines, Reason: reason}
	}
	return nil
}

// MayChargeReturn returns nil when a refund can keep a return fee, else an
// *ImpossibleError.
func (o Order) MayChargeReturn(now time.Time) error {
	if reason := o.feeObstacle(o.statusAt(now)); reason != "" {
		return &ImpossibleError{Action: ActionRefund, Reason: reason}
	}
	return nil
}

// Check returns nil when Klarna can be asked to do a command with the order as
// the book has it, else an *ImpossibleError. Klarna may still refuse what only
// Klarna knows, such as the risk of a higher amount.
func (b *Book) Check(o Order, c Command, now time.Time) error {
	if err := b.Possible(o, c.Action, now); err != nil {
		return err
	}
	if reason, field := o.check(c, now); reason != "" {
		return &ImpossibleError{Action: c.Action, Reason: reason, Field: field}
	}
	return nil
}

// check is what is wrong with what a command says, "" for nothing.
func (o Order) check(c Command, now time.Time) (reason Reason, field string) {
	if !isKey(c.Key) {
		return ReasonInvalid, "key"
	}
	if field := refusedMember(c.limits(o)); field != "" {
		return ReasonInvalid, field
	}
	switch c.Action {
	case ActionCapture:
		return o.checkCapture(c)
	case ActionRefund:
		return o.checkRefund(c, now)
	case ActionLines:
		return o.checkLines(c)
	case ActionReferences:
		if c.Reference1 == nil && c.Reference2 == nil {
			return ReasonInvalid, "reference1"
		}
	case ActionShippingAddress:
		if c.ShippingAddress == nil {
			return ReasonInvalid, "shipping_address"
		}
	case ActionShippingInfo:
		if c.CaptureID != "" {
			return o.checkCaptureID(c, now)
		}
	case ActionSendOut, ActionExtendDueDate:
		if c.Action == ActionExtendDueDate && c.Days < 1 {
			return ReasonInvalid, "days"
		}
		return o.checkCaptureID(c, now)
	case ActionCancel, ActionRelease, ActionExtend:
	}
	return "", ""
}

// limits is what Klarna would not take of a command in whatever state: a
// *klarna.RuleError, or nil.
func (c Command) limits(o Order) error {
	switch c.Action {
	case ActionCapture:
		return c.captureRequest().Check()
	case ActionRefund:
		return c.refundRequest().Check()
	case ActionLines:
		return c.authorization().Check()
	case ActionReferences:
		return c.references().Check()
	case ActionShippingInfo:
		return ordermanagement.CheckShippingInfo(c.ShippingInfo)
	case ActionShippingAddress:
		if c.ShippingAddress != nil {
			return c.addressChange(o).Check()
		}
	case ActionCancel, ActionRelease, ActionExtend, ActionSendOut, ActionExtendDueDate:
	}
	return nil
}

// members are what Command calls members of Klarna's requests.
var members = strings.NewReplacer(
	"captured_amount", "amount", "refunded_amount", "amount", "order_amount", "amount",
	"merchant_reference", "reference", "body", "order_lines",
)

// refusedMember is the member of a command that a rule is about, "" without an error.
func refusedMember(err error) string {
	if err == nil {
		return ""
	}
	rule, ok := errors.AsType[*klarna.RuleError](err)
	if !ok {
		return "order_lines" // sums that overflow
	}
	return members.Replace(rule.Field)
}

func (o Order) checkCapture(c Command) (Reason, string) {
	switch {
	case !sumsTo(c.OrderLines, c.Amount), hasFee(c.OrderLines):
		return ReasonInvalid, "order_lines"
	case c.Amount > o.RemainingAuthorizedAmount:
		return ReasonAboveRemaining, ""
	}
	return "", ""
}

// checkRefund: with a return fee the lines must make up the amount; without
// one Klarna does not ask, but finds the capture of a refund only when they do.
// Source: docs.klarna.com, Refund allocation.
func (o Order) checkRefund(c Command, now time.Time) (Reason, string) {
	for _, line := range c.OrderLines {
		if line.Type == klarna.ReturnFee && (line.UnitPrice >= 0 || line.TotalAmount >= 0) {
			return ReasonInvalid, "order_lines"
		}
	}
	switch {
	case !sumsTo(c.OrderLines, c.Amount):
		return ReasonInvalid, "order_lines"
	case c.Amount > o.CapturedAmount-o.RefundedAmount:
		return ReasonAboveCaptured, ""
	case hasFee(c.OrderLines):
		return o.feeObstacle(o.statusAt(now)), ""
	}
	return "", ""
}

func (o Order) checkLines(c Command) (Reason, string) {
	for _, line := range c.OrderLines {
		gross, err := line.UnitPrice.Mul(line.Quantity)
		if err != nil || gross-line.TotalDiscountAmount != line.TotalAmount || line.Type == klarna.ReturnFee {
			return ReasonInvalid, "order_lines"
		}
	}
	switch {
	case !sumsTo(c.OrderLines, c.Amount):
		return ReasonInvalid, "order_lines"
	case c.Amount < o.CapturedAmount:
		return ReasonBelowCaptured, ""
	case c.Amount > o.OrderAmount:
		return o.raisable(), ""
	}
	return "", ""
}

// checkCaptureID looks for the capture that a command names.
func (o Order) checkCaptureID(c Command, now time.Time) (Reason, string) {
	if reason := o.uncaptured(o.statusAt(now)); reason != "" {
		return reason, ""
	}
	if _, ok := o.Capture(c.CaptureID); !ok {
		return ReasonUnknownCapture, "capture_id"
	}
	return "", ""
}

// Capture returns the order's capture with an ID; false when it has none.
func (o Order) Capture(id string) (ordermanagement.Capture, bool) {
	for _, capture := range o.Captures {
		if strings.EqualFold(capture.CaptureID, id) {
			return capture, true
		}
	}
	return ordermanagement.Capture{}, false
}

// sumsTo reports whether lines, where there are any, make up an amount.
func sumsTo(lines []klarna.OrderLine, amount money.Amount) bool {
	sum, _, err := klarna.Sums(lines)
	return len(lines) == 0 || err == nil && sum == amount
}

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
