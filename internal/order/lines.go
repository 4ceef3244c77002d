package order

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// LineState is a line of an order and what became of it.
type LineState struct {
	ID   string           // names the line within the order
	Line klarna.OrderLine // as the order has it; of quantity 0 where it is no line any more
	// Open is what is not captured, also where it no longer can be, see StillOpen; Refundable what
	// was captured and not refunded. Their amounts are what is left of the line's;
	// of quantity 0 nothing is.
	Open, Refundable   klarna.OrderLine
	Captured, Refunded int64 // quantities of Line
	Restocked          int64 // how many of Refunded are in the warehouse again
	// Unknown is how many of Open may be captured: an amount was, and nobody said what for.
	Unknown int64
	// What was captured and refunded of the line, minor units. Amounts of which nobody said
	// what they are for are in neither.
	CapturedAmount, RefundedAmount money.Amount
}

// Lines is what became of each line, in their sequence, then of what was captured
// and is no line of the order any more: the one place that says what of a line is
// open, captured and refunded.
//
// What captures and refunds name counts. One of a mere amount leaves the lines as they are,
// unless it leaves nothing: when all of the order is captured each line is, and when all of
// that is refunded each line is. A line that cost nothing is refunded where a refund names it.
func (o Order) Lines() []LineState {
	captured, unnamed := o.known()
	open, pieces := allot(o.OrderLines, captured)
	// Also where the lines do not come to what was captured.
	unknown := unnamed > 0 || o.CapturedAmount > 0 && o.CapturedAmount >= o.OrderAmount && o.RemainingAuthorizedAmount <= 0
	ids := o.LineIDs()
	all := make([]LineState, len(o.OrderLines))
	for i, line := range o.OrderLines {
		all[i] = LineState{ID: ids[i], Line: line, Open: open[i], Captured: min(max(line.Quantity-open[i].Quantity, 0), line.Quantity)}
		if unknown {
			all[i].Unknown = max(min(open[i].Quantity, line.Quantity), 0)
		}
	}
	parts, left, back := o.returned(pieces)
	restocked := make([]int64, len(parts))
	for _, p := range back {
		if p.of >= 0 && o.restocks(p.from) {
			restocked[p.of] += p.Quantity
		}
	}
	allRefunded := o.CapturedAmount > 0 && o.RefundedAmount >= o.CapturedAmount
	for i, p := range parts {
		named := p.Quantity - left[i].Quantity
		back := p.TotalAmount - left[i].TotalAmount
		if allRefunded {
			left[i].Quantity, back = 0, p.TotalAmount
			if p.TotalAmount != 0 {
				named = p.Quantity
			}
		}
		at := p.of
		if at < 0 {
			at = len(all)
			all = append(all, LineState{Line: p.OrderLine})
			all[at].Line.Quantity = 0
		}
		all[at].CapturedAmount += p.TotalAmount
		all[at].RefundedAmount += back
		all[at].Refunded = min(all[at].Captured, all[at].Refunded+named)
		all[at].Restocked = min(all[at].Refunded, all[at].Restocked+restocked[i])
		if all[at].Refundable.Quantity > 0 { // it was captured at several prices
			at = len(all)
			all = append(all, LineState{Line: p.OrderLine})
			all[at].Line.Quantity = 0
		}
		all[at].Refundable = left[i]
	}
	return all
}

// known are the lines that are known to be captured, and what more was captured, nobody
// knows of what.
func (o Order) known() (lines []klarna.OrderLine, unnamed money.Amount) {
	for _, capture := range o.Captures {
		lines = append(lines, capture.OrderLines...)
	}
	open := less(o.OrderLines, lines)
	rest := slices.DeleteFunc(slices.Clone(open), func(l klarna.OrderLine) bool { return l.Quantity < 1 })
	unnamed = o.CapturedAmount - total(lines)
	done := o.RemainingAuthorizedAmount <= 0 && (o.CapturedAmount > 0 || o.Status == ordermanagement.Captured)
	if sum := total(rest); !done || unnamed != sum && (unnamed < sum || sum < 0) {
		rest = implied(open, lines, o.refundedLines(), unnamed)
	}
	return append(lines, rest...), unnamed - total(rest)
}

// implied are the lines that refunds name and captures do not: they were captured, as part
// of an amount.
func implied(open, captured, refunded []klarna.OrderLine, unnamed money.Amount) (lines []klarna.OrderLine) {
	if unnamed <= 0 {
		return nil
	}
	named := merged(captured)
	for _, p := range refunded {
		i := find(named, p)
		switch {
		case i >= 0 && follows(p):
			if named[i].TotalAmount -= p.TotalAmount; named[i].TotalAmount == 0 {
				named[i].Quantity = 0
			}
			continue
		case i >= 0:
			n := min(named[i].Quantity, p.Quantity)
			named[i].Quantity -= n
			if n == p.Quantity {
				continue
			}
			var err error
			if p, err = part(p, p.Quantity-n); err != nil {
				return nil
			}
		}
		if i = find(open, p); i >= 0 && p.Quantity <= open[i].Quantity && within(p.TotalAmount, open[i].TotalAmount) == p.TotalAmount {
			open[i].TotalAmount -= p.TotalAmount
			if !follows(p) {
				open[i].Quantity -= p.Quantity
			}
			lines = append(lines, p)
		}
	}
	if total(lines) > unnamed {
		return nil
	}
	return lines
}

