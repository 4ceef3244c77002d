package order

import (
	"strings"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Part is what a capture or refund has of a line.
type Part struct {
	klarna.OrderLine
	Name string // of the line, as LineName; "" where it is of no line any more
}

// CapturedParts are those of each capture, of the lines of which Lines says that they are captured. One
// that names no lines and comes to all has all.
func (o Order) CapturedParts() [][]Part {
	all := make([][]Part, len(o.Captures))
	for i, parts := range o.capturedParts() {
		all[i] = o.named(parts, o.Captures[i].CapturedAmount)
	}
	return all
}

// RefundedParts are those of each refund, as CapturedParts.
func (o Order) RefundedParts() [][]Part {
	known, _ := o.known()
	_, captured := allot(o.OrderLines, known)
	of, _, back := o.returned(captured)
	for i, p := range back {
		if p.of >= 0 {
			back[i].of = of[p.of].of
		}
	}
	lines := make([]int, len(o.Refunds))
	for i, r := range o.Refunds {
		lines[i] = len(r.OrderLines)
	}
	all := make([][]Part, len(o.Refunds))
	for i, parts := range dealt(back, lines) {
		all[i] = o.named(parts, o.Refunds[i].RefundedAmount)
	}
	return all
}

// named are the parts of a capture or refund of an amount, with the names of their lines.
func (o Order) named(parts []allotted, amount money.Amount) []Part {
	if len(parts) == 0 && len(o.OrderLines) > 0 && SumsTo(o.OrderLines, amount) {
		_, parts = allot(o.OrderLines, o.OrderLines)
	}
	ids, all := o.LineIDs(), make([]Part, len(parts))
	for i, p := range parts {
		all[i].OrderLine = p.OrderLine
		if at := o.lineOf(p); at >= 0 {
			all[i].Name = o.LineName(ids[at])
		}
	}
	return all
}

// lineOf is the line that a part is of, also where nothing of that was left for it; -1 without one.
func (o Order) lineOf(p allotted) int {
	if p.of >= 0 {
		return p.of
	}
	return find(o.OrderLines, p.OrderLine)
}

// capturedParts are the parts of each capture, as far as it names lines.
func (o Order) capturedParts() [][]allotted {
	var taken []klarna.OrderLine
	lines := make([]int, len(o.Captures))
	for i, c := range o.Captures {
		taken, lines[i] = append(taken, c.OrderLines...), len(c.OrderLines)
	}
	_, parts := allot(o.OrderLines, taken)
	return dealt(parts, lines)
}

// dealt are the parts of each of those that took them, by how many lines these have.
func dealt(parts []allotted, lines []int) [][]allotted {
	all, first := make([][]allotted, len(lines)), 0
	for i, n := range lines {
		for _, p := range parts {
			if p.from >= first && p.from < first+n {
				all[i] = append(all[i], p)
			}
		}
		first += n
	}
	return all
}

// CapturedWith is how many of each line, by its ID, are in the capture with an ID, as far as
// that names lines.
func (o Order) CapturedWith(captureID string) map[string]int64 {
	ids, captured := o.LineIDs(), map[string]int64{}
	for i, parts := range o.capturedParts() {
		for _, p := range parts {
			if p.of >= 0 && strings.EqualFold(o.Captures[i].CaptureID, captureID) {
				captured[ids[p.of]] += p.Quantity
			}
		}
	}
	return captured
}

// returned is what was captured, by line and price, with what refunds left of each, and of which of them
// each part of a refund is.
func (o Order) returned(captured []allotted) (of []allotted, left []klarna.OrderLine, back []allotted) {
	of = grouped(captured, o.OrderLines)
	taken := make([]klarna.OrderLine, len(of))
	for i, p := range of {
		taken[i] = p.OrderLine
	}
	left, back = allot(taken, o.refundedLines())
	return of, left, back
}
