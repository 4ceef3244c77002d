package cart

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Terms are what a basket came to by the published version by which it got its revision.
type Terms struct {
	Version int64  `json:"version"`
	Sum     string `json:"sum"` // names lines, totals and options, whatever the shopper types and chooses
}

// Outdated reports whether a newer version has changed what a basket comes to, or how it can be
// delivered: its revision has yet to rise, and no form has shown that.
func (p *Pricer) Outdated(b *Basket) bool {
	return b.Terms.Sum != "" && b.Terms.Version != p.Published.Now().Number && b.Terms.Sum != p.Terms(b).Sum
}

// Overtaken is the basket where it has become another without the merchant: Outdated until it has
// its next revision, for no version has such terms.
func (b Basket) Overtaken() *Basket {
	b.Terms = Terms{Sum: "overtaken"}
	return &b
}

// Alike reports whether two quotes show the same total and ways of delivery.
func (q Quote) Alike(other Quote) bool {
	return q.OrderAmount == other.OrderAmount && q.OrderTaxAmount == other.OrderTaxAmount && reflect.DeepEqual(q.Options, other.Options)
}

// Terms are those of a basket by what is published now.
func (p *Pricer) Terms(b *Basket) Terms {
	v := p.Published.Now()
	said := Contents{Basket: b, Country: b.Country, Locale: b.Locale}
	sum := sha256.New()
	to := json.NewEncoder(sum)
	for _, m := range said.sold(v) { // an address may lead to each of them
		said.Country = m.Country
		for _, country := range b.ShippingCountries {
			said.ShipTo = nil
			said.setShipTo(ShipTo{Country: country, BillingCountry: m.Country})
			q, err := p.quote(said, v, m)
			_ = to.Encode(struct {
				Currency    money.Currency
				Lines       []Priced
				Amount, Tax money.Amount
				Options     []Option
				Failed      bool
			}{q.Currency, q.Basket, q.OrderAmount, q.OrderTaxAmount, q.Options, err != nil})
		}
		if !slices.ContainsFunc(b.Lines, func(l BasketLine) bool { return l.Type == klarna.SalesTax }) {
			_ = to.Encode(m.SalesTax) // of the states
		}
	}
	return Terms{v.Number, hex.EncodeToString(sum.Sum(nil)[:12])}
}
