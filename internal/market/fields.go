package market

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Field is one field of the shop's own address form, with its rules. The rules are data,
// so that page and server use the same ones.
type Field struct {
	Name         string // Klarna's member of an address: "postal_code"
	Autocomplete string // the browser's name for it
	// Pattern is a regular expression for the whole text. It means the same in Go and in a
	// browser (flag v). It does not match "".
	Pattern  string
	Optional bool
	Length   int      // characters that fit, at most
	Options  []Option // the choices, of a select
	Digits   bool     // it has only digits
	Example  string   // of what is to be typed; "" = none
	// Unreachable are the postal codes to which nothing is delivered (see [Market.NoDelivery]),
	// or the states; nil for other fields.
	Unreachable []string
}

// Option is one of the choices of a field.
type Option struct{ Value, Name string }

// What Klarna takes in an address, and no control characters.
// Source: docs.klarna.com, Klarna Payments, Customer data requirements.
const (
	email      = `[^\s@\p{C}]+@[^\s@.\p{C}]+(?:\.[^\s@.\p{C}]+)+`
	personName = `[\p{L}\p{M}\-'’.°ºª ]{2,99}`
	line       = `[^\p{C}]{1,99}`
	maxLength  = 99
)

// postalCodes are the forms of the countries' postal codes.
var postalCodes = map[string]string{
	"AT": digits4, "AU": digits4, "BE": digits4, "CA": `[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d`, "CH": digits4, "CZ": digits32,
	"DE": digits5, "DK": digits4, "EE": digits5, "ES": digits5, "FI": digits5, "FR": digits5,
	"GB": `[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}`, "GR": digits32, "IE": `[A-Za-z]\d[\dWw] ?[A-Za-z\d]{4}`, "IT": digits5,
	"LI": digits4, "LU": digits4, "MX": digits5, "NL": `[1-9]\d{3} ?[A-Za-z]{2}`, "NO": digits4, "NZ": digits4,
	"PL": `\d{2}-?\d{3}`, "PT": `\d{4}-?\d{3}`, "RO": `\d{6}`, "SE": digits32, "SI": digits4, "SK": digits32, "US": `\d{5}(?:-\d{4})?`,
}

// Forms that several countries have, and that of a country whose form is not known.
const (
	digits4  = `\d{4}`
	digits5  = `\d{5}`
	digits32 = `\d{3} ?\d{2}`
	anyCode  = `[A-Za-z\d][A-Za-z\d \-]{0,9}`
)

// postalCodeOf returns the form of a country's postal codes.
func postalCodeOf(country string) string { return cmp.Or(postalCodes[country], anyCode) }

// hasLetters reports whether the postal codes of a country may have letters.
func hasLetters(country string) bool { return strings.Contains(postalCodeOf(country), "A-Z") }

// phone is a number as people write it, and how few digits Klarna takes.
const phone = `\+?[\d\(][\d \(\)\/.\-]{3,28}\d`

// Person and Organization are the types of customers, as Klarna names them.
const (
	Person       = "person"
	Organization = "organization"
)

// anyRegistration is a registration number of a company where its form is not known, or
// where companies have several.
const anyRegistration = `[\p{L}\d][\p{L}\d .\/\-]{2,38}[\p{L}\d]`

// registrations are the forms of registration numbers where all companies have one, with an
// example; without a form the number may be left out, for not all have one there.
var registrations = map[string]struct{ pattern, example string }{
	"AT": {"", "FN 123456 a"}, "BE": {anyRegistration, "0123.456.789"}, "CH": {anyRegistration, "CHE-123.456.789"}, "DE": {"", "HRB 12345"},
	"DK": {`\d{2} ?\d{2} ?\d{2} ?\d{2}`, "12 34 56 78"}, "ES": {anyRegistration, "B12345678"}, "FI": {`\d{7}-?\d`, "1234567-8"},
	"FR": {anyRegistration, "123 456 789"}, "GB": {"", "01234567"}, "NL": {`\d{8}`, "12345678"}, "NO": {`\d{3} ?\d{3} ?\d{3}`, "912 345 678"},
	"SE": {`(?:16|18|19|20)?\d{6}-?\d{4}`, "556000-0000"},
}

// CompanyFields returns the fields that a company fills in beside the address: its name, its
// registration number, and whom it is for.
func (m Market) CompanyFields() []Field {
	form := registrations[m.Country]
	return []Field{
		{Name: "organization_name", Autocomplete: "organization", Pattern: line, Length: maxLength},
		{Name: Registration, Autocomplete: "off", Pattern: cmp.Or(form.pattern, anyRegistration), Example: form.example, Optional: form.pattern == "", Length: 40},
		{Name: "attention", Autocomplete: "off", Pattern: line, Length: maxLength, Optional: true},
	}
}

// Registration is the field of CompanyFields that is no member of an address.
const Registration = "organization_registration_id"

// personalNumbers are the forms of national identification numbers, with an example, in the
// countries where Klarna takes them.
var personalNumbers = map[string]struct{ pattern, example string }{
	"DK": {`\d{6}-?\d{4}`, "311290-1234"}, "FI": {`\d{6}[\-+A-FU-Ya-fu-y]\d{3}[\dA-Za-z]`, "311290-123A"},
	"NO": {`\d{6} ?\d{5}`, "311290 12345"}, "SE": {`(?:\d{2})?\d{6}[\-+]?\d{4}`, "901231-1234"},
}

