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

// vat holds the VAT rates of the markets where prices include VAT, as of
// November 2026. Class None is 0 everywhere. Electronic books are taxed as books.
var vat = map[string]map[TaxClass]money.TaxRate{
	// Food: 120 % until March 2026, 6 % from April 2026 to December 2027, then 12 % again.
	"SE": {Standard: 25000, Food: 6000, Book: 6000},
	"NO": {Standard: 25000, Food: 15000, Book: 0},
	"DK": {Standard: 25000, Food: 25000, Book: 25000},
	// Books left the 10 % group in 2025 and are taxed as food since; 14 % became 13.5 % in 2026.
	"FI": {Standard: 25500, Food: 13500, Book: 13500},
	"DE": {Standard: 19000, Food: 7000, Book: 7000},
	"AT": {Standard: 20000, Food: 10000, Book: 10000},
	"NL": {Standard: 21000, Food: 9000, Book: 9000},
	// Most food, not all: confectionery and the like are standard.
	"GB": {Standard: 20000, Food: 0, Book: 0},
}

// Rate returns the VAT rate of a class, that of Standard for an unknown class. It is 0 for
// None, and for all classes under SalesTax.
func (m Market) Rate(class TaxClass) money.TaxRate {
	if m.Scheme == SalesTax || class == None {
		return 0
	}
	if !class.Valid() {
		class = Standard
	}
	return vat[m.Country][class]
}

// salesTax holds the general sales tax rate of each US state, as of November 2026. It
// includes a local share only if that is the same in the whole state. Taxes of counties
// and cities are not in it. Five states have none, and neither have the three of the
// military post (AA, AE, AP). Nothing is delivered to a region that is not here.
var salesTax = map[string]money.TaxRate{
	"AL": 4000, "AK": 0, "AZ": 5600, "AR": 6500, "CA": 7250, "CO": 2900, "CT": 6350, "DC": 6000, "DE": 0,
	"FL": 6000, "GA": 4000, "HI": 4000, "IA": 6000, "ID": 6000, "IL": 6250, "IN": 7000, "KS": 6500, "KY": 6000,
	"LA": 5000, "MA": 6250, "MD": 6000, "ME": 5500, "MI": 6000, "MN": 6875, "MO": 4225, "MS": 7000, "MT": 0,
	"NC": 4750, "ND": 5000, "NE": 5500, "NH": 0, "NJ": 6625, "NM": 4875, "NV": 6850, "NY": 4000, "OH": 5750,
	"OK": 4500, "OR": 0, "PA": 6000, "RI": 7000, "SC": 6000, "SD": 4200, "TN": 7000, "TX": 6250, "UT": 6100,
	"AA": 0, "AE": 0, "AP": 0, "VA": 5300, "VT": 6000, "WA": 6500, "WI": 5000, "WV": 6000, "WY": 4000,
}

// SalesTaxRate returns the rate of a US state, two letters in either case ("CA"). It is 0
// for an unknown or empty state, and in markets with VAT.
func (m Market) SalesTaxRate(region string) money.TaxRate {
	if m.Scheme != SalesTax {
		return 0
	}
	return salesTax[strings.ToUpper(region)]
}
