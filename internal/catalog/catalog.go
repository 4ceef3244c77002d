// Package catalog holds the products that the shop sells: texts, prices, pictures and
// discount codes. How many of each are left internal/stock knows.
package catalog

import (
	"bytes"
	_ "embed"
	"math"
	"slices"
	"sync"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// Unlimited is the stock of digital goods.
const Unlimited = math.MaxInt

// Text is a text by language. A catalogue's texts have at least one.
type Text map[i18n.Lang]string

// In returns the text in a language, else in English, else in any language, and the
// language of the returned text. An empty Text gives "" in l.
func (t Text) In(l i18n.Lang) (text string, in i18n.Lang) {
	for _, candidate := range slices.Concat([]i18n.Lang{l, "en"}, i18n.Langs()) {
		if text, ok := t[candidate]; ok {
			return text, candidate
		}
	}
	return "", l
}

// Product is something for sale. Products are shared and must not be changed.
type Product struct {
	SKU         string // 1 to 64 of A-Z a-z 0-9 . _ -
	Category    string // one of Catalog.Categories
	Name        Text   // 1 to 255 characters
	Description Text   // may be empty
	Material    Text   // may be empty
	Class       market.TaxClass
	Digital     bool // nothing is shipped, and it never runs out
	Weight      int  // grams; 0 is not known, or digital
	Stock       int  // when the stock is first seeded; Unlimited for digital goods
	Prices      map[money.Currency]money.Amount
	Picture     string // name of a picture of the shop ("MUG-1.svg"), an https URL, or ""
}

// Price returns the unit price in minor units; false if the product is not
// sold in that currency.
func (p *Product) Price(c money.Currency) (money.Amount, bool) {
	price, ok := p.Prices[c]
	return price, ok
}

// Catalog is all that is for sale. It never changes. Safe for concurrent use.
type Catalog struct {
	products   []*Product // in shelf order
	bySKU      map[string]*Product
	categories []category
	discounts  map[string]int32
	markets    market.List
	haystacks  map[i18n.Lang][]string // by language: the texts that Search looks through, one per product
}

type category struct {
	id   string
	name Text
}

//go:embed builtin.json
var builtinFile []byte

var builtin = sync.OnceValue(func() *Catalog {
	c, err := Read(bytes.NewReader(builtinFile))
	if err != nil {
		panic(err)
	}
	return c
})

// Builtin returns the catalogue of the demo shop, Skerry.
func Builtin() *Catalog { return builtin() }

// Product returns the product of a SKU, which is case-sensitive.
func (c *Catalog) Product(sku string) (*Product, bool) {
	p, ok := c.bySKU[sku]
	return p, ok
}

// Products returns all products in shelf order: that of the file. The slice
// is shared.
func (c *Catalog) Products() []*Product { return c.products }

// Categories returns the IDs of the categories in the order of the file.
func (c *Catalog) Categories() []string {
	ids := make([]string, len(c.categories))
	for i, category := range c.categories {
		ids[i] = category.id
	}
	return ids
}

// CategoryName returns a category's name as Text.In does; false for an unknown category.
func (c *Catalog) CategoryName(id string, l i18n.Lang) (text string, in i18n.Lang, ok bool) {
	for _, category := range c.categories {
		if category.id == id {
			text, in = category.name.In(l)
			return text, in, true
		}
	}
	return "", l, false
}

// Markets returns the markets where something can be bought: those in whose currency a
// product has a price.
func (c *Catalog) Markets() market.List { return c.markets }

func (c *Catalog) findMarkets() {
	c.markets = slices.DeleteFunc(market.All(), func(m market.Market) bool {
		return !slices.ContainsFunc(c.products, func(p *Product) bool { _, priced := p.Price(m.Currency); return priced })
	})
}

// Discount returns what a discount code takes off, in hundredths of a percent
// (1000 is 10 %); false for an unknown code. Codes are upper case.
func (c *Catalog) Discount(code string) (percent int32, ok bool) {
	percent, ok = c.discounts[code]
	return percent, ok
}
