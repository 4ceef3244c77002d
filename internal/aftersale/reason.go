package aftersale

import (
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Reason is why an action is not possible, of a bounded set.
type Reason string

// The reasons. Source: docs.klarna.com, Order Management API reference.
const (
	ReasonCancelled       Reason = "cancelled"
	ReasonExpired         Reason = "expired"
	ReasonClosed          Reason = "closed"
	ReasonFraudPending    Reason = "fraud_pending"
	ReasonFraudRejected   Reason = "fraud_rejected" // 4 h after the decision; before that a capture overrules it
	ReasonNothingCaptured Reason = "nothing_captured"
	ReasonPartCaptured    Reason = "part_captured"
	ReasonFullyCaptured   Reason = "fully_captured"
	ReasonFullyRefunded   Reason = "fully_refunded"
	ReasonAboveRemaining  Reason = "above_remaining"  // more than may still be captured
	ReasonAboveCaptured   Reason = "above_captured"   // more than was captured and not refunded yet
	ReasonBelowCaptured   Reason = "below_captured"   // the new amount is less than what is captured
	ReasonMethod          Reason = "method"           // the payment method cannot do it
	ReasonMarket          Reason = "market"           // the purchase country cannot
	ReasonSeveralCaptures Reason = "several_captures" // a return fee needs a single one
	ReasonLimit           Reason = "limit"            // no more time can be had
	ReasonUnknownCapture  Reason = "unknown_capture"
	ReasonNothingShipped  Reason = "nothing_shipped"
	ReasonPlatform        Reason = "platform" // Kustom does not offer it
	ReasonErased          Reason = "erased"   // its personal data was erased
	ReasonFree            Reason = "free"     // nothing was to be paid, so Klarna never saw it
	ReasonShipped         Reason = "shipped"  // something of it is on its way
	ReasonStock           Reason = "stock"    // there is less than that of a product
	ReasonInvalid         Reason = "invalid"  // a member is missing, too long, or sums do not fit
	// ReasonChanged, of bulk: the order is no longer what staff ticked, or another
	// command was under way with it.
	ReasonChanged Reason = "changed"
	ReasonNoOrder Reason = "no_order" // of bulk: the book does not have the order
)

// ImpossibleError says that an action is not possible. Klarna was not asked.
type ImpossibleError struct {
	Action order.Action
	Reason Reason
	Field  string // of ReasonInvalid the member, as in the JSON of Command; of ReasonStock the SKU
	Rule   string // of ReasonInvalid: what is wrong with the member, where a limit of Klarna's says it
}

// Error says which action is not possible, and the reason.
func (e *ImpossibleError) Error() string {
	return string(e.Action) + " is not possible: " + string(e.Reason)
}

// ChangedError says that the order is no longer what staff looked at, or that
// another command is under way. Klarna was not asked.
type ChangedError struct {
	Order order.Order
	// Last is the newest entry of the audit; what somebody else did.
	Last order.AuditEntry
	// Running is another command without an answer yet.
	Running *order.Command
}

// Error says that the order has changed.
func (e *ChangedError) Error() string { return "the order has changed meanwhile" }

// Impossible says why the action cannot be done with an order, and what can be
// done instead: "Cancellation is not possible: part of this order is captured.
// Refund it instead."
func (a *Action) Impossible(o order.Order, r Reason) string {
	return a.Because(a.Reason(o, r))
}

// Because is Impossible for a reason in words: the second half of the sentence.
func (a *Action) Because(why string) string {
	return form.UpperFirst(a.Noun) + " is not possible: " + why
}

// Reason is why the action cannot be done, as the second half of a sentence, with
// what to do.
func (a *Action) Reason(o order.Order, r Reason) string {
	if a.Why != nil {
		if text := a.Why(o, r); text != "" {
			return text
		}
	}
	return reasonText(o, r)
}

// reasonText is a reason in the words of all actions.
func reasonText(o order.Order, r Reason) string {
	switch r {
	case ReasonCancelled:
		return "this order is cancelled."
	case ReasonExpired:
		if o.RefundedAmount < o.CapturedAmount {
			return "this order was not captured in time and has expired. What was captured can be refunded."
		}
		return "this order was not captured in time and has expired. Ask the shopper to order again."
	case ReasonClosed:
		return "Klarna has closed this order."
	case ReasonFraudPending:
		return "Klarna is still checking this order. Do not send the goods."
	case ReasonFraudRejected:
		return "Klarna rejected this order. Do not send the goods."
	case ReasonNothingCaptured:
		return "nothing of this order is captured. Capture it first."
	case ReasonPartCaptured:
		return "part of this order is captured. Refund it instead."
	case ReasonFullyCaptured:
		if released := o.Released(); released > 0 {
			return "what was not captured, " + form.Money(released, o.PurchaseCurrency) + ", was released."
		}
		return "all of this order is captured."
	case ReasonFullyRefunded:
		return "all that was captured is refunded."
	case ReasonAboveRemaining:
		return "the amount is more than the " + form.Money(o.RemainingAuthorizedAmount, o.PurchaseCurrency) + " that remain. Lower the amount."
	case ReasonAboveCaptured:
		return "the amount is more than the " + form.Money(max(refundable(o), 0), o.PurchaseCurrency) + " that can be refunded. Lower the amount."
	case ReasonBelowCaptured:
		return "the new amount is less than the " + form.Money(o.CapturedAmount, o.PurchaseCurrency) + " that are captured. Refund the difference instead."
	case ReasonMethod:
		return "it cannot be had with " + methodOf(o, "this way to pay") + "."
	case ReasonMarket:
		return "Klarna does not offer it in " + o.PurchaseCountry + "."
	case ReasonSeveralCaptures:
		return "a return fee needs an order that was captured at once. Refund less instead."
	case ReasonLimit:
		return "no more time can be had. Capture what remains, or release it."
	case ReasonUnknownCapture:
		return "the order has no such capture. Open the order again."
	case ReasonNothingShipped:
		return "nothing of this order is on its way yet. Add shipping info first."
	case ReasonPlatform:
		return "Kustom does not offer it."
	case ReasonErased:
		return "its personal data was erased."
	case ReasonFree:
		return "nothing was to be paid for this order, so Klarna never saw it."
	case ReasonShipped:
		return "something of this order is on its way."
	case ReasonStock:
		return "there is less than that in stock. Lower it, or sell it all the same."
	case ReasonChanged:
		return "it changed meanwhile, and nothing was sent. Look at it, and do it by itself."
	case ReasonNoOrder:
		return "there is no such order."
	case ReasonInvalid:
		return "Klarna would not take what was entered. Check the fields."
	}
	return "Klarna would refuse it."
}

// methodOf is how the order is paid, as Klarna calls it; else other.
func methodOf(o order.Order, other string) string {
	if o.PaymentMethod.Description == "" {
		return other
	}
	return o.PaymentMethod.Description
}

// ended is why nothing can be authorized any more, "" while it can.
func ended(status ordermanagement.Status) Reason {
	switch status {
	case ordermanagement.Captured:
		return ReasonFullyCaptured
	case ordermanagement.Cancelled:
		return ReasonCancelled
	case ordermanagement.Expired:
		return ReasonExpired
	case ordermanagement.Closed:
		return ReasonClosed
	case ordermanagement.Authorized, ordermanagement.PartCaptured:
	}
	return ""
}

// open is Possible of what needs an order of which something is authorized.
func open(s State) Reason { return ended(s.Status) }

// uncaptured is why there is no capture that something could be done with.
func uncaptured(s State) Reason {
	switch {
	case s.Status == ordermanagement.Cancelled:
		return ReasonCancelled
	case len(s.Order.Captures) == 0:
		return ReasonNothingCaptured
	}
	return ""
}
