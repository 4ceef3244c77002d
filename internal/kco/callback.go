package kco

import (
	"net/url"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
)

// AddressChange is the body of the address_update, shipping_option_update and
// country_change callbacks, with the members that we use. It names neither the order
// nor the change. It holds personal data.
// Source: docs.kustom.co, Server side callbacks.
type AddressChange struct {
	BillingAddress         klarna.Address  `json:"billing_address"`
	ShippingAddress        klarna.Address  `json:"shipping_address"`
	SelectedShippingOption *SelectedOption `json:"selected_shipping_option"`
	MerchantData           string          `json:"merchant_data"`
	Locale                 string          `json:"locale"`
}

// Address returns where the order goes.
func (a *AddressChange) Address() cart.Address {
	o := Order{BillingAddress: a.BillingAddress, ShippingAddress: a.ShippingAddress, SelectedShippingOption: a.SelectedShippingOption}
	return o.Address()
}

// AddressAnswer is the answer to an AddressChange. It replaces the order's members.
// Source: docs.kustom.co, Server side callbacks.
type AddressAnswer struct {
	klarna.Lines
	PurchaseCurrency string           `json:"purchase_currency"`
	ShippingOptions  []ShippingOption `json:"shipping_options"`
	Locale           string           `json:"locale"`
}

// AddressAnswer returns the members of the content that such an answer may have.
func (c *Content) AddressAnswer() AddressAnswer {
	return AddressAnswer{c.Lines, c.PurchaseCurrency, c.ShippingOptions, c.Locale}
}

// Refusal is the body of a 400 with which a callback refuses an order. The iframe shows
// the text. Source: docs.kustom.co, Server side callbacks.
type Refusal struct {
	Type string `json:"error_type"`
	Text string `json:"error_text"`
}

// The Types of a Refusal.
const (
	UnsupportedAddress = "unsupported_shipping_address"
	NotApproved        = "approval_failed" // of a validation
)

// SaleDifferences returns the Differences that change what is bought and for how much.
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
	DeliveryGone    Reason = "delivery_gone"    // the way of delivery is not offered any more
)

// CheckoutURL returns the page of a cart for a shopper whose purchase was refused. sku is the
// product that was sold out, else "".
func (w *Wants) CheckoutURL(c *cart.Contents, reason Reason, sku string) string {
	query := url.Values{"reason": {string(reason)}}
	if sku != "" {
		query.Set("sku", sku)
	}
	return w.PublicURL + c.RefusedPath() + "?" + query.Encode()
}
