package catalog

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/yamlfile"
	"github.com/shopd/shopd/web/static"
)

// Limits of a catalogue file.
const (
	maxFile     = 16 << 20 // bytes
	maxProducts = 10_000
	maxName     = 255   // characters. Source: docs.kustom.co, Checkout API reference, order_line (name)
	maxText     = 2_000 // characters of a description
	maxStock    = 1_000_000_000
	maxWeight   = 1_000_000 // grams
	maxWord     = 100       // of one of a list that we know: that it is none says more than how long it is
	maxURL      = 1024      // Source: docs.kustom.co, Checkout API reference, order_line (image_url)
	maxBrand    = 70        // Source: docs.kustom.co, Checkout API reference, product_identifiers (brand)

	// What bounds a page of the shop.
	maxCategories = 100
	maxPictures   = 20  // of a product
	maxOptions    = 3   // of a product
	maxVariants   = 100 // of a product
	maxValue      = 64  // characters of an option's value

	// MaxPrice is the highest price in minor units. A line of 99, the most that a cart
	// takes, must not exceed Klarna's highest total_amount of 100000000.
	// Source: docs.kustom.co, Checkout API reference, order_line (unit_price, total_amount)
	MaxPrice = 100_000_000 / 99
)

var (
	skuPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	optionPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	gtinPattern    = regexp.MustCompile(`^(?:\d{8}|\d{12,14})$`)
	picturePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// Load reads a catalogue file, of one that is too large the start, which [Read] refuses.
func Load(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", path, err)
	}
	return data, nil
}

// Read reads a catalogue in the format of docs/catalog.md, at most 16 MiB. The error has
// one line for each problem, with the line in the file and the path of the field.
func Read(r io.Reader) (*Catalog, error) { return read(r, false) }

// ReadPublished is Read for a catalogue that was published before: what it names and was built in
// then may be gone.
func ReadPublished(r io.Reader) (*Catalog, error) { return read(r, true) }

func read(r io.Reader, published bool) (*Catalog, error) {
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
	v := &validator{Checker: &yamlfile.Checker{}, language: "en", published: published}
	c := v.catalog(root)
	if err := v.Err(); err != nil {
		return nil, err
	}
	c.index = newIndex(c.groups, v.currencies)
	return c, nil
}

// validator turns nodes into a catalogue and collects their problems.
type validator struct {
	*yamlfile.Checker
	language   i18n.Lang        // of texts that are plain strings
	currencies []money.Currency // in which every product has a price
	published  bool             // it was, before
}

func (v *validator) catalog(root *yamlfile.Node) *Catalog {
	m := v.Object(root, "", []string{"products"}, "language", "currencies", "categories")
	if n := m["language"]; n != nil {
		v.language = v.lang(n.Line, "language", v.Text(n, "language", maxWord))
	}
	products := v.Array(m["products"], "products")
	v.currencies = v.readCurrencies(m["currencies"], products)
	c := &Catalog{bySKU: map[string]*Product{}, byPage: map[string]*Group{}}
	for i, n := range v.Array(m["categories"], "categories") {
		path := fmt.Sprintf("categories[%d]", i)
		entry := v.Object(n, path, []string{"id", "name"})
		id := v.Text(entry["id"], path+".id", 64)
		if _, _, dup := c.CategoryName(id, "en"); dup {
			v.Fail(entry["id"].Line, path+".id", "%q stands twice", yamlfile.Said(id))
		}
		c.categories = append(c.categories, category{id, v.localized(entry["name"], path+".name", 64)})
	}
	declared := len(c.categories) > 0

	count := 0
	for _, n := range products {
		count += max(1, len(n.Items("variants")))
	}
	if n := m["products"]; n != nil && (count == 0 || count > maxProducts) {
		v.Fail(n.Line, "products", "want 1 to %d products, each variant counted", maxProducts)
		return c
	}
	for i, n := range products {
		v.product(c, n, fmt.Sprintf("products[%d]", i), declared)
	}
	if len(c.categories) > maxCategories {
		v.Fail(root.Line, "categories", "there are %d, at most %d", len(c.categories), maxCategories)
	}
	return c
}

// readCurrencies reads the currencies of the catalogue; without them they are those of the
// first product's prices.
func (v *validator) readCurrencies(n *yamlfile.Node, products []*yamlfile.Node) (currencies []money.Currency) {
	read := func(line int, path, code string) {
		if code != "" && !money.Currency(code).Known() {
			v.Fail(line, path, "%q is not the code of a currency with two decimals such as SEK", yamlfile.Said(code))
		}
		currencies = append(currencies, money.Currency(code))
	}
	for i, item := range v.Array(n, "currencies") {
		path := fmt.Sprintf("currencies[%d]", i)
		code := v.Text(item, path, 3)
		if code != "" && slices.Contains(currencies, money.Currency(code)) {
			v.Fail(item.Line, path, "%q stands twice", yamlfile.Said(code))
			continue
		}
		read(item.Line, path, code)
	}
	if n != nil {
		if len(currencies) == 0 {
			v.Fail(n.Line, "currencies", "must not be empty")
		}
		return currencies
	}
	for _, first := range products[:min(len(products), 1)] {
		path := "products[0].prices."
		prices := first.Members("prices")
		if variants := first.Items("variants"); len(prices) == 0 && len(variants) > 0 {
			path, prices = "products[0].variants[0].prices.", variants[0].Members("prices")
		}
		for _, m := range prices {
			read(m.Line, path+m.Name, m.Name)
		}
	}
	return currencies
}

