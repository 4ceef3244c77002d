package catalog

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Limits of a catalogue file.
const (
	maxFile     = 16 << 20 // bytes
	maxProducts = 10_000
	maxName     = 255   // characters. Source: docs.kustom.co, Checkout API reference, order_line (name)
	maxText     = 2_000 // characters of a description
	maxStock    = 1_000_000_000
	maxWeight   = 1_000_000 // grams
	maxURL      = 1024      // Source: docs.kustom.co, Checkout API reference, order_line (image_url)

	// MaxPrice is the highest price in minor units. A line of 99, the most that a cart
	// takes, must not exceed Klarna's highest total_amount of 100000000.
	// Source: docs.kustom.co, Checkout API reference, order_line (unit_price, total_amount)
	MaxPrice = 100_000_000 / 99
)

var (
	skuPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	picturePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// Load reads a catalogue file. See Read.
func Load(path string) (*Catalog, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	c, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", path, err)
	}
	return c, nil
}

// Read reads a catalogue in the format of docs/catalog.md, at most 16 MiB. The error has
// one line for each problem, with the line in the file and the path of the field.
func Read(r io.Reader) (*Catalog, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	root, err := yamlfile.Parse(data)
	if err != nil {
		return nil, err
	}
	v := &validator{Checker: &yamlfile.Checker{}, language: "en"}
	c := v.catalog(root)
	if err := v.Err(); err != nil {
		return nil, err
	}
	c.makeHaystacks()
	return c, nil
}

// validator turns nodes into a catalogue and collects their problems.
type validator struct {
	*yamlfile.Checker
	language   i18n.Lang        // of texts that are plain strings
	currencies []money.Currency // in which every product has a price
}

func (v *validator) catalog(root *yamlfile.Node) *Catalog {
	m := v.Object(root, "", []string{"products"}, "language", "currencies", "categories")
	if n := m["language"]; n != nil {
		v.language = v.lang(n.Line, "language", v.Text(n, "language", 2))
	}
	products := v.Array(m["products"], "products")
	v.currencies = v.readCurrencies(m["currencies"], products)
	c := &Catalog{bySKU: map[string]*Product{}}
	for i, n := range v.Array(m["categories"], "categories") {
		path := fmt.Sprintf("categories[%d]", i)
		entry := v.Object(n, path, []string{"id", "name"})
		id := v.Text(entry["id"], path+".id", 64)
		if _, _, dup := c.CategoryName(id, "en"); dup {
			v.Fail(entry["id"].Line, path+".id", "%q stands twice", id)
		}
		c.categories = append(c.categories, category{id, v.localized(entry["name"], path+".name", 64)})
	}
	declared := len(c.categories) > 0

	if n := m["products"]; n != nil && (len(products) == 0 || len(products) > maxProducts) {
		v.Fail(n.Line, "products", "want 1 to %d products", maxProducts)
		return c
	}
	for i, n := range products {
		v.product(c, n, fmt.Sprintf("products[%d]", i), declared)
	}
	return c
}

// readCurrencies reads the currencies of the catalogue; without them they are those of the
// first product's prices.
func (v *validator) readCurrencies(n *yamlfile.Node, products []*yamlfile.Node) (currencies []money.Currency) {
	read := func(line int, path, code string) {
		if code != "" && !money.Currency(code).Known() {
			v.Fail(line, path, "%q is not the code of a currency with two decimals such as SEK", code)
		}
		currencies = append(currencies, money.Currency(code))
	}
	for i, item := range v.Array(n, "currencies") {
		path := fmt.Sprintf("currencies[%d]", i)
		read(item.Line, path, v.Text(item, path, 3))
	}
	if n != nil {
		if len(currencies) == 0 {
			v.Fail(n.Line, "currencies", "must not be empty")
		}
		return currencies
	}
	for _, first := range products[:min(len(products), 1)] {
		for _, m := range first.Members("prices") {
			read(m.Line, "products[0].prices."+m.Name, m.Name)
		}
	}
	return currencies
}

