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
			m := market.Market{Country: country}
			fieldsOf := func(asked []market.Field, delivery bool) (fields []templates.AddressField) {
				for _, f := range asked {
					fields = append(fields, templates.AddressField{Name: f.Name, Autocomplete: f.Autocomplete, Pattern: f.Pattern, Optional: f.Optional, Digits: f.Digits, Length: f.Length,
						Example: f.Example, Delivery: delivery})
				}
				return fields
			}
			var page strings.Builder
			v := templates.PaymentsView{Shell: templates.Shell{Locale: string(l) + "-" + country, Country: country}, Details: templates.DetailsView{
				CustomerTypes: []string{market.Organization, market.Person}, CustomerType: market.Organization, Company: fieldsOf(m.CompanyFields(), false),
				Fields: fieldsOf(append(m.AddressFields(), m.PhoneField(false)), false), DeliveryFields: fieldsOf(m.DeliveryFields(true), true),
			}}
			if err := templates.Payments(v).Render(t.Context(), &page); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"postal_code", "phone", "organization_registration_id", "shipping_postal_code", "shipping_organization_name"} {
				if !strings.Contains(page.String(), `name="`+name+`"`) {
					t.Errorf("%s in %s has no field %s", country, l, name)
				}
			}
		}
	}
}
