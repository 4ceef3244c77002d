package ordermanagement

import (
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/story"
)

// Tell is what the order says, for the story of the calls: nothing of
// addresses or merchant_data.
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
