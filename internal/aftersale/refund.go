package aftersale

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Refund gives money back that was captured.
var Refund = &Action{
	Name: "refund", Slug: "refund", Needs: permission.Refund, Title: "Refund", Busy: "Refunding…", Noun: "refund", Did: "refunded", Try: "refund",
	Why: func(_ order.Order, r Reason) string {
		switch r { //nolint:exhaustive // the others are as for all actions
		case ReasonPartCaptured:
			return "a return fee needs an order of which nothing remains to be captured. Capture or release the rest first, or refund less."
		case ReasonNothingCaptured:
			return "nothing of this order is captured, so nothing was paid. Cancel it instead."
		}
		return ""
	},
	Result: func(o order.Order, e order.AuditEntry) (title, body string) {
		return "Refunded " + form.Money(e.Amount, o.PurchaseCurrency) + ".", form.Amount(refundable(o)) + " can still be refunded."
	},
	Refused: func(o order.Order, e order.AuditEntry) string {
		if e.Code == "REFUND_NOT_ALLOWED" && e.Amount > refundable(o) {
			return reasonText(o, ReasonAboveCaptured)
		}
		return ""
	},
	Possible: refundPossible, Limits: func(_ order.Order, c order.Command) error { return refundRequest(c).Check() }, Check: refundCheck,
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (string, klarna.Answer, error) {
		return m.Refund(ctx, o.OrderID, refundRequest(c), c.Key)
	},
	Apply: func(o *order.Order, c order.Command, e order.AuditEntry) {
		o.Refunds = append(slices.Clip(o.Refunds), ordermanagement.Refund{
			RefundID: e.ID, RefundedAmount: c.Amount, RefundedAt: ordermanagement.Time{Time: e.At},
			Description: c.Description, Reference: c.Reference, OrderLines: c.OrderLines,
		})
		o.RefundedAmount += c.Amount
	},
	Own: func(_ market.List, o *order.Order, c order.Command, e order.AuditEntry) {
		if c.Restock {
			o.PutBack(e.ID, c.OrderLines)
		}
	},
	Makes: func(sold ordermanagement.Order) []Made {
		all := make([]Made, len(sold.Refunds))
		for i, x := range sold.Refunds {
			all[i] = Made{ID: x.RefundID, Amount: x.RefundedAmount, At: x.RefundedAt.Time}
			if x.Reference != "" { // Klarna was recorded without
				all[i].Reference = &x.Reference
			}
		}
		return all
	},
	Defaults: refundDefaults, Form: refundForm, Parse: refundParse, Confirm: refundConfirm,
	Blame: func(d *Draft, e *ImpossibleError, text string) bool {
		of := slices.Contains([]Reason{ReasonPartCaptured, ReasonExpired, ReasonMarket, ReasonSeveralCaptures}, e.Reason)
		if of && d.Values.Get("fee") != "" {
			d.failField("fee", text)
			return true
		}
		return false
	},
}

// refundPossible: only what was captured can be refunded, once.
// Source: docs.klarna.com, Refund orders and manage authorizations; docs.kustom.co,
// Order management (expired and closed orders).
func refundPossible(s State) Reason {
	o := s.Order
	switch {
	case s.Status == ordermanagement.Cancelled:
		return ReasonCancelled
	case s.Status == ordermanagement.Expired && (!s.Rules.RefundExpired || o.CapturedAmount == 0):
		return ReasonExpired
	case o.CapturedAmount == 0:
		return ReasonNothingCaptured
	case o.RefundedAmount >= o.CapturedAmount:
		return ReasonFullyRefunded
	case s.Status == ordermanagement.Closed && !s.Rules.RefundClosed:
		return ReasonClosed
	}
	return ""
}

