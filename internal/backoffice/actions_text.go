package backoffice

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
)

// nbsp joins what must not be torn apart.
const nbsp = "\u00a0"

// amountText writes an amount with two decimals, without its currency:
// "1 103.00", "−49.00".
func amountText(a money.Amount) string {
	sign, digits := "", strconv.FormatInt(int64(a), 10)
	if a < 0 {
		sign, digits = "−", digits[1:]
	}
	digits = strings.Repeat("0", max(0, 3-len(digits))) + digits
	whole, part := digits[:len(digits)-2], digits[len(digits)-2:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + nbsp + whole[i:]
	}
	return sign + whole + "." + part
}

// moneyText is amountText with the currency: "1 103.00 SEK".
func moneyText(a money.Amount, c money.Currency) string { return amountText(a) + nbsp + string(c) }

// dayText writes a day: "18 Dec 2026".
func dayText(t time.Time) string { return t.UTC().Format("2" + nbsp + "Jan" + nbsp + "2006") }

// count writes a number of things: "1 line", "3 lines".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

func sortedNames(v url.Values) []string { return slices.Sorted(maps.Keys(v)) }

// actionNames are what the back office calls the actions, as nouns.
var actionNames = map[order.Action]string{
	order.ActionLines:           "Change of the lines",
	order.ActionReferences:      "Change of the references",
	order.ActionShippingAddress: "Change of the address",
	order.ActionShippingInfo:    "Shipping info",
	order.ActionCapture:         "Capture",
	order.ActionRefund:          "Refund",
	order.ActionCancel:          "Cancel",
	order.ActionRelease:         "Release",
	order.ActionExtend:          "Extend",
	order.ActionSendOut:         "Sending the invoice again",
	order.ActionExtendDueDate:   "Extending the due date",
}

// impossibleText says why an action cannot be done with an order, and what can be
// done instead: "Cancel is not possible: part of this order is captured. Refund
// it instead."
func impossibleText(o order.Order, e *order.ImpossibleError) string {
	return actionNames[e.Action] + " is not possible: " + reasonText(o, e)
}

// reasonText is the reason as the second half of a sentence, with what to do.
func reasonText(o order.Order, e *order.ImpossibleError) string {
	switch e.Reason {
	case order.ReasonCancelled:
		return "this order is cancelled."
	case order.ReasonExpired:
		if o.RefundedAmount < o.CapturedAmount {
			return "this order was not captured in time and has expired. What was captured can be refunded."
		}
		return "this order was not captured in time and has expired. Ask the shopper to order again."
	case order.ReasonClosed:
		return "Klarna has closed this order."
	case order.ReasonFraudPending:
		return "Klarna is still checking this order. Do not send the goods."
	case order.ReasonFraudRejected:
		return "Klarna rejected this order. Do not send the goods."
	case order.ReasonNothingCaptured:
		return nothingCaptured(e.Action)
	case order.ReasonPartCaptured:
		if e.Action == order.ActionRefund {
			return "a return fee needs an order of which nothing remains to be captured. Capture or release the rest first, or refund less."
		}
		return "part of this order is captured. Refund it instead."
	case order.ReasonFullyCaptured:
		if e.Action == order.ActionCancel {
			return "this order is captured. Refund it instead."
		}
		return "all of this order is captured."
	case order.ReasonFullyRefunded:
		return "all that was captured is refunded."
	case order.ReasonAboveRemaining:
		return "the amount is more than the " + moneyText(o.RemainingAuthorizedAmount, o.PurchaseCurrency) + " that remain. Lower the amount."
	case order.ReasonAboveCaptured:
		return "the amount is more than the " + moneyText(o.CapturedAmount-o.RefundedAmount, o.PurchaseCurrency) + " that can be refunded. Lower the amount."
	case order.ReasonBelowCaptured:
		return "the new amount is less than the " + moneyText(o.CapturedAmount, o.PurchaseCurrency) + " that are captured. Refund the difference instead."
	case order.ReasonMethod:
		return methodReason(o, e.Action)
	case order.ReasonMarket:
		return "Klarna does not offer it in " + o.PurchaseCountry + "."
	case order.ReasonSeveralCaptures:
		return "a return fee needs an order that was captured at once. Refund less instead."
	case order.ReasonLimit:
		return "no more time can be had. Capture what remains, or release it."
	case order.ReasonUnknownCapture:
		return "the order has no such capture. Open the order again."
	case order.ReasonPlatform:
		return "Kustom does not offer it."
	case order.ReasonChanged:
		return "it changed meanwhile, and nothing was sent. Look at it, and capture it by itself."
	case order.ReasonNoOrder:
		return "there is no such order."
	case order.ReasonInvalid:
		return "Klarna would not take what was entered. Check the fields."
	}
	return "Klarna would refuse it."
}

func nothingCaptured(a order.Action) string {
	if a == order.ActionRelease {
		return "nothing of this order is captured. Cancel it instead."
	}
	if a == order.ActionRefund {
		return "nothing of this order is captured, so nothing was paid. Cancel it instead."
	}
	return "nothing of this order is captured. Capture it first."
}

// methodReason says what the way to pay cannot do.
func methodReason(o order.Order, a order.Action) string {
	method := o.PaymentMethod.Description
	if method == "" {
		method = "this way to pay"
	}
	if a == order.ActionLines {
		return "the amount cannot be raised with " + method + ". Ask the shopper to order the extra items separately."
	}
	return "it cannot be had with " + method + "."
}
