package market

import (
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
	// Unreachable is the postal code to which nothing is delivered, in capitals without
	// spaces; "" for other fields. See [Delivery.Delivers].
	Unreachable string
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
	"SE": `\d{3} ?\d{2}`, "NO": `\d{4}`, "DK": `\d{4}`, "FI": `\d{5}`, "DE": `\d{5}`, "AT": `\d{4}`,
	"NL": `[1-9]\d{3} ?[A-Za-z]{2}`, "GB": `[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}`, "US": `\d{5}(?:-\d{4})?`,
}

// phone is a number as people write it, and how few digits Klarna takes.
const phone = `\+?[\d(][\d ()\/.\-]{3,28}\d`

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
		Name: "postal_code", Autocomplete: "postal-code", Pattern: postalCodes[m.Country], Length: 10,
		Digits: m.Country != "NL" && m.Country != "GB", Unreachable: unreachable[m.Country],
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
			Name: "region", Autocomplete: "address-level1", Pattern: `[A-Z]{2}`, Length: 2, Options: stateOptions(),
		}, postal)
	case "GB":
		return append(fields, second, city, postal)
	}
	return append(fields, postal, city)
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
	return len([]rune(text)) <= f.Length && patterns()[f.Pattern].MatchString(text)
}

// patterns are the compiled patterns of all fields. They are compiled at first use: with
// so many letters this costs more than all else when a process starts.
var patterns = sync.OnceValue(func() map[string]*regexp.Regexp {
	compiled := map[string]*regexp.Regexp{}
	for _, pattern := range []string{line, phone} {
		compiled[pattern] = regexp.MustCompile(`^(?:` + pattern + `)$`)
	}
	for _, m := range markets {
		for _, f := range m.AddressFields() {
			if compiled[f.Pattern] == nil {
				compiled[f.Pattern] = regexp.MustCompile(`^(?:` + f.Pattern + `)$`)
			}
		}
	}
	return compiled
})
