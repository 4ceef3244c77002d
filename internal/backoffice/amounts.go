package backoffice

import (
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// timeText writes a time, UTC: "20 Nov 2026, 14:02".
func timeText(t time.Time) string { return form.Day(t) + ", " + t.UTC().Format("15:04") }

func quantity(n int64) string { return strconv.FormatInt(n, 10) }

func marketOf(o order.Order) string { return o.PurchaseCountry + " · " + string(o.PurchaseCurrency) }

// stateOf is how far an order is, for the merchant.
func stateOf(o order.Order) templates.Badge {
	if o.Pending() {
		return templates.Badge{Kind: templates.Warn, Text: "Being checked"}
	}
	switch o.Status {
	case ordermanagement.Cancelled:
		return templates.Badge{Kind: templates.Bad, Text: "Cancelled"}
	case ordermanagement.Expired:
		return templates.Badge{Kind: templates.Bad, Text: "Expired"}
	case ordermanagement.Closed:
		return templates.Badge{Kind: templates.Info, Text: "Closed"}
	case ordermanagement.Captured, ordermanagement.PartCaptured:
		switch {
		case o.RefundedAmount > 0 && o.RefundedAmount >= o.CapturedAmount:
			return templates.Badge{Kind: templates.Info, Text: "Refunded"}
		case o.RefundedAmount > 0:
			return templates.Badge{Kind: templates.Info, Text: "Partly refunded"}
		case o.Status == ordermanagement.PartCaptured:
			return templates.Badge{Kind: templates.Warn, Text: "Partly captured"}
		}
		return templates.Badge{Kind: templates.OK, Text: "Captured"}
	case ordermanagement.Authorized:
	}
	if o.FraudStatus == ordermanagement.FraudRejected {
		return templates.Badge{Kind: templates.Bad, Text: "Rejected"}
	}
	return templates.Badge{Text: "Open"}
}

// amounts are the bar and its figures. What was authorized and is neither captured nor
// remains was released.
func amounts(o order.Order) templates.AdminAmounts {
	rest := remaining(o)
	total := max(o.OrderAmount, o.CapturedAmount+rest)
	released := total - o.CapturedAmount - rest
	v := templates.AdminAmounts{Figures: []templates.AdminFigure{
		{Swatch: "authorized", Label: "Authorized", Amount: form.Amount(total)},
		{Swatch: "captured", Label: "Captured", Amount: form.Amount(o.CapturedAmount)},
		{Swatch: "refunded", Label: "Refunded", Amount: form.Amount(o.RefundedAmount)},
		{Swatch: "remaining", Label: "Remaining", Amount: form.Amount(rest)},
	}}
	v.Sentence = "Of " + form.Money(total, o.PurchaseCurrency) + " authorized, " + form.Amount(o.CapturedAmount) + " are captured, " +
		form.Amount(o.RefundedAmount) + " of those refunded, and " + form.Amount(rest) + " remain."
	if released > 0 {
		v.Figures = append(v.Figures, templates.AdminFigure{Swatch: "released", Label: "Released", Amount: form.Amount(released)})
		v.Sentence += " " + form.Amount(released) + " were released."
	}
	if total <= 0 {
		return v
	}
	// Ends of parts, not widths, are rounded: so the parts meet.
	at := func(a money.Amount) int { return int(int64(a) * 10000 / int64(total)) }
	add := func(class string, from, to money.Amount) {
		if to > from {
			v.Bar = append(v.Bar, templates.AdminSegment{Class: class, X: at(from), Width: at(to) - at(from)})
		}
	}
	refunded := min(o.RefundedAmount, o.CapturedAmount)
	add("captured", 0, o.CapturedAmount-refunded)
	add("refunded", o.CapturedAmount-refunded, o.CapturedAmount)
	add("remaining", o.CapturedAmount, o.CapturedAmount+rest)
	add("released", o.CapturedAmount+rest, total)
	return v
}

// line tells lines of an order apart.
type line struct {
	kind            klarna.LineType
	reference, name string
}

func lineOf(l klarna.OrderLine) line { return line{l.Type, l.Reference, l.Name} }

// quantitiesOf counts lines that are left.
func quantitiesOf(all []klarna.OrderLine) map[line]int64 {
	n := map[line]int64{}
	for _, l := range all {
		n[lineOf(l)] += l.Quantity
	}
	return n
}

// takeOf takes up to so many of what is left of a line.
func takeOf(left map[line]int64, l line, most int64) int64 {
	n := min(most, left[l])
	if n > 0 {
		left[l] -= n
	}
	return n
}

// left counts what of the lines is not captured, also where it no longer can be, and
// what is captured and not refunded. A capture or refund of all needs no lines.
func left(o order.Order) (uncaptured, refundable map[line]int64) {
	if o.CapturedAmount < o.OrderAmount {
		open := o
		open.Status = ordermanagement.PartCaptured
		uncaptured = quantitiesOf(open.Uncaptured())
	}
	if o.RefundedAmount < o.CapturedAmount {
		refundable = quantitiesOf(o.Refundable())
	}
	return uncaptured, refundable
}

// lines are the order's lines, each with how far it is.
func lines(o order.Order) []templates.AdminLine {
	uncaptured, refundable := left(o)
	ended := ""
	switch {
	case o.Status == ordermanagement.Cancelled:
		ended = "Cancelled"
	case o.Status == ordermanagement.Expired:
		ended = "Expired"
	case remaining(o) == 0:
		ended = "Released"
	}
	var all []templates.AdminLine
	for _, l := range o.OrderLines {
		key := lineOf(l)
		open := takeOf(uncaptured, key, l.Quantity)
		captured := l.Quantity - open
		kept := takeOf(refundable, key, captured)
		v := templates.AdminLine{
			Name: templates.In(l.Name, i18n.LangOf(o.Locale)), Reference: l.Reference, Quantity: quantity(l.Quantity),
			Price: form.Amount(l.UnitPrice), Total: form.Amount(l.TotalAmount), Tax: taxText(l.TaxRate),
		}
		add := func(kind templates.Kind, n int64, state string) {
			switch {
			case n == l.Quantity:
				v.States = append(v.States, templates.Badge{Kind: kind, Text: state})
			case n > 0:
				v.States = append(v.States, templates.Badge{Kind: kind, Text: quantity(n) + " " + form.LowerFirst(state)})
			}
		}
		add(templates.Info, captured-kept, "Refunded")
		add(templates.OK, kept, "Captured")
		if ended != "" {
			add("", open, ended)
		} else {
			add("", open, "Open")
		}
		all = append(all, v)
	}
	return all
}

// taxText writes a rate: "25 %", "5.5 %".
func taxText(rate money.TaxRate) string {
	text := strconv.FormatInt(int64(rate)/100, 10)
	if part := int64(rate) % 100; part != 0 {
		digits := strconv.FormatInt(100+part, 10)[1:]
		if digits[1] == '0' {
			digits = digits[:1]
		}
		text += "." + digits
	}
	return text + form.Space + "%"
}
