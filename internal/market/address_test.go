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
	if diff := cmp.Diff(strings.Fields("SE NO DK FI DE AT NL GB US"), market.All().Countries()); diff != "" {
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
		{"SE", "", "", 2500, 600, 0, 4900},
		{"SE", "se", "", 2500, 600, 0, 4900},
		{"SE", "NO", "", 2500, 1500, 0, 4900}, // its price is in other kroner
		{"DE", "FI", "", 2550, 1350, 0, 490},
		{"DE", "GB", "", 2000, 0, 0, 490},
		{"DE", "US", "CA", 0, 0, 725, 490}, // export; the sales tax line is for American prices only
		{"US", "US", "CA", 0, 0, 725, 600},
		{"US", "DE", "CA", 0, 0, 0, 600},
	} {
		m, _ := market.Lookup(tc.from)
		d, ok := m.DeliveryTo(tc.to)
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
		for _, id := range []string{"", "mailboat", "drone"} {
			if got := d.Option(id); got.ID != "mailboat" || got.Price != tc.mailBoat {
				t.Errorf("%s to %s: option %q is %+v, want the mail boat for %d", tc.from, tc.to, id, got, tc.mailBoat)
			}
		}
		if got := d.Option("collect").ID; got != "collect" {
			t.Errorf("%s to %s: option collect is %q", tc.from, tc.to, got)
		}
	}
	se, _ := market.Lookup("SE")
	for _, country := range []string{"IS", "x", "SWE"} {
		if _, ok := se.DeliveryTo(country); ok {
			t.Errorf("delivers to %q", country)
		}
	}
}

// One postal code a country cannot be reached, however it is written.
func TestDelivers(t *testing.T) {
	for country, codes := range map[string]string{
		"SE": "99999,999 99,999-99", "NO": "9999", "DK": "9999", "FI": "99999", "DE": "99999", "AT": "9999",
		"NL": "9999ZZ,9999 zz", "GB": "ZZ99 9ZZ,zz999zz", "US": "99999",
	} {
		m, _ := market.Lookup(country)
		d, _ := m.DeliveryTo(country)
		for code := range strings.SplitSeq(codes, ",") {
			if d.Delivers(code) {
				t.Errorf("%s: delivers to %s", country, code)
			}
		}
		for _, code := range []string{"", "1", "12345", "SW1A 1AA"} {
			if !d.Delivers(code) {
				t.Errorf("%s: does not deliver to %q", country, code)
			}
		}
	}
	if n := len(market.All().Countries()); n != 9 {
		t.Errorf("%d countries, and only 9 have such a postal code", n)
	}
}

func TestRegion(t *testing.T) {
	us, _ := market.Lookup("US")
	for region, want := range map[string]string{
		"": "", "CA": "CA", "ca": "CA", " ca ": "CA", "US-CA": "CA", "California": "CA", "new  york": "NY", "District of Columbia": "DC",
	} {
		if got, ok := us.Region(region); !ok || got != want {
			t.Errorf("Region(%q) = %q, %t, want %q", region, got, ok, want)
		}
	}
	for _, region := range []string{"ZZ", "PR", "Calif", "CA, USA", "Skåne"} {
		if got, ok := us.Region(region); ok {
			t.Errorf("Region(%q) = %q", region, got)
		}
	}
	se, _ := market.Lookup("SE")
	if got, ok := se.Region("Skåne"); !ok || got != "" {
		t.Errorf("Sweden's Skåne = %q, %t, want none", got, ok)
	}
	// Each state has a name, and each name a state with a rate.
	var codes []string
	names := "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada New_Hampshire New_Jersey New_Mexico New_York North_Carolina North_Dakota Ohio Oklahoma Oregon Pennsylvania Rhode_Island South_Carolina South_Dakota Tennessee Texas Utah Vermont Virginia Washington West_Virginia Wisconsin Wyoming District_of_Columbia"
	for name := range strings.FieldsSeq(names) {
		code, ok := us.Region(strings.ReplaceAll(name, "_", " "))
		if !ok || len(code) != 2 {
			t.Errorf("%s: %q", name, code)
		}
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if n := len(slices.Compact(codes)); n != 51 {
		t.Errorf("%d states, want 51", n)
	}
}
