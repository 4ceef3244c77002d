package kco

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/insync"
)

// Purchase is the name that a reservation has of a purchase of an order: its ID.
func (s *run) Purchase(id string) string { return id }

// Abort ends the cart's order, which refuses updates, unless it is bought. Where
// that was tried before, an order that has ended was ended by us. Each try is
// noted first, for an abort of which nobody learns would keep the cart from
// being bought.
func (s *run) Abort(ctx context.Context, reserved catalog.Reservation, why insync.Cause) (bool, error) {
	old := s.Cart.OrderID
	if still, err := s.Stock.SetEnding(ctx, s.CartID, old, true); err != nil || !still {
		return s.Again(err)
	}
	abortCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	retried, err := s.syncer.Client.AbortOrder(abortCtx, old)
	switch {
	case err == nil, insync.StatusOf(err) == http.StatusNotFound:
		return s.Over(ctx, why)
	case insync.StatusOf(err) != http.StatusForbidden:
		return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, err)
	}
	// Read-only: bought, or aborted before.
	order, readErr := s.syncer.Client.GetOrder(abortCtx, old)
	tried := reserved.Ending || retried
	switch {
	case insync.StatusOf(readErr) == http.StatusNotFound:
		return s.Over(ctx, why)
	case readErr != nil:
	case order.Status == StatusComplete:
		return s.accept(ctx, order)
	case order.Status != StatusIncomplete && tried:
		return s.Over(ctx, why)
	case !tried:
		if _, noteErr := s.Stock.SetEnding(ctx, s.CartID, old, false); noteErr != nil {
			return s.Again(noteErr)
		}
	}
	return false, fmt.Errorf("%w: %w", ErrPurchaseRunning, errors.Join(err, readErr))
}
