package market_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

func TestMarkets(t *testing.T) {
	type facts struct {
		currency          money.Currency
		locales           string
		mailBoat, express money.Amount
		rates             [4]money.TaxRate // standard, food, book, none
	}
	want := map[string]facts{
		"SE": {"SEK", "sv-SE en-SE", 4900, 12900, [4]money.TaxRate{25000, 6000, 6000, 0}},
		"NO": {"NOK", "nb-NO en-NO", 5900, 14900, [4]money.TaxRate{25000, 15000, 0, 0}},
		"DK": {"DKK", "da-DK en-DK", 3900, 9900, [4]money.TaxRate{25000, 25000, 25000, 0}},
		"FI": {"EUR", "fi-FI sv-FI en-FI", 490, 1290, [4]money.TaxRate{25500, 13500, 13500, 0}},
		"DE": {"EUR", "de-DE en-DE", 490, 1290, [4]money.TaxRate{19000, 7000, 7000, 0}},
		"AT": {"EUR", "de-AT en-AT", 490, 1290, [4]money.TaxRate{20000, 10000, 10000, 0}},
		"NL": {"EUR", "nl-NL en-NL", 490, 1290, [4]money.TaxRate{21000, 9000, 9000, 0}},
		"GB": {"GBP", "en-GB", 395, 995, [4]money.TaxRate{20000, 0, 0, 0}},
		"US": {"USD", "en-US", 600, 1500, [4]money.TaxRate{}},
	}
	if got := len(all()); got != len(want) {
		t.Errorf("%d markets, want %d", got, len(want))
	}
	for _, m := range all() {
		w := want[m.Country]
		got := facts{m.Currency, strings.Join(m.Locales, " "), m.ShippingOptions[0].Price, m.ShippingOptions[1].Price, [4]money.TaxRate{
			m.Rate(market.Standard), m.Rate(market.Food), m.Rate(market.Book), m.Rate(market.None),
		}}
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(facts{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", m.Country, diff)
		}
		if m.Rate("unheard of") != m.Rate(market.Standard) {
			t.Errorf("%s: an unknown class has rate %d, want the standard one", m.Country, m.Rate("unheard of"))
		}
		var options []string
		for _, o := range m.ShippingOptions {
			options = append(options, o.ID)
			if o.Pickup != (o.ID == "collect") || o.Pickup && o.Price != 0 {
				t.Errorf("%s: %+v; want pickup, free, for collect alone", m.Country, o)
			}
		}
		if diff := cmp.Diff([]string{"mailboat", "express", "collect"}, options); diff != "" {
			t.Errorf("%s options (-want +got):\n%s", m.Country, diff)
		}
		if got, _ := m.DefaultShipping(); got.ID != "mailboat" {
			t.Errorf("%s: default shipping %q, want the mail boat", m.Country, got.ID)
		}
		if sales := m.Scheme == market.SalesTax; sales != (m.Country == "US") {
			t.Errorf("%s: scheme %d", m.Country, m.Scheme)
		}
	}
}

// The cheapest that delivers; where none does, the cheapest to collect; where there is
// none at all, none.
func TestDefaultShipping(t *testing.T) {
	near, far := market.ShippingOption{ID: "near", Pickup: true}, market.ShippingOption{ID: "far", Price: 100, Pickup: true}
	cheap, same, dear := market.ShippingOption{ID: "cheap", Price: 500}, market.ShippingOption{ID: "same", Price: 500}, market.ShippingOption{ID: "dear", Price: 5_000_000_000}
	for _, tc := range []struct {
		options []market.ShippingOption
		want    string
	}{
		{[]market.ShippingOption{near, dear, cheap, same}, "cheap"},
		{[]market.ShippingOption{near, dear}, "dear"},
		{[]market.ShippingOption{dear, cheap}, "cheap"},
		{[]market.ShippingOption{far, near}, "near"},
		{[]market.ShippingOption{far}, "far"},
		{nil, ""},
	} {
		m := market.Market{Country: "XX", ShippingOptions: slices.Clone(tc.options)}
		got, ok := m.DefaultShipping()
		if got.ID != tc.want || ok != (len(tc.options) > 0) {
			t.Errorf("%v: %q, %t, want %q", tc.options, got.ID, ok, tc.want)
		}
		if !cmp.Equal(m.ShippingOptions, tc.options, cmpopts.EquateEmpty()) {
			t.Errorf("DefaultShipping changed the market: %v", m.ShippingOptions)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, country := range []string{"NO", "no"} {
		if m, ok := lookup(country); !ok || m.Country != "NO" {
			t.Errorf("Lookup(%q) = %q, %t", country, m.Country, ok)
		}
	}
	for _, country := range []string{"", "IS", "SWE", "ſe"} {
		if m, ok := lookup(country); ok {
			t.Errorf("Lookup(%q) = %q, want none", country, m.Country)
		}
	}
}

func TestLocales(t *testing.T) {
	fi, _ := lookup("FI")
	for l, want := range map[i18n.Lang]string{"sv": "sv-FI", "en": "en-FI", "fi": "fi-FI", "de": "fi-FI", "": "fi-FI"} {
		if got := fi.LocaleFor(l); got != want {
			t.Errorf("LocaleFor(%q) = %q, want %q", l, got, want)
		}
	}
	if !fi.HasLocale("sv-FI") || fi.HasLocale("sv-SE") || fi.HasLocale("sv") {
		t.Error("Finland has sv-FI and neither sv-SE nor sv")
	}
}

func TestSalesTaxRate(t *testing.T) {
	us, _ := lookup("US")
	states := "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
	taxFree := map[string]bool{}
	for state := range strings.FieldsSeq(states) {
		rate := us.SalesTaxRate(state)
		if rate == 0 {
			taxFree[state] = true
		} else if rate < 2900 || rate > 7250 {
			t.Errorf("%s: %d, want 2.9 %% (Colorado) to 7.25 %% (California)", state, rate)
		}
	}
	if diff := cmp.Diff([]string{"AK", "DE", "MT", "NH", "OR"}, slices.Sorted(maps.Keys(taxFree))); diff != "" {
		t.Errorf("states without sales tax (-want +got):\n%s", diff)
	}
	for region, want := range map[string]money.TaxRate{"CA": 7250, "ca": 7250, "CO": 2900, "NJ": 6625, "MN": 6875, "MO": 4225, "NM": 4875, "AE": 0, "": 0, "PR": 0, "California": 0} {
		if got := us.SalesTaxRate(region); got != want {
			t.Errorf("SalesTaxRate(%q) = %d, want %d", region, got, want)
		}
	}
	if se, _ := lookup("SE"); se.SalesTaxRate("CA") != 0 {
		t.Error("Sweden has a sales tax")
	}
}

func TestFromAcceptLanguage(t *testing.T) {
	tests := []struct{ name, header, want string }{
		{"Swedish Chrome", "sv-SE,sv;q=0.9,en-US;q=0.8,en;q=0.7", "SE sv-SE"},
		{"Swedish Firefox, no country", "sv,en-US;q=0.7,en;q=0.3", "SE sv-SE"},
		{"Norwegian", "nb-NO", "NO nb-NO"},
		{"Norwegian of old", "no-NO,no;q=0.9", "NO nb-NO"},
		{"Nynorsk", "nn-NO", "NO nb-NO"},
		{"Nynorsk, no country", "nn", "NO nb-NO"},
		{"no", "no", "NO nb-NO"},
		{"English in Norway", "en-NO,en;q=0.9", "NO en-NO"},
		{"Danish", "da", "DK da-DK"},
		{"Finnish", "fi", "FI fi-FI"},
		{"Swedish in Finland", "sv-FI,sv;q=0.9", "FI sv-FI"},
		{"German", "de", "DE de-DE"},
		{"Austria", "de-AT", "AT de-AT"},
		{"Switzerland: language alone", "de-CH", "DE de-DE"},
		{"Belgium: language alone", "nl-BE,nl;q=0.9", "NL nl-NL"},
		{"British", "en-GB,en;q=0.9", "GB en-GB"},
		{"American", "en-US,en;q=0.9", "US en-US"},
		{"English", "en", "GB en-GB"},
		{"Irish: language alone", "en-IE", "GB en-GB"},
		{"Frenchman in Germany", "fr-DE", "DE de-DE"},
		{"Frenchman in Germany with English", "fr-DE,fr;q=0.9,en;q=0.8", "DE en-DE"},
		{"English in Germany", "en-DE", "DE en-DE"},
		{"Spanish in the US", "es-US,es", "US en-US"},
		{"Swede in the Netherlands", "sv-NL", "NL nl-NL"},
		{"preference by weight", "da;q=0.5,fi;q=0.9", "FI fi-FI"},
		{"weight 0 is none", "sv;q=0,fi;q=0.1", "FI fi-FI"},
		{"first entry says nothing", "fr-FR,fr;q=0.9,nl;q=0.1", "NL nl-NL"},
		{"script", "de-Latn-AT", "AT de-AT"},
		{"odd case", "SV-se", "SE sv-SE"},
		{"nothing we serve", "fr-FR,ja", "SE sv-SE"},
		{"country of no language", "und-NO", "NO nb-NO"},
		{"anything", "*", "SE sv-SE"},
		{"empty", "", "SE sv-SE"},
		{"garbage", ";;q=,-,%%", "SE sv-SE"},
		{"huge", strings.Repeat("a-", 40000), "SE sv-SE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			country, locale := all().FromAcceptLanguage(tt.header)
			if got := country + " " + locale; got != tt.want {
				t.Errorf("FromAcceptLanguage(%.60q) = %s, want %s", tt.header, got, tt.want)
			}
		})
	}
}

func FuzzFromAcceptLanguage(f *testing.F) {
	f.Add("sv-SE,sv;q=0.9,en-US;q=0.8,en;q=0.7")
	f.Add("*;q=0.1, x-klingon")
	f.Fuzz(func(t *testing.T, header string) {
		country, locale := all().FromAcceptLanguage(header)
		if m, ok := lookup(country); !ok || m.Country != country || !m.HasLocale(locale) {
			t.Errorf("FromAcceptLanguage(%q) = %q, %q: not served", header, country, locale)
		}
	})
}

// An option's price follows what the goods weigh and cost.
func TestOptionFor(t *testing.T) {
	flat := market.ShippingOption{Price: 4900, FreeFrom: 80000}
	heavy := market.ShippingOption{FreeFrom: 50000, ByWeight: []market.WeightPrice{{UpTo: 5000, Price: 7900}, {UpTo: 20000, Price: 14900}}}
	for _, tc := range []struct {
		option market.ShippingOption
		goods  money.Amount
		grams  int
		want   money.Amount // -1: not offered
	}{
		{flat, 79999, 1, 4900},
		{flat, 80000, 1_000_000, 0},
		{market.ShippingOption{Price: 4900}, 1_000_000_00, 0, 4900},
		{heavy, 100, 0, 7900},
		{heavy, 100, 5000, 7900},
		{heavy, 100, 5001, 14900},
		{heavy, 100, 20000, 14900},
		{heavy, 100, 20001, -1},
		{heavy, 50000, 5001, 0},
		{heavy, 50000, 20001, -1}, // too heavy is too heavy, whatever it costs
	} {
		got, ok := tc.option.For(tc.goods, tc.grams)
		if !ok {
			got.Price = -1
		}
		if got.Price != tc.want {
			t.Errorf("%+v for %d, %d g: got %d, want %d", tc.option, tc.goods, tc.grams, got.Price, tc.want)
		}
	}
}
