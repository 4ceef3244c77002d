package market_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/market"
)

// Each country has its fields, in its own order.
func TestAddressFields(t *testing.T) {
	const usual = "email given_name family_name street_address postal_code city"
	for _, m := range all() {
		want := usual
		switch m.Country {
		case "US":
			want = "email given_name family_name street_address street_address2? city region postal_code"
		case "GB":
			want = "email given_name family_name street_address street_address2? city postal_code"
		}
		var names []string
		autocomplete := map[string]bool{}
		for _, f := range m.AddressFields() {
			name := f.Name
			if f.Optional {
				name += "?"
			}
			names = append(names, name)
			if f.Autocomplete == "" || autocomplete[f.Autocomplete] || f.Length == 0 {
				t.Errorf("%s %s: autocomplete %q, length %d", m.Country, f.Name, f.Autocomplete, f.Length)
			}
			autocomplete[f.Autocomplete] = true
		}
		if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", m.Country, diff)
		}
	}
}

// What may stand in a field; lists are separated by |.
func TestFieldAccepts(t *testing.T) {
	for _, tc := range []struct{ country, field, good, bad string }{
		{"SE", "email", "ada@example.com|a+b@x.y.se|åsa@exämple.se", "|ada|ada@example|@example.com|a@b@c.se|a b@c.se|ada@example.|ada@.com|a\u200b@x.se"},
		{"SE", "given_name", "Ada|Åsa-Lill|O’Neil|J. R.|Ng", "|A|R2D2|12|Ada<b>|Ada\n"},
		{"SE", "street_address", "Hamngatan 4|Å", "|a\u0000b|" + strings.Repeat("x", 100)},
		{"SE", "city", "Stockholm|Å", "|\u200b"},
		{"SE", "postal_code", "111 47|11147", "|111|1114|111 4|111  47|111-47|1114a|١١١٤٧|111 471"},
		{"NO", "postal_code", "0150", "|150|01500|0 150"},
		{"DK", "postal_code", "1050", "|105|10500"},
		{"FI", "postal_code", "00100", "|0010|001000"},
		{"DE", "postal_code", "10115", "|1011|D-10115"},
		{"AT", "postal_code", "1010", "|101|10100"},
		{"NL", "postal_code", "1012 AB|1012ab", "|1012|0012 AB|1012 A|1012 ABC"},
		{"GB", "postal_code", "SW1A 1AA|sw1a1aa|M1 1AE|B33 8TH", "|SW1A|1AA SW1A|SW1A 1A|SW1AA 1AA"},
		{"US", "postal_code", "10001|10001-1234", "|1000|10001-12|10001 1234"},
		{"US", "region", "NY|DC", "|ny|ZZ|PR|New York"},
		{"US", "street_address2", "|Apt 4", "\u0000"},
	} {
		t.Run(tc.country+" "+tc.field, func(t *testing.T) {
			f := fieldOf(t, tc.country, tc.field)
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
		})
	}
}

func fieldOf(t *testing.T, country, name string) market.Field {
	t.Helper()
	m, _ := lookup(country)
	for _, f := range m.AddressFields() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("%s has no field %s", country, name)
	return market.Field{}
}

// The code that cannot be reached fits the form of the country's codes, so that it can be typed.
func TestUnreachableCodes(t *testing.T) {
	for _, m := range all() {
		f := fieldOf(t, m.Country, "postal_code")
		if delivery, _ := m.DeliveryTo("", ""); len(f.Unreachable) != 1 || !f.Accepts(f.Unreachable[0]) || delivery.Delivers("", f.Unreachable[0]) {
			t.Errorf("%s: %q", m.Country, f.Unreachable)
		}
	}
}

func TestStates(t *testing.T) {
	options := fieldOf(t, "US", "region").Options
	if len(options) != 54 || options[0] != (market.Option{Value: "AL", Name: "Alabama"}) {
		t.Errorf("%d states, the first is %v", len(options), options[0])
	}
	us, _ := lookup("US")
	for _, o := range options {
		if code, ok := us.Region(o.Name); !ok || code != o.Value {
			t.Errorf("%s (%s) is the region %q", o.Name, o.Value, code)
		}
	}
	if dc := options[11]; dc.Name != "District of Columbia" {
		t.Errorf("the twelfth is %q", dc.Name)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{"": "", " \t ": "", "  Ada  Byron\n": "Ada Byron", "111\u00a047": "111 47"} {
		if got := market.Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

// A shop may sell in any country. Where the form of its postal codes is not known, anything
// that looks like one is taken.
func TestAnyCountry(t *testing.T) {
	for country, want := range map[string][3]string{ // fields, codes that fit, codes that do not
		"FR": {"email given_name family_name street_address postal_code city", "75001", "7500,7500A,"},
		"PL": {"email given_name family_name street_address postal_code city", "00-950,00950", "0-0950,"},
		"IE": {"email given_name family_name street_address street_address2 city postal_code", "D02 AF30,d02af30", "D02,"},
		"CA": {"email given_name family_name street_address street_address2 city region postal_code", "K1A 0B1,k1a0b1", "K1A,"},
		"IS": {"email given_name family_name street_address postal_code city", "101,SW1A 1AA,", "1@1,12345678901"},
	} {
		m := market.Market{Country: country}
		var names []string
		for _, f := range m.AddressFields() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != want[0] {
			t.Errorf("%s has the fields %s, want %s", country, got, want[0])
		}
		f := m.Field("postal_code")
		for code := range strings.SplitSeq(want[1], ",") {
			if !f.Accepts(code) {
				t.Errorf("%s refuses %q", country, code)
			}
		}
		for code := range strings.SplitSeq(want[2], ",") {
			if f.Accepts(code) {
				t.Errorf("%s takes %q", country, code)
			}
		}
	}
}

// Postal codes of a shop file: written as people write them, and only those that a country can have.
func TestPostalCode(t *testing.T) {
	for country, codes := range map[string][2]string{ // what they are read as, and what is refused
		"FI": {"22*=22*,22 100=22100,AX-22100=22100,FI-99999=99999,221*=221*", "*,22,2210A,2A*,,22**,2*1,1234567890*"},
		"GB": {"JE*=JE*,je 2=-,zz99 9zz=ZZ999ZZ,GY1*=GY1*", "*,JE"},
		"IS": {"101=101,1*=1*", "*"},
	} {
		m := market.Market{Country: country}
		for pair := range strings.SplitSeq(codes[0], ",") {
			text, want, _ := strings.Cut(pair, "=")
			if got, ok := m.PostalCode(text); ok != (want != "-") || ok && got != want {
				t.Errorf("%s %q: got %q, %t, want %q", country, text, got, ok, want)
			}
		}
		for text := range strings.SplitSeq(codes[1], ",") {
			if got, ok := m.PostalCode(text); ok {
				t.Errorf("%s %q is read as %q", country, text, got)
			}
		}
	}
}