// product adds a product to c, and its category unless those were declared.
func (v *validator) product(c *Catalog, n *yamlfile.Node, path string, declared bool) {
	required := []string{"sku", "category", "name", "tax_class", "prices"}
	optional := []string{"description", "material", "digital", "brand", "picture", "pictures", "weight", "stock", "gtin", "withdrawal"}
	varied := n.Get("id") != nil || n.Get("options") != nil || n.Get("variants") != nil
	if varied {
		required = []string{"id", "category", "name", "tax_class", "options", "variants"}
		optional = append(optional, "sku", "prices")
	}
	m := v.Object(n, path, required, optional...)
	g := &Group{
		Title:       v.localized(m["name"], path+".name", maxName),
		Category:    v.Text(m["category"], path+".category", 64),
		Description: v.localized(m["description"], path+".description", maxText),
		Material:    v.localized(m["material"], path+".material", maxName),
		Brand:       v.Text(m["brand"], path+".brand", maxBrand),
		Class:       market.TaxClass(v.Text(m["tax_class"], path+".tax_class", 64)),
		Digital:     v.Boolean(m["digital"], path+".digital"),
		Pictures:    v.pictures(m, path),
		Final:       m["withdrawal"] != nil && !v.Boolean(m["withdrawal"], path+".withdrawal"),
	}
	if _, _, known := c.CategoryName(g.Category, "en"); !known && g.Category != "" {
		if declared {
			v.Fail(m["category"].Line, path+".category", "%q is not among the categories", yamlfile.Said(g.Category))
		} else {
			c.categories = append(c.categories, category{g.Category, i18n.Text{v.language: g.Category}})
		}
	}
	if g.Class != "" && !g.Class.Valid() {
		v.Fail(m["tax_class"].Line, path+".tax_class", `%q is not "standard", "food", "book" or "none"`, yamlfile.Said(g.Class))
	}
	c.groups = append(c.groups, g)
	if varied {
		v.variants(c, g, m, path)
		return
	}
	p := v.sold(c, g, n, m, path)
	g.ID, p.Name = p.SKU, g.Title
	p.Prices = v.prices(m["prices"], path+".prices")
}

// sold adds to c what has an SKU: a product alone, or a variant.
func (v *validator) sold(c *Catalog, g *Group, n *yamlfile.Node, m map[string]*yamlfile.Node, path string) *Product {
	p := &Product{
		Group:  g,
		SKU:    v.page(c, g, m["sku"], path+".sku"),
		GTIN:   v.Pattern(m["gtin"], path+".gtin", gtinPattern, "8, 12, 13 or 14 digits"),
		Weight: v.Number(m["weight"], path+".weight", 0, maxWeight),
		Stock:  v.Number(m["stock"], path+".stock", 0, maxStock),
	}
	if g.Digital {
		p.Stock = Unlimited
		for _, name := range []string{"stock", "weight"} {
			if m[name] != nil {
				v.Fail(m[name].Line, path+"."+name, "digital goods have none")
			}
		}
	} else if n.IsObject() && m["stock"] == nil {
		v.Fail(n.Line, path+".stock", "is missing")
	}
	g.Variants = append(g.Variants, p)
	c.products = append(c.products, p)
	c.bySKU[p.SKU] = p
	return p
}

// page reads an SKU or the ID of a product with variants: each is the address of a page.
func (v *validator) page(c *Catalog, g *Group, n *yamlfile.Node, path string) string {
	name := v.Text(n, path, 64)
	if name == "" {
		return ""
	}
	if !skuPattern.MatchString(name) {
		v.Fail(n.Line, path, "%q is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit", yamlfile.Said(name))
	}
	if c.byPage[name] != nil {
		v.Fail(n.Line, path, "%q stands twice", yamlfile.Said(name))
	}
	c.byPage[name] = g
	return name
}

// atVariants are the members that each variant has for itself.
var atVariants = []string{"sku", "weight", "stock", "gtin"}

