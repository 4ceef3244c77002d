package market_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/market"
)

// A shop that sells in few markets has a place for each browser.
func TestFewMarkets(t *testing.T) {
	for _, tc := range []struct{ sold, header, want string }{
		{"SE", "sv-SE", "SE sv-SE"},
		{"SE", "de-DE,de;q=0.9", "SE sv-SE"},
		{"SE", "de-DE,sv;q=0.5", "SE sv-SE"},
		{"SE", "sv-FI", "SE sv-SE"},
		{"SE", "en-GB,en;q=0.9", "SE en-SE"},
		{"SE", "", "SE sv-SE"},
		{"SE", "fr", "SE sv-SE"},
		{"US", "sv-SE,sv;q=0.9", "US en-US"},
		{"US", "", "US en-US"},
		{"NO", "en-US", "NO en-NO"},
		{"NO DK", "", "NO nb-NO"},
		{"FI DE AT NL", "sv-SE,sv;q=0.9", "FI sv-FI"},
		{"FI DE AT NL", "en-GB", "FI en-FI"},
		{"FI DE AT NL", "nl-BE", "NL nl-NL"},
		{"AT NL", "de-DE", "AT de-AT"},
		{"AT NL", "sv, nl;q=0.1", "NL nl-NL"},
		{"GB US", "de-DE", "GB en-GB"},
		{"GB US", "en-US", "US en-US"},
	} {
		var sold market.List
		for _, m := range all() {
			if strings.Contains(tc.sold, m.Country) {
				sold = append(sold, m)
			}
		}
		if country, locale := sold.FromAcceptLanguage(tc.header); country+" "+locale != tc.want {
			t.Errorf("%s, %q: got %s %s, want %s", tc.sold, tc.header, country, locale, tc.want)
		}
		for _, m := range all() {
			if _, found := sold.Lookup(strings.ToLower(m.Country)); found != slices.Contains(sold.Countries(), m.Country) {
				t.Errorf("%s: %s is found %t", tc.sold, m.Country, found)
			}
		}
	}
}

// The home market of a language need not speak it: its visitors get what it speaks.
func TestForeignHome(t *testing.T) {
	for _, tc := range []struct{ country, locales, header, want string }{
		{"DE", "en-DE", "de,en-US;q=0.7", "en-DE"},
		{"FI", "sv-FI", "fi", "sv-FI"},
		{"FI", "sv-FI en-FI", "fi,en;q=0.5", "en-FI"},
		{"FI", "sv-FI en-FI", "fi", "sv-FI"},
	} {
		sold := market.List{{Country: "SE", Locales: []string{"nb-SE"}}, {Country: tc.country, Locales: strings.Fields(tc.locales)}}
		if country, locale := sold.FromAcceptLanguage(tc.header); country != tc.country || locale != tc.want {
			t.Errorf("%s, %q: got %s %q, want %s", tc.locales, tc.header, country, locale, tc.want)
		}
	}
}
