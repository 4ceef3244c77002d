package observe

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
)

// heard is what becomes known of a request while it is served, for its record. A later word
// replaces an earlier one: a sync may make another order than the one that it has read.
type heard struct {
	mu sync.Mutex
	words
}

// words are what may become known.
type words struct{ cartID, orderID, sessionID, callback, result, sync, code string }

// hear takes the words that are not empty. Outside a request, and where somebody only looks,
// it does nothing.
func hear(ctx context.Context, w words) {
	about := subjectOf(ctx)
	if about.heard == nil || about.Quiet {
		return
	}
	h := about.heard
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = words{
		cartID: cmp.Or(w.cartID, h.cartID), orderID: cmp.Or(w.orderID, h.orderID), sessionID: cmp.Or(w.sessionID, h.sessionID),
		callback: cmp.Or(w.callback, h.callback), result: cmp.Or(w.result, h.result), sync: cmp.Or(w.sync, h.sync), code: cmp.Or(w.code, h.code),
	}
}

// Cart reports that a request is about a cart.
func Cart(ctx context.Context, cartID string) { hear(ctx, words{cartID: cartID}) }

// Order reports that a request is about an order.
func Order(ctx context.Context, orderID string) { hear(ctx, words{orderID: orderID}) }

// attrs are for the record of the request.
func (h *heard) attrs() []slog.Attr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return present(slog.String("callback", h.callback), slog.String("result", h.result), slog.String("sync", h.sync), slog.String("code", h.code),
		slog.String("cart_id", h.cartID), slog.String("order_id", h.orderID), slog.String("payments_session_id", h.sessionID))
}
