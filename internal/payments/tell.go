package payments

import (
	"github.com/shopd/shopd/internal/story"
)

// Tell returns facts for the story of the calls. They hold no addresses, tokens, URLs or
// merchant_data. A session has no order.
func (c Content) Tell() (orderID string, facts []story.Fact) {
	return "", c.Facts()
}

// Tell returns facts for the story of the calls.
func (s Session) Tell() (orderID string, facts []story.Fact) {
	_, facts = s.Content.Tell()
	return "", append(facts, story.Fact{Name: "status", Value: string(s.Status)})
}

// Tell returns facts for the story of the calls.
func (r OrderRequest) Tell() (orderID string, facts []story.Fact) {
	return "", r.Facts()
}

// Tell returns the placed order and its facts, for the story of the calls.
func (p PlacedOrder) Tell() (orderID string, facts []story.Fact) {
	return p.OrderID, []story.Fact{{Name: "fraud_status", Value: string(p.FraudStatus)}}
}
