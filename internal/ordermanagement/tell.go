package ordermanagement

import (
	"strconv"

	"github.com/shopd/shopd/internal/klarna"
)

// Tell is what the order says, for the story of the calls: nothing of
// addresses or merchant_data.
func (o Order) Tell() (orderID string, facts []klarna.Fact) {
	amount := func(name string, minor int64) klarna.Fact {
		return klarna.Fact{Name: name, Value: strconv.FormatInt(minor, 10)}
	}
	facts = []klarna.Fact{
		{Name: "status", Value: string(o.Status)},
		{Name: "fraud_status", Value: string(o.FraudStatus)},
		amount("order_amount", int64(o.OrderAmount)),
		amount("captured_amount", int64(o.CapturedAmount)),
		amount("refunded_amount", int64(o.RefundedAmount)),
		amount("remaining_authorized_amount", int64(o.RemainingAuthorizedAmount)),
	}
	return o.OrderID, append(facts, klarna.LineFacts(o.OrderLines)...)
}
