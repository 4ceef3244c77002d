// Package catalog holds the products that the shop sells: texts, prices and pictures, and
// finds them. How many of each are left internal/stock knows.
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

// Product is something for sale, one SKU: a product of the file, or a variant of one.
// Products are shared and must not be changed.
type Product struct {
	*Group
	SKU    string      // 1 to 64 of A-Z a-z 0-9 . _ -
	Name   i18n.Text   // 1 to 255 characters; of a variant with what it is: "Shell jacket, M, Red"
	Values []i18n.Text // what the variant is, for each of Group.Options
	GTIN   string      // 8 to 14 digits, or ""
	Weight int         // grams; 0 is not known, or digital
	Stock  int         // when the stock is first seeded; Unlimited for digital goods
	Prices map[money.Currency]money.Amount
}

// Group is what has one tile and one page: a product alone, or all variants of one.
type Group struct {
	ID          string    // names the page; the SKU of a product alone
	Title       i18n.Text // the name without what a variant is
	Category    string    // one of Catalog.Categories
	Description i18n.Text // may be empty
	Material    i18n.Text // may be empty
	Brand       string    // may be ""
	Class       market.TaxClass
	Digital     bool       // nothing is shipped, and it never runs out
	Final       bool       // consumers have no right to withdraw from it
	Pictures    []string   // each a picture of the shop's ("MUG-1.svg") or an https URL
	Options     []string   // what variants differ in ("size"); none of a product alone
	Variants    []*Product // in the order of the file; a product alone is the only one
}

// Prices returns the lowest and the highest price of the variants; false if they are not
// sold in that currency.
func (g *Group) Prices(c money.Currency) (lowest, highest money.Amount, ok bool) {
	for i, p := range g.Variants {
		price, sold := p.Price(c) // all are, or none
		if i == 0 {
			lowest, ok = price, sold
		}
		lowest, highest = min(lowest, price), max(highest, price)
	}
	return lowest, highest, ok
}

// Picture is the first picture, "" without any.
func (g *Group) Picture() string {
	if len(g.Pictures) == 0 {
		return ""
	}
	return g.Pictures[0]
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
	groups     []*Group   // in shelf order
	bySKU      map[string]*Product
	byPage     map[string]*Group // by ID, and by the SKU of each variant
	categories []category
	index      index
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

// Products returns all products in shelf order, that of the file, each variant by itself.
// The slice is shared.
func (c *Catalog) Products() []*Product { return c.products }

// Page returns what has its page under a name: the ID of a group, or the SKU of one of its
// variants.
func (c *Catalog) Page(name string) (*Group, bool) {
	g, ok := c.byPage[name]
	return g, ok
}

// Groups returns all groups in shelf order. The slice is shared.
func (c *Catalog) Groups() []*Group { return c.groups }

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
