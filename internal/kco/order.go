// Package kco keeps the order at Klarna Checkout (KCO, now Kustom Checkout) equal to the
// cart. It has the API client. Want makes the order that a cart needs, Differences
// compares it with Klarna's order, and Sync makes the two equal.
package kco

import (
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Status of an order. Source: docs.kustom.co, Read order.
type Status string

// The states of a checkout order. Any other counts as neither open nor bought.
const (
	StatusIncomplete Status = "checkout_incomplete" // open for update
	StatusComplete   Status = "checkout_complete"   // purchase authorised; read-only
)

// Content is the part of an order that the shop decides. It is sent and compared.
type Content struct {
	klarna.Sale
	MerchantURLs MerchantURLs `json:"merchant_urls"`
	MerchantData string       `json:"merchant_data"`
	// Of a checkout session: the number that its order will have, and its reference.
	MerchantReference1 string           `json:"merchant_reference1,omitempty"`
	MerchantReference2 string           `json:"merchant_reference2,omitempty"`
	ShippingOptions    []ShippingOption `json:"shipping_options"`   // none takes away those that were there
	ShippingCountries  []string         `json:"shipping_countries"` // alpha-2
	BillingCountries   []string         `json:"billing_countries"`  // alpha-2
	Options            Options          `json:"options"`
}

// MerchantURLs are the addresses for Klarna's browser and servers. Klarna fills in the
// placeholder {checkout.order.id}. Source: docs.kustom.co, Create order.
type MerchantURLs struct {
	Terms                string `json:"terms"`
	CancellationTerms    string `json:"cancellation_terms,omitempty"`
	Checkout             string `json:"checkout"`
	Confirmation         string `json:"confirmation"`
	Push                 string `json:"push"`
	Validation           string `json:"validation,omitempty"`
	AddressUpdate        string `json:"address_update,omitempty"`
	ShippingOptionUpdate string `json:"shipping_option_update,omitempty"`
	CountryChange        string `json:"country_change,omitempty"`
	Notification         string `json:"notification,omitempty"`
}

// ShippingOption is a way of delivery that the iframe offers. Its price is in the order's
// shipping_fee line. Klarna does not add it, because the order has a
// shipping_option_update URL. Amounts are minor units, tax included (but not in the US
// scheme). Source: docs.kustom.co, Shipping.
type ShippingOption struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"` // 1 to 255 characters
	Description string       `json:"description,omitempty"`
	Price       money.Amount `json:"price"`
	TaxAmount   money.Amount `json:"tax_amount"`
	TaxRate     klarna.Rate  `json:"tax_rate"`
	Preselected bool         `json:"preselected"` // one at most
	// ShippingMethod is how the goods come: "PickUpPoint"; "" where it is not told.
	ShippingMethod  string                 `json:"shipping_method,omitempty"`
	DeliveryDetails klarna.DeliveryDetails `json:"delivery_details,omitzero"`
}

// SelectedOption is the way of delivery that the shopper has chosen, of ours or of a
// shipping assistant at Klarna. Source: docs.kustom.co, Shipping.
type SelectedOption struct {
	ShippingOption
	TMSReference   string        `json:"tms_reference,omitempty"` // the assistant's, of the shipment
	SelectedAddons klarna.Addons `json:"selected_addons,omitempty"`
}

// Options are the order's options, as far as the shop sets any.
// Source: docs.kustom.co, Create order (options).
type Options struct {
	// RequireValidateCallbackSuccess: silence of the validation callback is not consent.
	RequireValidateCallbackSuccess        bool       `json:"require_validate_callback_success"`
	AllowSeparateShippingAddress          bool       `json:"allow_separate_shipping_address"`
	PhoneMandatory                        bool       `json:"phone_mandatory"`
	DateOfBirthMandatory                  bool       `json:"date_of_birth_mandatory"`
	NationalIdentificationNumberMandatory bool       `json:"national_identification_number_mandatory"`
	AllowedCustomerTypes                  []string   `json:"allowed_customer_types,omitempty"` // none: persons
	AdditionalCheckboxes                  []Checkbox `json:"additional_checkboxes,omitempty"`
	ColorButton                           string     `json:"color_button,omitempty"`
	ColorButtonText                       string     `json:"color_button_text,omitempty"`
	ColorCheckbox                         string     `json:"color_checkbox,omitempty"`
	ColorCheckboxCheckmark                string     `json:"color_checkbox_checkmark,omitempty"`
	ColorHeader                           string     `json:"color_header,omitempty"`
	ColorLink                             string     `json:"color_link,omitempty"`
	RadiusBorder                          string     `json:"radius_border,omitempty"` // px
	AutoCapture                           bool       `json:"auto_capture"`
}

// Checkbox is a question of the shop's own. Source: docs.kustom.co, Create order
// (options.additional_checkboxes).
type Checkbox struct {
	ID       string `json:"id"`
	Text     string `json:"text"` // Markdown, at most 1000 characters
	Checked  bool   `json:"checked"`
	Required bool   `json:"required"`
}

// Requested is what the shopper has answered. Source: docs.kustom.co, Create order
// (merchant_requested).
type Requested struct {
	AdditionalCheckboxes []struct {
		ID      string `json:"id"`
		Checked bool   `json:"checked"`
	} `json:"additional_checkboxes"`
}

// Order is an order as Klarna answers it. Addresses are personal data.
type Order struct {
	Content
	OrderID                string          `json:"order_id"`
	Status                 Status          `json:"status"`
	HTMLSnippet            string          `json:"html_snippet"`
	BillingAddress         klarna.Address  `json:"billing_address"`
	ShippingAddress        klarna.Address  `json:"shipping_address"`
	Customer               klarna.Customer `json:"customer"`
	SelectedShippingOption *SelectedOption `json:"selected_shipping_option"` // nil when none is chosen
	MerchantRequested      Requested       `json:"merchant_requested"`
}

// Address returns where the order goes.
func (o *Order) Address() cart.Address {
	a := cart.Address{
		BillingCountry: o.BillingAddress.Country, ShippingCountry: o.ShippingAddress.Country,
		Region: o.ShippingAddress.Region, PostalCode: o.ShippingAddress.PostalCode,
	}
	if o.SelectedShippingOption != nil {
		a.Option = o.SelectedShippingOption.ID
	}
	return a
}

// MaxOrderID is the length in bytes of Klarna's longest order ID.
// Source: docs.kustom.co, Create order.
const MaxOrderID = 255

// IsOrderID reports whether id can be an order ID of Klarna's. It comes from outside and
// becomes part of a path at Klarna, so it must not lead to another path. Klarna promises no
// more of its IDs, so it may be a plain word.
func IsOrderID(id string) bool {
	if id == "" || len(id) > MaxOrderID || strings.Trim(id, ".") == "" {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.~", r)
	})
}
