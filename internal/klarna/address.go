package klarna

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/v1"
)

// Address is a billing or shipping address, as checkout, Payments and Order Management have
// it. Members that shopd does not know are kept too. It is personal data and never logged.
// Source: docs.kustom.co, Create order; docs.klarna.com, Order Management API reference.
type Address struct {
	Title            string `json:"title,omitempty"`
	GivenName        string `json:"given_name,omitempty"`
	FamilyName       string `json:"family_name,omitempty"`
	OrganizationName string `json:"organization_name,omitempty"`
	Attention        string `json:"attention,omitempty"` // within the organization, or at whose door
	Reference        string `json:"reference,omitempty"` // of a company; from older clients
	CareOf           string `json:"care_of,omitempty"`
	Email            string `json:"email,omitempty"`
	StreetAddress    string `json:"street_address,omitempty"` // or name and number
	StreetAddress2   string `json:"street_address2,omitempty"`
	StreetName       string `json:"street_name,omitempty"`
	StreetNumber     string `json:"street_number,omitempty"`
	HouseExtension   string `json:"house_extension,omitempty"`
	PostalCode       string `json:"postal_code,omitempty"`
	City             string `json:"city,omitempty"`
	Region           string `json:"region,omitempty"`
	Phone            string `json:"phone,omitempty"`
	Country          string `json:"country,omitempty"` // alpha-2, case varies

	// Other has the members that are none of these, as a JSON object; "" without any.
	Other string `json:"-"`
}

// LogValue keeps the address out of logs.
func (Address) LogValue() slog.Value { return slog.StringValue("[address]") }

// Member is a member of an address.
type Member struct {
	Name  string // Klarna's: "postal_code"
	Value *string
}

// Members are the known members.
func (a *Address) Members() []Member {
	return []Member{
		{"title", &a.Title}, {"given_name", &a.GivenName}, {"family_name", &a.FamilyName},
		{"organization_name", &a.OrganizationName}, {"attention", &a.Attention}, {"reference", &a.Reference}, {"care_of", &a.CareOf},
		{"street_address", &a.StreetAddress}, {"street_address2", &a.StreetAddress2},
		{"street_name", &a.StreetName}, {"street_number", &a.StreetNumber}, {"house_extension", &a.HouseExtension},
		{"postal_code", &a.PostalCode}, {"city", &a.City}, {"region", &a.Region}, {"country", &a.Country},
		{"phone", &a.Phone}, {"email", &a.Email},
	}
}

// others are the members of Other.
func (a Address) others() map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	if a.Other != "" {
		_ = json.Unmarshal([]byte(a.Other), &members)
	}
	return members
}

// plain is an address without its methods.
type plain Address

// UnmarshalJSON reads an address with all its members.
func (a *Address) UnmarshalJSON(text []byte) error {
	known := json.NewDecoder(bytes.NewReader(text))
	known.DisallowUnknownFields()
	before := *a
	if known.Decode((*plain)(a)) == nil { // as most do
		a.Other = ""
		return nil
	}
	*a = before
	if err := json.Unmarshal(text, (*plain)(a)); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for _, m := range a.Members() {
		delete(members, m.Name)
	}
	maps.DeleteFunc(members, func(_ string, value json.RawMessage) bool { return string(value) == `""` || string(value) == "null" })
	a.Other = ""
	if len(members) > 0 {
		text, err := json.Marshal(members) // in the order of their names
		if err != nil {
			return err
		}
		a.Other = string(text)
	}
	return nil
}

// MarshalJSON writes all members.
func (a Address) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(plain(a))
	if err != nil || a.Other == "" {
		return text, err
	}
	members := a.others()
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

// Name is who the address is of, with the title.
func (a Address) Name() string { return joined(" ", a.Title, a.GivenName, a.FamilyName) }

// places are the lines with city (C), postal code (Z) and region (S), by country; where it
// is none of these, postal code and city, then the region. A small table, for these are all
// that differ in countries with Klarna, and a parcel is read by people. Source: Universal
// Postal Union, addressing by country.
var places = map[string][]string{
	"US": {"C, S Z"}, "CA": {"C S Z"}, "AU": {"C S Z"}, "NZ": {"C Z"},
	"GB": {"C", "S", "Z"}, "IE": {"C", "S", "Z"},
	"IT": {"Z C S"},
}

// numberFirst are the countries where the number stands before the street.
var numberFirst = []string{"US", "CA", "AU", "NZ", "GB", "IE", "FR"}

// Lines is the address as it is written in its country, without country, phone and e-mail:
// every other member is in it.
func (a Address) Lines() []string {
	country := strings.ToUpper(a.Country)
	numbered := []string{a.StreetName, a.StreetNumber}
	if slices.Contains(numberFirst, country) {
		slices.Reverse(numbered)
	}
	street := joined(" ", a.StreetAddress, joined(" ", numbered...), a.HouseExtension)
	lines := []string{a.OrganizationName, a.Name(), marked("Att: ", a.Attention, "att", "c/o"), a.Reference, marked("c/o ", a.CareOf, "c/o"), street, a.StreetAddress2}
	forms, known := places[country]
	if !known {
		forms = []string{"Z C", "S"}
	}
	for _, form := range forms {
		lines = append(lines, a.place(form))
	}
	if country == "NZ" {
		lines = append(lines, a.Region) // not usual there, but somebody gave it
	}
	others := a.others()
	for _, name := range slices.Sorted(maps.Keys(others)) {
		var text string
		if json.Unmarshal(others[name], &text) != nil {
			text = string(others[name])
		}
		lines = append(lines, strings.ReplaceAll(name, "_", " ")+": "+text)
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
}

// Line is the address in one line, without names and country.
func (a Address) Line() string {
	if a == (Address{}) { // as of most ways of delivery
		return ""
	}
	return strings.Join(Address{
		StreetAddress: a.StreetAddress, StreetAddress2: a.StreetAddress2, StreetName: a.StreetName, StreetNumber: a.StreetNumber, HouseExtension: a.HouseExtension,
		PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: a.Country,
	}.Lines(), ", ")
}

// place fills in a form of places. A comma goes with what is before it.
func (a Address) place(form string) string {
	var parts [3]string
	n := 0
	for sign := range strings.FieldsSeq(form) {
		letter, comma := strings.CutSuffix(sign, ",")
		var text string
		switch letter {
		case "C":
			text = strings.TrimSpace(a.City)
		case "Z":
			text = strings.TrimSpace(a.PostalCode)
		case "S":
			text = strings.TrimSpace(a.Region)
		}
		if comma && text != "" && (a.Region != "" || a.PostalCode != "") {
			text += ","
		}
		parts[n] = text
		n++
	}
	return joined(" ", parts[:n]...)
}

// marked is a text with a mark before it, unless it has one.
func marked(mark, text string, marks ...string) string {
	has := func(m string) bool { return strings.HasPrefix(strings.ToLower(text), m) }
	if text == "" || slices.ContainsFunc(marks, has) {
		return text
	}
	return mark + text
}

// joined joins the parts that are not empty.
func joined(by string, parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if strings.TrimSpace(part) == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(by)
		}
		b.WriteString(part)
	}
	return b.String()
}
