package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/settings"
)

// withPoints is the small shop whose Finnish parcels have pickup points.
func withPoints(points string) settings.Source {
	file := strings.Replace(small, "price: 690}", "price: 690, pickup_points: "+points+"}", 1)
	return settings.Source{File: []byte(file), Files: files()}
}

const kiosk = "{id: p1, name: Kiosk, address: {street_address: Kaivokatu 1, postal_code: 00100, city: Helsinki}}"

// Each member of a pickup point is read.
func TestPickupPoints(t *testing.T) {
	shop, _, err := settings.Read(withPoints("[" + kiosk +
		", {id: p2, name: {sv: Torget, en: Market square}, address: {street_address: Torget 2, street_address2: Hall B, postal_code: 'FI-20100', city: Åbo, region: Egentliga Finland}}]"))
	if err != nil {
		t.Fatal(err)
	}
	want := []market.PickupPoint{
		{ID: "p1", Name: i18n.Text{"sv": "Kiosk"}, StreetAddress: "Kaivokatu 1", PostalCode: "00100", City: "Helsinki"},
		{ID: "p2", Name: i18n.Text{"sv": "Torget", "en": "Market square"}, StreetAddress: "Torget 2", StreetAddress2: "Hall B", PostalCode: "FI-20100", City: "Åbo", Region: "Egentliga Finland"},
	}
	m := shop.Markets[1]
	if diff := cmp.Diff(want, m.ShippingOptions[0].PickupPoints); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for id, want := range map[string]string{
		"parcel:p1": "Posti: Kiosk", "parcel:p2": "Posti: Market square", "parcel": "", "parcel:p3": "", "parcel:": "", "parcel:p1:": "", ":p1": "", "": "",
	} {
		o, ok := m.Option(id)
		if ok != (want != "") || ok && (o.Title(i18n.English) != want || o.ID != id || o.Price != 690) {
			t.Errorf("%q: %v, %+v", id, ok, o)
		}
	}
}

// What is wrong with pickup points is said where it is.
func TestPickupPointsRefused(t *testing.T) {
	const at = "line 38: markets[1].delivery[0].pickup_points"
	but := func(old, becomes string) string { return "[" + strings.Replace(kiosk, old, becomes, 1) + "]" }
	for _, tc := range []struct{ name, points, want string }{
		{"of the merchant's server", "hook", ": needs hooks.delivery, which says them"},
		{"none", "[]", ": want 1 to 50 pickup points"},
		{"a text", "some", ": want an array"},
		{"nothing", "null", ": want an array"},
		{"too many", "[" + strings.Repeat(kiosk+",", 51) + "]", ": want 1 to 50 pickup points"},
		{"no address", "[{id: p1, name: Kiosk}]", "[0].address: is missing"},
		{"no name", but("name: Kiosk, ", ""), "[0].name: is missing"},
		{"no ID", but("id: p1, ", ""), "[0].id: is missing"},
		{"another ID", but("p1", "a:b"), `[0].id: "a:b" is not 1 to 50 of A-Z a-z 0-9 _ -, first a letter or digit`},
		{"twice", "[" + kiosk + ", " + kiosk + "]", `[1].id: "p1" stands twice`},
		{"a long name", but("Kiosk", strings.Repeat("k", 101)), "[0].name: longer than 100 characters"},
		{"a long street", but("Kaivokatu 1", strings.Repeat("k", 101)), "[0].address.street_address: longer than 100 characters"},
		{"another postal code", but("00100", "111 57 2"), `[0].address.postal_code: "111 57 2" is not a postal code of FI`},
		{"the start of a postal code", but("00100", "00*"), `[0].address.postal_code: "00*" is not a postal code of FI`},
		{"no street", but("street_address: Kaivokatu 1, ", ""), "[0].address.street_address: is missing"},
		{"no city", but(", city: Helsinki", ""), "[0].address.city: is missing"},
		{"a country", but("city:", "country: FI, city:"), "[0].address.country: unknown member"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := settings.Read(withPoints(tc.points))
			if err == nil || !strings.Contains(err.Error(), at+tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	long := strings.Replace(string(withPoints("["+kiosk+"]").File), "name: Posti", "name: "+strings.Repeat("p", 154), 1)
	if _, _, err := settings.Read(settings.Source{File: []byte(long), Files: files()}); err == nil || !strings.Contains(err.Error(), "delivery[0].name: longer than 153 characters") {
		t.Errorf("a name that leaves no room for that of a pickup point: %v", err)
	}
}
