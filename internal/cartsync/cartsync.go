// Package cartsync is what kco.Syncer and payments.Syncer have in common beside
// Klarna's verdicts: how a Sync starts and ends, why it fails, the time that it
// keeps, and what metrics are told of it. It is values and plain functions; the
// rules are tables in docs/sync.md and docs/payments.md, and each Sync is its own.
package cartsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
)

// Mode says how a Sync starts when the cart has a copy at Klarna.
type Mode int

// The modes.
const (
	Load   Mode = iota // a page load: reads the copy first
	Change             // an update on the open page: updates at once
	Repair             // as Load, but never creates; for the back office
)

// String is the mode's name: load, change or repair.
func (m Mode) String() string { return [...]string{"load", "change", "repair"}[m] }

// Outcome is how a Sync without error came out.
type Outcome int

// The outcomes.
const (
	InSync   Outcome = iota // the copy at Klarna says what the cart says
	Empty                   // nothing to sell: no copy is made, an old one stays
	Complete                // the cart's copy is bought at Klarna, the cart not closed yet
	Bought                  // the copy asked about is among those that bought the cart
)

// Why a Sync failed. The cart is intact either way.
var (
	// ErrRefused: Klarna, or our own check of its rules, refused the copy. Our fault.
	ErrRefused = errors.New("klarna refuses the order")
	// ErrPurchaseRunning: the copy has to be replaced, and may be being bought.
	// It ends with the purchase.
	ErrPurchaseRunning = errors.New("a purchase of the cart may be running")
	// ErrUnavailable: no answer of use from Klarna or Redis in time. The next Sync heals.
	ErrUnavailable = errors.New("order could not be brought in sync")
	// ErrNothingToRepair: there is no copy that could be updated, or none that is
	// still open, and Repair makes none. It is an ErrUnavailable too.
	ErrNothingToRepair = fmt.Errorf("%w: there is no order to update, and none is made", ErrUnavailable)
)

// What errors say where Klarna did not.
var (
	ErrNoCopy       = errors.New("the cart has no copy at klarna")
	ErrEnded        = errors.New("the copy at klarna is neither open nor bought")
	ErrNoTime       = errors.New("no time left") // waiting for changes and locks has used it up
	ErrKeptChanging = errors.New("the cart kept changing")
)

// Failed is the error of a Sync of a cart: why is one of this package's, err what
// was met.
func Failed(cartID string, why, err error) error {
	return fmt.Errorf("sync cart %s: %w: %w", cartID, why, err)
}

// Rounds is how often a Sync starts from what the cart says now, after changes
// and lost races.
const Rounds = 8

// createTime of the time left is kept for a create after reads and updates that fail.
const createTime = 3 * time.Second

// TimeLeft reports whether a read or an update can still be tried.
func TimeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > createTime
}

// KeepTime is ctx for a read or an update: it ends 3 s before ctx does.
func KeepTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-createTime))
}

// MayBeBought returns the reservation of a cart, however old, if it says that a
// purchase, by the name that it has there, may be running; else false.
func MayBeBought(ctx context.Context, stock *catalog.Stock, cartID, purchase string) (catalog.Reservation, bool, error) {
	reserved, ok, err := stock.Reservation(ctx, cartID)
	return reserved, ok && reserved.OrderID == purchase, err
}

// Ending is how a Sync came out, and what it did at Klarna on the way.
type Ending struct {
	Outcome Outcome // of a Sync without error
	Created bool    // a copy was made and is the cart's
	Updated bool    // Klarna answered an update with 2xx
	// Replaced is why the cart's copy was given up, "" where it was not; also
	// where no new one could be made.
	Replaced klarna.Verdict
}
