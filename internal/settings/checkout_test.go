package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
)

// asking is a shop file with everything that can be asked of Klarna's form, and markets with some of their own.
const asking = `name: A
contact: {email: a@b.example}
pages: {terms: "https://a.example/terms"}
markets:
  - {country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25}}
  - {country: DE, currency: EUR, locales: [de-DE], tax: {standard: 19}, checkout: {separate_shipping_address: false, phone_mandatory: false, radius: 0, checkboxes: []}}
  - {country: US, currency: USD, locales: [en-US], sales_tax: {OR: 0}, checkout: {auto_capture: false, colors: {link: "#010203"}}}
checkout:
  customer_types: [organization, person]
  separate_shipping_address: true
  phone_mandatory: true
  date_of_birth_mandatory: true
  national_identification_number_mandatory: true
  colors: {button: "#0B5D3B", button_text: "#ffffff", checkbox: "#111111", checkbox_checkmark: "#222222", header: "#333333", link: "#444444"}
  radius: 6
  checkboxes: [{id: news, text: {sv: Nyheter, de: Neues, en: News}}, {id: age, text: {sv: Jag är 18, de: Ich bin 18, en: I am 18}, required: true}]
  auto_capture: true
`

func TestCheckout(t *testing.T) {
	shop, warnings, err := settings.Read(settings.Source{File: []byte(asking)})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	colors := settings.Colors{Button: "#0b5d3b", ButtonText: "#ffffff", Checkbox: "#111111", CheckboxCheckmark: "#222222", Header: "#333333", Link: "#444444"}
	american := colors
	american.Link = "#010203"
	boxes := []settings.Checkbox{
		{ID: "news", Text: i18n.Text{"sv": "Nyheter", "de": "Neues", "en": "News"}},
		{ID: "age", Text: i18n.Text{"sv": "Jag är 18", "de": "Ich bin 18", "en": "I am 18"}, Required: true},
	}
	want := map[string]settings.Form{
		"SE": {CustomerTypes: []string{"organization", "person"}, SeparateAddress: true, BirthMandatory: true, IdentityMandatory: true, Colors: colors, Radius: "6", Checkboxes: boxes, AutoCapture: true},
		"DE": {CustomerTypes: []string{"organization", "person"}, PhoneOptional: true, BirthMandatory: true, Colors: colors, Radius: "0", AutoCapture: true},
		"US": {CustomerTypes: []string{"person"}, SeparateAddress: true, BirthMandatory: true, Colors: american, Radius: "6", Checkboxes: boxes},
	}
	if diff := cmp.Diff(want, shop.Checkout.Forms); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the file does not say is as Klarna has it: in Germany there may be two addresses.
func TestCheckoutDefaults(t *testing.T) {
	file, _, _ := strings.Cut(asking, "checkout:\n")
	file = strings.NewReplacer(", checkout: {separate_shipping_address: false, phone_mandatory: false, radius: 0, checkboxes: []}", "", `, checkout: {auto_capture: false, colors: {link: "#010203"}}`, "").Replace(file)
	shop, _, err := settings.Read(settings.Source{File: []byte(file)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]settings.Form{"SE": {}, "DE": {SeparateAddress: true}, "US": {}}, shop.Checkout.Forms); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckoutRefuses(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"customer_types", "[organization, person]", "[company]", `line 9: checkout.customer_types[0]: "company" is none of: person, organization`},
		{"customer_types twice", "[organization, person]", "[person, person]", `line 9: checkout.customer_types[1]: "person" stands twice`},
		{"customer_types of none", "[organization, person]", "[]", "line 9: checkout.customer_types: must not be empty"},
		{"companies alone where there are none", "[organization, person]", "[organization]", "line 9: checkout.customer_types: Klarna has no companies in US: nobody could buy there"},
		{"companies of a market without", "checkout: {auto_capture: false", "checkout: {customer_types: [person, organization]", "line 7: markets[2].checkout.customer_types: Klarna has no companies in US"},
		{"separate_shipping_address", "separate_shipping_address: true", "separate_shipping_address: 1", "line 10: checkout.separate_shipping_address: want true or false"},
		{"phone_mandatory of a market", "phone_mandatory: false", "phone_mandatory: no way", "line 6: markets[1].checkout.phone_mandatory: want true or false"},
		{"date_of_birth_mandatory", "date_of_birth_mandatory: true", "date_of_birth_mandatory: 1", "line 12: checkout.date_of_birth_mandatory: want true or false"},
		{"national number", "number_mandatory: true", "number_mandatory: 1", "line 13: checkout.national_identification_number_mandatory: want true or false"},
		{"national number of a market without", "checkout: {auto_capture: false", "checkout: {national_identification_number_mandatory: true", "line 7: markets[2].checkout.national_identification_number_mandatory: Klarna asks for it in SE, NO, FI, DK alone"},
		{"colour", "#222222", "#22222", `line 14: checkout.colors.checkbox_checkmark: "#22222" is not a colour such as "#0b5d3b"`},
		{"colour by name", `"#333333"`, "red", `line 14: checkout.colors.header: "red" is not a colour such as "#0b5d3b"`},
		{"colour of nothing", "header:", "footer:", "line 14: checkout.colors.footer: unknown member"},
		{"radius", "radius: 6", "radius: 33", "line 15: checkout.radius: want a whole number from 0 to 32"},
		{"checkbox without a text", ", text: {sv: Nyheter, de: Neues, en: News}", "", "line 16: checkout.checkboxes[0].text: is missing"},
		{"checkbox without an ID", "id: age, ", "", "line 16: checkout.checkboxes[1].id: is missing"},
		{"the ID of a checkbox", "id: news", "id: a b", `line 16: checkout.checkboxes[0].id: "a b" is not 1 to 50 of A-Z a-z 0-9 _ -, first a letter or digit`},
		{"the ID of a checkbox twice", "id: news", "id: age", `line 16: checkout.checkboxes[1].id: "age" stands twice`},
		{"ticked beforehand", "required: true", "checked: true", "line 16: checkout.checkboxes[1].checked: unknown member"},
		{"six checkboxes", "checkboxes: [{id: news", "checkboxes: [{id: a, text: a}, {id: b, text: b}, {id: c, text: c}, {id: d, text: d}, {id: news", "line 16: checkout.checkboxes: want at most 5"},
		{"auto_capture", "auto_capture: true", "auto_capture: 1", "line 17: checkout.auto_capture: want true or false"},
		{"another product in a market", "checkout: {auto_capture: false", "checkout: {product: payments", "line 7: markets[2].checkout.product: unknown member"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := strings.Replace(asking, tc.old, tc.new, 1)
			if file == asking {
				t.Fatalf("%s is not in the file", tc.old)
			}
			_, _, err := settings.Read(settings.Source{File: []byte(file)})
			if err == nil {
				t.Fatal("no error")
			}
			if _, got, _ := strings.Cut(err.Error(), " wrong:\n"); got != tc.want {
				t.Errorf("error (-want +got):\n%s", cmp.Diff(tc.want, got))
			}
		})
	}
}

