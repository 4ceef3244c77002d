package kco

import (
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Tell is what the content says, for the story of the calls: nothing of
// addresses, URLs or merchant_data.
func (c Content) Tell() (orderID string, facts []klarna.Fact) {
	facts = append([]klarna.Fact{
		{Name: "order_amount", Value: strconv.FormatInt(int64(c.OrderAmount), 10)},
		{Name: "order_tax_amount", Value: strconv.FormatInt(int64(c.OrderTaxAmount), 10)},
		{Name: "purchase_country", Value: strings.ToUpper(c.PurchaseCountry)},
		{Name: "purchase_currency", Value: strings.ToUpper(c.PurchaseCurrency)},
		{Name: "locale", Value: c.Locale},
	}, klarna.LineFacts(c.OrderLines)...)
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
