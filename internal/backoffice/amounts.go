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

// timeText writes a time in its own zone: "20 Nov 2026, 14:02".
func timeText(t time.Time) string { return form.Day(t) + ", " + t.Format("15:04") }

func quantity(n int64) string { return strconv.FormatInt(n, 10) }

func marketOf(o order.Order) string { return o.PurchaseCountry + " · " + string(o.PurchaseCurrency) }

// badges are the states of orders in the words of page, list, filter and export.
var badges = map[order.State]templates.Badge{
	order.StateChecking:     {Kind: templates.Warn, Text: "Being checked"},
	order.StateRejected:     {Kind: templates.Bad, Text: "Rejected"},
	order.StateOpen:         {Text: "Open"},
	order.StatePartCaptured: {Kind: templates.Warn, Text: "Partly captured"},
	order.StateCaptured:     {Kind: templates.OK, Text: "Captured"},
	order.StatePartRefunded: {Kind: templates.Info, Text: "Partly refunded"},
	order.StateRefunded:     {Kind: templates.Info, Text: "Refunded"},
	order.StateCancelled:    {Kind: templates.Bad, Text: "Cancelled"},
	order.StateExpired:      {Kind: templates.Bad, Text: "Expired"},
	order.StateClosed:       {Kind: templates.Info, Text: "Closed"},
}

// stateOf returns the state of an order, for the merchant.
func stateOf(o order.Order) templates.Badge {
	if badge, known := badges[o.State()]; known {
		return badge
	}
	return templates.Badge{Text: string(o.State())} // a status that is new at Klarna
}

// amounts returns the bar of amounts and its figures.
func amounts(o order.Order) templates.AdminAmounts {
	rest := o.Remaining()
	total := max(o.OrderAmount, o.CapturedAmount+rest)
	released := o.Released()
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
		v.States = lineStates(s, open, o.StillOpen(s) == 0)
		all = append(all, v)
	}
	return all
}

// lineStates say how many of a line are in which state; open is what those are that are
// not captured, and ended that none can be any more.
func lineStates(s order.LineState, open string, ended bool) (all []templates.Badge) {
	l := s.Line
	partly := s.Captured == 0 && s.CapturedAmount != 0
	switch { // a discount follows its goods, part by part
	case partly && ended && s.RefundedAmount == s.CapturedAmount:
		return []templates.Badge{{Kind: templates.Info, Text: "Refunded"}}
	case s.Refunded == 0 && s.RefundedAmount != 0:
		return []templates.Badge{{Kind: templates.Info, Text: "Partly refunded"}}
	case partly:
		return []templates.Badge{{Kind: templates.Warn, Text: "Partly captured"}}
	}
	refunded := "Refunded"
	if l.TotalAmount == 0 {
		refunded = "Returned" // nothing was paid for it
	}
	for _, state := range []struct {
		kind templates.Kind
		n    int64
		text string
	}{
		{templates.Info, s.Refunded, refunded}, {templates.OK, s.Captured - s.Refunded, "Captured"},
		{templates.Warn, s.Unknown, "Not known"}, {"", min(s.Open.Quantity, l.Quantity) - s.Unknown, open},
	} {
		switch {
		case state.n > 0 && state.n == l.Quantity:
			all = append(all, templates.Badge{Kind: state.kind, Text: state.text})
		case state.n > 0:
			all = append(all, templates.Badge{Kind: state.kind, Text: quantity(state.n) + " " + form.LowerFirst(state.text)})
		}
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
