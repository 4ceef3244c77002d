package money

import "github.com/bojanz/currency"

// Currency is an ISO 4217 code in upper case: "SEK".
type Currency string

// Known reports whether a currency is one that amounts can be in: it has two decimals.
func (c Currency) Known() bool {
	digits, known := currency.GetDigits(string(c))
	return known && digits == 2
}
