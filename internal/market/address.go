package market

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/money"
)

// Delivery is where an order of a market goes to.
type Delivery struct {
	options []ShippingOption
	to      Market
	scheme  TaxScheme // of the purchase market
	untaxed bool
}

// DeliveryTo returns the delivery to a country in either case; "" is the market's own. It
// has the tax of that country, and none in a place without VAT, which the postal code
// tells; "" is not known yet. Options and prices are the market's own. False: the market
// does not deliver there.
func (m Market) DeliveryTo(country, postalCode string) (Delivery, bool) {
	to, served := m.Destination(country)
	if !served {
		return Delivery{}, false
	}
	withoutVAT := to.Country != m.Country && to.Rate(Standard) == 0
	return Delivery{
		options: m.ShippingOptions, to: to, scheme: m.Scheme,
		untaxed: m.Scheme == VATIncluded && (withoutVAT || to.within(to.Untaxed, postalCode)),
	}, true
}

// Destination returns a country that the market delivers to, in either case; "" is its own.
// It has the tax and the places of that country.
func (m Market) Destination(country string) (Market, bool) {
	if country == "" || strings.EqualFold(country, m.Country) {
		return m, true
	}
	return List(m.Abroad).Lookup(country)
}

// Destinations returns the countries that the market delivers to, its own first.
func (m Market) Destinations() []string {
	return append([]string{m.Country}, List(m.Abroad).Countries()...)
}

// Region returns the region that decides the tax there; see [Market.Region].
func (d Delivery) Region(text string) (string, bool) { return d.to.Region(text) }

// OptionsFor returns the shipping options for goods that cost and weigh so much, each at
// its price for them. Prices are in the currency of the purchase market.
func (d Delivery) OptionsFor(goods money.Amount, grams int) []ShippingOption {
	var options []ShippingOption
	for _, o := range d.options {
		if offered, ok := o.For(goods, grams); ok {
			options = append(options, offered)
		}
	}
	return options
}

// Untaxed reports whether the order leaves the area of the VAT that the prices of its
// market include.
func (d Delivery) Untaxed() bool { return d.untaxed }

// Rate returns the VAT rate of a class where the order goes to. It is 0 for a purchase in
// a market without VAT, and where no VAT is due.
func (d Delivery) Rate(class TaxClass) money.TaxRate {
	if d.scheme == SalesTax || d.untaxed {
		return 0
	}
	return d.to.Rate(class)
}

// FeeTax returns how delivery is taxed there, and the rate of [TaxAtRate] and
// [TaxStandard], which is 0 where Rate is 0.
func (d Delivery) FeeTax() (DeliveryTax, money.TaxRate) {
	rate := d.to.Rate(Standard)
	if d.to.DeliveryTax == TaxAtRate {
		rate = d.to.DeliveryRate
	}
	if d.scheme == SalesTax || d.untaxed {
		rate = 0
	}
	return d.to.DeliveryTax, rate
}

// SalesTaxRate returns the rate of the sales tax line, 0 outside the states
// that have one. See [Market.SalesTaxRate].
func (d Delivery) SalesTaxRate(region string) money.TaxRate { return d.to.SalesTaxRate(region) }

// Delivers reports whether goods can be delivered to a region, as [Market.Region] returns
// it, and a postal code as it was typed. "" is not known yet, and counts as deliverable.
func (d Delivery) Delivers(region, postalCode string) bool {
	if d.to.Scheme == SalesTax && region != "" {
		if _, taxed := d.to.SalesTax[region]; !taxed {
			return false
		}
	}
	return !d.to.within(d.to.NoDelivery, postalCode)
}

// zip is the length of an American postal code that places are known by.
const zip = 5

// postalCode returns a postal code in capitals, without spaces and hyphens. Where postal
// codes are digits, it drops a country before them: "AX-22100", "D-78266". Of an American one
// it is the five digits, without the four of a street ("10001-1234"), as in address.js.
func (m Market) postalCode(text string) string {
	text = strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(text, "-", " ")), ""))
	if hasLetters(m.Country) {
		return text
	}
	text = strings.TrimLeft(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if m.Country == "US" && len(text) == 9 && strings.Trim(text, "0123456789") == "" {
		text = text[:zip]
	}
	return text
}

// within reports whether a postal code is one of a list; see [Market.Untaxed]. "" is none.
func (m Market) within(list []string, text string) bool {
	code := m.postalCode(text)
	return code != "" && slices.ContainsFunc(list, func(entry string) bool {
		if start, ok := strings.CutSuffix(entry, "*"); ok {
			return strings.HasPrefix(code, start)
		}
		return code == entry
	})
}
