package order

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// LineIDs name lines within their order: by type and reference, those that share both by a number. Of an
// order that is in the book Order.LineIDs says them: its lines come and go.
func LineIDs(lines []klarna.OrderLine) []string {
	return giveIDs(lines, make([]string, len(lines)), map[string]bool{})
}

// giveIDs gives IDs that are not taken to the lines that have none.
func giveIDs(lines []klarna.OrderLine, ids []string, taken map[string]bool) []string {
	tried := map[string]int{}
	for i, line := range lines {
		for base := firstID(line); ids[i] == ""; {
			id := base
			if tried[base]++; tried[base] > 1 {
				id += ":" + strconv.Itoa(tried[base])
			}
			if !taken[id] {
				ids[i], taken[id] = id, true
			}
		}
	}
	return ids
}

// firstID is the ID of a line that is the only one of its type and reference.
func firstID(line klarna.OrderLine) string { return string(line.Type) + ":" + line.Reference }

// LineIDs are the IDs of the order's lines. A line has its own for as long as it is there, and no other
// one gets it afterwards where anything still says it.
func (o Order) LineIDs() []string {
	// A version of the program before knows nothing of OwnLineIDs, and may have changed the lines.
	fits := len(o.OwnLineIDs) == len(o.OrderLines)
	for i := 0; fits && i < len(o.OrderLines); i++ {
		first := firstID(o.OrderLines[i])
		fits = o.OwnLineIDs[i] == first || strings.HasPrefix(o.OwnLineIDs[i], first+":")
	}
	if fits {
		return o.OwnLineIDs
	}
	return LineIDs(o.OrderLines)
}

// SetLines replaces the lines.
func (o *Order) SetLines(lines []klarna.OrderLine) {
	o.OwnLineIDs, o.OrderLines = o.idsOf(lines), lines
	if _, tax, err := klarna.Sums(lines); err == nil {
		o.OrderTaxAmount = tax
	}
}

// idsOf are the IDs of the lines that take the place of the order's, as OwnLineIDs has them: each that was
// there before keeps its own.
func (o Order) idsOf(lines []klarna.OrderLine) []string {
	plain := LineIDs(lines)
	if len(o.OrderLines) == 0 {
		return nil
	}
	was, ids := o.LineIDs(), make([]string, len(lines))
	of := map[string]int{} // lines of a type and reference
	for _, line := range o.OrderLines {
		of[firstID(line)]++
	}
	kept := make([]bool, len(was))
	for _, same := range []func(a, b klarna.OrderLine) bool{
		func(a, b klarna.OrderLine) bool { return a == b },
		SameLine,
		func(a, b klarna.OrderLine) bool { return firstID(a) == firstID(b) && a.Name == b.Name }, // at another price, or taxed elsewhere
		func(a, b klarna.OrderLine) bool { // of another name: where no other one is meant
			return firstID(a) == firstID(b) && a.Reference != "" && of[firstID(a)] == 1
		},
	} {
		for i, line := range lines {
			for j := 0; ids[i] == "" && j < len(was); j++ {
				if !kept[j] && same(o.OrderLines[j], line) {
					ids[i], kept[j] = was[j], true
				}
			}
		}
	}
	if ids = giveIDs(lines, ids, o.saidIDs()); slices.Equal(ids, plain) {
		return nil
	}
	return ids
}

// saidIDs are the IDs of lines that the order has, or that something in it says.
func (o Order) saidIDs() map[string]bool {
	said := map[string]bool{}
	for _, id := range o.LineIDs() {
		said[id] = true
	}
	for id := range o.LineNames {
		said[id] = true
	}
	for _, s := range o.Shipments {
		for _, line := range s.OrderLines {
			said[line.ID] = true
		}
	}
	for _, w := range o.Withdrawals {
		for _, line := range w.Lines {
			said[line.ID] = true
		}
	}
	return said
}
