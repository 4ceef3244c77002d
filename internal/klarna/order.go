package klarna

import (
	"fmt"

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

// Rate is a tax rate as Klarna's APIs write it, in hundredths of a percent: 2500 is 25 %.
// It lies within 0 and 10000.
type Rate int32

// RateOf returns a rate as Klarna takes it. A rate with three decimals does not fit: its
// tax can only be told as an amount, by a sales_tax line.
func RateOf(rate money.TaxRate) (Rate, error) {
	if rate%10 != 0 {
		return 0, &RuleError{"tax_rate", fmt.Sprintf("is %d thousandths of a percent, Klarna takes hundredths", rate)}
	}
	return Rate(rate / 10), nil
}

// Tax returns the rate that we compute with. It is not valid where r is not.
func (r Rate) Tax() money.TaxRate {
	if r < 0 || r > 10000 {
		return -1
	}
	return money.TaxRate(10 * r)
}

// OrderLine is one line of an order. Amounts are minor units, tax included
// (but for the US scheme, where tax is a line of its own).
type OrderLine struct {
	Type                LineType     `json:"type"`
	Reference           string       `json:"reference,omitempty"` // SKU, ≤ 255 characters
	Name                string       `json:"name"`                // 1 to 255 characters
	Quantity            int64        `json:"quantity"`
	QuantityUnit        string       `json:"quantity_unit,omitempty"` // 1 to 8 characters when sent
	UnitPrice           money.Amount `json:"unit_price"`
	TaxRate             Rate         `json:"tax_rate"`
	TotalAmount         money.Amount `json:"total_amount"`
	TotalDiscountAmount money.Amount `json:"total_discount_amount"`
	TotalTaxAmount      money.Amount `json:"total_tax_amount"`
	ProductURL          string       `json:"product_url,omitempty"`
	ImageURL            string       `json:"image_url,omitempty"`
	Told
}

// Told is what of a line is handed on: nobody pays by it, so no purchase is refused for it.
type Told struct {
	MerchantData       string      `json:"merchant_data,omitempty"` // ≤ 255 characters
	ProductIdentifiers Identifiers `json:"product_identifiers,omitzero"`
	ShippingAttributes Attributes  `json:"shipping_attributes,omitzero"`
}

// Identifiers are what a product is known by elsewhere. Source: docs.kustom.co, Create order.
type Identifiers struct {
	Brand                  string `json:"brand,omitempty"`
	CategoryPath           string `json:"category_path,omitempty"`
	GlobalTradeItemNumber  string `json:"global_trade_item_number,omitempty"`
	ManufacturerPartNumber string `json:"manufacturer_part_number,omitempty"`
}

// Attributes are of goods that are shipped. Source: docs.kustom.co, Create order.
type Attributes struct {
	Weight int `json:"weight,omitempty"` // grams
}

// IsGoods reports whether the line is of goods, sent or downloaded.
func (l OrderLine) IsGoods() bool { return l.Type == Physical || l.Type == Digital }
