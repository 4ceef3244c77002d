package payments

import (
	"fmt"
	"slices"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// categories are the categories in the order in which they are offered,
// with their names by language. Which countries have which is this fake's choice.
var categories = []struct {
	identifier string
	names      map[i18n.Lang]string
}{
	{"pay_later", map[i18n.Lang]string{
		"en": "Pay in 30 days", "sv": "Betala inom 30 dagar", "nb": "Betal innen 30 dager", "da": "Betal inden 30 dage",
		"fi": "Maksa 30 päivän kuluessa", "de": "In 30 Tagen bezahlen", "nl": "Binnen 30 dagen betalen"}},
	{"pay_now", map[i18n.Lang]string{
		"en": "Card", "sv": "Kort", "nb": "Kort", "da": "Kort", "fi": "Kortti", "de": "Karte", "nl": "Kaart"}},
	{"pay_over_time", map[i18n.Lang]string{
		"en": "Pay in 3 parts", "sv": "Betala i 3 delar", "nb": "Betal i 3 deler", "da": "Betal i 3 dele",
		"fi": "Maksa 3 erässä", "de": "In 3 Raten bezahlen", "nl": "In 3 delen betalen"}},
}

// categoriesFor returns the identifiers of a session's categories. Companies have only
// the invoice. Outside the core markets there is no invoice.
func categoriesFor(v *Session) []string {
	switch {
	case v.customerType() == "organization":
		return []string{"pay_later"}
	case slices.Contains([]string{"SE", "NO", "DK", "FI", "DE", "AT", "NL", "CH", "GB", "US"}, v.Market()):
		return []string{"pay_later", "pay_now", "pay_over_time"}
	}
	return []string{"pay_now", "pay_over_time"}
}

// categoriesOf returns a session's categories as the API answers them. The
// caller holds s.Mu.
func (s *Service) categoriesOf(v *Session) []Category {
	offered := categoriesFor(v)
	language := web.LangOf(v.Locale)
	var all []Category
	for _, c := range categories {
		if !slices.Contains(offered, c.identifier) {
			continue
		}
		base := fmt.Sprintf("%s/kp/assets/%s/%s-", s.BaseURL(), language, c.identifier)
		all = append(all, Category{c.identifier, c.names[language], AssetURLs{base + "descriptive.svg", base + "standard.svg"}})
	}
	return all
}

// CategoryName returns the name of a category in a language, "" for an unknown one.
func CategoryName(identifier string, language i18n.Lang) string {
	for _, c := range categories {
		if c.identifier == identifier {
			return c.names[language]
		}
	}
	return ""
}
