package kco

import (
	"github.com/shopd/shopd/internal/cart"
)

// Wants says what an order must say for a cart.
type Wants struct {
	Pricer    *cart.Pricer
	Signer    *Signer
	PublicURL string // of the shop as browsers know it; no trailing slash
	// CallbackURL is the shop as Klarna's servers know it; no trailing slash.
	CallbackURL string
}

// placeholder is filled in by Klarna. Source: docs.kustom.co, Create order.
const placeholder = "{checkout.order.id}"

// Want is the whole order as the cart demands it now, with the quote that it
// was made of. The error is that of cart.Pricer.Quote.
func (w *Wants) Want(c cart.Cart) (Content, cart.Quote, error) {
	quote, err := w.Pricer.Quote(c.Contents)
	return Content{
		PurchaseCountry:  c.Country,
		PurchaseCurrency: string(quote.Currency),
		Locale:           c.Locale,
		OrderAmount:      quote.OrderAmount,
		OrderTaxAmount:   quote.OrderTaxAmount,
		OrderLines:       quote.OrderLines,
		MerchantURLs: MerchantURLs{
			Terms:        w.PublicURL + "/terms",
			Checkout:     w.PublicURL + "/checkout",
			Confirmation: w.PublicURL + "/checkout/confirmation?order_id=" + placeholder,
			Push:         w.CallbackURL + "/klarna/" + w.Signer.CallbackToken() + "/push?order_id=" + placeholder,
		},
		MerchantData: w.Signer.Sign(c.ID),
	}, quote, err
}
