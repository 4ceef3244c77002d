package kco

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/shopd/shopd/internal/klarna"
)

// errEnded: the order is neither open nor bought.
var errEnded = errors.New("the order has ended")

// cause is why the cart's order is to be replaced.
type cause struct {
	err     error // what a read or an update came to, errEnded by status
	refused bool  // Klarna refused an update with a 4xx
}

// gone reports whether Klarna answered that there is no such order (any more).
func (c cause) gone() bool { return statusOf(c.err) == http.StatusNotFound }

// statusOf is the status with which Klarna answered, 0 when it did not.
func statusOf(err error) int {
	if apiErr, ok := errors.AsType[*klarna.Error](err); ok {
		return apiErr.Status
	}
	return 0
}

// replace makes a new order in place of the cart's. One that may be being
// bought, because it has a reservation of whatever age, has to be over first.
func (s *run) replace(ctx context.Context, why cause) (bool, error) {
	switch {
	case s.Mode == Repair:
		return false, repairError(why)
	case why.gone():
		return s.renew(ctx, why)
	}
	old := s.result.Cart.OrderID
	reserved, ok, err := s.Stock.Reservation(ctx, s.CartID)
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case !ok || reserved.OrderID != old:
		return s.renew(ctx, why)
	case reserved.Ending && errors.Is(why.err, errEnded):
		// We aborted it, and did not come to note that it is over.
		return s.over(ctx, why)
	case !why.refused:
		return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, why.err)
	}
	return s.abort(ctx, reserved.Ending, why)
}

// repairError is how a Repair ends where another mode makes a new order.
func repairError(why cause) error {
	switch {
	case why.gone(), errors.Is(why.err, errEnded):
		return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrNothingToRepair, why.err)
	case why.refused:
		return fmt.Errorf("%w: %w", ErrRefused, why.err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, why.err)
}

func (s *run) renew(ctx context.Context, why cause) (bool, error) {
	s.Logger.InfoContext(ctx, "kco order is of no use, making a new one", "order_id", s.result.Cart.OrderID, "error", why.err)
	return s.create(ctx)
}

// abort ends the cart's order, which refuses updates, unless it is bought.
// tried is whether that was tried before: then an order that has ended was ended
// by us. Each try is noted first, for an abort of which nobody learns would
// keep the cart from being bought.
func (s *run) abort(ctx context.Context, tried bool, why cause) (bool, error) {
	old := s.result.Cart.OrderID
	if still, err := s.Stock.SetEnding(ctx, s.CartID, old, true); err != nil || !still {
		return s.again(err)
	}
	abortCtx, cancel := reserve(ctx)
	defer cancel()
	retried, err := s.Client.AbortOrder(abortCtx, old)
	switch {
	case err == nil, statusOf(err) == http.StatusNotFound:
		return s.over(ctx, why)
	case statusOf(err) != http.StatusForbidden:
		return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, err)
	}
	// Read-only: bought, or aborted before.
	order, readErr := s.Client.GetOrder(abortCtx, old)
	tried = tried || retried
	switch {
	case statusOf(readErr) == http.StatusNotFound:
		return s.over(ctx, why)
	case readErr != nil:
	case order.Status == StatusComplete:
		return s.accept(ctx, order)
	case order.Status != StatusIncomplete && tried:
		return s.over(ctx, why)
	case !tried:
		if _, noteErr := s.Stock.SetEnding(ctx, s.CartID, old, false); noteErr != nil {
			return s.again(noteErr)
		}
	}
	return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, errors.Join(err, readErr))
}

// over makes a new order after the cart's has ended without a sale, so that
// the new one may be bought at once.
func (s *run) over(ctx context.Context, why cause) (bool, error) {
	if err := s.Stock.DropReservation(ctx, s.CartID, s.result.Cart.OrderID); err != nil {
		return s.again(err)
	}
	return s.renew(ctx, why)
}

// again starts anew from what the cart says now, unless Redis did not answer.
func (s *run) again(err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return false, nil
}
