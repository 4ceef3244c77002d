package catalog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// small is a merchant's file that uses the short forms.
const small = `{
  "language": "sv",
  "currencies": ["SEK", "EUR"],
  "products": [
    {
      "sku": "troja",
      "category": "Kläder",
      "name": "Stickad tröja",
      "tax_class": "standard",
      "stock": 7,
      "prices": { "SEK": 89900, "EUR": 0 }
    },
    {
      "sku": "Pattern_1.0",
      "category": "Mönster",
      "name": { "sv": "Mönster", "en": "Pattern" },
      "description": "Ett mönster.",
      "material": { "en": "PDF" },
      "tax_class": "book",
      "digital": true,
      "prices": { "SEK": 5900, "EUR": 1010101 },
      "picture": "https://img.example.com/p.png?w=400"
    }
  ]
}`

func TestReadSmall(t *testing.T) {
	c, err := catalog.Read(strings.NewReader("\ufeff" + small))
	if err != nil {
		t.Fatal(err)
	}
	want := []*catalog.Product{
		{
			Group: &catalog.Group{ID: "troja", Title: i18n.Text{"sv": "Stickad tröja"}, Category: "Kläder", Class: market.Standard},
			SKU:   "troja", Name: i18n.Text{"sv": "Stickad tröja"}, Stock: 7,
			Prices: map[money.Currency]money.Amount{"SEK": 89900, "EUR": 0},
		},
		{
			Group: &catalog.Group{
				ID: "Pattern_1.0", Title: i18n.Text{"sv": "Mönster", "en": "Pattern"}, Category: "Mönster",
				Description: i18n.Text{"sv": "Ett mönster."}, Material: i18n.Text{"en": "PDF"}, Class: market.Book, Digital: true,
				Pictures: []string{"https://img.example.com/p.png?w=400"},
			},
			SKU: "Pattern_1.0", Name: i18n.Text{"sv": "Mönster", "en": "Pattern"},
			Stock: catalog.Unlimited, Prices: map[money.Currency]money.Amount{"SEK": 5900, "EUR": 1010101},
		},
	}
	if diff := cmp.Diff(want, c.Products(), cmpopts.IgnoreFields(catalog.Group{}, "Variants")); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Kläder", "Mönster"}, c.Categories()); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
	if name, in, ok := c.CategoryName("Kläder", i18n.Finnish); name != "Kläder" || in != "sv" || !ok {
		t.Errorf("CategoryName = %q in %q, %t", name, in, ok)
	}
	if _, ok := c.Products()[0].Price("NOK"); ok {
		t.Error("there is a price in NOK")
	}
	if _, total := c.List(catalog.Query{Lang: "de", Text: "stickad"}, 0, 1); total != 1 {
		t.Errorf("search in a language that the file does not have finds %d, want 1", total)
	}
}

// Without a list, the currencies are those of the first product.
func TestReadCurrencies(t *testing.T) {
	file := strings.Replace(small, `"currencies": ["SEK", "EUR"],`, "", 1)
	if _, err := catalog.Read(strings.NewReader(file)); err != nil {
		t.Error(err)
	}
	file = strings.Replace(file, `, "EUR": 1010101`, "", 1)
	if _, err := catalog.Read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), "products[1].prices.EUR: is missing") {
		t.Errorf("the second product has no price in EUR: %v", err)
	}
}

// What was built in when a catalogue was published is no mistake of it later.
func TestReadPublished(t *testing.T) {
	file := strings.Replace(small, "https://img.example.com/p.png?w=400", "gone.svg", 1)
	c, err := catalog.ReadPublished(strings.NewReader(file))
	if err != nil || c.Products()[1].Picture() != "gone.svg" {
		t.Errorf("%v", err)
	}
	if _, err := catalog.ReadPublished(strings.NewReader(strings.Replace(file, "gone.svg", "../p.png", 1))); err == nil {
		t.Error("anything is a picture")
	}
}

