// Package market has the countries that a shop sells to, with currency, languages, tax and
// delivery, and what is known of countries: states, forms of addresses.
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

// ShippingOption is a way for goods to reach the shopper.
type ShippingOption struct {
	ID         string
	Name, Time i18n.Text    // Time is how long it takes; may be empty
	Price      money.Amount // minor units of the market's currency, with VAT where prices include it
	// ByWeight are the prices by the weight of the goods, instead of Price: lightest first.
	ByWeight []WeightPrice
	// FreeFrom is what the goods must cost, after discounts, for delivery to cost nothing;
	// 0: never.
	FreeFrom money.Amount
	// Pickup: the shopper collects the goods from the shop.
	Pickup bool
	// PickupPoints are the places of which the shopper chooses one; nil: there is no choice.
	PickupPoints []PickupPoint
	// AskPoints: the merchant's server says which places there are.
	AskPoints bool
	// Point is the place, of one of Choices.
	Point *PickupPoint
}

// WeightPrice is what delivery costs up to a weight in grams.
type WeightPrice struct {
	UpTo  int
	Price money.Amount
}

// For returns the option at its price for goods that cost and weigh so much. False: it is
// not offered for them.
func (o ShippingOption) For(goods money.Amount, grams int) (ShippingOption, bool) {
	if o.ByWeight != nil {
		i := slices.IndexFunc(o.ByWeight, func(w WeightPrice) bool { return grams <= w.UpTo })
		if i < 0 {
			return o, false
		}
		o.Price = o.ByWeight[i].Price
	}
	if o.FreeFrom > 0 && goods >= o.FreeFrom {
		o.Price = 0
	}
	return o, true
}

// Market is a purchase country with its currency, locales, tax and delivery, as a shop file
// says them. Its slices and maps are shared and must not be changed.
type Market struct {
	Country  string // ISO 3166-1 alpha-2, upper case
	Currency money.Currency
	Locales  []string // "sv-SE"; the first is the default
	Scheme   TaxScheme
	// Rates are the VAT rates; a class without one has that of [Standard]. Nil with SalesTax.
	Rates map[TaxClass]money.TaxRate
	// SalesTax are the rates of the states that goods are delivered to ("CA"), with SalesTax.
	SalesTax        map[string]money.TaxRate
	ShippingOptions []ShippingOption
	DeliveryTax     DeliveryTax
	DeliveryRate    money.TaxRate // with TaxAtRate
	// Untaxed are the postal codes of places without VAT, without spaces, in capitals. A *
	// at the end stands for any end.
	Untaxed       []string
	UntaxedPrices UntaxedPrices
	NoDelivery    []string // postal codes to which nothing is delivered, written as Untaxed
	// Abroad are the other countries that goods are delivered to: their tax, their places
	// without VAT and without delivery. Their other members do not count.
	Abroad []Market
}

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
// cheapest to collect, at the lowest of its prices. False: there is no option.
func (m Market) DefaultShipping() (ShippingOption, bool) {
	return DefaultOption(Delivery{options: m.ShippingOptions}.OptionsFor(0, 0))
}

// DefaultOption returns the cheapest option that delivers, or where none does the cheapest
// to collect. False: there is none.
func DefaultOption(options []ShippingOption) (ShippingOption, bool) {
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
