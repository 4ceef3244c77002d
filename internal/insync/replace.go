package insync

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/shopd/shopd/internal/klarna"
)

// ErrEnded: the copy is neither open nor bought.
var ErrEnded = errors.New("the order has ended")

// Cause is why the cart's copy is to be replaced.
type Cause struct {
	Err     error // what a read or an update came to, ErrEnded by status
	Refused bool  // Klarna refused an update with a 4xx
}

// gone reports whether Klarna answered that there is no such copy (any more).
func (c Cause) gone() bool { return StatusOf(c.Err) == http.StatusNotFound }

// StatusOf is the status with which Klarna answered, 0 when it did not.
func StatusOf(err error) int {
	if apiErr, ok := errors.AsType[*klarna.Error](err); ok {
		return apiErr.Status
	}
	return 0
}

// Refused reports whether Klarna judged what was asked of it, and refused it.
func Refused(err error) bool {
	apiErr, answered := errors.AsType[*klarna.Error](err)
	return answered && apiErr.Refused()
}

// Replace makes a new copy in place of the cart's. One that may be being
// bought, because it has a reservation of whatever age, has to be over first.
func (r *Run) Replace(ctx context.Context, why Cause) (bool, error) {
	switch {
	case r.Mode == Repair:
		return false, repairError(why)
	case why.gone():
		return r.Renew(ctx, why)
	}
	reserved, ok, err := r.Stock.Reservation(ctx, r.CartID)
	switch {
	case err != nil:
		return r.Again(err)
	case !ok || reserved.OrderID != r.purchase():
		return r.Renew(ctx, why)
	case reserved.Ending && errors.Is(why.Err, ErrEnded):
		// We aborted it, and did not come to note that it is over.
		return r.Over(ctx, why)
	case !why.Refused:
		return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, why.Err)
	}
	return r.Copy.Abort(ctx, reserved, why)
}

// repairError is how a Repair ends where another mode makes a new copy.
func repairError(why Cause) error {
	switch {
	case why.gone(), errors.Is(why.Err, ErrEnded):
		return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrNothingToRepair, why.Err)
	case why.Refused:
		return fmt.Errorf("%w: %w", ErrRefused, why.Err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, why.Err)
}

// Over makes a new copy after the cart's has ended without a sale, so that the
// new one may be bought at once.
func (r *Run) Over(ctx context.Context, why Cause) (bool, error) {
	if err := r.Stock.DropReservation(ctx, r.CartID, r.purchase()); err != nil {
		return r.Again(err)
	}
	return r.Renew(ctx, why)
}

// Renew makes a new copy, the cart's being of no use.
func (r *Run) Renew(ctx context.Context, why Cause) (bool, error) {
	r.replaced = klarna.VerdictOf(why.Err)
	if errors.Is(why.Err, ErrEnded) {
		r.replaced = klarna.Ended
	}
	r.Logger.InfoContext(ctx, "the copy at klarna is of no use, making a new one",
		"cart_id", r.CartID, "purchase", r.purchase(), "reason", r.replaced, "error", why.Err)
	return r.create(ctx)
}

// purchase is the name that a reservation has of a purchase of the cart's copy.
func (r *Run) purchase() string { return r.Copy.Purchase(r.Copy.ID(&r.Cart)) }
