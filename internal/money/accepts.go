package money

// Accepts reports whether tax is at most 1 minor unit away from the exact tax in gross:
// |tax - gross × rate / (100000 + rate)| ≤ 1. This is Klarna's rule for a line. It is false
// when the amounts are too large to compute.
//
// Source: docs.kustom.co, Checkout API reference, order_line (total_tax_amount).
func (r TaxRate) Accepts(gross, tax Amount) bool {
	scaled, err := tax.Mul(whole + int64(r))
	if err != nil {
		return false
	}
	exact, err := gross.Mul(int64(r))
	if err != nil {
		return false
	}
	off, err := scaled.Sub(exact)
	return err == nil && r.Valid() && off <= whole+Amount(r) && off >= -(whole+Amount(r))
}
