package checkout

import (
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// FormOf returns the fields of an order's form in their order: those of the billing address
// and the customer, then those of a separate shipping address if that is allowed.
// Source: docs.kustom.co, Create order (address, customer, options).
func FormOf(v *Order) []shopper.Field {
	country := strings.ToUpper(v.BillingAddress.Country)
	fields := []shopper.Field{
		{Name: "email", Type: "email", Autocomplete: "email", Required: true, Pattern: shopper.EmailPattern},
		shopper.PostalField(country),
	}
	if offered := OfferedCountries(v); len(offered) > 1 {
		fields = append(fields, countryField(offered))
	}
	for i := range fields {
		fields[i].Group = "contact"
	}
	var address []shopper.Field
	if CustomerType(v) == "organization" {
		address = append(address, companyFields(v, country)...)
	} else {
		address = append(address, personFields(v, country)...)
	}
	address = append(address, nameFields...)
	address = append(address, streetFields(country)...)
	phoneOptional := isFalse(v.Options.PhoneMandatory) && slices.Contains([]string{"DE", "AT", "CH"}, country)
	address = append(address, shopper.Field{Name: "phone", Type: "tel", Autocomplete: "tel", Required: !phoneOptional, Pattern: shopper.PhonePattern})
	for i := range address {
		address[i].Group = "address"
	}
	fields = append(fields, address...)
	if allowsSeparate(v) {
		fields = append(fields, shippingFields(v)...)
	}
	return fields
}

var nameFields = []shopper.Field{
	{Name: "given_name", Autocomplete: "given-name", Required: true},
	{Name: "family_name", Autocomplete: "family-name", Required: true},
}

// personFields are asked of persons where the options demand it.
func personFields(v *Order, country string) []shopper.Field {
	var fields []shopper.Field
	if country == "GB" {
		title := shopper.Field{Name: "title", Autocomplete: "honorific-prefix", Required: IsTrue(v.Options.TitleMandatory)}
		for _, text := range []string{"Mr", "Ms", "Mrs", "Miss"} {
			title.Options = append(title.Options, shopper.Choice{Value: text, Label: text})
		}
		fields = append(fields, title)
	}
	number, known := shopper.PersonalNumbers[country]
	verified := IsTrue(v.Options.VerifyNationalIdentificationNumber) && (country == "SE" || country == "NO")
	switch {
	case known && (verified || IsTrue(v.Options.NationalIdentificationNumberMandatory)):
		fields = append(fields, shopper.Field{
			Name: "national_identification_number", Autocomplete: "off", InputMode: "numeric",
			Required: true, Pattern: number[0], Example: number[1],
		})
	case v.Options.DateOfBirthMandatory:
		fields = append(fields, shopper.Field{
			Name: "date_of_birth", Autocomplete: "bday", InputMode: "numeric", Required: true,
			Pattern: `(19|20)\d{2}-` + wire.AnyDay, Example: "1990-12-31",
		})
	}
	return fields
}

// companyFields are asked of companies.
func companyFields(v *Order, country string) []shopper.Field {
	id := shopper.Field{Name: "organization_registration_id", Autocomplete: "off", Pattern: ".{2,40}"}
	if rule, ok := shopper.RegistrationNumbers[country]; ok {
		id.Required, id.Pattern, id.Example = true, rule[0], rule[1]
	}
	fields := []shopper.Field{{Name: "organization_name", Autocomplete: "organization", Required: true}, id}
	if IsTrue(v.Options.ShowVATRegistrationNumberField) {
		fields = append(fields, shopper.Field{Name: "vat_id", Autocomplete: "off", Pattern: `[A-Z]{2,3}[A-Z\d .-]{2,20}`})
	}
	return fields
}

func countryField(countries []string) shopper.Field {
	f := shopper.Field{Name: "country", Autocomplete: "country", Required: true}
	for _, c := range countries {
		f.Options = append(f.Options, shopper.Choice{Value: c})
	}
	return f
}

// streetFields are those of a postal address without its postal code.
func streetFields(country string) []shopper.Field {
	var fields []shopper.Field
	switch country {
	case "DE", "AT", "NL":
		fields = append(fields,
			shopper.Field{Name: "street_name", Autocomplete: "off", Required: true},
			shopper.Field{Name: "street_number", Autocomplete: "off", Required: true})
		if country == "NL" {
			fields = append(fields, shopper.Field{Name: "house_extension", Autocomplete: "off"})
		}
	default:
		fields = append(fields, shopper.Field{Name: "street_address", Autocomplete: "address-line1", Required: true})
	}
	fields = append(fields, shopper.Field{Name: "city", Autocomplete: "address-level2", Required: true})
	if country == "US" {
		fields = append(fields, shopper.Field{Name: "region", Autocomplete: "address-level1", Required: true, Options: shopper.States})
	}
	return fields
}

// shippingFields are those of a separate shipping address.
func shippingFields(v *Order) []shopper.Field {
	country := shippingCountry(v)
	fields := slices.Clone(nameFields)
	if CustomerType(v) == "organization" {
		fields = append([]shopper.Field{{Name: "organization_name", Autocomplete: "organization"}}, fields...)
	}
	fields = append(fields, streetFields(country)...)
	at := slices.IndexFunc(fields, func(f shopper.Field) bool { return f.Name == "city" })
	fields = slices.Insert(fields, at, shopper.PostalField(country))
	if countries := ShippingCountries(v); len(countries) > 1 {
		fields = append(fields, countryField(countries))
	}
	for i := range fields {
		f := &fields[i]
		f.Name, f.Group = shippingPrefix+f.Name, "shipping"
		if f.Autocomplete != "off" {
			f.Autocomplete = "shipping " + f.Autocomplete
		}
	}
	return fields
}

// ShippingCountries returns the countries that an order may be sent to, upper case, at
// least one. Source: docs.kustom.co, Create order (shipping_countries).
func ShippingCountries(v *Order) []string {
	if len(v.ShippingCountries) == 0 {
		return []string{strings.ToUpper(v.PurchaseCountry)}
	}
	return upperCase(v.ShippingCountries)
}

// shippingCountry returns the country of a separate shipping address.
func shippingCountry(v *Order) string {
	countries := ShippingCountries(v)
	if own := strings.ToUpper(v.ShippingAddress.Country); slices.Contains(countries, own) {
		return own
	}
	return countries[0]
}

// Separate says whether the shopper may give, must give and does give a separate shipping
// address.
type Separate struct {
	Allowed  bool   `json:"allowed"`
	Required bool   `json:"required"`
	On       bool   `json:"on"`
	Country  string `json:"country"` // of the shipping address, upper case
}

// SeparateOf returns it for an order. typed has the shopper's texts.
func SeparateOf(v *Order, typed map[string]string) Separate {
	return Separate{
		Allowed:  allowsSeparate(v),
		Required: needsSeparate(v),
		On:       needsSeparate(v) || typesShipping(typed) || v.ShippingAddress != v.BillingAddress,
		Country:  shippingCountry(v),
	}
}

// needsSeparate reports whether an order must have a separate shipping address: its billing
// country is none of the shipping countries. Source: docs.kustom.co, Global.
func needsSeparate(v *Order) bool {
	return !slices.Contains(ShippingCountries(v), strings.ToUpper(v.BillingAddress.Country))
}

// allowsSeparate reports whether an order may have a separate shipping address.
// Source: docs.kustom.co, Create order (options.allow_separate_shipping_address).
func allowsSeparate(v *Order) bool {
	return needsSeparate(v) || v.Options.AllowSeparateShippingAddress
}

// businessCountries are those where companies can buy.
// Source: docs.kustom.co, Global (B2B).
var businessCountries = []string{"AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "NL", "NO", "SE"}

// CustomerTypes returns the customer types that may buy: persons, and companies if the
// order allows them and its country has them. They stand as the order has them.
// Source: docs.kustom.co, Create order (options.allowed_customer_types).
func CustomerTypes(v *Order) []string {
	var types []string
	for _, t := range v.Options.AllowedCustomerTypes {
		possible := t == "person" || slices.Contains(businessCountries, strings.ToUpper(v.BillingAddress.Country))
		if possible && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	if len(types) == 0 {
		return []string{"person"}
	}
	return types
}

// CustomerType returns the order's customer type if it may buy, else the first that may.
func CustomerType(v *Order) string {
	types := CustomerTypes(v)
	if slices.Contains(types, v.Customer.Type) {
		return v.Customer.Type
	}
	return types[0]
}

// FormValue returns the value of a field of an order's form. typed has the shopper's
// texts.
func FormValue(v *Order, typed map[string]string, name string) string {
	if member, ok := strings.CutPrefix(name, shippingPrefix); ok {
		return *v.ShippingAddress.Member(member)
	}
	if m := v.BillingAddress.Member(name); m != nil {
		return *m
	}
	if m := v.Customer.Member(name); m != nil {
		return *m
	}
	return typed[name] // what the shop does not get
}

// missingFields returns the fields that the shopper must still fill in.
func missingFields(v *Order, typed map[string]string) []string {
	missing := []string{}
	on := SeparateOf(v, typed).On
	for _, f := range FormOf(v) {
		if f.Required && (f.Group != "shipping" || on) && FormValue(v, typed, f.Name) == "" {
			missing = append(missing, f.Name)
		}
	}
	return missing
}

// IsTrue reports whether an option was sent and is true.
func IsTrue(option *bool) bool { return option != nil && *option }

func isFalse(option *bool) bool { return option != nil && !*option }

// Alpha3 returns a country's three letters in lower case, as Klarna's
// JavaScript has them; an unknown country is returned as it is.
// Source: docs.kustom.co, Client side events.
func Alpha3(country string) string {
	region, err := language.ParseRegion(country)
	if err != nil {
		return strings.ToLower(country)
	}
	return strings.ToLower(region.ISO3())
}

// coreCurrency has the currency of each of Klarna's core markets.
// Source: docs.kustom.co, Selling to multiple countries.
var coreCurrency = map[string]string{
	"SE": "SEK", "NO": "NOK", "FI": "EUR", "DK": "DKK", "GB": "GBP", "DE": "EUR", "NL": "EUR",
	"AT": "EUR", "CH": "CHF", "US": "USD", "ES": "EUR", "FR": "EUR", "BE": "EUR", "PL": "PLN",
}

// MethodsOf returns the ways to pay an order. Outside the core markets, or with another
// currency than the market's, it is only card.
// Source: docs.kustom.co, Selling to multiple countries.
func MethodsOf(v *Order) []string {
	if coreCurrency[strings.ToUpper(v.BillingAddress.Country)] == strings.ToUpper(v.PurchaseCurrency) {
		return PaymentMethods
	}
	return []string{"card"}
}

// Provider is one of an order's external payment methods or checkouts.
// Source: docs.kustom.co, Create order (external_payment_methods).
type Provider struct {
	Name        string   `json:"name"`
	RedirectURL string   `json:"redirect_url"`
	Fee         int64    `json:"fee"` // minor units
	Description string   `json:"description"`
	Countries   []string `json:"countries"` // alpha-2, none = all
	Label       string   `json:"label"`
	ImageURL    string   `json:"image_url"` // https
}

// ExternalMethods returns an order's external payment methods that serve its country.
func ExternalMethods(v *Order) []Provider { return serving(v, v.ExternalPaymentMethods) }

// ExternalCheckouts returns an order's external checkouts that serve its country.
func ExternalCheckouts(v *Order) []Provider { return serving(v, v.ExternalCheckouts) }

func serving(v *Order, providers []json.RawMessage) []Provider {
	var serving []Provider
	for _, raw := range providers {
		var p Provider
		_ = json.Unmarshal(raw, &p) // was checked
		here := func(c string) bool { return strings.EqualFold(c, v.BillingAddress.Country) }
		if len(p.Countries) == 0 || slices.ContainsFunc(p.Countries, here) {
			serving = append(serving, p)
		}
	}
	return serving
}