// product adds a product to c, and its category unless those were declared.
func (v *validator) product(c *Catalog, n *yamlfile.Node, path string, declared bool) {
	m := v.Object(n, path, []string{"sku", "category", "name", "tax_class", "prices"},
		"description", "material", "digital", "weight", "stock", "picture")
	p := &Product{
		SKU:         v.Text(m["sku"], path+".sku", 64),
		Category:    v.Text(m["category"], path+".category", 64),
		Name:        v.localized(m["name"], path+".name", maxName),
		Description: v.localized(m["description"], path+".description", maxText),
		Material:    v.localized(m["material"], path+".material", maxName),
		Class:       market.TaxClass(v.Text(m["tax_class"], path+".tax_class", 64)),
		Digital:     v.Boolean(m["digital"], path+".digital"),
		Weight:      v.Number(m["weight"], path+".weight", 0, maxWeight),
		Stock:       v.Number(m["stock"], path+".stock", 0, maxStock),
		Prices:      v.prices(m["prices"], path+".prices"),
		Picture:     v.picture(m["picture"], path+".picture"),
	}
	if p.SKU != "" {
		if !skuPattern.MatchString(p.SKU) {
			v.Fail(m["sku"].Line, path+".sku", "%q is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit", p.SKU)
		}
		if c.bySKU[p.SKU] != nil {
			v.Fail(m["sku"].Line, path+".sku", "%q stands twice", p.SKU)
		}
	}
	if _, _, known := c.CategoryName(p.Category, "en"); !known && p.Category != "" {
		if declared {
			v.Fail(m["category"].Line, path+".category", "%q is not among the categories", p.Category)
		} else {
			c.categories = append(c.categories, category{p.Category, i18n.Text{v.language: p.Category}})
		}
	}
	if p.Class != "" && !p.Class.Valid() {
		v.Fail(m["tax_class"].Line, path+".tax_class", `%q is not "standard", "food", "book" or "none"`, p.Class)
	}
	if p.Digital {
		p.Stock = Unlimited
		for _, name := range []string{"stock", "weight"} {
			if m[name] != nil {
				v.Fail(m[name].Line, path+"."+name, "digital goods have none")
			}
		}
	} else if n.IsObject() && m["stock"] == nil {
		v.Fail(n.Line, path+".stock", "is missing")
	}
	c.products = append(c.products, p)
	c.bySKU[p.SKU] = p
}

func (v *validator) prices(n *yamlfile.Node, path string) map[money.Currency]money.Amount {
	prices := map[money.Currency]money.Amount{}
	if n == nil {
		return prices
	}
	for _, m := range v.Members(n, path) {
		code := money.Currency(m.Name)
		if !slices.Contains(v.currencies, code) {
			v.Fail(m.Line, path+"."+m.Name, "not one of the catalogue's currencies %v", v.currencies)
			continue
		}
		prices[code] = money.Amount(v.Number(m.Node, path+"."+m.Name, 0, MaxPrice))
	}
	for _, code := range v.currencies {
		if _, ok := prices[code]; !ok {
			v.Fail(n.Line, path+"."+string(code), "is missing")
		}
	}
	return prices
}

func (v *validator) picture(n *yamlfile.Node, path string) string {
	if n == nil {
		return ""
	}
	picture := v.Text(n, path, maxURL)
	if picture == "" || picturePattern.MatchString(picture) {
		return picture
	}
	address, ok := address(picture)
	switch {
	case !ok:
		v.Fail(n.Line, path, "%q is neither a file name nor an https URL", picture)
	case len(address) > maxURL:
		v.Fail(n.Line, path, "longer than %d characters when it is written as a URL", maxURL)
	}
	return address
}

// localized returns a text that is a string, or an object of strings by
// language. Nil gives an empty one.
func (v *validator) localized(n *yamlfile.Node, path string, limit int) i18n.Text {
	if n == nil {
		return nil
	}
	if n.IsText() {
		return i18n.Text{v.language: v.Text(n, path, limit)}
	}
	text := i18n.Text{}
	for _, m := range v.Members(n, path) {
		text[v.lang(m.Line, path+"."+m.Name, m.Name)] = v.Text(m.Node, path+"."+m.Name, limit)
	}
	if n.IsObject() && len(text) == 0 {
		v.Fail(n.Line, path, "must not be empty")
	}
	return text
}

func (v *validator) lang(line int, path, code string) i18n.Lang {
	if code != "" && !slices.Contains(i18n.Langs(), i18n.Lang(code)) {
		v.Fail(line, path, "%q is not one of the languages %v", code, i18n.Langs())
	}
	return i18n.Lang(code)
}
