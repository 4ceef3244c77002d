package observe

import (
	"context"
)

// Product is the label of a Klarna product, or of none.
type Product string

// The products.
const (
	KCO      Product = "kco"
	Payments Product = "payments"
	Free     Product = "free" // of an order for which nothing is paid
)

// SyncResult is the result of a Sync.
type SyncResult string

// The results of syncs.
const (
	SyncNothing         SyncResult = "nothing_to_send" // the copy said what the cart says
	SyncUpdated         SyncResult = "updated"
	SyncCreated         SyncResult = "created"  // there was no copy
	SyncReplaced        SyncResult = "replaced" // by a new copy; Sync.Replaced says why
	SyncEmpty           SyncResult = "empty"
	SyncFree            SyncResult = "free" // nothing to pay
	SyncComplete        SyncResult = "complete"
	SyncBought          SyncResult = "bought"
	SyncPurchaseRunning SyncResult = "purchase_running"
	SyncNothingToRepair SyncResult = "nothing_to_repair"
	SyncRefused         SyncResult = "refused"
	SyncUnavailable     SyncResult = "unavailable"
)

// Sync is one sync of a cart with its order or payment session.
type Sync struct {
	Product  Product
	Mode     string // cartsync.Mode's
	Result   SyncResult
	Replaced string // why the copy was given up, a klarna.Verdict; "" where it was not
	Revision int64  // of the cart
	OrderID  string // the order in sync; "" for none
	Changed  string // the order or session that was made or changed; "" for none
}

// Sync reports a sync that has ended.
func (o *Observer) Sync(ctx context.Context, s Sync) {
	if o == nil {
		return
	}
	o.metrics.syncs.WithLabelValues(string(s.Product), s.Mode, string(s.Result)).Inc()
	hear(ctx, words{sync: string(s.Result), orderID: s.OrderID})
	if s.Replaced != "" {
		o.metrics.replacements.WithLabelValues(string(s.Product), s.Replaced).Inc()
	}
	if span := sampled(ctx); span != nil {
		span.SetAttributes(revisionKey.Int64(s.Revision))
		if s.OrderID != "" {
			span.SetAttributes(orderIDKey.String(s.OrderID))
		}
	}
	o.Remember(ctx, s.Changed)
}
