package order

import (
	"slices"
	"time"

	"github.com/shopd/shopd/internal/ordermanagement"
)

// What Klarna allows to be done with an order in which state: asked before
// Klarna is, so that staff see a reason instead of a refusal. Cells that are
// not documented are left to Klarna.
// Source: docs.klarna.com, Order Management API reference.

// overrideTime is how long a capture overrules a rejected order. Then Klarna
// cancels it. Source: docs.klarna.com, Pending orders.
const overrideTime = 4 * time.Hour

// anyPlatform are the rules of whichever platform allows more.
var anyPlatform = ordermanagement.Rules{
	DueDates: true, SendOut: true, ExtendDays: 180, RefundExpired: true, RefundClosed: true,
}

// Possible returns nil when an action can be done with the order in its state
// at now, on one platform at least, else an *ImpossibleError: a button or a
// sentence. What the command says (amounts, lines, which capture) is for
// Book.Check, and what the platform has for Book.Possible.
func (o Order) Possible(a Action, now time.Time) error {
	return o.possible(a, now, anyPlatform)
}

// Possible is Order.Possible by the rules of the platform that the book talks to.
func (b *Book) Possible(o Order, a Action, now time.Time) error {
	return o.possible(a, now, b.Management.Platform().Rules())
}

func (o Order) possible(a Action, now time.Time, rules ordermanagement.Rules) error {
	switch reason := o.obstacle(a, now, rules); reason {
	case "":
		return nil
	case ReasonInvalid:
		return &ImpossibleError{Action: a, Reason: reason, Field: "action"}
	default:
		return &ImpossibleError{Action: a, Reason: reason}
	}
}

// obstacle is why an action is not possible, "" when it is.
func (o Order) obstacle(a Action, now time.Time, rules ordermanagement.Rules) Reason {
	status := o.statusAt(now)
	switch a {
	case ActionLines, ActionShippingAddress:
		return ended(status)
	case ActionReferences:
		if status == ordermanagement.Cancelled {
			return ReasonCancelled
		}
		return ""
	case ActionShippingInfo:
		return "" // of the order as a whole Klarna always takes it
	case ActionCapture:
		return o.captureObstacle(status, now)
	case ActionRefund:
		return o.refundObstacle(status, rules)
	case ActionCancel:
		if status == ordermanagement.PartCaptured {
			return ReasonPartCaptured
		}
		return ended(status)
	case ActionRelease:
		if status == ordermanagement.Authorized {
			return ReasonNothingCaptured
		}
		return ended(status)
	case ActionExtend:
		if reason := ended(status); reason != "" {
			return reason
		}
		return o.extendObstacle(rules)
	case ActionSendOut:
		if !rules.SendOut {
			return ReasonPlatform
		}
		return o.uncaptured(status)
	case ActionExtendDueDate:
		return o.dueDateObstacle(status, rules)
	}
	return ReasonInvalid
}