// refundCheck: with a return fee the lines must make up the amount; without one
// Klarna does not ask, but finds the capture of a refund only when they do.
// Source: docs.klarna.com, Refund allocation.
func refundCheck(s State, c order.Command) (Reason, string) {
	for _, line := range c.OrderLines {
		if line.Type == klarna.ReturnFee && (line.UnitPrice >= 0 || line.TotalAmount >= 0) {
			return ReasonInvalid, "order_lines"
		}
	}
	switch {
	case !order.SumsTo(c.OrderLines, c.Amount):
		return ReasonInvalid, "order_lines"
	case c.Restock && len(order.Goods(c.OrderLines)) == 0:
		return ReasonInvalid, "restock"
	case c.Amount > refundable(s.Order):
		return ReasonAboveCaptured, ""
	case hasFee(c.OrderLines):
		return feeObstacle(s.Order, s.Status), ""
	}
	return "", ""
}

// feeObstacle is why a return fee cannot be charged, "" when it can: of an
// order that was captured at once, in some markets.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func feeObstacle(o order.Order, status ordermanagement.Status) Reason {
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

func refundRequest(c order.Command) ordermanagement.RefundRequest {
	return ordermanagement.RefundRequest{
		RefundedAmount: c.Amount, Description: c.Description, Reference: c.Reference, OrderLines: c.OrderLines,
	}
}

func refundDefaults(d *Draft) {
	d.Values.Set("what", whatLines)
	lines := d.Order.Refundable()
	if len(lines) == 0 {
		d.Values.Set("what", whatAmount)
	}
	names := quantityFields(lines)
	for i, n := range d.Order.ToRefund() {
		if d.Values.Set(names[i], strconv.FormatInt(n, 10)); n > 0 && lines[i].IsGoods() {
			d.Values.Set("restock", "1")
		}
	}
}

func refundParse(d *Draft) {
	c := &d.Command
	typed, fee := !d.nothing("amount"), d.fee()
	if d.Values.Get("what") == whatAmount {
		if _, _, none := d.taken(d.Order.Refundable()); !none {
			d.failField("what", "You entered quantities. Choose “These quantities”, or clear them.")
		}
		if fee != 0 {
			d.failField("fee", "A return fee is taken off lines. Refund a lower amount instead.")
		}
		c.Amount = d.amount("amount", "The amount")
	} else {
		if typed {
			d.failField("what", "You entered an amount. Choose it, or clear the amount.")
		}
		c.Amount, c.OrderLines = d.chosen(d.Order.Refundable(), d.Order.TakeRefundable, d.Order.RestToRefund, false)
		d.takeFee(fee)
	}
	c.Description = d.text("description", "The description", maxNote)
	c.Reference = d.text("reference", "The reference", maxNote)
	if c.Restock = d.ticked("restock"); c.Restock && len(c.OrderLines) == 0 {
		d.failField("restock", "Nobody knows which items that would be. Refund quantities, or count them in on the page of the stock.")
	}
}

// nothing reports whether a field of an amount is empty, or 0 was typed.
func (d *Draft) nothing(name string) bool {
	text := strings.TrimSpace(d.Values.Get(name))
	amount, ok := money.ParseDecimal(text)
	return text == "" || ok && amount == 0
}

// fee is the return fee that was typed, 0 for none.
func (d *Draft) fee() money.Amount {
	if d.nothing("fee") {
		return 0
	}
	return d.amount("fee", "The return fee")
}

// takeFee takes the return fee off what is refunded, as a line of its own.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (d *Draft) takeFee(fee money.Amount) {
	c := &d.Command
	switch {
	case fee == 0 || len(d.Errors) > 0:
		return
	case len(c.OrderLines) == 0:
		d.failField("fee", "A return fee is taken off lines, and Klarna does not know which were captured. Refund a lower amount instead.")
		return
	case fee >= c.Amount:
		d.failField("fee", "The return fee must be less than the "+form.Money(c.Amount, d.Order.PurchaseCurrency)+" that are refunded.")
		return
	}
	rate := d.delivery().Rate(market.Standard)
	tax, err := rate.Included(-fee)
	wire, fits := klarna.RateOf(rate)
	if err != nil || fits != nil {
		d.failField("fee", "The tax of the return fee cannot be computed.")
		return
	}
	c.Amount -= fee
	c.OrderLines = append(c.OrderLines, klarna.OrderLine{
		Type: klarna.ReturnFee, Reference: "return-fee", Name: d.voice().T("line.return_fee"), Quantity: 1,
		UnitPrice: -fee, TaxRate: wire, TotalAmount: -fee, TotalTaxAmount: tax,
	})
}