// TestReadRefuses changes one thing of a good file at a time, without moving lines.
func TestReadRefuses(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"unknown member", `"stock": 7`, `"stock": 7, "colour": "red"`, `line 10: products[0].colour: unknown member`},
		{"unknown member of the file", `"language": "sv"`, `"language": "sv", "lines": []`, `line 2: lines: unknown member`},
		{"member twice", `"stock": 7`, `"stock": 7, "stock": 8`, `line 10: products[0].stock: stands twice`},
		{"no products", `"products"`, `"product"`, "line 1: products: is missing\nline 4: product: unknown member"},
		{"SKU missing", `"sku": "troja",`, ``, `line 5: products[0].sku: is missing`},
		{"SKU empty", `"troja"`, `""`, `line 6: products[0].sku: must not be empty`},
		{"SKU not a string", `"troja"`, `true`, `line 6: products[0].sku: want a string: what reads as nothing, true or false needs quotes`},
		{"SKU with a slash", `"troja"`, `"a/b"`, `line 6: products[0].sku: "a/b" is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit`},
		{"SKU of dots", `"troja"`, `".."`, `line 6: products[0].sku: ".." is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit`},
		{"SKU with an umlaut", `"troja"`, `"tröja"`, `line 6: products[0].sku: "tröja" is not 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit`},
		{"SKU too long", `"troja"`, `"` + strings.Repeat("a", 65) + `"`, `line 6: products[0].sku: longer than 64 characters`},
		{"SKU twice", `"Pattern_1.0"`, `"troja"`, `line 14: products[1].sku: "troja" stands twice`},
		{"name missing", `"name": "Stickad tröja",`, ``, `line 5: products[0].name: is missing`},
		{"name null", `"Stickad tröja"`, `null`, `line 8: products[0].name: want an object`},
		{"name blank", `"Stickad tröja"`, `" "`, `line 8: products[0].name: must not be empty`},
		{"name without a language", `"Stickad tröja"`, `{}`, `line 8: products[0].name: must not be empty`},
		{"name empty in one language", `"en": "Pattern"`, `"en": ""`, `line 16: products[1].name.en: must not be empty`},
		{"name in a strange language", `"en": "Pattern"`, `"fr": "Patron"`, `line 16: products[1].name.fr: "fr" is not one of the languages [en sv nb da fi de nl]`},
		{"name too long", `"Stickad tröja"`, `"` + strings.Repeat("ö", 256) + `"`, `line 8: products[0].name: longer than 255 characters`},
		{"name with a line break", `"Stickad tröja"`, `"a\nb"`, `line 8: products[0].name: has a control character`},
		{"description too long", `"Ett mönster."`, `"` + strings.Repeat("ö", 2001) + `"`, `line 17: products[1].description: longer than 2000 characters`},
		{"class missing", `"tax_class": "standard",`, ``, `line 5: products[0].tax_class: is missing`},
		{"class unknown", `"standard"`, `"luxury"`, `line 9: products[0].tax_class: "luxury" is not "standard", "food", "book" or "none"`},
		{"price missing", `"SEK": 89900, `, ``, `line 11: products[0].prices.SEK: is missing`},
		{"all prices missing", `"prices": { "SEK": 89900, "EUR": 0 }`, `"weight": 1`, `line 5: products[0].prices: is missing`},
		{"price negative", `89900`, `-1`, `line 11: products[0].prices.SEK: want a whole number from 0 to 1010101`},
		{"price too large", `1010101`, `1010102`, `line 21: products[1].prices.EUR: want a whole number from 0 to 1010101`},
		{"price beyond int64", `89900`, `99999999999999999999`, `line 11: products[0].prices.SEK: want a whole number from 0 to 1010101`},
		{"price with decimals", `89900`, `899.00`, `line 11: products[0].prices.SEK: want a whole number from 0 to 1010101`},
		{"price as a string", `89900`, `"89900"`, `line 11: products[0].prices.SEK: want a whole number from 0 to 1010101`},
		{"price in another currency", `"SEK": 89900`, `"SEK": 89900, "NOK": 1`, `line 11: products[0].prices.NOK: not one of the catalogue's currencies [SEK EUR]`},
		{"currency unknown", `["SEK", "EUR"]`, `["SEK", "EUR", "QQQ", "JPY"]`,
			"line 3: currencies[2]: \"QQQ\" is not the code of a currency with two decimals such as SEK\n" +
				"line 3: currencies[3]: \"JPY\" is not the code of a currency with two decimals such as SEK\n" +
				"line 11: products[0].prices.QQQ: is missing\nline 11: products[0].prices.JPY: is missing\n" +
				"line 21: products[1].prices.QQQ: is missing\nline 21: products[1].prices.JPY: is missing"},
		{"one currency less than the first product has", `"EUR": 1010101`, `"NOK": 1`, "line 21: products[1].prices.NOK: not one of the catalogue's currencies [SEK EUR]\nline 21: products[1].prices.EUR: is missing"},
		{"language unknown", `"language": "sv"`, `"language": "fr"`, `line 2: language: "fr" is not one of the languages [en sv nb da fi de nl]`},
		{"language in words", `"language": "sv"`, `"language": "German"`, `line 2: language: "German" is not one of the languages [en sv nb da fi de nl]`},
		{"stock missing", `"stock": 7,`, ``, `line 5: products[0].stock: is missing`},
		{"stock negative", `"stock": 7`, `"stock": -1`, `line 10: products[0].stock: want a whole number from 0 to 1000000000`},
		{"stock of digital goods", `"digital": true`, `"digital": true, "stock": 1`, `line 20: products[1].stock: digital goods have none`},
		{"weight of digital goods", `"digital": true`, `"digital": true, "weight": 1`, `line 20: products[1].weight: digital goods have none`},
		{"weight of a ship", `"stock": 7`, `"stock": 7, "weight": 1000001`, `line 10: products[0].weight: want a whole number from 0 to 1000000`},
		{"digital as a number", `"digital": true`, `"stock": 1, "digital": 1`, `line 20: products[1].digital: want true or false`},
		{"picture elsewhere", `"https://img.example.com/p.png?w=400"`, `"http://img.example.com/p.png"`, `line 22: products[1].picture: "http://img.example.com/p.png" is neither a file name nor an https URL`},
		{"picture up the tree", `"https://img.example.com/p.png?w=400"`, `"../p.png"`, `line 22: products[1].picture: "../p.png" is neither a file name nor an https URL`},
		{"picture that is not built in", `"https://img.example.com/p.png?w=400"`, `"Lamp.svg"`, `line 22: products[1].picture: there is no built-in picture "Lamp.svg": write the https address of one of yours`},
		{"picture beside the catalogue, among others", `"picture": "https://img.example.com/p.png?w=400"`, `"pictures": ["lamp.svg", "pot.jpg"]`, `line 22: products[1].pictures[1]: there is no built-in picture "pot.jpg": write the https address of one of yours`},
		{"picture twice", `"picture": "https://img.example.com/p.png?w=400"`, `"pictures": ["lamp.svg", "lamp.svg"]`, `line 22: products[1].pictures[1]: "lamp.svg" stands twice`},
		{"currency twice", `["SEK", "EUR"]`, `["SEK", "EUR", "SEK"]`, `line 3: currencies[2]: "SEK" stands twice`},
		{"category not declared", `"language": "sv",`, `"language": "sv", "categories": [{"id": "Mönster", "name": "M"}],`, `line 7: products[0].category: "Kläder" is not among the categories`},
		{"category twice", `"language": "sv",`, `"language": "sv", "categories": [{"id":"Mönster","name":"M"},{"id":"Kläder","name":"K"},{"id":"Mönster","name":"N"}],`, `line 2: categories[2].id: "Mönster" stands twice`},
		{"product as a string", `"products": [`, `"products": ["mug",`, `line 4: products[0]: want an object`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refuses(t, small, tt.old, tt.new, tt.want)
		})
	}
}