// restocks reports whether the goods of a refund were put back in the stock: of the one that has the line with
// an index among those of all.
func (o Order) restocks(line int) bool {
	for _, r := range o.Refunds {
		if line -= len(r.OrderLines); line < 0 {
			return slices.ContainsFunc(o.Restocked, func(back Restock) bool { return strings.EqualFold(back.RefundID, r.RefundID) })
		}
	}
	return false
}

// allotted is a part of a line that was captured or refunded.
type allotted struct {
	klarna.OrderLine
	of   int // the line; -1: none of them
	from int // of which of those that were taken it is
}

// grouped puts parts of one line and price together, those at the line's own price first.
func grouped(parts []allotted, lines []klarna.OrderLine) (groups []allotted) {
	for _, p := range parts {
		at := slices.IndexFunc(groups, func(g allotted) bool { return g.of == p.of && SameLine(g.OrderLine, p.OrderLine) })
		if at < 0 {
			groups = append(groups, p)
			continue
		}
		groups[at].OrderLine = merged([]klarna.OrderLine{groups[at].OrderLine, p.OrderLine})[0]
	}
	own := func(g allotted) int {
		if g.of >= 0 && SameLine(g.OrderLine, lines[g.of]) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(groups, func(a, b allotted) int { return own(a) - own(b) })
	return groups
}

// total is what lines come to.
func total(lines []klarna.OrderLine) (sum money.Amount) {
	for _, line := range lines {
		sum += line.TotalAmount
	}
	return sum
}

// Uncaptured is what of the order's lines can still be captured. A capture
// without lines leaves them as they are; Rest says whether they add up.
func (o Order) Uncaptured() []klarna.OrderLine {
	if over(o.Status) {
		return nil
	}
	return some(o.Lines(), func(s LineState) klarna.OrderLine { return s.Open })
}

// Refundable is what was captured and not refunded yet, by line. Refunds of a mere
// amount leave the lines as they are: no more than CapturedAmount less
// RefundedAmount can be refunded of them.
func (o Order) Refundable() []klarna.OrderLine {
	return some(o.Lines(), func(s LineState) klarna.OrderLine { return s.Refundable })
}

// some are the parts of lines of which there is any.
func some(lines []LineState, part func(LineState) klarna.OrderLine) (parts []klarna.OrderLine) {
	for _, line := range lines {
		if p := part(line); p.Quantity > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// Remaining is the amount that can still be captured: of an order that has ended,
// nothing, though Klarna keeps the number.
// Source: docs.klarna.com, Order Management API reference.
func (o Order) Remaining() money.Amount {
	if over(o.Status) {
		return 0
	}
	return o.RemainingAuthorizedAmount
}

// Released is the amount that was authorized, was not captured, and no longer can be.
func (o Order) Released() money.Amount {
	return max(o.OrderAmount-o.CapturedAmount-o.Remaining(), 0)
}

// StillOpen is how many of a line can still be captured: nothing of what was released, cancelled or has expired.
func (o Order) StillOpen(l LineState) int64 {
	if o.Remaining() <= 0 {
		return 0
	}
	return max(min(l.Open.Quantity, l.Line.Quantity), 0)
}

// Rest is all that can still be captured. lines is nil when they do not make
// up the amount, because something was captured without lines.
func (o Order) Rest() (lines []klarna.OrderLine, amount money.Amount) {
	return whole(o.Uncaptured(), o.Remaining())
}

// RestToRefund is all that was captured and not refunded. lines is nil as in Rest.
func (o Order) RestToRefund() (lines []klarna.OrderLine, amount money.Amount) {
	return whole(o.Refundable(), o.CapturedAmount-o.RefundedAmount)
}

// whole is an amount with the lines that are left, where they make it up.
func whole(left []klarna.OrderLine, amount money.Amount) ([]klarna.OrderLine, money.Amount) {
	if !SumsTo(left, amount) {
		return nil, amount
	}
	return left, amount
}

// over reports whether nothing can be captured in a status.
func over(status ordermanagement.Status) bool {
	switch status {
	case ordermanagement.Captured, ordermanagement.Cancelled, ordermanagement.Expired, ordermanagement.Closed:
		return true
	case ordermanagement.Authorized, ordermanagement.PartCaptured:
	}
	return false
}

// SumsTo reports whether lines, where there are any, make up an amount.
func SumsTo(lines []klarna.OrderLine, amount money.Amount) bool {
	sum, _, err := klarna.Sums(lines)
	return len(lines) == 0 || err == nil && sum == amount
}

// capturedLines are the lines of all captures. A capture of the whole order
// that names none is of all lines.
func (o Order) capturedLines() []klarna.OrderLine {
	var lines []klarna.OrderLine
	for _, capture := range o.Captures {
		if len(capture.OrderLines) == 0 && SumsTo(o.OrderLines, capture.CapturedAmount) {
			return o.OrderLines
		}
		lines = append(lines, capture.OrderLines...)
	}
	return lines
}

// follows reports whether a line has no quantity of its own to speak of, but
// belongs to the goods.
func follows(line klarna.OrderLine) bool {
	switch line.Type {
	case klarna.Discount, klarna.GiftCard, klarna.StoreCredit, klarna.SalesTax:
		return true
	case klarna.Physical, klarna.Digital, klarna.ShippingFee, klarna.Surcharge, klarna.ReturnFee:
	}
	return false
}

// single is a following line as one piece.
func single(line klarna.OrderLine) klarna.OrderLine {
	line.Quantity, line.UnitPrice, line.TotalDiscountAmount = 1, line.TotalAmount, 0
	return line
}

// SameLine reports whether a line of a capture or refund is of another line.
func SameLine(a, b klarna.OrderLine) bool {
	return a.Type == b.Type && a.Reference == b.Reference && a.Name == b.Name && a.TaxRate == b.TaxRate &&
		(follows(a) || a.UnitPrice == b.UnitPrice)
}

// find is the line that another one is a part of: the same, of several the first that has
// enough, or at least one with its reference, so that a line captured elsewhere at another
// price is found; -1 without one.
func find(lines []klarna.OrderLine, part klarna.OrderLine) int {
	found, alike := -1, false
	for i, line := range lines {
		switch {
		case line.Quantity < 1:
		case SameLine(line, part) && (line.Quantity >= part.Quantity || follows(line)):
			return i
		case !alike && SameLine(line, part):
			found, alike = i, true
		case found < 0 && part.Reference != "" && line.Type == part.Type && line.Reference == part.Reference:
			found = i
		}
	}
	return found
}

// less returns lines without what was taken of them: of quantity 0 is what is used up.
func less(lines, taken []klarna.OrderLine) []klarna.OrderLine {
	left, _ := allot(lines, taken)
	return left
}

// allot is less, and says of which line each part is. What is more than a line has is of the
// next that is like it.
func allot(lines, taken []klarna.OrderLine) (left []klarna.OrderLine, parts []allotted) {
	left = slices.Clone(lines)
	for from, rest := range taken {
		for more := true; more; {
			p, i := rest, find(left, rest)
			if more = i >= 0 && anotherLike(left, i, rest); more {
				p, rest, more = cut(rest, left[i].Quantity)
			}
			if parts = append(parts, allotted{p, i, from}); i >= 0 {
				left[i] = without(left[i], p)
			}
		}
	}
	return left, parts
}

// anotherLike reports whether a part is more than its line has, and another line like it has some.
func anotherLike(lines []klarna.OrderLine, of int, part klarna.OrderLine) bool {
	if follows(part) || part.Quantity <= lines[of].Quantity {
		return false
	}
	return slices.ContainsFunc(slices.Delete(slices.Clone(lines), of, of+1), func(l klarna.OrderLine) bool { return l.Quantity > 0 && SameLine(l, part) })
}

// cut divides a part into a quantity and the rest; false, and it is whole, where that cannot be computed.
func cut(whole klarna.OrderLine, quantity int64) (first, rest klarna.OrderLine, done bool) {
	first, err := part(whole, quantity)
	if err != nil {
		return whole, rest, false
	}
	rest = whole
	rest.Quantity -= first.Quantity
	rest.TotalAmount -= first.TotalAmount
	rest.TotalTaxAmount -= first.TotalTaxAmount
	rest.TotalDiscountAmount -= first.TotalDiscountAmount
	return first, rest, true
}

// without is a line of which a part was taken.
func without(line, part klarna.OrderLine) klarna.OrderLine {
	before := line.TotalAmount
	line.TotalAmount -= part.TotalAmount
	line.TotalTaxAmount -= part.TotalTaxAmount
	line.TotalDiscountAmount = max(line.TotalDiscountAmount-part.TotalDiscountAmount, 0)
	line.Quantity -= part.Quantity
	turned := before > 0 && line.TotalAmount < 0 || before < 0 && line.TotalAmount > 0
	switch {
	case turned:
		line.Quantity = 0
	case follows(line) && line.TotalAmount != 0:
		return single(line)
	case follows(line):
		line.Quantity = 0
	}
	return line
}

// merged puts parts of one line together.
func merged(parts []klarna.OrderLine) []klarna.OrderLine {
	var lines []klarna.OrderLine
	for _, part := range parts {
		i := -1
		for j, line := range lines {
			if SameLine(line, part) {
				i = j
			}
		}
		if i < 0 {
			lines = append(lines, part)
			continue
		}
		line := &lines[i]
		line.Quantity += part.Quantity
		line.TotalAmount += part.TotalAmount
		line.TotalTaxAmount += part.TotalTaxAmount
		line.TotalDiscountAmount += part.TotalDiscountAmount
		if follows(*line) {
			*line = single(*line)
		}
	}
	return lines
}
