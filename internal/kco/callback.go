package kco

import (
	"net/url"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
)

// AddressChange is the body of the address_update, shipping_option_update and
// country_change callbacks as far as we read it; it names neither the order nor
// what changed. It holds personal data.
// Source: docs.kustom.co, Server side callbacks.
type AddressChange struct {
	BillingAddress         klarna.Address  `json:"billing_address"`
	ShippingAddress        klarna.Address  `json:"shipping_address"`
	SelectedShippingOption *ShippingOption `json:"selected_shipping_option"`
	MerchantData           string          `json:"merchant_data"`
	Locale                 string          `json:"locale"`
}

// Address is what the body says of where the order goes.
func (a *AddressChange) Address() cart.Address {
	o := Order{BillingAddress: a.BillingAddress, ShippingAddress: a.ShippingAddress, SelectedShippingOption: a.SelectedShippingOption}
	return o.Address()
}

// AddressAnswer is the answer to an AddressChange: the order is replaced by
// it. Source: docs.kustom.co, Server side callbacks.
type AddressAnswer struct {
	klarna.Lines
	PurchaseCurrency string           `json:"purchase_currency"`
	ShippingOptions  []ShippingOption `json:"shipping_options"`
	Locale           string           `json:"locale"`
}

// AddressAnswer is as much of the content as such an answer may have.
func (c *Content) AddressAnswer() AddressAnswer {
	return AddressAnswer{c.Lines, c.PurchaseCurrency, c.ShippingOptions, c.Locale}
}

// Refusal is the body of a 400 by which a callback refuses an order; the text
// is shown in the iframe. Source: docs.kustom.co, Server side callbacks.
type Refusal struct {
	Type string `json:"error_type"`
	Text string `json:"error_text"`
}

// UnsupportedAddress is the Type of a refusal of the address.
const UnsupportedAddress = "unsupported_shipping_address"

// SaleDifferences is Differences as far as it decides what is bought and for
// how much: country, currency, lines and amounts.
func SaleDifferences(want Content, got Order) []string {
	return klarna.OfSale(Differences(want, got))
}

// Reason tells the checkout page, in its address, why a purchase was refused.
type Reason string

// The reasons.
const (
	CartChanged     Reason = "cart_changed"     // the order is not what the cart says
	SoldOut         Reason = "sold_out"         // with the SKU in the address, too
	AlreadyBought   Reason = "already_bought"   // by this order
	PurchaseRunning Reason = "purchase_running" // of another order of the cart
	UnknownOrder    Reason = "unknown_order"    // not the cart's newest, or not ours
)

// CheckoutURL is the page to which a refused shopper is sent; sku is what was
// sold out, else "".
func (w *Wants) CheckoutURL(reason Reason, sku string) string {
	query := url.Values{"reason": {string(reason)}}
	if sku != "" {
		query.Set("sku", sku)
	}
	return w.PublicURL + "/checkout?" + query.Encode()
}