// PersonFields returns the fields that a person fills in beside the address, which the shop
// itself is not told: the date of birth, and the national identification number where there
// is one.
func (m Market) PersonFields(birth, identity bool) (fields []Field) {
	if form, known := personalNumbers[m.Country]; known && identity {
		fields = append(fields, Field{Name: "national_identification_number", Autocomplete: "off", Pattern: form.pattern, Example: form.example, Length: 20})
	}
	if birth {
		fields = append(fields, Field{
			Name: "date_of_birth", Autocomplete: "bday", Pattern: `(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`, Example: "1990-12-31", Length: 10,
		})
	}
	return fields
}

// PhoneField returns the field for a phone number.
func (m Market) PhoneField(optional bool) Field {
	f := m.Field("phone")
	f.Autocomplete, f.Optional, f.Length = "tel", optional, 30
	f.Example = cmp.Or(phones[m.Country], "+46 70 123 45 67")
	return f
}

// phones are examples of phone numbers, by country.
var phones = map[string]string{
	"AT": "+43 660 1234567", "BE": "+32 470 12 34 56", "CH": "+41 78 123 45 67", "DE": "+49 170 1234567", "DK": "+45 42 12 34 56", "ES": "+34 612 34 56 78",
	"FI": "+358 40 123 4567", "FR": "+33 6 12 34 56 78", "GB": "+44 7400 123456", "NL": "+31 6 12345678", "NO": "+47 40 12 34 56", "US": "+1 212 555 0123",
}

// DeliveryFields returns the fields of an address that goods go to and the bill does not. A
// company may name another one. Who gets the bill is who is told.
func (m Market) DeliveryFields(company bool) []Field {
	fields := slices.DeleteFunc(m.AddressFields(), func(f Field) bool { return f.Name == "email" })
	if company {
		name := m.CompanyFields()[0]
		name.Optional = true
		fields = slices.Insert(fields, 0, name)
	}
	for i := range fields {
		fields[i].Autocomplete = "shipping " + fields[i].Autocomplete
	}
	return fields
}

// Field returns the rules of a member of an address in the market's country, also of one
// that the shop's own form does not ask for; of a country that the shop does not serve, what
// Klarna takes.
func (m Market) Field(name string) Field {
	for _, f := range m.AddressFields() {
		if f.Name == name && f.Pattern != "" {
			return f
		}
	}
	f := Field{Name: name, Pattern: line, Length: maxLength, Optional: true}
	switch name {
	case "phone":
		f.Pattern = phone
	case "postal_code":
		f.Length = 10
	case "title":
		f.Length = 20
	}
	return f
}

// AddressFields returns the fields of an address in the market's country, in the order
// that is usual there. The country is no field.
func (m Market) AddressFields() []Field {
	postal := Field{
		Name: "postal_code", Autocomplete: "postal-code", Pattern: postalCodeOf(m.Country), Length: 10,
		Digits: !hasLetters(m.Country), Unreachable: m.NoDelivery,
	}
	city := Field{Name: "city", Autocomplete: "address-level2", Pattern: line, Length: maxLength}
	fields := []Field{
		{Name: "email", Autocomplete: "email", Pattern: email, Length: maxLength},
		{Name: "given_name", Autocomplete: "given-name", Pattern: personName, Length: maxLength},
		{Name: "family_name", Autocomplete: "family-name", Pattern: personName, Length: maxLength},
		{Name: "street_address", Autocomplete: "address-line1", Pattern: line, Length: maxLength},
	}
	second := Field{Name: "street_address2", Autocomplete: "address-line2", Pattern: line, Length: maxLength, Optional: true}
	switch m.Country {
	case "US":
		return append(fields, second, city, Field{
			Name: "region", Autocomplete: "address-level1", Pattern: `[A-Z]{2}`, Length: 2, Options: stateOptions(), Unreachable: m.unreachableStates(),
		}, postal)
	case "AU", "CA", "MX": // how Klarna wants a state or province written is not documented
		return append(fields, second, city, Field{Name: "region", Autocomplete: "address-level1", Pattern: line, Length: maxLength, Optional: true}, postal)
	case "GB", "IE", "NZ":
		return append(fields, second, city, postal)
	}
	if postalCodes[m.Country] == "" {
		postal.Optional = true // some have none
	}
	return append(fields, postal, city)
}

// unreachableStates are the codes of the states to which nothing is delivered. They can be
// chosen: who collects may live there.
func (m Market) unreachableStates() []string {
	var codes []string
	for _, code := range states {
		if _, taxed := m.SalesTax[code]; !taxed {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// stateOptions are the US states and the District of Columbia by their names.
func stateOptions() []Option {
	options := make([]Option, 0, len(states))
	for name, code := range states {
		words := strings.Fields(name)
		for i, word := range words {
			if words[i] = word[:1] + strings.ToLower(word[1:]); word == "OF" {
				words[i] = "of"
			}
		}
		options = append(options, Option{Value: code, Name: strings.Join(words, " ")})
	}
	slices.SortFunc(options, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	return options
}

// Clean returns a typed text without spaces around it, and with single spaces between
// words.
func Clean(text string) string { return strings.Join(strings.Fields(text), " ") }

// Accepts reports whether a cleaned text fits the field. It does not check whether goods
// can be delivered there.
func (f Field) Accepts(text string) bool {
	if text == "" {
		return f.Optional
	}
	if f.Options != nil {
		return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == text })
	}
	return len([]rune(text)) <= f.Length && compiled(f.Pattern).MatchString(text)
}

// patterns are the compiled patterns of all fields. Each is compiled at first use: with so
// many letters this costs more than all else when a process starts.
var patterns sync.Map // of *regexp.Regexp

func compiled(pattern string) *regexp.Regexp {
	if p, ok := patterns.Load(pattern); ok {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(`^(?:` + pattern + `)$`)
	patterns.Store(pattern, p)
	return p
}
