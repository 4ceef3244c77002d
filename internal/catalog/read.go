package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
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
	maxShown    = 100       // problems in one error

	// MaxPrice is the highest price in minor units. A line of 99, the most that a cart
	// takes, must not exceed Klarna's highest total_amount of 100000000.
	// Source: docs.kustom.co, Checkout API reference, order_line (unit_price, total_amount)
	MaxPrice = 100_000_000 / 99
)

var (
	skuPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	codePattern    = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,31}$`)
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
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	v := &validator{language: "en"}
	c := v.catalog(root)
	if len(v.problems) > 0 {
		return nil, v.err()
	}
	c.makeHaystacks()
	c.findMarkets()
	return c, nil
}

// validator turns nodes into a catalogue and collects their problems.
type validator struct {
	problems   []problem
	language   i18n.Lang        // of texts that are plain strings
	currencies []money.Currency // in which every product has a price
}

type problem struct {
	line int
	text string
}

func (v *validator) fail(line int, path, format string, args ...any) {
	path = strings.TrimPrefix(path, ".") // of a member of the file itself
	v.problems = append(v.problems, problem{line, fmt.Sprintf("line %d: %s: %s", line, path, fmt.Sprintf(format, args...))})
}

// err is all problems in the order of the file.
func (v *validator) err() error {
	slices.SortStableFunc(v.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var text strings.Builder
	for _, p := range v.problems[:min(len(v.problems), maxShown)] {
		text.WriteString("\n" + p.text)
	}
	if more := len(v.problems) - maxShown; more > 0 {
		fmt.Fprintf(&text, "\nand %d more", more)
	}
	return fmt.Errorf("%d wrong:%s", len(v.problems), text.String())
}

func (v *validator) catalog(root *node) *Catalog {
	m := v.object(root, "", []string{"products"}, "language", "currencies", "categories", "discounts")
	if n := m["language"]; n != nil {
		v.language = v.lang(n.line, "language", v.text(n, "language", 2))
	}
	v.currencies = v.readCurrencies(m["currencies"])
	c := &Catalog{bySKU: map[string]*Product{}, discounts: v.discounts(m["discounts"])}
	for i, n := range v.array(m["categories"], "categories") {
		path := fmt.Sprintf("categories[%d]", i)
		entry := v.object(n, path, []string{"id", "name"})
		id := v.text(entry["id"], path+".id", 64)
		if _, _, dup := c.CategoryName(id, "en"); dup {
			v.fail(entry["id"].line, path+".id", "%q stands twice", id)
		}
		c.categories = append(c.categories, category{id, v.localized(entry["name"], path+".name", 64)})
	}
	declared := len(c.categories) > 0

	products := v.array(m["products"], "products")
	if n := m["products"]; n != nil && (len(products) == 0 || len(products) > maxProducts) {
		v.fail(n.line, "products", "want 1 to %d products", maxProducts)
		return c
	}
	for i, n := range products {
		v.product(c, n, fmt.Sprintf("products[%d]", i), declared)
	}
	return c
}

func (v *validator) readCurrencies(n *node) (currencies []money.Currency) {
	var served []money.Currency
	for _, m := range market.All() {
		if !slices.Contains(served, m.Currency) {
			served = append(served, m.Currency)
		}
	}
	if n == nil {
		return served
	}
	for i, item := range v.array(n, "currencies") {
		path := fmt.Sprintf("currencies[%d]", i)
		code := money.Currency(v.text(item, path, 3))
		if code != "" && !slices.Contains(served, code) {
			v.fail(item.line, path, "no market has the currency %q; there are %v", code, served)
		}
		currencies = append(currencies, code)
	}
	if len(currencies) == 0 {
		v.fail(n.line, "currencies", "must not be empty")
	}
	return currencies
}

func (v *validator) discounts(n *node) map[string]int32 {
	discounts := map[string]int32{}
	for _, m := range v.members(n, "discounts") {
		path := "discounts." + m.name
		if !codePattern.MatchString(m.name) {
			v.fail(m.line, path, "a code is 1 to 32 of A-Z 0-9 -")
		}
		discounts[m.name] = int32(100 * v.number(m.node, path, 1, 100)) //nolint:gosec // at most 10000
	}
	return discounts
}

// product adds a product to c, and its category unless those were declared.
func (v *validator) product(c *Catalog, n *node, path string, declared bool) {
	m := v.object(n, path, []string{"sku", "category", "name", "tax_class", "prices"},
		"description", "material", "digital", "weight", "stock", "picture")
	p := &Product{
		SKU:         v.text(m["sku"], path+".sku", 64),
		Category:    v.text(m["category"], path+".category", 64),
		Name:        v.localized(m["name"], path+".name", maxName),
		Description: v.localized(m["description"], path+".description", maxText),
		Material:    v.localized(m["material"], path+".material", maxName),
		Class:       market.TaxClass(v.text(m["tax_class"], path+".tax_class", 64)),
		Digital:     v.boolean(m["digital"], path+".digital"),
		Weight:      v.number(m["weight"], path+".weight", 0, maxWeight),
		Stock:       v.number(m["stock"], path+".stock", 0, maxStock),
		Prices:      v.prices(m["prices"], path+".prices"),
		Picture:     v.picture(m["picture"], path+".picture"),
	}
	if p.SKU != "" {
		if !skuPattern.MatchString(p.SKU) {
			v.fail(m["sku"].line, path+".sku", "%q is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit", p.SKU)
		}
		if c.bySKU[p.SKU] != nil {
			v.fail(m["sku"].line, path+".sku", "%q stands twice", p.SKU)
		}
	}
	if _, _, known := c.CategoryName(p.Category, "en"); !known && p.Category != "" {
		if declared {
			v.fail(m["category"].line, path+".category", "%q is not among the categories", p.Category)
		} else {
			c.categories = append(c.categories, category{p.Category, Text{v.language: p.Category}})
		}
	}
	if p.Class != "" && !p.Class.Valid() {
		v.fail(m["tax_class"].line, path+".tax_class", `%q is not "standard", "food", "book" or "none"`, p.Class)
	}
	if p.Digital {
		p.Stock = Unlimited
		for _, name := range []string{"stock", "weight"} {
			if m[name] != nil {
				v.fail(m[name].line, path+"."+name, "digital goods have none")
			}
		}
	} else if _, ok := n.value.([]member); ok && m["stock"] == nil {
		v.fail(n.line, path+".stock", "is missing")
	}
	c.products = append(c.products, p)
	c.bySKU[p.SKU] = p
}

func (v *validator) prices(n *node, path string) map[money.Currency]money.Amount {
	prices := map[money.Currency]money.Amount{}
	if n == nil {
		return prices
	}
	for _, m := range v.members(n, path) {
		code := money.Currency(m.name)
		if !slices.Contains(v.currencies, code) {
			v.fail(m.line, path+"."+m.name, "not one of the catalogue's currencies %v", v.currencies)
			continue
		}
		prices[code] = money.Amount(v.number(m.node, path+"."+m.name, 0, MaxPrice))
	}
	for _, code := range v.currencies {
		if _, ok := prices[code]; !ok {
			v.fail(n.line, path+"."+string(code), "is missing")
		}
	}
	return prices
}

func (v *validator) picture(n *node, path string) string {
	if n == nil {
		return ""
	}
	picture := v.text(n, path, maxURL)
	u, err := url.Parse(picture)
	if picture != "" && !picturePattern.MatchString(picture) && (err != nil || u.Scheme != "https" || u.Host == "") {
		v.fail(n.line, path, "%q is neither a file name nor an https URL", picture)
	}
	return picture
}

// members returns the members of an object, none of nil. A name that stands
// twice is a problem.
func (v *validator) members(n *node, path string) []member {
	if n == nil {
		return nil
	}
	members, ok := n.value.([]member)
	if !ok {
		v.fail(n.line, cmp.Or(path, "the file"), "want an object")
	}
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.name] {
			v.fail(m.line, path+"."+m.name, "stands twice")
		}
		seen[m.name] = true
	}
	return members
}

// object returns the members of an object by name. Missing ones and names
// that are neither required nor optional are problems.
func (v *validator) object(n *node, path string, required []string, optional ...string) map[string]*node {
	byName := map[string]*node{}
	for _, m := range v.members(n, path) {
		byName[m.name] = m.node
		if !slices.Contains(required, m.name) && !slices.Contains(optional, m.name) {
			v.fail(m.line, path+"."+m.name, "unknown member")
		}
	}
	if _, ok := n.value.([]member); ok {
		for _, name := range required {
			if byName[name] == nil {
				v.fail(n.line, path+"."+name, "is missing")
			}
		}
	}
	return byName
}

func (v *validator) array(n *node, path string) []*node {
	if n == nil {
		return nil
	}
	items, ok := n.value.([]*node)
	if !ok {
		v.fail(n.line, path, "want an array")
	}
	return items
}

// text returns a string of 1 to limit characters, "" of nil.
func (v *validator) text(n *node, path string, limit int) string {
	if n == nil {
		return ""
	}
	s, ok := n.value.(string)
	switch {
	case !ok:
		v.fail(n.line, path, "want a string")
	case strings.TrimSpace(s) == "":
		v.fail(n.line, path, "must not be empty")
	case utf8.RuneCountInString(s) > limit:
		v.fail(n.line, path, "longer than %d characters", limit)
	case strings.ContainsFunc(s, unicode.IsControl):
		v.fail(n.line, path, "has a control character")
	default:
		return s
	}
	return ""
}

// localized returns a text that is a string, or an object of strings by
// language. Nil gives an empty one.
func (v *validator) localized(n *node, path string, limit int) Text {
	if n == nil {
		return nil
	}
	if _, plain := n.value.(string); plain {
		return Text{v.language: v.text(n, path, limit)}
	}
	text := Text{}
	for _, m := range v.members(n, path) {
		text[v.lang(m.line, path+"."+m.name, m.name)] = v.text(m.node, path+"."+m.name, limit)
	}
	if members, ok := n.value.([]member); ok && len(members) == 0 {
		v.fail(n.line, path, "must not be empty")
	}
	return text
}

func (v *validator) lang(line int, path, code string) i18n.Lang {
	if code != "" && !slices.Contains(i18n.Langs(), i18n.Lang(code)) {
		v.fail(line, path, "%q is not one of the languages %v", code, i18n.Langs())
	}
	return i18n.Lang(code)
}

// number returns a whole number from low to high, 0 of nil.
func (v *validator) number(n *node, path string, low, high int) int {
	if n == nil {
		return 0
	}
	number, ok := n.value.(json.Number)
	i, err := strconv.Atoi(number.String())
	if !ok || err != nil || i < low || i > high {
		v.fail(n.line, path, "want a whole number from %d to %d", low, high)
		return 0
	}
	return i
}

func (v *validator) boolean(n *node, path string) bool {
	if n == nil {
		return false
	}
	b, ok := n.value.(bool)
	if !ok {
		v.fail(n.line, path, "want true or false")
	}
	return b
}