// refuses holds that a file with another text in place of an old one is not taken, and what is said of it.
func refuses(t *testing.T, file, old, text, want string) {
	t.Helper()
	changed := strings.Replace(file, old, text, 1)
	if changed == file {
		t.Fatalf("%s is not in the file", old)
	}
	_, err := catalog.Read(strings.NewReader(changed))
	if err == nil {
		t.Fatal("no error")
	}
	_, got, _ := strings.Cut(err.Error(), " wrong:\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestReadBroken(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"cut off", "{\n\"products\": [\n", "line 2: did not find expected node content"},
		{"an array", "\n[]", "1 wrong:\nline 2: the file: want an object"},
		{"no products", "{\"products\": []}", "1 wrong:\nline 1: products: want 1 to 10000 products"},
		{"too large", strings.Repeat(" ", 16<<20+1), "larger than 16 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := catalog.Read(strings.NewReader(tt.file))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}

// TestReadNamesAll holds that one error has everything, in the order of the file.
func TestReadNamesAll(t *testing.T) {
	var file strings.Builder
	file.WriteString("{\"products\": [\n{}")
	for range 30 {
		file.WriteString(",\n{\"sku\": \"A\"}")
	}
	file.WriteString("\n]}")
	_, err := catalog.Read(strings.NewReader(file.String()))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	// 6 are missing in the first, 5 in each of the others, 29 SKUs stand twice.
	want := []string{"185 wrong:", "line 2: products[0].sku: is missing", "and 85 more"}
	if diff := cmp.Diff(want, []string{lines[0], lines[1], lines[len(lines)-1]}); diff != "" || len(lines) != 102 {
		t.Errorf("%d lines (-want +got):\n%s", len(lines), diff)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "goods.json")
	if _, err := catalog.Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no such file: error %v, want one with the path", err)
	}
	for _, size := range []int{0, len(small), 16<<20 + 2} {
		if err := os.WriteFile(path, []byte(small + strings.Repeat(" ", 16<<20))[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := catalog.Load(path); err != nil || len(data) != min(size, 16<<20+1) {
			t.Errorf("a file of %d bytes: got %d, %v", size, len(data), err)
		}
	}
}

// FuzzRead holds that no file makes Read panic, and that what it takes is usable.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"products":[{"sku":1}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := catalog.Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, p := range c.Products() {
			if name, _ := p.Name.In("sv"); p.SKU == "" || name == "" || len(p.Prices) == 0 || p.Stock < 0 {
				t.Errorf("took %+v", p)
			}
		}
	})
}

// TestDocumentation holds that the example for merchants is one.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "catalog.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	c, err := catalog.Read(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if name, in, _ := c.CategoryName("clothes", i18n.English); name != "Clothes" || in != "en" {
		t.Errorf("category in English: %q in %q", name, in)
	}
}
