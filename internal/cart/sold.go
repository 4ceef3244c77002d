package cart

import (
	"slices"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/publish"
)

// sold are the markets that a cart can be in. The shop's own carts are sold where the catalogue
// has prices. A basket of a checkout session may have prices of its own, so it is sold in all
// markets of the shop file: that which it is in, and those of its billing countries, while they
// have the currency that the merchant has said it in.
func (c *Contents) sold(v *publish.Version) market.List {
	if c.Basket == nil {
		return v.Markets
	}
	return slices.DeleteFunc(slices.Clone(v.Shop.Markets), func(m market.Market) bool {
		return m.Country != c.Country && !slices.Contains(c.Basket.BillingCountries, m.Country) ||
			c.Basket.Currency != "" && c.Basket.Currency != m.Currency
	})
}

// Market is the market of a cart by a published version. False: it is not sold there any more;
// then the market has no more than country and locale, and of a basket the currency.
func (c *Contents) Market(v *publish.Version) (market.Market, bool) {
	if m, served := c.sold(v).Lookup(c.Country); served {
		return m, true
	}
	m := market.Market{Country: c.Country, Locales: []string{c.Locale}}
	if c.Basket != nil {
		m.Currency = c.Basket.Currency
	}
	return m, false
}
