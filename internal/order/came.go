package order

import (
	"maps"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// note writes down in which revision captures, refunds, shipments and withdrawals came into the book, so
// that an event of that revision can be told with what came with it.
func (o *Order) note(before Order) {
	came := maps.Clone(o.Came)
	had := before.happenings()
	for id := range o.happenings() {
		if !had[id] && came[id] == 0 {
			if came == nil {
				came = map[string]int64{}
			}
			came[id] = o.Revision
		}
	}
	o.Came = came
}

// happenings are the captures, refunds, shipments and withdrawals of an order, as Came names them.
func (o Order) happenings() map[string]bool {
	all := map[string]bool{}
	for _, c := range o.Captures {
		all[ofKlarna(c.CaptureID)] = true
	}
	for _, r := range o.Refunds {
		all[ofKlarna(r.RefundID)] = true
	}
	for _, s := range o.Shipments {
		all[ofShipment(s.ID)] = true
	}
	for _, w := range o.Withdrawals {
		all[ofWithdrawal(w.ID)] = true
	}
	return all
}

func ofKlarna(id string) string     { return strings.ToLower(id) }
func ofShipment(id string) string   { return "shipment " + id }
func ofWithdrawal(id string) string { return "withdrawal " + id }

// At is the order with those captures, refunds, shipments and withdrawals alone that came with a revision; of
// those of which none came with it, as with 0, the newest. What came before revisions were
// noted counts as one.
func (o Order) At(revision int64) Order {
	only := func(ids []string, keep func(i int)) {
		at := revision
		if !slices.ContainsFunc(ids, func(id string) bool { return o.Came[id] == revision }) {
			at = 0
			for _, id := range ids {
				at = max(at, o.Came[id])
			}
		}
		for i, id := range ids {
			if o.Came[id] == at {
				keep(i)
			}
		}
	}
	part := o
	part.Captures, part.Refunds, part.Shipments, part.Withdrawals = nil, nil, nil, nil
	var sent, refunds, withdrawals []string // captures and shipments go together
	for _, c := range o.Captures {
		sent = append(sent, ofKlarna(c.CaptureID))
	}
	for _, s := range o.Shipments {
		sent = append(sent, ofShipment(s.ID))
	}
	for _, r := range o.Refunds {
		refunds = append(refunds, ofKlarna(r.RefundID))
	}
	for _, w := range o.Withdrawals {
		withdrawals = append(withdrawals, ofWithdrawal(w.ID))
	}
	only(sent, func(i int) {
		if i < len(o.Captures) {
			part.Captures = append(part.Captures, o.Captures[i])
		} else {
			part.Shipments = append(part.Shipments, o.Shipments[i-len(o.Captures)])
		}
	})
	only(refunds, func(i int) { part.Refunds = append(part.Refunds, o.Refunds[i]) })
	only(withdrawals, func(i int) { part.Withdrawals = append(part.Withdrawals, o.Withdrawals[i]) })
	return part
}

// SentWithout reports whether something was sent by the captures of a revision of which no parcel is
// known: goods are captured when they are sent, unless a parcel of the whole order holds them.
func (o Order) SentWithout(revision int64) bool {
	without := o.sentWithout()
	return slices.ContainsFunc(o.At(revision).Captures, func(c ordermanagement.Capture) bool { return without[c.CaptureID] })
}

// sentWithout says of captures, by their IDs, whether something was sent by them of which no parcel is known.
func (o Order) sentWithout() map[string]bool {
	without, ids, parts := map[string]bool{}, o.LineIDs(), o.capturedParts()
	sent := map[int]int64{} // how many of each line
	for i, c := range o.Captures {
		if o.hasParcel(c.CaptureID) {
			continue
		}
		unsaid := o.heldUnsaid(o.Came[ofKlarna(c.CaptureID)])
		if len(c.OrderLines) == 0 { // those of an amount may be any
			_, parts[i] = allot(o.OrderLines, o.OrderLines)
		}
		for _, p := range parts[i] {
			at := o.lineOf(p)
			sent[at] += p.Quantity
			if !unsaid && p.Type == klarna.Physical && (at < 0 || sent[at] > o.Held("", ids[at])) {
				without[c.CaptureID] = true
			}
		}
	}
	return without
}
