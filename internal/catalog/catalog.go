// Package catalog holds the products that the shop sells: texts, prices and pictures. How many of each are left internal/stock knows.
package catalog

import (
	_ "embed"
	"math"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// Unlimited is the stock of digital goods.
const Unlimited = math.MaxInt

// Product is something for sale. Products are shared and must not be changed.
type Product struct {
	SKU         string    // 1 to 64 of A-Z a-z 0-9 . _ -
	Category    string    // one of Catalog.Categories
	Name        i18n.Text // 1 to 255 characters
	Description i18n.Text // may be empty
	Material    i18n.Text // may be empty
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
	haystacks  map[i18n.Lang][]string // by language: the texts that Search looks through, one per product
}

type category struct {
	id   string
	name i18n.Text
}

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

// CategoryName returns a category's name as i18n.Text.In does; false for an unknown category.
func (c *Catalog) CategoryName(id string, l i18n.Lang) (text string, in i18n.Lang, ok bool) {
	for _, category := range c.categories {
		if category.id == id {
			text, in = category.name.In(l)
			return text, in, true
		}
	}
	return "", l, false
}
