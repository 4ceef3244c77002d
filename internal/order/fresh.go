package order

import (
	"context"
	"time"
)

const (
	freshKey = "shopd:order_fresh:{" // + Klarna's order ID + "}": Klarna was asked a short while ago
	// freshFor is for how long an order counts as it is at Klarna.
	freshFor = time.Minute
	// freshTime is what Klarna gets to answer while somebody looks at a page.
	freshTime = 3 * time.Second
)

// Fresh returns an order of the book as Klarna has it now. Klarna is asked once
// a minute, whoever looks on whatever process; in between, and when there is no
// answer in 3 s, the order is returned as it is.
func (b *Book) Fresh(ctx context.Context, o Order) Order {
	if o.Free() {
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	first, err := b.Redis.SetNX(ctx, freshKey+o.OrderID+"}", 1, freshFor).Result()
	if err == nil && !first {
		return o
	}
	if err == nil {
		var now Order
		if now, err = b.Refresh(ctx, o.OrderID); err == nil {
			return now
		}
	}
	b.Logger.WarnContext(ctx, "order is shown as it was", "order_id", o.OrderID, "order_number", o.Number, "error", err)
	return o
}