// statusAt is the status at now: an order whose time is over has expired, also
// when Klarna has not been asked since.
func (o Order) statusAt(now time.Time) ordermanagement.Status {
	open := o.Status == ordermanagement.Authorized || o.Status == ordermanagement.PartCaptured
	over := !o.ExpiresAt.IsZero() && !now.Before(o.ExpiresAt)
	if open && over && (o.RemainingAuthorizedAmount > 0 || !o.followed()) {
		return ordermanagement.Expired
	}
	return o.Status
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

// captureObstacle: nothing is captured while the risk is being checked. A
// rejected order may be for some hours, at the merchant's risk.
// Source: docs.klarna.com, Pending orders.
func (o Order) captureObstacle(status ordermanagement.Status, now time.Time) Reason {
	if reason := ended(status); reason != "" {
		return reason
	}
	switch o.FraudStatus {
	case ordermanagement.FraudPending:
		return ReasonFraudPending
	case ordermanagement.FraudRejected:
		decided := o.FraudStatusAt
		if decided.IsZero() {
			decided = o.PlacedAt
		}
		if !now.Before(decided.Add(overrideTime)) {
			return ReasonFraudRejected
		}
	case ordermanagement.FraudAccepted:
	}
	if o.followed() && o.RemainingAuthorizedAmount <= 0 {
		return ReasonAboveRemaining
	}
	return ""
}

// refundObstacle: only what was captured can be refunded, once.
// Source: docs.klarna.com, Refund orders and manage authorizations; docs.kustom.co,
// Order management (expired and closed orders).
func (o Order) refundObstacle(status ordermanagement.Status, rules ordermanagement.Rules) Reason {
	switch {
	case status == ordermanagement.Cancelled:
		return ReasonCancelled
	case status == ordermanagement.Expired && (!rules.RefundExpired || o.CapturedAmount == 0):
		return ReasonExpired
	case o.CapturedAmount == 0:
		return ReasonNothingCaptured
	case o.RefundedAmount >= o.CapturedAmount:
		return ReasonFullyRefunded
	case status == ordermanagement.Closed && !rules.RefundClosed:
		return ReasonClosed
	}
	return ""
}

// extendObstacle: some ways to pay cannot be extended, and no order for ever.
// Source: docs.klarna.com, Extended authorization expiration; docs.kustom.co,
// Order management.
func (o Order) extendObstacle(rules ordermanagement.Rules) Reason {
	method := o.PaymentMethod.Type
	latest := o.PlacedAt.UTC().Truncate(24*time.Hour).AddDate(0, 0, rules.ExtendDays)
	switch {
	case method == "CARD" || method == "PAY_BY_CARD" || method == "FIXED_SUM_CREDIT" && o.PurchaseCountry == "US":
		return ReasonMethod
	case slices.Contains(rules.ExtendNotBy, method):
		return ReasonMethod
	case slices.Contains(rules.ExtendNotIn, o.PurchaseCountry):
		return ReasonMarket
	case o.PlacedAt.Before(rules.ExtendSince):
		return ReasonPlatform
	case !o.ExpiresAt.Before(latest):
		return ReasonLimit
	}
	return ""
}

// dueDateObstacle: only who pays later has a due date.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (o Order) dueDateObstacle(status ordermanagement.Status, rules ordermanagement.Rules) Reason {
	if !rules.DueDates {
		return ReasonPlatform
	}
	if reason := o.uncaptured(status); reason != "" {
		return reason
	}
	if !slices.Contains([]string{"INVOICE", "INVOICE_BUSINESS", "PAY_LATER_BY_CARD"}, o.PaymentMethod.Type) {
		return ReasonMethod
	}
	return ""
}

// uncaptured is why there is no capture that something could be done with.
func (o Order) uncaptured(status ordermanagement.Status) Reason {
	switch {
	case status == ordermanagement.Cancelled:
		return ReasonCancelled
	case len(o.Captures) == 0:
		return ReasonNothingCaptured
	}
	return ""
}

// raisable is why the order's amount cannot be raised, "" when payment method
// and market allow it. What Klarna calls the methods differs from API to API.
// Source: docs.klarna.com, View and change orders.
func (o Order) raisable() Reason {
	switch o.PaymentMethod.Type {
	case "INVOICE", "INVOICE_BUSINESS", "B2B_INVOICE", "ACCOUNT", "BASE_ACCOUNT", "DIRECT_DEBIT":
		if o.PurchaseCountry == "CH" {
			return ReasonMarket
		}
		return ""
	case "FIXED_AMOUNT":
		if !slices.Contains([]string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"}, o.PurchaseCountry) {
			return ReasonMarket
		}
		return ""
	}
	return ReasonMethod
}

// feeObstacle is why a return fee cannot be charged, "" when it can: of an
// order that was captured at once, in some markets.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (o Order) feeObstacle(status ordermanagement.Status) Reason {
	switch {
	case len(o.Captures) > 1:
		return ReasonSeveralCaptures
	case status == ordermanagement.PartCaptured:
		return ReasonPartCaptured
	case status == ordermanagement.Expired:
		return ReasonExpired
	case !slices.Contains(returnFeeMarkets, o.PurchaseCountry):
		return ReasonMarket
	}
	return ""
}

var returnFeeMarkets = []string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE", "IT", "ES", "IE", "PT", "CZ", "AU", "GR"}
