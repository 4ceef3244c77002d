package market_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

func TestCountries(t *testing.T) {
	if diff := cmp.Diff(strings.Fields("SE NO DK FI DE AT NL GB US"), all().Countries()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Tax and delivery follow the country that an order goes to, prices do not.
func TestDeliveryTo(t *testing.T) {
	for _, tc := range []struct {
		from, to, region     string
		standard, food, sale money.TaxRate
		mailBoat             money.Amount
	}{
		{"SE", "", "", 25000, 6000, 0, 4900},
		{"SE", "se", "", 25000, 6000, 0, 4900},
		{"SE", "NO", "", 25000, 15000, 0, 4900}, // its price is in other kroner
		{"DE", "FI", "", 25500, 13500, 0, 490},
		{"DE", "GB", "", 20000, 0, 0, 490},
		{"DE", "US", "CA", 0, 0, 7250, 490}, // export; the sales tax line is for American prices only
		{"US", "US", "CA", 0, 0, 7250, 600},
		{"US", "DE", "CA", 0, 0, 0, 600},
	} {
		m, _ := lookup(tc.from)
		d, ok := m.DeliveryTo(tc.to, "")
		if !ok {
			t.Errorf("%s does not deliver to %q", tc.from, tc.to)
			continue
		}
		if got := d.Rate(market.Standard); got != tc.standard {
			t.Errorf("%s to %s: standard rate %d, want %d", tc.from, tc.to, got, tc.standard)
		}
		if got := d.Rate(market.Food); got != tc.food {
			t.Errorf("%s to %s: food rate %d, want %d", tc.from, tc.to, got, tc.food)
		}
		if got := d.SalesTaxRate(tc.region); got != tc.sale {
			t.Errorf("%s to %s: sales tax %d, want %d", tc.from, tc.to, got, tc.sale)
		}
		options := d.OptionsFor(100_00, 500)
		if got, ok := market.DefaultOption(options); !ok || len(options) != 3 || got.ID != "mailboat" || got.Price != tc.mailBoat {
			t.Errorf("%s to %s: the default of %d options is %+v, want the mail boat for %d", tc.from, tc.to, len(options), got, tc.mailBoat)
		}
	}
	se, _ := lookup("SE")
	for _, country := range []string{"IS", "x", "SWE"} {
		if _, ok := se.DeliveryTo(country, ""); ok {
			t.Errorf("delivers to %q", country)
		}
	}
}

// One postal code a country cannot be reached, however it is written.
func TestDelivers(t *testing.T) {
	for country, codes := range map[string]string{
		"SE": "99999,999 99,999-99", "NO": "9999", "DK": "9999", "FI": "99999", "DE": "99999", "AT": "9999",
		"NL": "9999ZZ,9999 zz", "GB": "ZZ99 9ZZ,zz999zz", "US": "99999,99999-1234,99999 1234,999991234",
	} {
		m, _ := lookup(country)
		d, _ := m.DeliveryTo(country, "")
		for code := range strings.SplitSeq(codes, ",") {
			if d.Delivers("", code) {
				t.Errorf("%s: delivers to %s", country, code)
			}
		}
		for _, code := range []string{"", "1", "12345", "12345-9999", "SW1A 1AA"} {
			if !d.Delivers("", code) {
				t.Errorf("%s: does not deliver to %q", country, code)
			}
		}
	}
	if n := len(all().Countries()); n != 9 {
		t.Errorf("%d countries, and only 9 have such a postal code", n)
	}
}

// The entry of a list is a postal code of the country or the start of one, and is found again
// however the code is written. The end of an American one is a place within a place.
func TestListedPostalCode(t *testing.T) {
	for _, tc := range []struct{ country, entry, want string }{
		{"SE", "999 99", "99999"}, {"SE", "99*", "99*"}, {"SE", "9999", ""}, {"FI", "AX-22100", "22100"}, {"NL", "9999 zz", "9999ZZ"},
		{"US", "99999", "99999"}, {"US", "99999-1234", "99999"}, {"US", "96*", "96*"}, {"US", "99999*", "99999*"},
		{"US", "9999-1234", ""}, {"US", "99999-12*", ""}, {"US", "99999-123*", ""}, {"US", "99999-1234*", ""},
	} {
		m, _ := lookup(tc.country)
		if got, ok := m.PostalCode(tc.entry); ok != (tc.want != "") || ok && got != tc.want {
			t.Errorf("%s: %s is %q, %t, want %q", tc.country, tc.entry, got, ok, tc.want)
		}
	}
}

// A state is understood however people write it. What cannot be read is not a place that
// cannot be reached.
func TestRegion(t *testing.T) {
	us, _ := lookup("US")
	for code, texts := range map[string]string{
		"":   "; ",
		"CA": "CA;ca; ca ;US-CA;California;Calif.;calif;Cal.;California, USA;CA, USA;California (CA);CA - California;State of California;Ca.",
		"NY": "new  york;N.Y.;N. Y.;New York State;State of New York;NY/New York",
		"DC": "District of Columbia;Washington D.C.;Washington, DC;WASHINGTON DC;D.C.;DC;Wash. D.C.;Washington, D.C., USA",
		"WA": "Washington;Wash.;Washington State;WA",
		"NJ": "N.J.;New Jersey;nj", "NM": "N. Mex.;N.M.", "NH": "N.H.", "NC": "N. Carolina;N.C.", "ND": "N. Dak.;N.D.",
		"SC": "S.C.", "SD": "S. Dak.;S.D.", "WV": "W. Va.;W.Va.;West Virginia;WV", "VA": "Va.;Commonwealth of Virginia",
		"RI": "R.I.", "MA": "Mass.", "PA": "Penn.;Pa.;Penna.", "TX": "Tex.", "FL": "Fla.", "IL": "Ill.", "KS": "Kans.;Kan.",
		"MI": "Mich.", "MN": "Minn.", "MS": "Miss.", "MO": "Mo.", "NE": "Nebr.;Neb.", "NV": "Nev.", "OR": "Ore.;Oreg.",
		"CO": "Colo.", "CT": "Conn.", "AZ": "Ariz.", "AR": "Ark.;Arkansas", "AL": "Ala.", "DE": "Del.", "GA": "Ga.", "IN": "Ind.",
		"KY": "Ky.", "LA": "La.", "MD": "Md.", "ME": "Me.", "MT": "Mont.", "OK": "Okla.", "TN": "Tenn.", "VT": "Vt.", "WI": "Wis.;Wisc.",
		"WY": "Wyo.", "HI": "Hawai’i;Hawaiʻi;Hawai'i",
		"AE": "AE;APO AE;Armed Forces Europe;ae", "AP": "AP;FPO AP;Armed Forces Pacific", "AA": "AA;Armed Forces Americas",
		"PR": "PR;Puerto Rico", "GU": "Guam", "VI": "US Virgin Islands;U.S. Virgin Islands;VI",
	} {
		for text := range strings.SplitSeq(texts, ";") {
			if got, ok := us.Region(text); !ok || got != code {
				t.Errorf("Region(%q) = %q, %t, want %q", text, got, ok, code)
			}
		}
	}
	for _, text := range []string{"ZZ", "Skåne", "X", ".", "USA", "US", "STATE", "NY, NJ", "Kalifornien", "90210", "CA2"} {
		if got, ok := us.Region(text); ok {
			t.Errorf("Region(%q) = %q", text, got)
		}
	}
	se, _ := lookup("SE")
	if got, ok := se.Region("Skåne"); !ok || got != "" {
		t.Errorf("Sweden's Skåne = %q, %t, want none", got, ok)
	}
	// Each state has a name, and each name a state with a rate.
	var codes []string
	names := "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada New_Hampshire New_Jersey New_Mexico New_York North_Carolina North_Dakota Ohio Oklahoma Oregon Pennsylvania Rhode_Island South_Carolina South_Dakota Tennessee Texas Utah Vermont Virginia Washington West_Virginia Wisconsin Wyoming District_of_Columbia Armed_Forces_Americas Armed_Forces_Europe Armed_Forces_Pacific"
	for name := range strings.FieldsSeq(names) {
		code, ok := us.Region(strings.ReplaceAll(name, "_", " "))
		if !ok || len(code) != 2 {
			t.Errorf("%s: %q", name, code)
		}
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if n := len(slices.Compact(codes)); n != 54 {
		t.Errorf("%d states, want 54", n)
	}
}

// Goods go to the states, the capital and the military post, and not to the territories.
func TestDeliversToRegions(t *testing.T) {
	us, _ := lookup("US")
	d, _ := us.DeliveryTo("", "")
	for _, region := range []string{"", "CA", "DC", "AE", "AP", "AA", "HI"} {
		if !d.Delivers(region, "") {
			t.Errorf("does not deliver to %q", region)
		}
	}
	for _, region := range []string{"PR", "GU", "VI", "AS", "MP"} {
		if d.Delivers(region, "") {
			t.Errorf("delivers to %s", region)
		}
	}
	se, _ := lookup("SE")
	home, _ := se.DeliveryTo("", "")
	abroad, _ := se.DeliveryTo("US", "")
	if !home.Delivers("PR", "") || abroad.Delivers("PR", "") {
		t.Error("a region counts where the goods go to")
	}
}

// Places without VAT are known by their postal codes, however these are written.
func TestUntaxed(t *testing.T) {
	for country, texts := range map[string][2]string{ // with and without VAT
		"FI": {"00100,21990,23100,2,", "22100,22999,22 150,FI-22100,AX-22100,ax22430"},
		"NO": {"9169,9180,0917,8098", "9170,9178,N-9171,8099"},
		"DE": {"27499,78267,7826,782660,27497", "27498,78266,D-78266,de 27498"},
		"DK": {"3782,3700,2100", "3900,3992,3800,DK-3911"},
		"GB": {"SW1A 1AA,G1 1AA,GU1 1AA,J1,IM1 1AA", "JE2 3AB,je23ab,GY1 1AA,GY9 3UF,GY10 1SB,JE1"},
		"SE": {"22100,27498", ""}, "NL": {"2210 AB", ""}, "AT": {"6691,9170", ""},
	} {
		m, _ := lookup(country)
		for i, list := range texts {
			if list == "" {
				continue
			}
			for code := range strings.SplitSeq(list, ",") {
				d, _ := m.DeliveryTo("", code)
				rate, food := d.Rate(market.Standard), d.Rate(market.Food)
				_, fee := d.FeeTax()
				if untaxed := i == 1; d.Untaxed() != untaxed || (rate == 0) != untaxed || (fee == 0) != untaxed || untaxed && food != 0 {
					t.Errorf("%s %q: without VAT %t, rates %d, %d, delivery %d", country, code, d.Untaxed(), rate, food, fee)
				}
			}
		}
	}
	// The place counts, not the market of the purchase; a country without VAT is such a place.
	de, _ := lookup("DE")
	for to, untaxed := range map[string]bool{"FI 22100": true, "FI 27498": false, "DE 22100": false, "US 22100": true, "GB JE2 3AB": true} {
		country, code, _ := strings.Cut(to, " ")
		if d, _ := de.DeliveryTo(country, code); d.Untaxed() != untaxed {
			t.Errorf("DE to %s: without VAT %t", to, !untaxed)
		}
	}
	us, _ := lookup("US")
	if d, _ := us.DeliveryTo("FI", "22100"); d.Untaxed() || d.Rate(market.Standard) != 0 {
		t.Error("American prices include no VAT that could be left out")
	}
}