// delivery is where the order goes, which decides on its taxes.
func (d *Draft) delivery() market.Delivery {
	return deliveryTo(d.markets(), d.Order, d.Order.ShippingAddress)
}

// deliveryTo is the delivery of an order to an address.
func deliveryTo(markets market.List, o order.Order, address klarna.Address) market.Delivery {
	m, _ := markets.Lookup(o.PurchaseCountry)
	to, served := m.DeliveryTo(address.Country, address.PostalCode)
	if !served {
		to, _ = m.DeliveryTo("", address.PostalCode)
	}
	return to
}

func refundForm(d *Draft, f *form.Form) {
	o := d.Order
	lines := o.Refundable()
	options := []form.Option{{Value: whatAll, Label: "All that was captured, " + form.Money(refundable(d.Order), o.PurchaseCurrency)}}
	if len(lines) > 0 {
		these := form.Option{Value: whatLines, Label: "These quantities"}
		if o.Flagged(order.WithdrawalRequested) {
			these.Hint = "What the consumer has withdrawn from is entered."
		}
		options = append(options, these)
		f.Lines = form.NewTable("Lines that are captured and not refunded", string(o.PurchaseCurrency), "Captured", d.takenLines(lines, true))
	}
	options = append(options, form.Option{Value: whatAmount, Label: "An amount", Hint: "Klarna then does not know which lines it is for."})
	f.Choice = d.choice("What to refund", options)
	amounts := form.Group{Title: "Amounts", Inputs: []form.Input{
		d.input(form.Input{Name: "amount", Label: "Amount in " + string(o.PurchaseCurrency), Hint: "Only when an amount is refunded.", Kind: "decimal", Class: "short"}),
	}}
	minus := ""
	if reason := feeObstacle(o, statusAt(o, time.Now())); reason != "" {
		amounts.Hint = "No return fee can be kept: " + d.Action.Reason(o, reason)
	} else {
		minus = "fee"
		amounts.Inputs = append(amounts.Inputs,
			d.input(form.Input{Name: "fee", Label: "Return fee in " + string(o.PurchaseCurrency), Hint: "Taken off what is refunded for lines. Leave it empty for none.", Kind: "decimal", Class: "short"}))
	}
	f.Groups = append(f.Groups, amounts, d.noteGroup())
	if len(lines) > 0 {
		f.Checks = append(f.Checks, d.check(form.Check{Name: "restock", Label: "Put the items back in stock", Hint: "They are here again and can be sold."}))
	}
	f.Sum = d.sumShown(lines, d.sum("To refund:", refundable(d.Order), minus))
}

func refundConfirm(d *Draft, q *form.Question) {
	o, amount := d.Order, d.Command.Amount
	q.Ask = "Refund " + form.Money(amount, o.PurchaseCurrency) + "?"
	q.Button = "Refund " + form.Money(amount, o.PurchaseCurrency)
	q.Body = append(q.Body, "The shopper gets it back the way they paid. It cannot be undone.")
	if len(d.Command.OrderLines) == 0 {
		q.Body = append(q.Body, "An amount, not for particular lines.")
	}
	if d.Command.Restock {
		q.Body = append(q.Body, "The items go back in stock.")
	}
	q.Facts = []form.Fact{
		{Name: "Refunded", Before: form.Amount(o.RefundedAmount), After: form.Amount(o.RefundedAmount + amount)},
		{Name: "Can still be refunded", Before: form.Amount(refundable(d.Order)), After: form.Amount(refundable(d.Order) - amount)},
	}
	q.Caption, q.Items = "What is refunded", confirmItems(d.Command.OrderLines)
	q.Danger = true
}
