// Package campaign has the campaigns of a shop file, and how several take something off the
// same goods.
package campaign

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/money"
)

// Campaign is what a shop file says of a campaign. One of Percent, Amount, FreeDelivery and
// Buy with Pay is set. Its slices and maps are shared and must not be changed.
type Campaign struct {
	ID      string
	Code    string // upper case; "" = it applies by itself
	Percent int32  // hundredths of a percent (1000 is 10 %)
	// Amount is what is taken off, at most what the goods cost, in minor units by currency.
	Amount       map[money.Currency]money.Amount
	FreeDelivery []string // IDs of ways of delivery that cost nothing
	Buy, Pay     int      // of each Buy pieces Pay are paid
	// Categories and SKUs are the goods that it is for, either; both empty: all.
	Categories, SKUs []string
	// Minimum is what the goods must cost before campaigns; empty: nothing.
	Minimum map[money.Currency]money.Amount
	// From is when it begins, Until when it is over: the start of the day after the last.
	// Zero: it has begun, it does not end.
	From, Until time.Time
	Uses        int // how often it can be used; 0 = any number
}

// Reference names the campaign on order lines: its code, else its ID.
func (c *Campaign) Reference() string { return cmp.Or(c.Code, c.ID) }

// For reports whether the campaign is for a product.
func (c *Campaign) For(sku, category string) bool {
	return !c.Selects() || slices.Contains(c.SKUs, sku) || slices.Contains(c.Categories, category)
}

// Selects reports whether it is for some goods only.
func (c *Campaign) Selects() bool { return len(c.Categories)+len(c.SKUs) > 0 }

// OffGoods reports whether it takes something off goods, not off delivery.
func (c *Campaign) OffGoods() bool { return len(c.FreeDelivery) == 0 }

// In reports whether it counts in a currency: those that an amount and a minimum name.
func (c *Campaign) In(currency money.Currency) bool {
	_, amount := c.Amount[currency]
	_, minimum := c.Minimum[currency]
	return (c.Amount == nil || amount) && (c.Minimum == nil || minimum)
}

// List is campaigns in the order of the shop file.
type List []*Campaign

// ByCode returns the campaign of a code, which is upper case; nil for none.
func (l List) ByCode(code string) *Campaign {
	return l.find(func(c *Campaign) bool { return code != "" && c.Code == code })
}

// ByReference returns the campaign that order lines name; nil for none.
func (l List) ByReference(reference string) *Campaign {
	return l.find(func(c *Campaign) bool { return c.Reference() == reference })
}

func (l List) find(is func(*Campaign) bool) *Campaign {
	if i := slices.IndexFunc(l, is); i >= 0 {
		return l[i]
	}
	return nil
}

// Used is a campaign that a sale has, as the order keeps it: the campaign may end.
type Used struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Name      string `json:"name"` // in the order's language
	// Delivery is what delivery would have cost more, minor units; 0: it took something off goods.
	Delivery money.Amount `json:"delivery,omitempty"`
	Counted  bool         `json:"counted,omitempty"` // its uses are
	Rule
}

// Rule is what a campaign takes off goods: Percent of those of each tax rate, or with Shared
// what it took, in proportion to them. With neither it is an amount, of which is left what
// the goods cost.
type Rule struct {
	Percent int32 `json:"percent,omitempty"` // hundredths of a percent
	Shared  bool  `json:"shared,omitempty"`
	// SKUs are the goods that it is for; nil: all that are not vouchers.
	SKUs []string `json:"skus,omitempty"`
}

// Goods are those of a sale that campaigns can take something off, by SKU and tax rate.
type Goods struct{ parts []part }

type part struct {
	sku  string
	rate money.TaxRate
	left money.Amount // what no campaign has taken yet
}

// Add adds goods that cost an amount, or below 0 takes some away. The sequence of calls
// makes no difference.
func (g *Goods) Add(sku string, rate money.TaxRate, amount money.Amount) (err error) {
	i, found := slices.BinarySearchFunc(g.parts, part{sku: sku, rate: rate}, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.sku, b.sku), cmp.Compare(a.rate, b.rate))
	})
	if !found {
		g.parts = slices.Insert(g.parts, i, part{sku: sku, rate: rate})
	}
	g.parts[i].left, err = g.parts[i].left.Add(amount)
	return err
}

// Clone returns a copy that can be changed alone.
func (g Goods) Clone() Goods { return Goods{slices.Clone(g.parts)} }

// Rates are the tax rates of goods that a rule is for, the lowest first.
func (g Goods) Rates(r Rule) (rates []money.TaxRate) {
	for _, p := range g.parts {
		if r.is(p) && !slices.Contains(rates, p.rate) {
			rates = append(rates, p.rate)
		}
	}
	slices.Sort(rates)
	return rates
}

// Left is what is left of the goods of a tax rate that a rule is for.
func (g Goods) Left(r Rule, rate money.TaxRate) (sum money.Amount) {
	for _, p := range g.parts {
		if p.rate == rate && r.is(p) {
			sum += max(p.left, 0) // part of the goods' sum, which fits
		}
	}
	return sum
}

// Take takes an amount, not more than Left, off the goods of a tax rate that a rule is for:
// off each in proportion to what is left of it.
func (g *Goods) Take(r Rule, rate money.TaxRate, off money.Amount) error {
	weights := make([]money.Amount, len(g.parts))
	for i, p := range g.parts {
		if p.rate == rate && r.is(p) {
			weights[i] = max(p.left, 0)
		}
	}
	if off == 0 {
		return nil
	}
	parts, err := money.Split(off, weights)
	if err != nil {
		return err
	}
	for i := range g.parts {
		g.parts[i].left -= parts[i]
	}
	return nil
}

func (r Rule) is(p part) bool { return r.SKUs == nil || slices.Contains(r.SKUs, p.sku) }

// Rule is what the campaign takes off goods, which are told by SKU and category.
func (c *Campaign) Rule(goods iter.Seq2[string, string]) Rule {
	r := Rule{Percent: c.Percent, Shared: c.Buy > 0}
	if !c.Selects() {
		return r
	}
	r.SKUs = []string{}
	for sku, category := range goods {
		if c.For(sku, category) && !slices.Contains(r.SKUs, sku) {
			r.SKUs = append(r.SKUs, sku)
		}
	}
	return r
}
