package fakeklarna

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// field is one input of the iframe's form. Name is that of the address member
// it fills; the frame's script has a label and an error text for each.
type field struct {
	Name         string   `json:"name"`
	Type         string   `json:"type,omitempty"` // of the input, "" = text
	InputMode    string   `json:"inputmode,omitempty"`
	Autocomplete string   `json:"autocomplete"`
	Pattern      string   `json:"pattern,omitempty"` // a regular expression for the whole value, without regard to case
	Example      string   `json:"example,omitempty"`
	Required     bool     `json:"required"`
	Options      []choice `json:"options,omitempty"` // not empty: a select
}

// choice is one option of a select; a country's label is left to the browser.
type choice struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// emailPattern is narrower than what mail.ParseAddress takes.
const emailPattern = `[\w!#$%&'*+/=?^{|}~-]+(\.[\w!#$%&'*+/=?^{|}~-]+)*@[a-z\d-]+(\.[a-z\d-]+)+`

// postalCodes has the postal code's pattern and an example per country.
var postalCodes = map[string][2]string{
	"AT": {`\d{4}`, "1010"},
	"BE": {`\d{4}`, "1000"},
	"CH": {`\d{4}`, "8001"},
	"DE": {`\d{5}`, "10115"},
	"DK": {`\d{4}`, "1050"},
	"ES": {`\d{5}`, "28001"},
	"FI": {`\d{5}`, "00100"},
	"FR": {`\d{5}`, "75001"},
	"GB": {`[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}`, "SW1A 1AA"},
	"NL": {`\d{4} ?[A-Z]{2}`, "1012 AB"},
	"NO": {`\d{4}`, "0150"},
	"PL": {`\d{2}-?\d{3}`, "00-001"},
	"SE": {`\d{3} ?\d{2}`, "111 47"},
	"US": {`\d{5}(-\d{4})?`, "10001"},
}

// fieldsOf returns the form's fields for a country (alpha-2, upper case), in the
// order in which they are asked. With more than one country the shopper may
// choose among them. phoneOptional counts in DE, AT and CH only.
// Source: docs.kustom.co, Create order (address, options.phone_mandatory).
func fieldsOf(country string, countries []string, phoneOptional bool) []field {
	postal := field{Name: "postal_code", Autocomplete: "postal-code", Required: true, Pattern: ".{2,12}"}
	if rule, ok := postalCodes[country]; ok {
		postal.Pattern, postal.Example = rule[0], rule[1]
		if !strings.Contains(rule[0], "[A-Z]") && country != "PL" && country != "US" {
			postal.InputMode = "numeric"
		}
	}
	fields := []field{
		{Name: "email", Type: "email", Autocomplete: "email", Required: true, Pattern: emailPattern},
		postal,
	}
	if len(countries) > 1 {
		f := field{Name: "country", Autocomplete: "country", Required: true}
		for _, c := range countries {
			f.Options = append(f.Options, choice{Value: c})
		}
		fields = append(fields, f)
	}
	fields = append(fields,
		field{Name: "given_name", Autocomplete: "given-name", Required: true},
		field{Name: "family_name", Autocomplete: "family-name", Required: true})
	switch country {
	case "DE", "AT", "NL":
		fields = append(fields,
			field{Name: "street_name", Autocomplete: "off", Required: true},
			field{Name: "street_number", Autocomplete: "off", Required: true})
		if country == "NL" {
			fields = append(fields, field{Name: "house_extension", Autocomplete: "off"})
		}
	default:
		fields = append(fields, field{Name: "street_address", Autocomplete: "address-line1", Required: true})
	}
	fields = append(fields, field{Name: "city", Autocomplete: "address-level2", Required: true})
	if country == "US" {
		fields = append(fields, field{Name: "region", Autocomplete: "address-level1", Required: true, Options: states})
	}
	phoneOptional = phoneOptional && slices.Contains([]string{"DE", "AT", "CH"}, country)
	return append(fields, field{Name: "phone", Type: "tel", Autocomplete: "tel", Required: !phoneOptional, Pattern: `\+?[\d ()/-]{4,20}`})
}

// alpha3 returns a country's three letters in lower case, as Klarna's
// JavaScript has them; an unknown country is returned as it is.
// Source: docs.kustom.co, Client side events.
func alpha3(country string) string {
	region, err := language.ParseRegion(country)
	if err != nil {
		return strings.ToLower(country)
	}
	return strings.ToLower(region.ISO3())
}

var states = []choice{
	{"AL", "Alabama"}, {"AK", "Alaska"}, {"AZ", "Arizona"}, {"AR", "Arkansas"}, {"CA", "California"},
	{"CO", "Colorado"}, {"CT", "Connecticut"}, {"DE", "Delaware"}, {"DC", "District of Columbia"}, {"FL", "Florida"},
	{"GA", "Georgia"}, {"HI", "Hawaii"}, {"ID", "Idaho"}, {"IL", "Illinois"}, {"IN", "Indiana"},
	{"IA", "Iowa"}, {"KS", "Kansas"}, {"KY", "Kentucky"}, {"LA", "Louisiana"}, {"ME", "Maine"},
	{"MD", "Maryland"}, {"MA", "Massachusetts"}, {"MI", "Michigan"}, {"MN", "Minnesota"}, {"MS", "Mississippi"},
	{"MO", "Missouri"}, {"MT", "Montana"}, {"NE", "Nebraska"}, {"NV", "Nevada"}, {"NH", "New Hampshire"},
	{"NJ", "New Jersey"}, {"NM", "New Mexico"}, {"NY", "New York"}, {"NC", "North Carolina"}, {"ND", "North Dakota"},
	{"OH", "Ohio"}, {"OK", "Oklahoma"}, {"OR", "Oregon"}, {"PA", "Pennsylvania"}, {"RI", "Rhode Island"},
	{"SC", "South Carolina"}, {"SD", "South Dakota"}, {"TN", "Tennessee"}, {"TX", "Texas"}, {"UT", "Utah"},
	{"VT", "Vermont"}, {"VA", "Virginia"}, {"WA", "Washington"}, {"WV", "West Virginia"}, {"WI", "Wisconsin"},
	{"WY", "Wyoming"},
}
