package order

import "github.com/shopd/shopd/internal/ordermanagement"

// State is what is to be done with an order, in one word: first what is left to do, then,
// where nothing is, what was given back. Most are Klarna's statuses.
type State string

// The states. Every order is in one.
const (
	StateChecking     State = "CHECKING" // Klarna has not decided about the risk
	StateRejected     State = "REJECTED" // Klarna has found it too risky, and nothing is captured
	StateOpen               = State(ordermanagement.Authorized)
	StatePartCaptured       = State(ordermanagement.PartCaptured) // something remains, whatever was refunded
	StateCaptured           = State(ordermanagement.Captured)     // nothing remains and nothing was refunded
	StatePartRefunded State = "PART_REFUNDED"                     // nothing remains
	StateRefunded     State = "REFUNDED"                          // nothing remains, all that was captured is refunded
	StateCancelled          = State(ordermanagement.Cancelled)
	StateExpired            = State(ordermanagement.Expired)
	StateClosed             = State(ordermanagement.Closed)
)

// State returns the order's state.
func (o Order) State() State {
	switch {
	case o.Pending():
		return StateChecking
	case o.condemned():
		return StateRejected
	case o.Status != ordermanagement.Captured || o.RefundedAmount <= 0:
		return State(o.Status)
	case o.RefundedAmount < o.CapturedAmount:
		return StatePartRefunded
	}
	return StateRefunded
}
