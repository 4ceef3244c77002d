package shopper

import "strings"

// Field is one input of the iframe's form. Its name is as in Action.Type. The frame's
// script has a label and an error text for it.
type Field struct {
	Name         string   `json:"name"`
	Group        string   `json:"group"`          // contact (asked first), address or shipping
	Type         string   `json:"type,omitempty"` // of the input, "" = text
	InputMode    string   `json:"inputmode,omitempty"`
	Autocomplete string   `json:"autocomplete"`
	Pattern      string   `json:"pattern,omitempty"` // a regular expression for the whole value, without regard to case
	Example      string   `json:"example,omitempty"`
	Required     bool     `json:"required"`
	Options      []Choice `json:"options,omitempty"` // not empty: a select
}

// Choice is one option of a select; a country's label is left to the browser.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// States are those of the US.
var States = []Choice{
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

// EmailPattern is narrower than what mail.ParseAddress takes.
const EmailPattern = `[\w!#$%&'*+/=?^{|}~-]+(\.[\w!#$%&'*+/=?^{|}~-]+)*@[a-z\d-]+(\.[a-z\d-]+)+`

// PhonePattern is that of a phone number.
const PhonePattern = `\+?[\d ()/-]{4,20}`

// PostalField is the field of a postal code in a country.
func PostalField(country string) Field {
	f := Field{Name: "postal_code", Autocomplete: "postal-code", Required: true, Pattern: ".{2,10}"}
	if rule, ok := PostalCodes[country]; ok {
		f.Pattern, f.Example = rule[0], rule[1]
		if !strings.Contains(rule[0], "[A-Z]") && country != "PL" && country != "US" {
			f.InputMode = "numeric"
		}
	}
	return f
}

// PostalCodes has the postal code's pattern and an example per country.
var PostalCodes = map[string][2]string{
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

// RegistrationNumbers has the pattern of a company's registration number and an
// example, in the countries where the iframe demands one.
var RegistrationNumbers = map[string][2]string{
	"DK": {`\d{8}`, "12345678"},
	"FI": {`\d{7}-?\d`, "1234567-8"},
	"NO": {`\d{9}`, "123456789"},
	"SE": {`\d{6}-?\d{4}`, "556016-0680"},
}

// PersonalNumbers has the pattern of a person's national identification number
// and an example, in the countries where the iframe can ask for it.
// Source: docs.kustom.co, Create order (options.national_identification_number_mandatory).
var PersonalNumbers = map[string][2]string{
	"DK": {`\d{6}-?\d{4}`, "010190-1234"},
	"FI": {`\d{6}[-+A-FU-Y]\d{3}[\dA-Z]`, "010190-123A"},
	"NO": {`\d{11}`, "01019012345"},
	"SE": {`(\d{2})?\d{6}[-+]?\d{4}`, "410321-9202"},
}
