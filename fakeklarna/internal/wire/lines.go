package wire

import (
	"math/big"
	"strings"
)

// Klarna's checks of lines and sums. They are independent of the shop's own arithmetic and
// use integers of any size: sent values may be as large as an int64.
// Source: docs.kustom.co, Checkout API reference (order_line); docs.klarna.com, Tax handling.

// TotalFits: total_amount = quantity × unit_price − total_discount_amount.
func (l *OrderLine) TotalFits() bool {
	want := product(l.Quantity, l.UnitPrice)
	want.Sub(want, big.NewInt(l.TotalDiscountAmount))
	return want.Cmp(big.NewInt(l.TotalAmount)) == 0
}

// TaxFits: total_tax_amount is at most 1 away from the tax that total_amount
// includes, total_amount × rate / (100 % + rate).
func (l *OrderLine) TaxFits() bool {
	off := product(l.TotalTaxAmount, WholeRate+l.TaxRate)
	off.Sub(off, product(l.TotalAmount, l.TaxRate))
	return off.CmpAbs(big.NewInt(WholeRate+l.TaxRate)) <= 0
}

// Sums returns what order_amount and order_tax_amount must be. In the US the
// tax is the sales_tax line, if there is one.
func Sums(country string, lines []OrderLine) (amount, tax *big.Int) {
	amount, tax = new(big.Int), new(big.Int)
	salesTax := new(big.Int)
	found := false
	for i := range lines {
		amount.Add(amount, big.NewInt(lines[i].TotalAmount))
		tax.Add(tax, big.NewInt(lines[i].TotalTaxAmount))
		if lines[i].Type == "sales_tax" && strings.EqualFold(country, "US") {
			found = true
			salesTax.Add(salesTax, big.NewInt(lines[i].TotalAmount))
		}
	}
	if found {
		tax = salesTax
	}
	return amount, tax
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }
