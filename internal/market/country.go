package market

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// IsCountry reports whether a code is a country's, ISO 3166-1 alpha-2 in upper case.
func IsCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && region.IsCountry() && region.String() == code
}

// IsState reports whether a code is that of a region of the US with a tax of its own
// ("CA"): a state, the capital, the military post.
func IsState(code string) bool {
	return slices.Contains(slices.Collect(maps.Values(states)), code)
}

// States returns the states that goods are delivered to, in a market with sales tax.
func (m Market) States() []string { return slices.Sorted(maps.Keys(m.SalesTax)) }

// PostalCode returns a postal code, or the start of one with a * behind it, as
// [Market.Untaxed] and [Market.NoDelivery] have them. False: it can be none of the market's
// country.
func (m Market) PostalCode(text string) (string, bool) {
	code := m.postalCode(text)
	start, open := strings.CutSuffix(code, "*")
	if !open {
		return code, compiled(postalCodeOf(m.Country)).MatchString(code)
	}
	digits, longest := !hasLetters(m.Country), 9
	if m.Country == "US" {
		longest = zip
	}
	return code, start != "" && len(start) <= longest && !slices.ContainsFunc([]rune(start), func(r rune) bool {
		return (r < '0' || r > '9') && (digits || r < 'A' || r > 'Z')
	})
}
