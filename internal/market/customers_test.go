package market_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/market"
)

// What companies and persons are asked for beside the address, by country; lists are separated by |.
func TestCustomerFieldsAccept(t *testing.T) {
	for _, tc := range []struct{ country, field, good, bad string }{
		{"SE", "organization_name", "Ek & Söner AB|3M", "|\u0000|" + strings.Repeat("x", 100)},
		{"SE", "organization_registration_id", "556016-0680|5560160680|165560160680", "|556016|SE556016068001|556016-06800"},
		{"NO", "organization_registration_id", "912345678|912 345 678", "|91234567"},
		{"DK", "organization_registration_id", "12345678|12 34 56 78", "|1234567"},
		{"FI", "organization_registration_id", "1234567-8|12345678", "|1234567"},
		{"NL", "organization_registration_id", "12345678", "|NL12345678"},
		{"FR", "organization_registration_id", "123 456 789|123 456 789 00012", "|12"},
		{"BE", "organization_registration_id", "0123.456.789|BE 0123.456.789", "|1"},
		{"CH", "organization_registration_id", "CHE-123.456.789", "|?"},
		{"DE", "organization_registration_id", "|HRB 12345|HRB 12345 B", "?|1"}, // not all have one
		{"GB", "organization_registration_id", "|01234567|SC123456", "1"},
		{"AT", "organization_registration_id", "|FN 123456 a", "1"},
		{"SE", "attention", "|Stores|Ref. 4711", "\u0000"},
		{"SE", "phone", "070-123 45 67|+46 70 123 45 67|(08) 123 456|0701234567", "|ring me|12|+46"},
		{"SE", "national_identification_number", "901231-1234|19901231-1234|9012311234", "|1990"},
		{"FI", "national_identification_number", "311290-123A|010101A123N", "|311290"},
		{"DE", "date_of_birth", "1990-12-31|2001-02-03", "|31.12.1990|1990-13-01|1890-01-01"},
	} {
		t.Run(tc.country+" "+tc.field, func(t *testing.T) {
			m := market.Market{Country: tc.country}
			fields := slices.Concat(m.CompanyFields(), m.PersonFields(true, true), []market.Field{m.PhoneField(false)})
			i := slices.IndexFunc(fields, func(f market.Field) bool { return f.Name == tc.field })
			if i < 0 {
				t.Fatal("no such field")
			}
			f := fields[i]
			for text := range strings.SplitSeq(tc.good, "|") {
				if !f.Accepts(text) {
					t.Errorf("refused %q", text)
				}
			}
			for text := range strings.SplitSeq(tc.bad, "|") {
				if f.Accepts(text) {
					t.Errorf("accepted %q", text)
				}
			}
			if f.Example != "" && !f.Accepts(f.Example) {
				t.Errorf("refused its own example %q", f.Example)
			}
		})
	}
}

// unescaped finds what a browser does not take in a set of characters with the flag v.
var unescaped = regexp.MustCompile(`\[(?:[^\\\]]|\\.)*?[(){}/|](?:[^\\\]]|\\.)*?\]`)

// Every pattern means the same in a browser, which reads it with the flag v; and each country's phone example fits.
func TestPatternsForBrowsers(t *testing.T) {
	for _, country := range []string{"AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "NL", "NO", "SE", "US", "IS"} {
		m := market.Market{Country: country}
		for _, f := range slices.Concat(m.AddressFields(), m.CompanyFields(), m.PersonFields(true, true), m.DeliveryFields(true), []market.Field{m.PhoneField(false)}) {
			plain := regexp.MustCompile(`\\(?:p\{\w+\}|.)`).ReplaceAllString(f.Pattern, "x")
			if found := unescaped.FindString(plain); found != "" {
				t.Errorf("%s %s: %s", country, f.Name, found)
			}
			if f.Example != "" && !f.Accepts(f.Example) {
				t.Errorf("%s %s: refused its own example %q", country, f.Name, f.Example)
			}
		}
	}
}

// Another address for the goods has no e-mail, and its own place in a browser's memory; a company may name another one.
func TestDeliveryFields(t *testing.T) {
	m := market.Market{Country: "SE"}
	for company, want := range map[bool]string{
		false: "given_name family_name street_address postal_code city", true: "organization_name? given_name family_name street_address postal_code city",
	} {
		var names []string
		for _, f := range m.DeliveryFields(company) {
			name := f.Name
			if f.Optional {
				name += "?"
			}
			names = append(names, name)
			if !strings.HasPrefix(f.Autocomplete, "shipping ") {
				t.Errorf("%s: autocomplete %q", f.Name, f.Autocomplete)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("company %t: %s, want %s", company, got, want)
		}
	}
	if f := m.PhoneField(true); !f.Accepts("") || f.Autocomplete != "tel" {
		t.Errorf("an optional phone: %+v", f)
	}
	if got := len(m.PersonFields(false, false)) + len(market.Market{Country: "US"}.PersonFields(false, true)); got != 0 {
		t.Errorf("%d fields that nobody has asked for", got)
	}
}
