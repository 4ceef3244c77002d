package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/money"
)

// varied has a product with variants and one without.
const varied = `language: sv
currencies: [SEK, EUR]
products:
  - id: jacket
    category: clothes
    name: {sv: Skaljacka, en: Shell jacket}
    description: {sv: "Tätar mot allt.", en: "Keeps everything out."}
    tax_class: standard
    brand: Fjäll & Co
    pictures: [https://img.example.com/jacket-1.jpg, https://img.example.com/jacket-2.jpg]
    options: [size, colour]
    prices: {SEK: 199900, EUR: 18900}
    variants:
      - {sku: JACKET-S-RED, size: S, colour: {sv: Röd, en: Red}, weight: 640, stock: 4, gtin: "7350000000012"}
      - {sku: JACKET-M-RED, size: M, colour: {sv: Röd, en: Red}, weight: 660, stock: 0, prices: {SEK: 209900, EUR: 19900}}
  - sku: PIN-1
    category: trinkets
    name: Pin
    tax_class: standard
    weight: 20
    stock: 100
    prices: {SEK: 4900, EUR: 490}
`

func TestVariants(t *testing.T) {
	c, err := catalog.Read(strings.NewReader(varied))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range c.Products() {
		sv, _ := p.Name.In("sv")
		en, _ := p.Name.In("en")
		fmt.Fprintf(&got, "%s of %s: %s, %s; %d g, %d, %v, brand %q, GTIN %q, %s %s, picture %s of %d\n",
			p.SKU, p.ID, sv, en, p.Weight, p.Stock, p.Prices, p.Brand, p.GTIN, p.Category, p.Class, p.Picture(), len(p.Pictures))
		if by, known := c.Product(p.SKU); !known || by != p {
			t.Errorf("%s is not found by its SKU", p.SKU)
		}
		if page, known := c.Page(p.SKU); !known || page != p.Group {
			t.Errorf("the SKU %s leads to no page", p.SKU)
		}
	}
	want := `JACKET-S-RED of jacket: Skaljacka, S, Röd, Shell jacket, S, Red; 640 g, 4, map[EUR:18900 SEK:199900], brand "Fjäll & Co", GTIN "7350000000012", clothes standard, picture https://img.example.com/jacket-1.jpg of 2
JACKET-M-RED of jacket: Skaljacka, M, Röd, Shell jacket, M, Red; 660 g, 0, map[EUR:19900 SEK:209900], brand "Fjäll & Co", GTIN "", clothes standard, picture https://img.example.com/jacket-1.jpg of 2
PIN-1 of PIN-1: Pin, Pin; 20 g, 100, map[EUR:490 SEK:4900], brand "", GTIN "", trinkets standard, picture  of 0
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	jacket, known := c.Page("jacket")
	if !known || len(jacket.Variants) != 2 || cmp.Diff([]string{"size", "colour"}, jacket.Options) != "" || len(c.Groups()) != 2 {
		t.Errorf("the jacket is %+v of %d", jacket, len(c.Groups()))
	}
	if _, known := c.Product("jacket"); known {
		t.Error("the jacket itself can be sold")
	}
	low, high, ok := jacket.Prices("EUR")
	if _, _, sold := jacket.Prices("NOK"); low != 18900 || high != 19900 || !ok || sold {
		t.Errorf("it costs %d to %d, %t; sold in NOK %t", low, high, ok, sold)
	}
	if p, _ := c.Product("JACKET-M-RED"); p.Prices[money.Currency("SEK")] != 209900 {
		t.Errorf("M costs %v", p.Prices)
	}
}

// TestVariantsRefused changes one thing of a good file at a time, without moving lines.
func TestVariantsRefused(t *testing.T) {
	const second = "      - {sku: JACKET-M-RED, size: M, colour: {sv: Röd, en: Red}, weight: 660, stock: 0, prices: {SEK: 209900, EUR: 19900}}"
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("{sku: J-%d, size: %d, colour: red, stock: 1}", i, i))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	tests := []struct{ name, old, new, want string }{
		{"ID missing", "  - id: jacket\n    category", "  - category", "line 4: products[0].id: is missing"},
		{"ID with a slash", "id: jacket", "id: a/b", `line 4: products[0].id: "a/b" is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit`},
		{"ID of another's SKU", "sku: PIN-1", "sku: jacket", `line 16: products[1].sku: "jacket" stands twice`},
		{"ID of its own SKU", "sku: JACKET-M-RED", "sku: jacket", `line 15: products[0].variants[1].sku: "jacket" stands twice`},
		{"SKU of a variant twice", "sku: JACKET-M-RED", "sku: JACKET-S-RED", `line 15: products[0].variants[1].sku: "JACKET-S-RED" stands twice`},
		{"SKU of the product", "id: jacket", "id: jacket\n    sku: J", "line 5: products[0].sku: each variant has its own"},
		{"stock and weight of the product", "brand: Fjäll & Co", "stock: 4", "line 9: products[0].stock: each variant has its own"},
		{"options missing", "    options: [size, colour]\n", "\n", "line 4: products[0].options: is missing\n" +
			"line 14: products[0].variants[0].size: unknown member\nline 14: products[0].variants[0].colour: unknown member\n" +
			"line 15: products[0].variants[1].size: unknown member\nline 15: products[0].variants[1].colour: unknown member\n" +
			`line 15: products[0].variants[1]: in "en" nothing tells it from variants[0]`},
		{"too many options", "[size, colour]", "[size, colour, fit, length]", "line 11: products[0].options: want 1 to 3\n" + missing(14, 0, "fit", "length") + "\n" + missing(15, 1, "fit", "length")},
		{"option with a capital", "[size, colour]", "[size, colour, Fit]", `line 11: products[0].options[2]: "Fit" is not 1 to 32 of a-z 0-9 _, first a letter`},
		{"option twice", "[size, colour]", "[size, colour, size]", `line 11: products[0].options[2]: a variant has "size" already`},
		{"option that a variant has", "[size, colour]", "[size, colour, stock]", `line 11: products[0].options[2]: a variant has "stock" already`},
		{"value missing", "{sku: JACKET-M-RED, size: M, ", "{sku: JACKET-M-RED, ", "line 15: products[0].variants[1].size: is missing"},
		{"value too long", "size: M", "size: " + strings.Repeat("M", 65), "line 15: products[0].variants[1].size: longer than 64 characters"},
		{"name too long with its values", "en: Shell jacket", "en: " + strings.Repeat("J", 250), "line 14: products[0].variants[0]: is called \"" + strings.Repeat("J", 250) + ", S, Red\", longer than 255 characters\n" +
			"line 15: products[0].variants[1]: is called \"" + strings.Repeat("J", 250) + ", M, Red\", longer than 255 characters"},
		{"the same twice", "size: M", "size: S", `line 15: products[0].variants[1]: in "en" nothing tells it from variants[0]`},
		{"the same in one language", "size: M, colour: {sv: Röd, en: Red}", "size: S, colour: {sv: Vinröd, en: Red}", `line 15: products[0].variants[1]: in "en" nothing tells it from variants[0]`},
		{"price missing", "    prices: {SEK: 199900, EUR: 18900}\n", "\n", "line 14: products[0].variants[0].prices: is missing, and the product has none"},
		{"own prices incomplete", ", EUR: 19900", "", "line 15: products[0].variants[1].prices.EUR: is missing"},
		{"stock missing", "stock: 0, ", "", "line 15: products[0].variants[1].stock: is missing"},
		{"GTIN of 9 digits", "7350000000012", "735000000", `line 14: products[0].variants[0].gtin: "735000000" is not 8, 12, 13 or 14 digits`},
		{"brand too long", "Fjäll & Co", strings.Repeat("F", 71), "line 9: products[0].brand: longer than 70 characters"},
		{"no pictures", "[https://img.example.com/jacket-1.jpg, https://img.example.com/jacket-2.jpg]", "[]", "line 10: products[0].pictures: want 1 to 20"},
		{"picture elsewhere", "https://img.example.com/jacket-2.jpg", "http://img.example.com/2.jpg", `line 10: products[0].pictures[1]: "http://img.example.com/2.jpg" is neither a file name nor an https URL`},
		{"picture and pictures", "brand: Fjäll & Co", "picture: lamp.svg", "line 10: products[0].pictures: there is a picture beside it: name all of them here"},
		{"no variants", "variants:\n      - {sku: JACKET-S-RED, size: S, colour: {sv: Röd, en: Red}, weight: 640, stock: 4, gtin: \"7350000000012\"}\n" + second, "variants: []", "line 13: products[0].variants: want 1 to 100"},
		{"too many variants", "variants:\n      - {sku: JACKET-S-RED, size: S, colour: {sv: Röd, en: Red}, weight: 640, stock: 4, gtin: \"7350000000012\"}\n" + second, "variants: " + many(101), "line 13: products[0].variants: want 1 to 100"},
		{"variant as a text", second, "      - M", "line 15: products[0].variants[1]: want an object"},
		{"unknown member of a variant", "stock: 0", "stock: 0, picture: a.svg", "line 15: products[0].variants[1].picture: unknown member"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refuses(t, varied, tt.old, tt.new, tt.want)
		})
	}
}

func missing(line, variant int, options ...string) string {
	var lines []string
	for _, option := range options {
		lines = append(lines, fmt.Sprintf("line %d: products[0].variants[%d].%s: is missing", line, variant, option))
	}
	return strings.Join(lines, "\n")
}

// Everything on a page is bounded: 10,000 SKUs with their variants, 100 categories.
func TestBounds(t *testing.T) {
	file := func(products, variants, categories int) string {
		var b strings.Builder
		b.WriteString("currencies: [SEK]\nproducts:\n")
		for i := range products {
			fmt.Fprintf(&b, "- {id: p%d, category: c%d, name: N, tax_class: standard, options: [size], prices: {SEK: 1}, variants: [", i, i%categories)
			for k := range variants {
				fmt.Fprintf(&b, "{sku: P%d-%d, size: %d, stock: 1},", i, k, k)
			}
			b.WriteString("]}\n")
		}
		return b.String()
	}
	for _, tt := range []struct {
		file string
		want string
	}{
		{file(100, 100, 100), ""},
		{file(101, 100, 100), "line 3: products: want 1 to 10000 products, each variant counted"},
		{file(101, 1, 101), "line 1: categories: there are 101, at most 100"},
	} {
		_, err := catalog.Read(strings.NewReader(tt.file))
		if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.HasSuffix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
