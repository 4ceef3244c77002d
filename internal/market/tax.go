package market

import (
	"strings"

	"github.com/shopd/shopd/internal/money"
)

// TaxClass is a group of goods with the same tax. The rate depends on the market.
type TaxClass string

const (
	Standard TaxClass = "standard" // everything without a class of its own; shipping too
	Food     TaxClass = "food"
	Book     TaxClass = "book" // on paper and electronic
	None     TaxClass = "none" // multi-purpose vouchers: money, taxed when used
)

// Valid reports whether c is one of the classes.
func (c TaxClass) Valid() bool {
	switch c {
	case Standard, Food, Book, None:
		return true
	}
	return false
}

// DeliveryTax says how delivery is taxed.
type DeliveryTax int

const (
	// TaxStandard: at the standard rate. In the US as TaxAsGoods.
	TaxStandard DeliveryTax = iota
	// TaxAsGoods: at the rates of the goods that are shipped, split by their totals. In the
	// US it is taxed where they are.
	TaxAsGoods
	// TaxAtRate: at Market.DeliveryRate. In the US not at all.
	TaxAtRate
)

// UntaxedPrices says what a shopper pays in a place without VAT.
type UntaxedPrices int

const (
	// SamePrices: as much as elsewhere.
	SamePrices UntaxedPrices = iota
	// WithoutVAT: less by the VAT that the market's prices include.
	WithoutVAT
)

// Rate returns the VAT rate of a class, that of Standard for one without a rate. It is 0
// for None, and for all classes under SalesTax.
func (m Market) Rate(class TaxClass) money.TaxRate {
	if m.Scheme == SalesTax || class == None {
		return 0
	}
	if rate, known := m.Rates[class]; known {
		return rate
	}
	return m.Rates[Standard]
}

// SalesTaxRate returns the rate of a US state, two letters in either case ("CA"). It is 0
// for a state that nothing is delivered to, and in markets with VAT.
func (m Market) SalesTaxRate(region string) money.TaxRate {
	return m.SalesTax[strings.ToUpper(region)]
}
