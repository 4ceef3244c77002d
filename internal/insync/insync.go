// Package insync is how a copy of the cart at Klarna is brought to say what the
// cart says, whichever of Klarna's products keeps it: the order of KCO, or the
// session of Klarna Payments. It knows when to read, update and create; what
// these are and what becomes of their answers is the product's.
package insync

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
)

// Names that are cartsync's now.
type (
	Mode    = cartsync.Mode
	Outcome = cartsync.Outcome
	Event   = cartsync.Event
)

// Names that are cartsync's now.
const (
	Load     = cartsync.Load
	Change   = cartsync.Change
	Repair   = cartsync.Repair
	InSync   = cartsync.InSync
	Empty    = cartsync.Empty
	Complete = cartsync.Complete
	Bought   = cartsync.Bought
)

// Names that are cartsync's now.
var (
	ErrRefused         = cartsync.ErrRefused
	ErrPurchaseRunning = cartsync.ErrPurchaseRunning
	ErrNothingToRepair = cartsync.ErrNothingToRepair
	ErrUnavailable     = cartsync.ErrUnavailable
)

// Limits of a run.
const (
	createReserve = 3 * time.Second // of the time left, kept for a create after failed reads and updates
	maxRounds     = 8               // starts from what the cart says now: changes and lost races
)

// Copy is one of the two products, in one run. What reports done has set the
// Result, or knows that a new round will; an error wraps one of this package's.
type Copy interface {
	// ID is that of the cart's copy, "" for none.
	ID(c *cart.Cart) string
	// Known looks at what session and page know of: done when one of it is bought.
	Known(ctx context.Context) (done bool, err error)
	// Want keeps what the copy must say for the cart.
	Want(c cart.Cart) (cart.Quote, error)
	// GiveUpOld lets go of a copy that only the session still knows.
	GiveUpOld(ctx context.Context) error
	// Read compares the cart's copy with what is wanted.
	Read(ctx context.Context) (done bool, err error)
	// Update sends what is wanted to the cart's copy.
	Update(ctx context.Context) (done bool, err error)
	// Create asks Klarna for a new copy and returns its ID; the error is Klarna's.
	Create(ctx context.Context) (id string, err error)
	// Set makes id the cart's copy if it still has the old one, and returns the
	// revision of the cart then.
	Set(ctx context.Context, old, id string) (set bool, revision int64, err error)
	// GiveUp lets go of a copy that did not become the cart's.
	GiveUp(ctx context.Context, id string)
	// Created notes that the new copy is the cart's.
	Created(id string)
	// Purchase is the name that a reservation has of a purchase of the copy.
	Purchase(id string) string
	// Abort ends the cart's copy, which refuses updates and has the reservation,
	// unless it is bought.
	Abort(ctx context.Context, reserved catalog.Reservation, why Cause) (done bool, err error)
}

// Run is one run under way. The members up to CartID are required.
type Run struct {
	Copy     Copy
	Carts    *cart.Store
	Stock    *catalog.Stock // knows of purchases that may be running
	Logger   *slog.Logger
	CartID   string
	Fallback cart.Fallback
	Mode     Mode
	Observe  func(Event) // told when it has ended; may be nil
	Updated  bool        // set by the Copy when Klarna took an update

	// What came of it.
	Outcome Outcome
	Cart    cart.Cart
	Quote   cart.Quote

	created  bool           // a copy was made and is the cart's
	replaced klarna.Verdict // why the old one was given up
}

// Sync makes the copy at Klarna say what the cart says. Klarna's copy is read
// and compared; there is no memory of what was sent, and nothing counts as sent
// before Klarna has answered 2xx. The old copy stays the cart's until a create
// has answered. ctx must carry a deadline; an error is ErrRefused,
// ErrPurchaseRunning, ErrUnavailable or context's, wrapped.
func (r *Run) Sync(ctx context.Context) (err error) {
	mode := r.Mode // a run goes on as Change
	defer func() { r.observe(mode, err) }()
	ctx = klarna.About(ctx, klarna.Subject{CartID: r.CartID})
	for range maxRounds {
		if done, err := r.round(ctx); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the cart kept changing", ErrUnavailable)
}

// round goes once from what the cart says now towards a copy that says it. It
// reports false when the cart moved on meanwhile.
func (r *Run) round(ctx context.Context) (done bool, err error) {
	c, err := r.Carts.Get(ctx, r.CartID, r.Fallback)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	r.Cart = c
	if done, err := r.Copy.Known(ctx); done || err != nil {
		return done, err
	}
	r.Quote, err = r.Copy.Want(r.Cart)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if len(r.Quote.Goods) == 0 {
		return r.End(Empty)
	}
	if err := r.Copy.GiveUpOld(ctx); err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch {
	case r.Copy.ID(&r.Cart) == "":
		return r.create(ctx)
	case !enoughTime(ctx):
		// Waiting for changes and locks has used it up; the copy is not to blame.
		return false, fmt.Errorf("%w: no time left", ErrUnavailable)
	case r.Mode == Change:
		return r.Copy.Update(ctx)
	default:
		return r.Copy.Read(ctx)
	}
}

// End ends the run.
func (r *Run) End(o Outcome) (bool, error) {
	r.Outcome = o
	return true, nil
}

// create makes a new copy and makes it the cart's, if no one else has done so meanwhile.
func (r *Run) create(ctx context.Context) (bool, error) {
	if r.Mode == Repair {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, ErrNothingToRepair)
	}
	id, err := r.Copy.Create(ctx)
	if err != nil {
		if Refused(err) {
			return false, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	set, revision, err := r.Copy.Set(ctx, r.Copy.ID(&r.Cart), id)
	if err != nil || !set {
		// Ours is not the cart's copy, or nobody knows: it is given up.
		r.Copy.GiveUp(ctx, id)
		return r.Again(err)
	}
	r.Copy.Created(id)
	r.created = true
	if revision != r.Cart.Revision {
		r.Mode = Change
		return false, nil
	}
	return r.End(InSync)
}

// Confirm ends the run unless the cart has moved on since it was read.
func (r *Run) Confirm(ctx context.Context) (bool, error) {
	now, err := r.Carts.Get(ctx, r.CartID, r.Fallback)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if now.Revision != r.Cart.Revision || r.Copy.ID(&now) != r.Copy.ID(&r.Cart) {
		if r.Mode != Repair {
			r.Mode = Change // Klarna has just answered, so it need not be read first.
		}
		return false, nil
	}
	return r.End(InSync)
}

// Again starts anew from what the cart says now, unless Redis did not answer.
func (r *Run) Again(err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return false, nil
}

// enoughTime reports whether a read or an update can still be tried.
func enoughTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > createReserve
}

// Reserve leaves time for a create after reads and updates that fail.
func Reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-createReserve))
}
