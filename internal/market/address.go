package market

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/money"
)

// Delivery is where an order of a market goes to.
type Delivery struct {
	// Options are the shipping options, with prices in the currency of the purchase market.
	Options []ShippingOption
	to      Market
	scheme  TaxScheme // of the purchase market
}

// DeliveryTo returns the delivery to a country in either case; "" is the market's own. It
// has the tax of that country. Its options are that country's if the currency is the
// same, else the market's own. False: the shop does not deliver there.
func (m Market) DeliveryTo(country string) (Delivery, bool) {
	if country == "" {
		country = m.Country
	}
	to, served := Lookup(country)
	if !served {
		return Delivery{}, false
	}
	options := m.ShippingOptions
	if to.Currency == m.Currency {
		options = to.ShippingOptions
	}
	return Delivery{Options: options, to: to, scheme: m.Scheme}, true
}

// Rate returns the VAT rate of a class where the order goes to. It is 0 for a purchase in,
// or a delivery to, a market without VAT.
func (d Delivery) Rate(class TaxClass) money.TaxRate {
	if d.scheme == SalesTax {
		return 0
	}
	return d.to.Rate(class)
}

// SalesTaxRate returns the rate of the sales tax line, 0 outside the states
// that have one. See [Market.SalesTaxRate].
func (d Delivery) SalesTaxRate(region string) money.TaxRate { return d.to.SalesTaxRate(region) }

// Option returns the shipping option with an ID, else the default.
func (d Delivery) Option(id string) ShippingOption {
	if i := slices.IndexFunc(d.Options, func(o ShippingOption) bool { return o.ID == id }); i >= 0 {
		return d.Options[i]
	}
	return defaultOption(d.Options)
}

// unreachable has one postal code per country, without spaces, to which nothing is
// delivered. They let people see the refusal. No street has them; the Finnish one is Santa
// Claus's.
var unreachable = map[string]string{
	"SE": "99999", "NO": "9999", "DK": "9999", "FI": "99999", "DE": "99999",
	"AT": "9999", "NL": "9999ZZ", "GB": "ZZ999ZZ", "US": "99999",
}

// Delivers reports whether goods can be delivered to a postal code, with or without
// spaces. An unknown one ("") counts as deliverable.
func (d Delivery) Delivers(postalCode string) bool {
	return postalCode == "" || compact(postalCode) != unreachable[d.to.Country]
}

func compact(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(s, "-", " ")), ""))
}

// Region returns the region that decides the tax, as [Market.SalesTaxRate] takes it: the
// two letters of a US state, also from "US-CA" and "California". Outside the US it is "".
// It is false for an unknown state, whose tax cannot be known. "" means not known yet.
func (m Market) Region(region string) (string, bool) {
	if m.Scheme != SalesTax {
		return "", true
	}
	region = strings.ToUpper(strings.Join(strings.Fields(region), " "))
	region = strings.TrimPrefix(region, m.Country+"-")
	if code, named := states[region]; named {
		return code, true
	}
	_, known := salesTax[region]
	return region, known || region == ""
}

// states are the names of the regions that have a sales tax rate, in capitals.
var states = map[string]string{
	"ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA", "COLORADO": "CO",
	"CONNECTICUT": "CT", "DISTRICT OF COLUMBIA": "DC", "DELAWARE": "DE", "FLORIDA": "FL", "GEORGIA": "GA", "HAWAII": "HI",
	"IDAHO": "ID", "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS", "KENTUCKY": "KY", "LOUISIANA": "LA",
	"MAINE": "ME", "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN", "MISSISSIPPI": "MS",
	"MISSOURI": "MO", "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV", "NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ",
	"NEW MEXICO": "NM", "NEW YORK": "NY", "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND", "OHIO": "OH", "OKLAHOMA": "OK",
	"OREGON": "OR", "PENNSYLVANIA": "PA", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC", "SOUTH DAKOTA": "SD",
	"TENNESSEE": "TN", "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT", "VIRGINIA": "VA", "WASHINGTON": "WA",
	"WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY",
}
