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

// vat holds the VAT rates of the markets where prices include VAT, as of
// November 2026. Class None is 0 everywhere. Electronic books are taxed as books.
var vat = map[string]map[TaxClass]money.TaxRate{
	// Food: 12 % until March 2026, 6 % from April 2026 to December 2027, then 12 % again.
	"SE": {Standard: 2500, Food: 600, Book: 600},
	"NO": {Standard: 2500, Food: 1500, Book: 0},
	"DK": {Standard: 2500, Food: 2500, Book: 2500},
	// Books left the 10 % group in 2025 and are taxed as food since; 14 % became 13.5 % in 2026.
	"FI": {Standard: 2550, Food: 1350, Book: 1350},
	"DE": {Standard: 1900, Food: 700, Book: 700},
	"AT": {Standard: 2000, Food: 1000, Book: 1000},
	"NL": {Standard: 2100, Food: 900, Book: 900},
	// Most food, not all: confectionery and the like are standard.
	"GB": {Standard: 2000, Food: 0, Book: 0},
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
// and cities are not in it. Four rates have three decimals (MN 6.875, MO 4.225, NJ 6.625,
// NM 4.875) and are rounded to hundredths, half up. Five states have none.
var salesTax = map[string]money.TaxRate{
	"AL": 400, "AK": 0, "AZ": 560, "AR": 650, "CA": 725, "CO": 290, "CT": 635, "DC": 600, "DE": 0,
	"FL": 600, "GA": 400, "HI": 400, "IA": 600, "ID": 600, "IL": 625, "IN": 700, "KS": 650, "KY": 600,
	"LA": 500, "MA": 625, "MD": 600, "ME": 550, "MI": 600, "MN": 688, "MO": 423, "MS": 700, "MT": 0,
	"NC": 475, "ND": 500, "NE": 550, "NH": 0, "NJ": 663, "NM": 488, "NV": 685, "NY": 400, "OH": 575,
	"OK": 450, "OR": 0, "PA": 600, "RI": 700, "SC": 600, "SD": 420, "TN": 700, "TX": 625, "UT": 610,
	"VA": 530, "VT": 600, "WA": 650, "WI": 500, "WV": 600, "WY": 400,
}

// SalesTaxRate returns the rate of a US state, two letters in either case ("CA"). It is 0
// for an unknown or empty state, and in markets with VAT.
func (m Market) SalesTaxRate(region string) money.TaxRate {
	if m.Scheme != SalesTax {
		return 0
	}
	return salesTax[strings.ToUpper(region)]
}
