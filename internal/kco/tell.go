package kco

import (
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Tell is what the content says, for the story of the calls: nothing of
// addresses, URLs or merchant_data.
func (c Content) Tell() (orderID string, facts []klarna.Fact) {
	facts = klarna.SaleFacts(c.PurchaseCountry, c.PurchaseCurrency, c.Locale,
		klarna.Lines{OrderLines: c.OrderLines, OrderAmount: c.OrderAmount, OrderTaxAmount: c.OrderTaxAmount})
	var options []string
	for _, o := range c.ShippingOptions {
		options = append(options, o.ID)
	}
	return "", append(facts, klarna.Fact{Name: "shipping_options", Value: strings.Join(options, ", ")})
}

// Tell is what the order says, for the story of the calls.
func (o Order) Tell() (orderID string, facts []klarna.Fact) {
	_, facts = o.Content.Tell()
	return o.OrderID, append(facts, klarna.Fact{Name: "status", Value: string(o.Status)})
}
