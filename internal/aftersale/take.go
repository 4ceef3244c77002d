package aftersale

import (
	"slices"
	"strconv"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
)

// What the forms of captures and refunds share: how much of which lines is taken.

// The choices of what is captured or refunded.
const (
	whatAll    = "all"
	whatLines  = "lines"
	whatAmount = "amount"
)

// refundable is what was captured and not refunded.
func refundable(o order.Order) money.Amount { return o.CapturedAmount - o.RefundedAmount }

// taker takes quantities of lines: order.Order.TakeUncaptured or TakeRefundable.
type taker func(quantities []int64) ([]klarna.OrderLine, money.Amount, error)

// rester is all that is left: order.Order.Rest or RestToRefund.
type rester func() ([]klarna.OrderLine, money.Amount)

// chosen are the amount and the lines of what was chosen: all that is left, or quantities of some.
func (d *Draft) chosen(lines []klarna.OrderLine, take taker, rest rester, prefilled bool) (money.Amount, []klarna.OrderLine) {
	quantities, all, none := d.taken(lines)
	switch d.Values.Get("what") {
	case whatAll:
		if untouched := all || none && !prefilled; !untouched {
			d.failField("what", "You entered quantities. Choose “These quantities”, or clear them.")
		}
		taken, amount := rest()
		return amount, taken
	case whatLines:
		taken, amount, err := take(quantities)
		switch {
		case len(d.Errors) > 0:
		case none:
			d.failField("what", "Enter a quantity of at least one line.")
		case err != nil || amount <= 0:
			d.failField("what", "The lines come to "+form.Money(amount, d.Order.PurchaseCurrency)+". Choose lines that come to more than nothing.")
		}
		return amount, taken
	}
	d.failField("what", "Choose what to capture or refund.")
	return 0, nil
}

// share says how many of the lines it is about: "3 of 4 lines."
func (d *Draft) share(lines []klarna.OrderLine) string {
	whole := 0
	for _, taken := range d.Command.OrderLines {
		for _, line := range lines {
			if order.SameLine(taken, line) && taken.Quantity == line.Quantity {
				whole++
				break
			}
		}
	}
	n := len(d.Command.OrderLines)
	switch {
	case n == 0:
		return "An amount, not for particular lines."
	case n == len(lines) && whole == n:
		return "All " + form.Count(n, "line") + "."
	case whole < n:
		return strconv.Itoa(n) + " of " + form.Count(len(lines), "line") + ", not all of each."
	}
	return strconv.Itoa(n) + " of " + form.Count(len(lines), "line") + "."
}

// takenLines are the rows of lines of which some are taken.
func (d *Draft) takenLines(lines []klarna.OrderLine, back bool) []form.Line {
	rows := d.quantityLines(lines)
	for i, follows := range following(lines) {
		if follows {
			rows[i].Fixed, rows[i].Value, rows[i].Note = true, "", "taken with the goods"
			rows[i].Before, rows[i].Back = int64(d.Order.Discounted(lines[i].TaxRate, back)), back
		}
	}
	return rows
}

// sumShown is the sum of the lines that a script keeps, nil where it cannot compute it:
// sales tax is on more than goods, and campaigns may be for some of them only.
func (d *Draft) sumShown(lines []klarna.OrderLine, s *form.Sum) *form.Sum {
	if d.Order.Terms.SalesTax != nil && slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }) {
		return nil
	}
	discount := func(l klarna.OrderLine) bool { return l.Type == klarna.Discount }
	if !d.Order.Terms.Plain() && slices.ContainsFunc(lines, discount) {
		return nil
	}
	return s
}

// choice is the question with the radio buttons.
func (d *Draft) choice(legend string, options []form.Option) *form.Choice {
	return &form.Choice{Name: "what", Legend: legend, Value: d.Values.Get("what"), Error: d.byName["what"], Options: options}
}

// sum is the line that a script keeps.
func (d *Draft) sum(label string, all money.Amount, minus string) *form.Sum {
	return &form.Sum{Label: label, Text: form.Amount(all), Currency: string(d.Order.PurchaseCurrency), All: int64(all), Minus: minus}
}

// noteGroup are the description and reference of a capture or refund.
func (d *Draft) noteGroup() form.Group {
	return form.Group{Title: "Notes", Inputs: []form.Input{
		d.input(form.Input{Name: "description", Label: "Description", Hint: "The shopper sees it."}),
		d.input(form.Input{Name: "reference", Label: "Reference", Hint: "For your settlement files."}),
	}}
}

// confirmItems are lines as the question shows them.
func confirmItems(lines []klarna.OrderLine) []form.Item {
	items := make([]form.Item, len(lines))
	for i, line := range lines {
		items[i] = form.Item{
			Item: line.Name, SKU: line.Reference,
			Quantity: strconv.FormatInt(line.Quantity, 10), Amount: form.Amount(line.TotalAmount),
		}
	}
	return items
}
