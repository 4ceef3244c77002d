package kco

import (
	"strings"

	"github.com/shopd/shopd/internal/story"
)

// Tell returns facts for the story of the calls. They hold no addresses, URLs or
// merchant_data.
func (c Content) Tell() (orderID string, facts []story.Fact) {
	var options []string
	for _, o := range c.ShippingOptions {
		options = append(options, o.ID)
	}
	return "", append(c.Facts(), story.Fact{Name: "shipping_options", Value: strings.Join(options, ", ")})
}

// Tell returns facts for the story of the calls.
func (o Order) Tell() (orderID string, facts []story.Fact) {
	_, facts = o.Content.Tell()
	return o.OrderID, append(facts, story.Fact{Name: "status", Value: string(o.Status)})
}
