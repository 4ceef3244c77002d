package aftersale

import (
	"errors"
	"fmt"
	"maps"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
)

// What a server of the merchant's asks for, without a form.

// Wanted says how much is captured or refunded: quantities of lines, else an amount, else
// all.
type Wanted struct {
	Lines  []order.ShipmentLine // by the IDs of order.Order.LineIDs
	Amount money.Amount
}

// ErrNothing: the lines come to nothing.
var ErrNothing = errors.New("the lines come to nothing")

// LineError is about one of the lines that are asked for.
type LineError struct {
	Index int
	Above error // an *ImpossibleError: more is asked for than is left of it; nil: it is none of the order
	Left  int64 // quantity that is left of it
}

// Error says which.
func (e *LineError) Error() string {
	if e.Above == nil {
		return fmt.Sprintf("line %d is none of the order", e.Index)
	}
	return fmt.Sprintf("only %d are left of line %d", e.Left, e.Index)
}

// Unwrap returns Above, where there is one.
func (e *LineError) Unwrap() error { return e.Above }

// Captured puts into a command what is captured. The error is an *ImpossibleError, a
// *LineError, ErrNothing, or that of sums that overflow.
func (w Wanted) Captured(o order.Order, c *order.Command) (err error) {
	open := func(s order.LineState) klarna.OrderLine { return s.Open }
	c.Amount, c.OrderLines, err = w.taken(o, open, o.TakeUncaptured, o.Rest, &ImpossibleError{Action: c.Action, Reason: ReasonAboveRemaining})
	return err
}

// Refunded puts into a command what is refunded. The error is that of Captured.
func (w Wanted) Refunded(o order.Order, c *order.Command) (err error) {
	back := func(s order.LineState) klarna.OrderLine { return s.Refundable }
	c.Amount, c.OrderLines, err = w.taken(o, back, o.TakeRefundable, o.RestToRefund, &ImpossibleError{Action: c.Action, Reason: ReasonAboveCaptured})
	return err
}

// taken is what of the order's lines is wanted, and what that comes to.
func (w Wanted) taken(o order.Order, part func(order.LineState) klarna.OrderLine, take taker, rest rester, above error) (money.Amount, []klarna.OrderLine, error) {
	switch {
	case w.Lines == nil && w.Amount != 0:
		return w.Amount, nil, nil
	case w.Lines == nil:
		lines, amount := rest()
		return amount, lines, nil
	}
	var ids []string
	var left []klarna.OrderLine
	known := map[string]bool{}
	for _, s := range o.Lines() {
		id := s.ID
		if id == "" { // a part at another price, of the line with its reference
			id = o.LineOf(s.Line)
		}
		known[id] = true
		if p := part(s); p.Quantity > 0 {
			ids, left = append(ids, id), append(left, p)
		}
	}
	wanted := map[string]int64{}
	for i, l := range w.Lines {
		if !known[l.ID] || l.ID == "" {
			return 0, nil, &LineError{Index: i}
		}
		wanted[l.ID] += l.Quantity
	}
	unmet := maps.Clone(wanted)
	quantities, follows := make([]int64, len(left)), following(left)
	for i, p := range left {
		switch {
		case follows[i]: // as much as of the goods
			quantities[i] = p.Quantity
			delete(unmet, ids[i])
		default:
			quantities[i] = min(unmet[ids[i]], p.Quantity)
			unmet[ids[i]] -= quantities[i]
		}
	}
	for i, l := range w.Lines {
		if n := unmet[l.ID]; n > 0 {
			return 0, nil, &LineError{i, above, wanted[l.ID] - n}
		}
	}
	lines, amount, err := take(quantities)
	if err == nil && amount <= 0 {
		err = ErrNothing
	}
	return amount, lines, err
}

// Knows reports whether a command was begun.
func Knows(o order.Order, entries []order.AuditEntry, key string) bool {
	_, told := latestOf(entries, key)
	return key != "" && (told || o.Running != nil && o.Running.Key == key)
}
