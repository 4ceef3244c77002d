package klarna

import (
	"log/slog"

	"github.com/shopd/shopd/internal/money"
)

// LineType is the kind of an order line.
type LineType string

// The line types. Source: docs.kustom.co, Create order; docs.klarna.com, Refund orders.
const (
	Physical    LineType = "physical"
	Digital     LineType = "digital"
	ShippingFee LineType = "shipping_fee"
	Surcharge   LineType = "surcharge"
	Discount    LineType = "discount"
	GiftCard    LineType = "gift_card"
	StoreCredit LineType = "store_credit"
	SalesTax    LineType = "sales_tax"
	ReturnFee   LineType = "return_fee" // of a refund only; its amounts are negative
)

// OrderLine is one line of an order. Amounts are minor units, tax included
// (but for the US scheme, where tax is a line of its own).
type OrderLine struct {
	Type                LineType      `json:"type"`
	Reference           string        `json:"reference,omitempty"` // SKU, ≤ 255 characters
	Name                string        `json:"name"`                // 1 to 255 characters
	Quantity            int64         `json:"quantity"`
	QuantityUnit        string        `json:"quantity_unit,omitempty"` // 1 to 8 characters when sent
	UnitPrice           money.Amount  `json:"unit_price"`
	TaxRate             money.TaxRate `json:"tax_rate"`
	TotalAmount         money.Amount  `json:"total_amount"`
	TotalDiscountAmount money.Amount  `json:"total_discount_amount"`
	TotalTaxAmount      money.Amount  `json:"total_tax_amount"`
	ProductURL          string        `json:"product_url,omitempty"`
	ImageURL            string        `json:"image_url,omitempty"`
}

// Address is a billing or shipping address, with the members that shopd uses. It is
// personal data and never logged.
type Address struct {
	GivenName      string `json:"given_name,omitempty"`
	FamilyName     string `json:"family_name,omitempty"`
	Email          string `json:"email,omitempty"`
	StreetAddress  string `json:"street_address,omitempty"`
	StreetAddress2 string `json:"street_address2,omitempty"`
	PostalCode     string `json:"postal_code,omitempty"`
	City           string `json:"city,omitempty"`
	Region         string `json:"region,omitempty"`
	Phone          string `json:"phone,omitempty"`
	Country        string `json:"country,omitempty"` // alpha-2, case varies
}

// LogValue keeps the address out of logs.
func (Address) LogValue() slog.Value { return slog.StringValue("[address]") }
