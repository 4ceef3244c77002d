package templates_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/web/templates"
)

// The address form has its words for any country, in each language.
func TestAddressFormOfAnyCountry(t *testing.T) {
	for _, country := range []string{"SE", "US", "FR", "CA", "IE", "PL", "IS"} {
		for _, l := range i18n.Langs() {
			var fields []templates.AddressField
			for _, f := range (market.Market{Country: country}).AddressFields() {
				fields = append(fields, templates.AddressField{Name: f.Name, Autocomplete: f.Autocomplete, Pattern: f.Pattern, Optional: f.Optional, Digits: f.Digits, Length: f.Length})
			}
			var page strings.Builder
			v := templates.PaymentsView{Shell: templates.Shell{Locale: string(l) + "-" + country, Country: country}, Fields: fields}
			if err := templates.Payments(v).Render(t.Context(), &page); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(page.String(), `name="postal_code"`) {
				t.Errorf("%s in %s has no field for the postal code", country, l)
			}
		}
	}
}