// The form of Klarna Payments is the shop's own: it has what of it is told, and the rest has no effect.
func TestCheckoutOfPayments(t *testing.T) {
	_, warnings, err := settings.Read(settings.Source{File: []byte(strings.Replace(asking, "checkout:\n", "checkout:\n  product: payments\n", 1))})
	if err != nil || len(warnings) != 3 || warnings[2] != "line 17: checkout.checkboxes: is of Klarna Checkout: it has no effect with product: payments" {
		t.Errorf("%v %q", err, warnings)
	}
}

// Who orders is what the shopper has chosen, where the market has that, else its first.
func TestCustomerType(t *testing.T) {
	person, company := []string{"person"}, []string{"organization", "person"}
	for _, tc := range []struct {
		types        []string
		chosen, want string
		companies    bool
	}{
		{nil, "", "person", false}, {nil, "organization", "person", false}, {person, "organization", "person", false},
		{company, "", "organization", true}, {company, "person", "person", true}, {company, "martian", "organization", true},
	} {
		f := settings.Form{CustomerTypes: tc.types}
		if got := f.CustomerType(tc.chosen); got != tc.want || f.Companies() != tc.companies {
			t.Errorf("%v, chosen %q: got %q, companies %t", tc.types, tc.chosen, got, f.Companies())
		}
	}
}