// variants adds the variants of a product.
func (v *validator) variants(c *Catalog, g *Group, m map[string]*yamlfile.Node, path string) {
	g.ID = v.page(c, g, m["id"], path+".id")
	for _, name := range atVariants {
		if m[name] != nil {
			v.Fail(m[name].Line, path+"."+name, "each variant has its own")
		}
	}
	for i, n := range v.Array(m["options"], path+".options") {
		at := fmt.Sprintf("%s.options[%d]", path, i)
		name := v.Pattern(n, at, optionPattern, "1 to 32 of a-z 0-9 _, first a letter")
		if name == "" {
			continue // said already
		}
		if name == "prices" || slices.Contains(atVariants, name) || slices.Contains(g.Options, name) {
			v.Fail(n.Line, at, "a variant has %q already", yamlfile.Said(name))
		}
		g.Options = append(g.Options, name)
	}
	variants := v.Array(m["variants"], path+".variants")
	for _, list := range []struct {
		name      string
		have, may int
	}{{"options", len(g.Options), maxOptions}, {"variants", len(variants), maxVariants}} {
		if n := m[list.name]; n != nil && n.IsArray() && (list.have == 0 || list.have > list.may) {
			v.Fail(n.Line, path+"."+list.name, "want 1 to %d", list.may)
		}
	}
	var prices map[money.Currency]money.Amount
	if m["prices"] != nil {
		prices = v.prices(m["prices"], path+".prices")
	}
	taken := map[string]int{} // what variants are, in a language
	for i, n := range variants {
		v.variant(c, g, n, fmt.Sprintf("%s.variants[%d]", path, i), prices, taken)
	}
}

// variant adds a variant, which has the product's prices unless it has its own.
func (v *validator) variant(c *Catalog, g *Group, n *yamlfile.Node, path string, prices map[money.Currency]money.Amount, taken map[string]int) {
	m := v.Object(n, path, append([]string{"sku"}, g.Options...), "weight", "stock", "gtin", "prices")
	p := v.sold(c, g, n, m, path)
	for _, option := range g.Options {
		p.Values = append(p.Values, v.localized(m[option], path+"."+option, maxValue))
	}
	p.Name = fullName(g.Title, p.Values)
	for _, name := range p.Name {
		if utf8.RuneCountInString(name) > maxName {
			v.Fail(n.Line, path, "is called %q, longer than %d characters", yamlfile.Said(name), maxName)
			break
		}
	}
	if p.Prices = prices; m["prices"] != nil {
		p.Prices = v.prices(m["prices"], path+".prices")
	} else if prices == nil && n.IsObject() {
		v.Fail(n.Line, path+".prices", "is missing, and the product has none")
	}
	if slices.ContainsFunc(p.Values, func(t i18n.Text) bool { return len(t) == 0 }) {
		return // said already
	}
	this := len(g.Variants) - 1
	for _, l := range i18n.Langs() {
		is := []string{string(l)}
		for _, value := range p.Values {
			text, _ := value.In(l)
			is = append(is, text)
		}
		key := strings.Join(is, "\n")
		if other, dup := taken[key]; dup {
			v.Fail(n.Line, path, "in %q nothing tells it from variants[%d]", l, other)
			break
		}
		taken[key] = this
	}
}

// fullName is what a variant is called, in each language of its product's name.
func fullName(title i18n.Text, values []i18n.Text) i18n.Text {
	name := make(i18n.Text, len(title))
	for l, text := range title {
		for _, value := range values {
			is, _ := value.In(l)
			text += ", " + is
		}
		name[l] = text
	}
	return name
}

func (v *validator) prices(n *yamlfile.Node, path string) map[money.Currency]money.Amount {
	prices := map[money.Currency]money.Amount{}
	if n == nil {
		return prices
	}
	for _, m := range v.Members(n, path) {
		code := money.Currency(m.Name)
		if !slices.Contains(v.currencies, code) {
			v.Fail(m.Line, path+"."+m.Name, "not one of the catalogue's currencies %s", yamlfile.Said(fmt.Sprint(v.currencies)))
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

// pictures reads the member pictures of a product, or picture, which is one.
func (v *validator) pictures(m map[string]*yamlfile.Node, path string) (pictures []string) {
	one, many := m["picture"], m["pictures"]
	if one != nil {
		pictures = append(pictures, v.picture(one, path+".picture"))
	}
	if many == nil {
		return pictures
	}
	path += ".pictures"
	items := v.Array(many, path)
	switch {
	case one != nil:
		v.Fail(many.Line, path, "there is a picture beside it: name all of them here")
	case many.IsArray() && (len(items) == 0 || len(items) > maxPictures):
		v.Fail(many.Line, path, "want 1 to %d", maxPictures)
	}
	for i, n := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		picture := v.picture(n, path)
		v.Once(n, path, picture, pictures)
		pictures = append(pictures, picture)
	}
	return pictures
}

func (v *validator) picture(n *yamlfile.Node, path string) string {
	picture := v.Text(n, path, maxURL)
	isName := picturePattern.MatchString(picture)
	switch {
	case picture == "", isName && v.published, isName && static.Has("pictures/"+picture):
		return picture
	case isName:
		v.Fail(n.Line, path, "there is no built-in picture %q: write the https address of one of yours", yamlfile.Said(picture))
		return picture
	}
	address, ok := address(picture)
	switch {
	case !ok:
		v.Fail(n.Line, path, "%q is neither a file name nor an https URL", yamlfile.Said(picture))
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
		v.Fail(line, path, "%q is not one of the languages %v", yamlfile.Said(code), i18n.Langs())
	}
	return i18n.Lang(code)
}
