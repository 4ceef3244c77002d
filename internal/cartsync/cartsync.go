// Package cartsync has what kco.Syncer and payments.Syncer share: modes, outcomes,
// errors, time limits and reports to the observer. It has only values and plain
// functions. The rules of each Sync are tables in docs/sync.md and docs/payments.md.
package cartsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopd/shopd/internal/klarna"
)

// Mode says how a Sync starts when the cart has a copy at Klarna.
type Mode int

// The modes.
const (
	Load     Mode = iota // a page load: reads the copy first
	Change               // an update on the open page: updates at once
	Repair               // as Load, but it never creates; for the back office
	OnlyFree             // only where there is nothing to pay; else it does nothing
	Push                 // as Change, but it never creates; for the merchant's server
)

// String is the mode's name: load, change, repair, free or push.
func (m Mode) String() string { return [...]string{"load", "change", "repair", "free", "push"}[m] }

// CreatesNothing reports whether a Sync only brings the copy that there is in step.
func (m Mode) CreatesNothing() bool { return m == Repair || m == Push }

// Outcome is the result of a Sync without error.
type Outcome int

// The outcomes.
const (
	InSync   Outcome = iota // the copy at Klarna says what the cart says
	Empty                   // nothing to sell: no copy is made, an old one stays
	Complete                // the copy is bought at Klarna, the cart is not closed yet
	Bought                  // the cart was bought by the copy in the request
	Free                    // nothing to pay: Klarna is told nothing, the shop has a form of its own
	ToPay                   // of OnlyFree: there is something to pay
)

// Why a Sync failed. The cart is intact either way.
var (
	// ErrRefused: Klarna refused the copy, or our own check of its rules did. Our fault.
	ErrRefused = errors.New("klarna refuses the order")
	// ErrPurchaseRunning: the copy must be replaced, but a purchase of it may be running.
	// The error ends with the purchase.
	ErrPurchaseRunning = errors.New("a purchase of the cart may be running")
	// ErrUnavailable: Klarna, Redis or the database gave no usable answer in time. The next Sync heals.
	ErrUnavailable = errors.New("order could not be brought in sync")
	// ErrNothingToRepair: there is no open copy to update, and Repair makes none. It is an
	// ErrUnavailable too.
	ErrNothingToRepair = fmt.Errorf("%w: there is no order to update, and none is made", ErrUnavailable)
)

// Causes of a failed Sync other than Klarna's answers.
var (
	ErrNoCopy       = errors.New("the cart has no copy at klarna")
	ErrEnded        = errors.New("the copy at klarna is neither open nor bought")
	ErrNoTime       = errors.New("no time left") // waiting for changes and locks has used it up
	ErrKeptChanging = errors.New("the cart kept changing")
)

// Failed returns the error of a Sync of a cart. why is an error of this package, err the
// cause.
func Failed(cartID string, why, err error) error {
	return fmt.Errorf("sync cart %s: %w: %w", cartID, why, err)
}

// Rounds is how often a Sync starts again with the newest cart, after changes and lost
// races. Two busy tabs have been faster eight times in a row; before so many the time is
// up, unless Klarna answers in a moment.
const Rounds = 100

// createTime is kept free for a create, after failed reads and updates.
const createTime = 3 * time.Second

// TimeLeft reports whether there is time for a read or an update.
func TimeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > createTime
}

// KeepTime returns a context for a read or an update. It ends 3 s before ctx.
func KeepTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-createTime))
}

// Ending is the outcome of a Sync, and what it did at Klarna.
type Ending struct {
	Outcome Outcome // of a Sync without error
	Created bool    // it made a copy, which is now the cart's
	Updated bool    // Klarna answered an update with 2xx
	// Replaced is why the cart's old copy was given up, "" when it was not. It is set also
	// when no new copy could be made.
	Replaced klarna.Verdict
}
