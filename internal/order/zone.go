package order

import (
	"slices"
	"time"
)

// In returns the order with its times in a zone, for people to read.
func (o Order) In(zone *time.Location) Order {
	for _, t := range []*time.Time{&o.PlacedAt, &o.ErasedAt, &o.ExpiresAt, &o.SendingUntil} {
		*t = t.In(zone)
	}
	o.Captures, o.Refunds, o.Shipments = slices.Clone(o.Captures), slices.Clone(o.Refunds), slices.Clone(o.Shipments)
	for i := range o.Captures {
		o.Captures[i].CapturedAt.Time = o.Captures[i].CapturedAt.In(zone)
	}
	for i := range o.Refunds {
		o.Refunds[i].RefundedAt.Time = o.Refunds[i].RefundedAt.In(zone)
	}
	for i := range o.Shipments {
		o.Shipments[i].ShippedAt = o.Shipments[i].ShippedAt.In(zone)
	}
	if o.Running != nil {
		running := *o.Running
		running.At = running.At.In(zone)
		o.Running = &running
	}
	return o
}
