package klarna

import (
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
