package market

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/shopd/shopd/internal/money"
)

// List is some of the markets, in the order in which pages show them. It is shared and
// must not be changed.
type List []Market

// Lookup returns the market of a country ("SE", in either case); false if it is not in
// the list.
func (l List) Lookup(country string) (Market, bool) {
	for _, m := range l {
		// Two bytes, because EqualFold also folds beyond ASCII ("ſe").
		if len(country) == 2 && strings.EqualFold(m.Country, country) {
			return m, true
		}
	}
	return Market{}, false
}

// HasCurrency reports whether a market has a currency.
func (l List) HasCurrency(c money.Currency) bool {
	return slices.ContainsFunc(l, func(m Market) bool { return m.Currency == c })
}

// ByRegion reports whether tax and delivery in a country follow the region of an address:
// in the US.
func ByRegion(country string) bool { return strings.EqualFold(country, "US") }

// Countries returns the countries of the list, upper case.
func (l List) Countries() []string {
	countries := make([]string, len(l))
	for i, m := range l {
		countries[i] = m.Country
	}
	return countries
}

// homes are the markets for languages without a country that we serve.
var homes = map[string]string{
	"sv": "SE", "nb": "NO", "da": "DK", "fi": "FI", "de": "DE", "nl": "NL", "en": "GB",
}

// FromAcceptLanguage chooses country and locale for a new visitor by the Accept-Language
// header. The first useful entry, by preference, decides. An entry with a country of the
// list gives that country. The locale is the entry's language, else the first language of
// the header that the market has, else the market's default. An entry with only a language
// gives the language's home market, else the first market that has the language. Without a
// useful entry it is the first market in its default. The list must not be empty.
func (l List) FromAcceptLanguage(header string) (country, locale string) {
	tags, _, _ := language.ParseAcceptLanguage(header)
	for _, tag := range tags {
		if region, confidence := tag.Region(); confidence == language.Exact {
			if m, served := l.Lookup(region.String()); served {
				return m.Country, m.firstSpoken(tag, tags)
			}
		}
		spoken := languageOf(tag)
		if m, served := l.Lookup(homes[spoken]); served {
			return m.Country, m.firstSpoken(tag, tags)
		}
		for _, m := range l {
			if locale, ok := m.localeOf(spoken); ok {
				return m.Country, locale
			}
		}
	}
	return l[0].Country, l[0].Locales[0]
}
