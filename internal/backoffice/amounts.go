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

// stateOf returns the state of an order, for the merchant.
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

// amounts returns the bar of amounts and its figures. Released is the part of the
// authorized amount that is neither captured nor remaining.
func amounts(o order.Order) templates.AdminAmounts {
	rest := o.Remaining()
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
	// The ends are rounded, not the widths: so the parts meet.
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

// lines returns the order's lines, each with its state.
func lines(o order.Order) []templates.AdminLine {
	open := "Open"
	switch {
	case o.Status == ordermanagement.Cancelled:
		open = "Cancelled"
	case o.Status == ordermanagement.Expired:
		open = "Expired"
	case o.Remaining() == 0:
		open = "Released"
	}
	var all []templates.AdminLine
	for _, s := range o.Lines()[:len(o.OrderLines)] {
		l := s.Line
		v := templates.AdminLine{
			Name: templates.In(l.Name, i18n.LangOf(o.Locale)), Reference: l.Reference, Quantity: quantity(l.Quantity),
			Price: form.Amount(l.UnitPrice), Total: form.Amount(l.TotalAmount), Tax: taxText(l.TaxRate),
		}
		for _, state := range []struct {
			kind templates.Kind
			n    int64
			text string
		}{{templates.Info, s.Refunded, "Refunded"}, {templates.OK, s.Captured - s.Refunded, "Captured"}, {"", min(s.Open.Quantity, l.Quantity), open}} {
			switch {
			case state.n == l.Quantity:
				v.States = append(v.States, templates.Badge{Kind: state.kind, Text: state.text})
			case state.n > 0:
				v.States = append(v.States, templates.Badge{Kind: state.kind, Text: quantity(state.n) + " " + form.LowerFirst(state.text)})
			}
		}
		all = append(all, v)
	}
	return all
}

// taxText writes a rate: "25 %", "5.5 %".
func taxText(rate klarna.Rate) string {
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
