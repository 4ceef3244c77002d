package order

import (
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// event is what events say of an order.
func (o Order) event() event.Order {
	return event.Order{ID: o.ID, Number: o.Number, Reference: o.Reference, Revision: o.Revision}
}

// began are the events of an order that comes into the book. What Klarna has captured before, nobody sees happen later.
func (o Order) began() []event.Type {
	if o.CapturedAmount > 0 {
		return []event.Type{event.OrderCreated, event.OrderCaptured}
	}
	return []event.Type{event.OrderCreated}
}

// happened are the events of what an order has become.
func happened(before, after Order) (list []event.Type) {
	add := func(is bool, what event.Type) {
		if is {
			list = append(list, what)
		}
	}
	became := func(status ordermanagement.Status) bool { return after.Status == status && before.Status != status }
	add(before.Followed() && after.CapturedAmount > before.CapturedAmount, event.OrderCaptured)
	add(before.Followed() && after.RefundedAmount > before.RefundedAmount, event.OrderRefunded)
	add(len(after.Shipments) > len(before.Shipments), event.OrderShipped)
	add(len(after.Withdrawals) > len(before.Withdrawals), event.OrderWithdrawalRequested)
	add(became(ordermanagement.Cancelled), event.OrderCancelled)
	add(after.Expiring && !before.Expiring, event.OrderExpiring)
	add(became(ordermanagement.Expired), event.OrderExpired)
	add(after.FraudStatus != before.FraudStatus, event.OrderRiskChanged)
	add(before.Followed() && released(before, after), event.OrderReleased)
	add(len(list) == 0 && after.MaterialRevision > before.MaterialRevision, event.OrderUpdated)
	add(before.Running != nil && (after.Running == nil || after.Running.Key != before.Running.Key), event.OrderCommandFinished)
	return list
}

// released reports whether the rest of an order was let go: it was part captured, and
// nothing is left without a further capture.
func released(before, after Order) bool {
	return after.Status == ordermanagement.Captured && before.Status == ordermanagement.PartCaptured &&
		after.CapturedAmount == before.CapturedAmount
}
