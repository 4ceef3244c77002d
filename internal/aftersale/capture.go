package aftersale

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Capture takes the money for what is sent.
var Capture = &Action{
	Name: "capture", Slug: "capture", Needs: permission.Fulfil, Title: "Capture", Busy: "Capturing…", Noun: "capture", Did: "captured", Try: "capture",
	Offer: func(o order.Order) string {
		return "Capture " + form.Money(o.Remaining(), o.PurchaseCurrency)
	},
	Result: func(o order.Order, e order.AuditEntry) (title, body string) {
		return "Captured " + form.Money(e.Amount, o.PurchaseCurrency) + ".", form.Amount(o.RemainingAuthorizedAmount) + " remains."
	},
	Refused: func(o order.Order, e order.AuditEntry) string {
		if e.Code == "CAPTURE_NOT_ALLOWED" && e.Amount > o.RemainingAuthorizedAmount {
			return reasonText(o, ReasonAboveRemaining)
		}
		return ""
	},
	Possible: capturePossible, Limits: func(_ order.Order, c order.Command) error { return captureRequest(c).Check() }, Check: captureCheck,
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (string, klarna.Answer, error) {
		return m.Capture(ctx, o.OrderID, captureRequest(c), c.Key)
	},
	Apply: captureApply, Makes: captures,
	Own: func(_ market.List, o *order.Order, c order.Command, e order.AuditEntry) {
		if e.ID != "" { // else it is found with its capture
			o.Ship(c.Shipments, e.ID, e.At)
		}
	},
	Defaults: captureDefaults, Form: captureForm, Parse: captureParse, Confirm: captureConfirm,
	All: func(o order.Order) (c order.Command) {
		c.OrderLines, c.Amount = o.Rest()
		return c
	},
	AllTitle: "Capture", AllBody: "All that remains of each. It cannot be undone, only refunded.",
}

// overrideTime is how long a capture overrules a rejected order. Then Klarna
// cancels it. Source: docs.klarna.com, Pending orders.
const overrideTime = 4 * time.Hour

// capturePossible: nothing is captured while the risk is being checked. A
// rejected order may be for some hours, at the merchant's risk.
// Source: docs.klarna.com, Pending orders.
func capturePossible(s State) Reason {
	if reason := ended(s.Status); reason != "" {
		return reason
	}
	o := s.Order
	switch o.FraudStatus {
	case ordermanagement.FraudPending:
		return ReasonFraudPending
	case ordermanagement.FraudRejected:
		decided := o.FraudStatusAt
		if decided.IsZero() {
			decided = o.PlacedAt
		}
		if !s.Now.Before(decided.Add(overrideTime)) {
			return ReasonFraudRejected
		}
	case ordermanagement.FraudAccepted:
	}
	if o.Followed() && o.RemainingAuthorizedAmount <= 0 {
		return ReasonAboveRemaining
	}
	return ""
}

func captureCheck(s State, c order.Command) (Reason, string) {
	switch {
	case !order.SumsTo(c.OrderLines, c.Amount), hasFee(c.OrderLines):
		return ReasonInvalid, "order_lines"
	case c.Amount > s.Order.RemainingAuthorizedAmount:
		return ReasonAboveRemaining, ""
	}
	return checkShipments(s.Order, c)
}

func captureRequest(c order.Command) ordermanagement.CaptureRequest {
	return ordermanagement.CaptureRequest{
		CapturedAmount: c.Amount, Description: c.Description, Reference: c.Reference,
		OrderLines: c.OrderLines, ShippingInfo: order.Infos(c.Shipments),
	}
}

func captureApply(o *order.Order, c order.Command, e order.AuditEntry) {
	o.Captures = append(slices.Clip(o.Captures), ordermanagement.Capture{
		CaptureID: e.ID, KlarnaReference: fmt.Sprintf("%s-%d", o.KlarnaReference, len(o.Captures)+1),
		CapturedAmount: c.Amount, CapturedAt: ordermanagement.Time{Time: e.At}, Description: c.Description, Reference: c.Reference,
		OrderLines: c.OrderLines, ShippingInfo: order.Infos(c.Shipments),
	})
	o.CapturedAmount += c.Amount
	o.RemainingAuthorizedAmount -= c.Amount
	o.Follow()
}

func captures(sold ordermanagement.Order) []Made {
	all := make([]Made, len(sold.Captures))
	for i, x := range sold.Captures {
		all[i] = Made{x.CaptureID, x.CapturedAmount, &x.Reference, x.CapturedAt.Time}
	}
	return all
}

func captureDefaults(d *Draft) {
	d.Values.Set("what", whatAll)
	d.setQuantities(d.Order.Uncaptured(), func(l klarna.OrderLine) int64 { return l.Quantity })
}

func captureParse(d *Draft) {
	c := &d.Command
	c.Amount, c.OrderLines = d.chosen(d.Order.Uncaptured(), d.Order.TakeUncaptured, d.Order.Rest, true)
	c.Shipments = d.captured(d.parcel(false))
	c.Description = d.text("description", "The description", maxNote)
	c.Reference = d.text("reference", "The reference", maxNote)
}

func captureForm(d *Draft, f *form.Form) {
	o := d.Order
	left := o.Uncaptured()
	options := []form.Option{{Value: whatAll, Label: "All that remains, " + form.Money(o.RemainingAuthorizedAmount, o.PurchaseCurrency)}}
	if len(left) > 0 {
		options = append(options, form.Option{Value: whatLines, Label: "These quantities"})
		f.Lines = form.NewTable("Lines that are not captured", string(o.PurchaseCurrency), "Left", d.takenLines(left, false))
	}
	f.Choice = d.choice("What to capture", options)
	f.Sum = d.sumShown(left, d.sum("To capture:", o.RemainingAuthorizedAmount, ""))
	f.Groups = append(f.Groups, d.parcelGroup("Shipping info", "Leave it empty when nothing is sent, or add it later."), d.noteGroup())
	if until := openUntil(o); until != "" {
		f.Intro = append(f.Intro, "What is not captured stays authorized"+until+".")
	}
}

func captureConfirm(d *Draft, q *form.Question) {
	o, amount := d.Order, d.Command.Amount
	rest := o.RemainingAuthorizedAmount - amount
	q.Ask = "Capture " + form.Money(amount, o.PurchaseCurrency) + "?"
	q.Button = "Capture " + form.Money(amount, o.PurchaseCurrency)
	q.Body = append(q.Body, d.share(o.Uncaptured()))
	if rest > 0 {
		q.Body = append(q.Body, form.Money(rest, o.PurchaseCurrency)+" stays authorized"+openUntil(o)+".")
	}
	q.Body = append(append(q.Body, d.parcelText()...), "It cannot be undone, only refunded.")
	q.Facts = []form.Fact{
		{Name: "Captured", Before: form.Amount(o.CapturedAmount), After: form.Amount(o.CapturedAmount + amount)},
		{Name: "Remaining", Before: form.Amount(o.RemainingAuthorizedAmount), After: form.Amount(rest)},
	}
	q.Caption, q.Items = "What is captured", confirmItems(d.Command.OrderLines)
}
