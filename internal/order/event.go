package order

import (
	"crypto/rand"
	"errors"
)

// Names of what the book does, of Event.
const (
	EventPlace       = "place"       // Place, whoever called it
	EventRefresh     = "refresh"     // Refresh, whoever called it
	EventReservation = "reservation" // the loop asked about a purchase that may have been made
	EventLeftBehind  = "left_behind" // the loop asked about an order that was given up
	EventUnfinished  = "unfinished"  // the loop went on with an order of the book
	EventRound       = "round"       // a round of the loop
	// EventAuthorization: an order of Klarna Payments was to be placed, by browser or loop.
	EventAuthorization = "authorization"
	EventRelease       = "release" // an authorization that will not be used was given back
)

// Results of events.
const (
	ResultStored    = "stored"    // a sale that the book did not have
	ResultDone      = "done"      // what was to be done is done
	ResultUnknown   = "unknown"   // not bought, as far as Klarna knows
	ResultCancelled = "cancelled" // cancelled before it was placed
	ResultForeign   = "foreign"   // not ours
	ResultPending   = "pending"   // Klarna has not decided yet
	ResultFailed    = "failed"    // Klarna or Redis; it is tried again
	ResultRefused   = "refused"   // an authorization that brings no order: the cart has changed, it is over, or Klarna said no
	// ResultUnsettled: Klarna has placed an order and does not say which.
	ResultUnsettled = "unsettled"
)

// Event is one thing that the book did, for metrics. It holds no ID.
type Event struct {
	Event, Result string
	// Open is the number of orders that are not finished, with EventRound.
	Open int64
}

func (b *Book) observe(e Event) {
	if b.Observe != nil {
		b.Observe(e)
	}
}

func resultOf(stored bool, err error) string {
	switch {
	case errors.Is(err, ErrCancelled):
		return ResultCancelled
	case errors.Is(err, ErrNotBought):
		return ResultUnknown
	case errors.Is(err, ErrNotOurs):
		return ResultForeign
	case err != nil:
		return ResultFailed
	case stored:
		return ResultStored
	}
	return ResultDone
}

// newKey makes the key of an order's page: 130 random bits.
func newKey() string { return rand.Text() }
