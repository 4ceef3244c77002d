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
	untaxed bool
}

// DeliveryTo returns the delivery to a country in either case; "" is the market's own. It
// has the tax of that country, and none in a place without VAT, which the postal code
// tells; "" is not known yet. Its options are that country's if the currency is the
// same, else the market's own. False: the shop does not deliver there.
func (m Market) DeliveryTo(country, postalCode string) (Delivery, bool) {
	to, served := m, true
	if country != "" && !strings.EqualFold(country, m.Country) {
		to, served = Lookup(country)
	}
	if !served {
		return Delivery{}, false
	}
	d := Delivery{Options: m.ShippingOptions, to: to, scheme: m.Scheme}
	if to.Currency == m.Currency {
		d.Options = to.ShippingOptions
	}
	if m.Scheme == VATIncluded {
		d.untaxed = to.Scheme == SalesTax || to.within(to.Untaxed, postalCode)
	}
	return d, true
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

// Option returns the shipping option with an ID, else the default. False: there is none.
func (d Delivery) Option(id string) (ShippingOption, bool) {
	if i := slices.IndexFunc(d.Options, func(o ShippingOption) bool { return o.ID == id }); i >= 0 {
		return d.Options[i], true
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

// Delivers reports whether goods can be delivered to a region, as [Market.Region] returns
// it, and a postal code as it was typed. "" is not known yet, and counts as deliverable.
func (d Delivery) Delivers(region, postalCode string) bool {
	if d.to.Scheme == SalesTax && region != "" {
		if _, taxed := salesTax[region]; !taxed {
			return false
		}
	}
	return postalCode == "" || d.to.postalCode(postalCode) != unreachable[d.to.Country]
}

// postalCode returns a postal code in capitals, without spaces and hyphens. Where postal
// codes are digits, it drops a country before them: "AX-22100", "D-78266".
func (m Market) postalCode(text string) string {
	text = strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(text, "-", " ")), ""))
	if m.Country == "NL" || m.Country == "GB" {
		return text
	}
	return strings.TrimLeft(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// within reports whether a postal code is one of a list; see [Market.Untaxed].
func (m Market) within(list []string, text string) bool {
	code := m.postalCode(text)
	return slices.ContainsFunc(list, func(entry string) bool {
		if start, ok := strings.CutSuffix(entry, "*"); ok {
			return strings.HasPrefix(code, start)
		}
		return code == entry
	})
}
