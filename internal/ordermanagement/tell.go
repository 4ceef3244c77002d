package ordermanagement

import (
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/story"
)

// Tell describes the order for the story of the calls. It leaves out addresses and
// merchant_data.
func (o Order) Tell() (orderID string, facts []story.Fact) {
	facts = []story.Fact{
		{Name: "status", Value: string(o.Status)},
		{Name: "fraud_status", Value: string(o.FraudStatus)},
		story.Number("order_amount", o.OrderAmount),
		story.Number("captured_amount", o.CapturedAmount),
		story.Number("refunded_amount", o.RefundedAmount),
		story.Number("remaining_authorized_amount", o.RemainingAuthorizedAmount),
	}
	return o.OrderID, append(facts, klarna.LineFacts(o.OrderLines)...)
}
