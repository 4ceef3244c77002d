// Package shopper knows who buys: test persons, how a purchase ends by e-mail address, the
// fields of a form, and how somebody is told that he cannot buy.
package shopper

import (
	"cmp"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// TestPerson returns a test person of a country, by address member.
func TestPerson(country string) map[string]string {
	country = strings.ToUpper(country)
	p := map[string]string{
		"given_name":                     "Testperson-" + strings.ToLower(country),
		"family_name":                    "Approved",
		"email":                          "testperson-" + strings.ToLower(country) + "@example.com",
		"phone":                          "+46701234567",
		"street_address":                 "Test Street 1",
		"street_name":                    "Teststraße",
		"street_number":                  "1",
		"postal_code":                    PostalCodes[country][1],
		"city":                           "Testville",
		"region":                         "",
		"title":                          "Ms",
		"date_of_birth":                  "1941-03-21",
		"organization_name":              "Testbolaget",
		"organization_registration_id":   cmp.Or(RegistrationNumbers[country][1], "12345678"),
		"national_identification_number": PersonalNumbers[country][1],
	}
	maps.Copy(p, local[country])
	if p["postal_code"] == "" {
		p["postal_code"] = "12345"
	}
	return p
}

// local has the own data of the core markets' test persons. The Swedish one is Klarna's.
// Source: docs.kustom.co, Update ongoing order.
var local = map[string]map[string]string{
	"SE": {"street_address": "Stårgatan 1", "postal_code": "12345", "city": "Ankeborg"},
	"NO": {"phone": "+4740123456", "street_address": "Testgata 1", "city": "Oslo"},
	"DK": {"phone": "+4542123456", "street_address": "Testgade 1", "city": "København K"},
	"FI": {"phone": "+358401234567", "street_address": "Testikatu 1", "city": "Helsinki"},
	"DE": {"phone": "+491701234567", "city": "Berlin"},
	"AT": {"phone": "+436601234567", "city": "Wien"},
	"NL": {"phone": "+31612345678", "street_name": "Teststraat", "city": "Amsterdam"},
	"GB": {"phone": "+447400123456", "city": "London"},
	"US": {"phone": "+12125550123", "city": "New York", "region": "NY"},
}

// Persona is how a shopper's purchase ends. The e-mail address decides, as on Klarna's
// playground. The zero value is approved.
// Source: docs.klarna.com, Sample customer data.
type Persona struct {
	Denied         bool
	TechnicalError bool
	Pending        bool          // approved, and checked for fraud
	Accepted       bool          // how the check ends
	After          time.Duration // from the purchase to the end of the check
}

var pendingEmail = regexp.MustCompile(`\+pend-(accept|reject)-(\d\d)@`)

// PersonaOf returns the persona of an e-mail address: name+denied@…,
// name+pend-accept-05@…, name+pend-reject-05@… (minutes), name+error@….
func PersonaOf(email string) Persona {
	if m := pendingEmail.FindStringSubmatch(email); m != nil {
		minutes, _ := strconv.Atoi(m[2]) // two digits
		return Persona{Pending: true, Accepted: m[1] == "accept", After: time.Duration(minutes) * time.Minute}
	}
	return Persona{
		Denied:         strings.Contains(email, "+denied@"),
		TechnicalError: strings.Contains(email, "+error@"),
	}
}
