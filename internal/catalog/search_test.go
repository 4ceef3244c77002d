package catalog_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
)

// shelf has goods whose names are written as each language does.
const shelf = `
currencies: [EUR]
products:
  - {sku: JACKET-1, category: c, name: {en: Rain jackets, sv: Regnjackor, nb: Regnjakke, da: Regnjakker, fi: Kuoritakki, de: Regenjacken, nl: Regenjassen}, description: {en: Folds into a box., sv: Får plats i en burk.}, tax_class: standard, stock: 1, prices: {EUR: 300}}
  - {sku: BOX-1, category: c, name: {en: Lunch box, sv: Matlåda, nb: Matboks, da: Madkasse, fi: Eväsrasia, de: Brotdose, nl: Broodtrommel}, tax_class: standard, stock: 1, prices: {EUR: 100}}
  - {sku: BERRY-1, category: c, name: {en: Cloudberries, sv: Hjortron, nb: Moltebær, da: Multebær, fi: Lakkoja, de: Moltebeeren, nl: Bergbramen}, description: {en: "Picked in the rain, kept in a box.", sv: "Plockade i regn."}, tax_class: food, stock: 1, prices: {EUR: 200}}
  - id: sock
    category: c
    name: {en: Sock, sv: Strumpa, nb: Sokk, da: Sok, fi: Sukka, de: Strumpf, nl: Sok}
    brand: Åsfjäll
    tax_class: standard
    options: [colour]
    prices: {EUR: 50}
    variants:
      - {sku: SOCK-R, colour: {en: Crimson, sv: Karmosinröd, fi: Karmiininpunainen}, stock: 1, gtin: "7350000000115"}
      - {sku: SOCK-B, colour: {en: Blue, sv: Blå, fi: Sininen}, stock: 1}
      - {sku: SOCK-Q, colour: Q, stock: 1}
`

func find(c *catalog.Catalog, q catalog.Query) string {
	groups, _ := c.List(q, 0, 100)
	var ids []string
	for _, g := range groups {
		ids = append(ids, strings.TrimSuffix(g.ID, "-1"))
	}
	return strings.Join(ids, " ")
}

// The search forgives: plural and singular, accents, parts of words, one mistake, in each
// language.
func TestSearchForgives(t *testing.T) {
	c, err := catalog.Read(strings.NewReader(shelf))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lang  i18n.Lang
		want  string
		query []string
	}{
		{"en", "JACKET", []string{"jacket", "jackets", "jaket", "jackte", "jacet", "jackket", "kacket", "ajcket", "jack", "JACKETS", "rain jacket"}},
		{"en", "JACKET BERRY", []string{"rain", "rian"}}, // the shelf decides
		{"en", "BOX JACKET BERRY", []string{"box", "boxes"}},
		{"en", "BERRY", []string{"cloudberry", "cloudberries", "berry", "cluodberry", "clodberry"}},
		{"en", "sock", []string{"socks", "sock", "crimson", "crimsom", "blue", "asfjall", "ÅSFJÄLL", "SOCK-B", "sock-b", "7350000000115", "sock crimson"}},
		{"en", "", []string{"jacket sock", "xyz", "jckt", "regnjackor", "🧥", "%", "---", "🧥 %"}},
		{"en", "", []string{"c", "x", "xxx", "zz", "eee", "jacket k"}}, // a letter is no part of a word
		{"de", "", []string{"e", "ttt"}},
		{"en", "sock", []string{"q", "Q", "qqq", "sock q", "b sock"}},
		{"en", "JACKET BOX BERRY sock", []string{"", "  "}},
		{"en", "sock", []string{"sock 🧥", "- sock"}},
		{"sv", "JACKET", []string{"jacka", "jackor", "jackan", "regnjacka", "regnjackorna", "jakcor", "jackr"}},
		{"sv", "BOX", []string{"matlada", "matlådor", "låda", "lådorna", "mattlåda"}},
		{"sv", "sock", []string{"strumpor", "strumpa", "röd", "rod", "karmosin", "stumpor"}},
		{"nb", "JACKET", []string{"jakke", "jakker", "jakken", "regnjakker", "jkake"}},
		{"nb", "BERRY", []string{"moltebær", "moltebaer", "bær", "moltbær"}},
		{"da", "JACKET", []string{"jakke", "jakker", "jakkerne", "regnjakke"}},
		{"da", "sock", []string{"sok", "sokker", "sokkerne"}},
		{"fi", "JACKET", []string{"takki", "takit", "kuoritakit", "kuoritaki", "kuritakki"}},
		{"fi", "BERRY", []string{"lakka", "lakat"}},
		{"fi", "sock", []string{"sukat", "sukka", "sininen", "sinnen"}},
		{"de", "JACKET", []string{"jacke", "jacken", "Regenjacke", "regnjacke"}},
		{"de", "sock", []string{"strümpfe", "strumpf", "Strupmf"}},
		{"nl", "JACKET", []string{"jas", "jassen", "regenjas", "regenjasen", "regenajs"}},
		{"nl", "BOX", []string{"broodtrommels", "brodtrommel", "trommel", "tromel", "broottrommel"}},
	} {
		for _, query := range tt.query {
			if got := find(c, catalog.Query{Lang: tt.lang, Text: query}); got != tt.want {
				t.Errorf("%s: %q finds %q, want %q", tt.lang, query, got, tt.want)
			}
		}
	}
}

// Lists by price, by name, and a part of a list.
func TestListOrder(t *testing.T) {
	c, err := catalog.Read(strings.NewReader(shelf))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		q    catalog.Query
		want string
	}{
		{catalog.Query{Lang: "en"}, "JACKET BOX BERRY sock"},
		{catalog.Query{Lang: "en", Order: catalog.ByPrice, Currency: "EUR"}, "sock BOX BERRY JACKET"},
		{catalog.Query{Lang: "en", Order: catalog.ByPriceDown, Currency: "EUR"}, "JACKET BERRY BOX sock"},
		{catalog.Query{Lang: "en", Order: catalog.ByPrice, Currency: "NOK"}, "JACKET BOX BERRY sock"}, // it is not sold there
		{catalog.Query{Lang: "en", Order: catalog.ByName}, "BERRY BOX JACKET sock"},
		{catalog.Query{Lang: "sv", Order: catalog.ByName}, "BERRY BOX JACKET sock"},
		{catalog.Query{Lang: "de", Order: catalog.ByName}, "BOX BERRY JACKET sock"},
		{catalog.Query{Lang: "en", Order: catalog.ByPriceDown, Currency: "EUR", Text: "rain"}, "JACKET BERRY"},
		{catalog.Query{Lang: "en", Category: "d"}, ""},
	} {
		if got := find(c, tt.q); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.q, got, tt.want)
		}
	}
	for _, tt := range []struct{ skip, count, got int }{{0, 2, 2}, {2, 2, 2}, {3, 2, 1}, {4, 2, 0}, {100, 2, 0}} {
		if groups, total := c.List(catalog.Query{Lang: "en"}, tt.skip, tt.count); len(groups) != tt.got || total != 4 {
			t.Errorf("%d after %d: got %d of %d", tt.count, tt.skip, len(groups), total)
		}
	}
	if groups, total := (&catalog.Catalog{}).List(catalog.Query{Lang: "en", Text: "x"}, 0, 10); groups != nil || total != 0 {
		t.Error("there is something in no catalogue")
	}
}
