// Package market knows the countries the shop sells to: currency, languages,
// tax and delivery of each.
package market

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
)

// TaxScheme says whether prices include tax.
type TaxScheme int

const (
	// VATIncluded: prices include value added tax; each line has its rate.
	VATIncluded TaxScheme = iota
	// SalesTax: prices are without tax; the tax is a line of its own.
	SalesTax
)

// IDs of the shipping options. Their texts have the keys "shipping.<ID>.name" and
// "shipping.<ID>.time".
const (
	MailBoat = "mailboat"
	Express  = "express"
	Collect  = "collect"
)

// ShippingOption is a way for goods to reach the shopper.
type ShippingOption struct {
	ID    string
	Price money.Amount // minor units of the market's currency, with VAT where prices include it
	// Pickup: the shopper collects the goods.
	Pickup bool
}

// Market is a purchase country with its currency, locales, tax and delivery. Its slices
// are shared and must not be changed.
type Market struct {
	Country         string // ISO 3166-1 alpha-2, upper case
	Currency        money.Currency
	Locales         []string // "sv-SE"; the first is the default
	Scheme          TaxScheme
	ShippingOptions []ShippingOption
	DeliveryTax     DeliveryTax
	DeliveryRate    money.TaxRate // with TaxAtRate
	// Untaxed are the postal codes of places without VAT, without spaces, in capitals. A *
	// at the end stands for any end.
	Untaxed       []string
	UntaxedPrices UntaxedPrices
}

var markets = []Market{
	{Country: "SE", Currency: "SEK", Locales: []string{"sv-SE", "en-SE"}, ShippingOptions: shipping(4900, 12900)},
	{Country: "NO", Currency: "NOK", Locales: []string{"nb-NO", "en-NO"}, ShippingOptions: shipping(5900, 14900), Untaxed: []string{"917*", "8099"}},                          // Svalbard, Jan Mayen
	{Country: "DK", Currency: "DKK", Locales: []string{"da-DK", "en-DK"}, ShippingOptions: shipping(3900, 9900), Untaxed: []string{"38*", "39*"}},                             // the Faroes, Greenland
	{Country: "FI", Currency: "EUR", Locales: []string{"fi-FI", "sv-FI", "en-FI"}, ShippingOptions: shipping(490, 1290), Untaxed: []string{"22*"}},                            // Åland
	{Country: "DE", Currency: "EUR", Locales: []string{"de-DE", "en-DE"}, ShippingOptions: shipping(490, 1290), DeliveryTax: TaxAsGoods, Untaxed: []string{"27498", "78266"}}, // Helgoland, Büsingen
	{Country: "AT", Currency: "EUR", Locales: []string{"de-AT", "en-AT"}, ShippingOptions: shipping(490, 1290), DeliveryTax: TaxAsGoods},
	{Country: "NL", Currency: "EUR", Locales: []string{"nl-NL", "en-NL"}, ShippingOptions: shipping(490, 1290)},
	{Country: "GB", Currency: "GBP", Locales: []string{"en-GB"}, ShippingOptions: shipping(395, 995), Untaxed: []string{"JE*", "GY*"}}, // Jersey, Guernsey
	{Country: "US", Currency: "USD", Locales: []string{"en-US"}, ShippingOptions: shipping(600, 1500), DeliveryTax: TaxAsGoods, Scheme: SalesTax},
}

func shipping(mailBoat, express money.Amount) []ShippingOption {
	return []ShippingOption{
		{ID: MailBoat, Price: mailBoat},
		{ID: Express, Price: express},
		{ID: Collect, Pickup: true},
	}
}

// Lookup returns the market of a country ("SE", in either case); false if the shop knows
// none.
func Lookup(country string) (Market, bool) { return List(markets).Lookup(country) }

// HasLocale reports whether the market is served in a locale, as spelt in Locales.
func (m Market) HasLocale(locale string) bool { return slices.Contains(m.Locales, locale) }

// LocaleFor returns the market's locale for a language, else its default locale.
func (m Market) LocaleFor(l i18n.Lang) string {
	if locale, ok := m.localeOf(string(l)); ok {
		return locale
	}
	return m.Locales[0]
}

// localeOf finds the market's locale for a language code ("sv").
func (m Market) localeOf(lang string) (string, bool) {
	for _, locale := range m.Locales {
		if language, _, _ := strings.Cut(locale, "-"); language == lang {
			return locale, true
		}
	}
	return "", false
}

// DefaultShipping returns the cheapest option that delivers, or where none does the
// cheapest to collect. False: there is no option.
func (m Market) DefaultShipping() (ShippingOption, bool) { return defaultOption(m.ShippingOptions) }

func defaultOption(options []ShippingOption) (ShippingOption, bool) {
	if len(options) == 0 {
		return ShippingOption{}, false
	}
	return slices.MinFunc(options, func(a, b ShippingOption) int {
		if a.Pickup != b.Pickup {
			if a.Pickup {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Price, b.Price)
	}), true
}
