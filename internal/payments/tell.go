package payments

import (
	"github.com/shopd/shopd/internal/story"
)

// Tell is what the content says, for the story of the calls: nothing of
// addresses, tokens, URLs or merchant_data. A session has no order.
func (c Content) Tell() (orderID string, facts []story.Fact) {
	return "", c.Facts()
}

// Tell is what the session says, for the story of the calls.
func (s Session) Tell() (orderID string, facts []story.Fact) {
	_, facts = s.Content.Tell()
	return "", append(facts, story.Fact{Name: "status", Value: string(s.Status)})
}

// Tell is what is to be bought, for the story of the calls.
func (r OrderRequest) Tell() (orderID string, facts []story.Fact) {
	return "", r.Facts()
}

// Tell says which order was placed, for the story of the calls.
func (p PlacedOrder) Tell() (orderID string, facts []story.Fact) {
	return p.OrderID, []story.Fact{{Name: "fraud_status", Value: string(p.FraudStatus)}}
}
