package klarna_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
)

// Every member survives reading and writing, those that nobody knows too (invariant 17).
func TestAddressKeepsItsMembers(t *testing.T) {
	whole := `{"attention":"Ada","care_of":"Bo","city":"Ort","country":"DE","door_code":"12","email":"a@b.example","family_name":"Ek","floor":3,"given_name":"Eva",` +
		`"house_extension":"b","organization_name":"Ek AB","phone":"+461","postal_code":"10115","reference":"R","region":"S","street_address":"Gatan 1",` +
		`"street_address2":"Two","street_name":"Weg","street_number":"1","title":"Frau"}`
	var a klarna.Address
	if err := json.Unmarshal([]byte(whole), &a); err != nil {
		t.Fatal(err)
	}
	a.City = "Stad"
	text, err := json.Marshal(a)
	if want := strings.Replace(whole, "Ort", "Stad", 1); err != nil || string(text) != want {
		t.Errorf(" got %s\nwant %s", text, want)
	}
	lines := strings.Join(a.Lines(), "\n")
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		shown, isText := value.(string)
		if isText && name != "country" && name != "email" && name != "phone" && !strings.Contains(lines, shown) {
			t.Errorf("%s is not shown in %q", name, lines)
		}
	}
	var empty klarna.Address
	if err := json.Unmarshal([]byte(`{"title":"","nothing":null,"none":""}`), &empty); err != nil || empty != (klarna.Address{}) {
		t.Errorf("an empty address: %v, %v", empty, err)
	}
	for _, bad := range []string{`[]`, `"x"`, `{"city":1}`} {
		if json.Unmarshal([]byte(bad), &empty) == nil {
			t.Errorf("%s is an address", bad)
		}
	}
}

// Lines stand in the order in which the country writes them.
func TestAddressLines(t *testing.T) {
	for _, tc := range []struct {
		a    klarna.Address
		want string
	}{
		{klarna.Address{GivenName: "Eva", FamilyName: "Ek", CareOf: "Bo Ek", StreetAddress: "Gatan 1", PostalCode: "111 22", City: "Ort", Country: "se"}, "Eva Ek|c/o Bo Ek|Gatan 1|111 22 Ort"},
		{klarna.Address{CareOf: "C/o Bo", City: "Ort", Country: "SE"}, "C/o Bo|Ort"},
		{klarna.Address{Title: "Herr", FamilyName: "Ek", StreetName: "Weg", StreetNumber: "1", PostalCode: "10115", City: "Berlin", Country: "DE"}, "Herr Ek|Weg 1|10115 Berlin"},
		{klarna.Address{StreetName: "Straat", StreetNumber: "1", HouseExtension: "B", PostalCode: "1011 AB", City: "Amsterdam", Country: "NL"}, "Straat 1 B|1011 AB Amsterdam"},
		{klarna.Address{StreetAddress: "Straat 1", HouseExtension: "B", Country: "NL"}, "Straat 1 B"},
		{klarna.Address{OrganizationName: "Ek AB", Attention: "Eva", StreetAddress: "1 Main St", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"}, "Ek AB|Att: Eva|1 Main St|Austin, TX 73301"},
		{klarna.Address{City: "Austin", Country: "us"}, "Austin"},
		{klarna.Address{StreetName: "High St", StreetNumber: "2", City: "Leeds", Region: "Yorkshire", PostalCode: "LS1 1AA", Country: "GB"}, "2 High St|Leeds|Yorkshire|LS1 1AA"},
		{klarna.Address{}, ""},
	} {
		if got := strings.Join(tc.a.Lines(), "|"); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
