package api

import (
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/payments"
)

// kcoRequest and paymentsRequest are for bringing what there is at Klarna in step.
func kcoRequest(c cart.Cart) kco.Request {
	return kco.Request{CartID: c.ID, Mode: cartsync.Push}
}

func paymentsRequest(c cart.Cart) payments.Request {
	return payments.Request{CartID: c.ID, Mode: cartsync.Push}
}

// The examples of the document; TestExamples sends them.
const (
	exampleRequest = `{
  "country": "SE",
  "order_lines": [
    {"id": "1", "reference": "TENT-2P", "name": "Tent for two", "quantity": 1, "unit_price": 249900, "tax_rate": 2500, "weight": 2100},
    {"id": "2", "type": "discount", "name": "Spring", "quantity": 1, "unit_price": -10000}
  ],
  "delivery_options": [{"id": "parcel", "name": "Home", "description": "1 to 2 days", "price": 7900, "tax_rate": 2500, "preselected": true}],
  "success_url": "https://www.example.com/thanks?basket={REFERENCE}",
  "cancel_url": "https://www.example.com/basket",
  "order_number": "W-20931",
  "metadata": {"campaign": "spring"}
}`
	exampleAnswer = `{
  "object": "checkout_session", "reference": "basket-1", "revision": 1, "status": "open",
  "url": "https://checkout.example.com/checkout/open/…", "client_secret": null,
  "country": "SE", "currency": "SEK", "locale": "sv-SE", "order_amount": 247800, "order_tax_amount": 49560,
  "order_lines": [
    {"id": "1", "type": "physical", "reference": "TENT-2P", "name": "Tent for two", "quantity": 1, "unit_price": 249900, "tax_rate": 2500,
     "total_discount_amount": 0, "total_amount": 249900, "total_tax_amount": 49980, "weight": 2100},
    {"id": "2", "type": "discount", "name": "Spring", "quantity": 1, "unit_price": -10000, "tax_rate": null,
     "total_discount_amount": 0, "total_amount": -10000, "total_tax_amount": -2000}
  ],
  "delivery_options": [{"id": "parcel", "name": "Home", "description": "1 to 2 days", "price": 7900, "tax_rate": 2500, "preselected": true}],
  "delivery_option": {"id": "parcel", "name": "Home", "description": "1 to 2 days", "price": 7900, "tax_rate": 2500},
  "shipping_countries": ["SE"], "billing_countries": ["SE"], "mode": "hosted",
  "success_url": "https://www.example.com/thanks?basket={REFERENCE}", "cancel_url": "https://www.example.com/basket",
  "order_number": "W-20931", "metadata": {"campaign": "spring"},
  "created_at": "2026-11-29T12:00:00Z", "expires_at": "2026-12-01T12:00:00Z", "order": null
}`
)
