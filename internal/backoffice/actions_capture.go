package backoffice

import (
	"errors"
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// The choices of what is captured or refunded.
const (
	whatAll    = "all"
	whatLines  = "lines"
	whatAmount = "amount"
)

func captureDefaults(d *draft) {
	d.values.Set("what", whatAll)
	d.setQuantities(d.order.Uncaptured(), func(l klarna.OrderLine) int64 { return l.Quantity })
}

func captureParse(d *draft) {
	c := &d.command
	c.Amount, c.OrderLines = d.chosen(d.order.Uncaptured(), d.order.RemainingAuthorizedAmount, true)
	c.ShippingInfo = d.parcel(false)
	c.Description = d.text("description", "The description", maxNote)
	c.Reference = d.text("reference", "The reference", maxNote)
}

// chosen are the amount and the lines of what was chosen: all of them, which
// come to remaining, or quantities of some. The lines are nil where all of them
// do not sum up to what remains: an earlier part had none, or another amount.
func (d *draft) chosen(lines []klarna.OrderLine, remaining money.Amount, prefilled bool) (money.Amount, []klarna.OrderLine) {
	quantities, all, none := d.taken(lines)
	switch d.values.Get("what") {
	case whatAll:
		if untouched := all || none && !prefilled; !untouched {
			d.failField("what", "You entered quantities. Choose “These quantities”, or clear them.")
		}
		for i, line := range lines {
			quantities[i] = line.Quantity
		}
		taken, amount, err := order.Take(lines, quantities)
		if err != nil || amount != remaining {
			return remaining, nil
		}
		return amount, taken
	case whatLines:
		taken, amount, err := order.Take(lines, quantities)
		switch {
		case len(d.errors) > 0:
		case none:
			d.failField("what", "Enter a quantity of at least one line.")
		case err != nil || amount <= 0:
			d.failField("what", "The lines come to "+moneyText(amount, d.order.PurchaseCurrency)+". Choose lines that come to more than nothing.")
		}
		return amount, taken
	}
	d.failField("what", "Choose what to capture or refund.")
	return 0, nil
}

func captureForm(d *draft, v *templates.ActionFormView) {
	o := d.order
	left := o.Uncaptured()
	options := []templates.Option{{Value: whatAll, Label: "All that remains, " + moneyText(o.RemainingAuthorizedAmount, o.PurchaseCurrency)}}
	if len(left) > 0 {
		options = append(options, templates.Option{Value: whatLines, Label: "These quantities"})
		v.Lines = templates.NewQuantityTable("Lines that are not captured", string(o.PurchaseCurrency), "Left", d.takenLines(left))
	}
	v.Choice = d.choice("What to capture", options)
	v.Sum = d.sum("To capture:", o.RemainingAuthorizedAmount, "")
	v.Groups = append(v.Groups, d.parcelGroup("Shipping info", "Leave it empty when nothing is sent, or add it later."), d.noteGroup())
	if until := openUntil(o); until != "" {
		v.Intro = append(v.Intro, "What is not captured stays authorized"+until+".")
	}
}

func captureConfirm(d *draft, v *templates.ActionConfirmView) {
	o, amount := d.order, d.command.Amount
	rest := o.RemainingAuthorizedAmount - amount
	v.Question = "Capture " + moneyText(amount, o.PurchaseCurrency) + "?"
	v.Button = "Capture " + moneyText(amount, o.PurchaseCurrency)
	v.Body = append(v.Body, d.share(o.Uncaptured()))
	if rest > 0 {
		v.Body = append(v.Body, moneyText(rest, o.PurchaseCurrency)+" stays authorized"+openUntil(o)+".")
	}
	v.Body = append(append(v.Body, parcelText(d.command)...), "It cannot be undone, only refunded.")
	v.Facts = []templates.Fact{
		{Name: "Captured", Before: amountText(o.CapturedAmount), After: amountText(o.CapturedAmount + amount)},
		{Name: "Remaining", Before: amountText(o.RemainingAuthorizedAmount), After: amountText(rest)},
	}
	v.Caption, v.Items = "What is captured", confirmItems(d.command.OrderLines)
}

// share says how many of the lines it is about: "3 of 4 lines."
func (d *draft) share(lines []klarna.OrderLine) string {
	whole := 0
	for _, taken := range d.command.OrderLines {
		for _, line := range lines {
			if taken.Type == line.Type && taken.Reference == line.Reference && taken.Quantity == line.Quantity {
				whole++
				break
			}
		}
	}
	n := len(d.command.OrderLines)
	switch {
	case n == 0:
		return "An amount, not for particular lines."
	case n == len(lines) && whole == n:
		return "All " + count(n, "line") + "."
	case whole < n:
		return strconv.Itoa(n) + " of " + count(len(lines), "line") + ", not all of each."
	}
	return strconv.Itoa(n) + " of " + count(len(lines), "line") + "."
}

func refundDefaults(d *draft) {
	d.values.Set("what", whatLines)
	lines := d.order.Refundable()
	if len(lines) == 0 {
		d.values.Set("what", whatAmount)
	}
	d.setQuantities(lines, func(klarna.OrderLine) int64 { return 0 })
}

func refundParse(d *draft) {
	c := &d.command
	typed, fee := d.values.Get("amount") != "", d.fee()
	if d.values.Get("what") == whatAmount {
		if _, _, none := d.taken(d.order.Refundable()); !none {
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
		c.Amount, c.OrderLines = d.chosen(d.order.Refundable(), d.refundable(), false)
		d.takeFee(fee)
	}
	c.Description = d.text("description", "The description", maxNote)
	c.Reference = d.text("reference", "The reference", maxNote)
}

// refundable is what was captured and not refunded.
func (d *draft) refundable() money.Amount { return d.order.CapturedAmount - d.order.RefundedAmount }

// fee is the return fee that was typed, 0 for none.
func (d *draft) fee() money.Amount {
	if d.values.Get("fee") == "" {
		return 0
	}
	return d.amount("fee", "The return fee")
}

// takeFee takes the return fee off what is refunded, as a line of its own.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (d *draft) takeFee(fee money.Amount) {
	c := &d.command
	switch {
	case fee == 0 || len(d.errors) > 0:
		return
	case len(c.OrderLines) == 0:
		d.failField("fee", "A return fee is taken off lines, and Klarna does not know which were captured. Refund a lower amount instead.")
		return
	case fee >= c.Amount:
		d.failField("fee", "The return fee must be less than the "+moneyText(c.Amount, d.order.PurchaseCurrency)+" that are refunded.")
		return
	}
	rate := d.delivery().Rate(market.Standard)
	tax, err := rate.Included(-fee)
	if err != nil {
		d.failField("fee", "The tax of the return fee cannot be computed.")
		return
	}
	c.Amount -= fee
	c.OrderLines = append(c.OrderLines, klarna.OrderLine{
		Type: klarna.ReturnFee, Reference: "return-fee", Name: "Return fee", Quantity: 1,
		UnitPrice: -fee, TaxRate: rate, TotalAmount: -fee, TotalTaxAmount: tax,
	})
}

// delivery is where the order goes, which decides on its taxes.
func (d *draft) delivery() market.Delivery {
	m, _ := market.Lookup(d.order.PurchaseCountry)
	to, served := m.DeliveryTo(d.order.ShippingAddress.Country)
	if !served {
		to, _ = m.DeliveryTo("")
	}
	return to
}

func refundForm(d *draft, v *templates.ActionFormView) {
	o := d.order
	lines := o.Refundable()
	options := []templates.Option{{Value: whatAll, Label: "All that was captured, " + moneyText(d.refundable(), o.PurchaseCurrency)}}
	if len(lines) > 0 {
		options = append(options, templates.Option{Value: whatLines, Label: "These quantities"})
		v.Lines = templates.NewQuantityTable("Lines that are captured and not refunded", string(o.PurchaseCurrency), "Captured", d.takenLines(lines))
	}
	options = append(options, templates.Option{Value: whatAmount, Label: "An amount", Hint: "Klarna then does not know which lines it is for."})
	v.Choice = d.choice("What to refund", options)
	amounts := templates.InputGroup{Title: "Amounts", Inputs: []templates.Input{
		d.input(templates.Input{Name: "amount", Label: "Amount in " + string(o.PurchaseCurrency), Hint: "Only when an amount is refunded.", Kind: "decimal", Class: "short"}),
	}}
	minus := ""
	if impossible, ok := errors.AsType[*order.ImpossibleError](o.MayChargeReturn(time.Now())); ok {
		amounts.Hint = "No return fee can be kept: " + reasonText(o, impossible)
	} else {
		minus = "fee"
		amounts.Inputs = append(amounts.Inputs,
			d.input(templates.Input{Name: "fee", Label: "Return fee in " + string(o.PurchaseCurrency), Hint: "Taken off what is refunded for lines. Leave it empty for none.", Kind: "decimal", Class: "short"}))
	}
	v.Groups = append(v.Groups, amounts, d.noteGroup())
	v.Sum = d.sum("To refund:", d.refundable(), minus)
}

func refundConfirm(d *draft, v *templates.ActionConfirmView) {
	o, amount := d.order, d.command.Amount
	v.Question = "Refund " + moneyText(amount, o.PurchaseCurrency) + "?"
	v.Button = "Refund " + moneyText(amount, o.PurchaseCurrency)
	v.Body = append(v.Body, "The shopper gets it back the way they paid. It cannot be undone.")
	if len(d.command.OrderLines) == 0 {
		v.Body = append(v.Body, "An amount, not for particular lines.")
	}
	v.Facts = []templates.Fact{
		{Name: "Refunded", Before: amountText(o.RefundedAmount), After: amountText(o.RefundedAmount + amount)},
		{Name: "Can still be refunded", Before: amountText(d.refundable()), After: amountText(d.refundable() - amount)},
	}
	v.Caption, v.Items = "What is refunded", confirmItems(d.command.OrderLines)
	v.Danger = true
}

// takenLines are the rows of lines of which some are taken.
func (d *draft) takenLines(lines []klarna.OrderLine) []templates.QuantityLine {
	rows := d.quantityLines(lines)
	for i, follows := range following(lines) {
		if follows {
			rows[i].Fixed, rows[i].Value, rows[i].Note = true, "", "taken with the goods"
		}
	}
	return rows
}

// choice is the question with the radio buttons.
func (d *draft) choice(legend string, options []templates.Option) *templates.Choice {
	return &templates.Choice{Name: "what", Legend: legend, Value: d.values.Get("what"), Error: d.byName["what"], Options: options}
}

// sum is the line that a script keeps.
func (d *draft) sum(label string, all money.Amount, minus string) *templates.LiveSum {
	return &templates.LiveSum{Label: label, Text: amountText(all), Currency: string(d.order.PurchaseCurrency), All: int64(all), Minus: minus}
}

// noteGroup are the description and reference of a capture or refund.
func (d *draft) noteGroup() templates.InputGroup {
	return templates.InputGroup{Title: "Notes", Inputs: []templates.Input{
		d.input(templates.Input{Name: "description", Label: "Description", Hint: "The shopper sees it."}),
		d.input(templates.Input{Name: "reference", Label: "Reference", Hint: "For your settlement files."}),
	}}
}

// confirmItems are lines as the question shows them.
func confirmItems(lines []klarna.OrderLine) []templates.ConfirmItem {
	items := make([]templates.ConfirmItem, len(lines))
	for i, line := range lines {
		items[i] = templates.ConfirmItem{
			Item: line.Name, SKU: line.Reference,
			Quantity: strconv.FormatInt(line.Quantity, 10), Amount: amountText(line.TotalAmount),
		}
	}
	return items
}
