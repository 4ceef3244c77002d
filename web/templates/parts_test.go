package templates_test

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/templates"
)

// shoppers are visitors that differ in everything that a page can know of them.
func shoppers(s templates.Shop, locale string) (shells []templates.Shell) {
	for i, country := range []string{"SE", "NO", "SE"} {
		v := shell(locale)
		v.Shop, v.Country, v.Currency = s, country, []string{"SEK", "NOK", "EUR"}[i]
		v.CartCount, v.CartRevision, v.CartIDHash = i, int64(100+i), "hash-"+strconv.Itoa(i)
		v.Path, v.Query, v.Category = "/from?<"+strconv.Itoa(i), []string{"", `a"b`, ""}[i], []string{"", "kitchen", "kitchen"}[i]
		v.Site = "https://shop.example"
		v.Everywhere = v.Site + []string{"/", "/?q=a", "/?category=kitchen"}[i]
		v.Canonical, v.SalesTax, v.Withdrawal = v.Everywhere, i == 1, i == 2
		shells = append(shells, v)
		v.Asked = locale
		shells = append(shells, v)
		v.Asked, v.Base = "", "/checkout/s/"+strconv.Itoa(i)
		shells = append(shells, v)
		v.Base, v.Alone, v.Country, v.Canonical = "", true, "", ""
		shells = append(shells, v)
	}
	return shells
}

// pagesOf are pages with parts of all kinds, of one shopper.
func pagesOf(s templates.Shell, i int) []templ.Component {
	goods, o := tiles(), order()
	for j := range goods {
		goods[j].Price, goods[j].From, goods[j].Stock = strconv.Itoa(10*i+j)+" kr", i%2 == 1, i
		goods[j].Choice = i == 4
	}
	for j := range o.Lines {
		o.Lines[j].Quantity, o.Lines[j].Stock, o.Lines[j].UnitPrice = i+1, 3*i, strconv.Itoa(i)+" kr"
		o.Lines[j].Total = templates.Amount{Text: strconv.Itoa(i) + " kr", Minor: int64(i)}
	}
	list := templates.CatalogueView{Shell: s, Products: goods, Total: 60 + i, Page: 1, Pages: 2, Sort: []string{templates.SortShelf, templates.SortPrice}[i%2]}
	noted := s
	noted.Notes = []templates.Note{templates.FewLeft(i18n.Voice{Lang: i18n.LangOf(s.Locale)}, "MUG-1", "Enamel mug", i)}
	one := product(s.Locale)
	one.Shell, one.Related = s, goods
	return []templ.Component{
		templates.Catalogue(list), templates.Product(one), templates.Cart(templates.CartView{Shell: noted, Order: o}),
		templates.Cart(templates.CartView{Shell: s, Order: o}), templates.Checkout(templates.CheckoutView{Shell: s, Order: o, OrderID: "order-" + strconv.Itoa(i), Snippet: "<i></i>"}),
	}
}

// A page is the same, byte by byte, whether its parts are remembered or not, and whoever else has
// made the shop remember them: other markets, carts, addresses, searches, nonces.
func TestPartsOfOtherShoppers(t *testing.T) {
	for _, locale := range locales {
		html := func(c templ.Component, nonce string) string {
			var b bytes.Buffer
			if err := c.Render(templ.WithNonce(t.Context(), nonce), &b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		fresh, remembering := shoppers(shop, locale), shoppers(shop.Remembering(i18n.LangOf(locale)), locale)
		for round := range 2 {
			for i := range fresh {
				nonce := "nonce-" + strconv.Itoa(i) + "-" + strconv.Itoa(round)
				again := pagesOf(remembering[i], i)
				for j, page := range pagesOf(fresh[i], i) {
					want, got := html(page, nonce), html(again[j], nonce)
					if got != want {
						t.Fatalf("%s: shopper %d, page %d: remembered parts have made of\n%s\nthis:\n%s", locale, i, j, want, got)
					}
					if form, path := `name="return_to" value="`, templ.EscapeString(fresh[i].Path); j == 0 && strings.Count(got, form) != strings.Count(got, form+path) {
						t.Errorf("%s: forms of shopper %d do not lead back to %s", locale, i, path)
					}
					if strings.Count(got, "nonce-") != strings.Count(got, nonce) {
						t.Errorf("%s: shopper %d, page %d has somebody else's nonce", locale, i, j)
					}
				}
			}
		}
	}
}

// What a part is remembered by is what it is made of, and nothing else can be reached from it: no
// pointer, no function, no interface.
func TestKeysOfParts(t *testing.T) {
	field, _ := reflect.TypeFor[templates.Shop]().FieldByName("parts")
	var plain func(reflect.Type) bool
	plain = func(k reflect.Type) bool {
		if k.Kind() == reflect.Struct {
			for f := range k.Fields() {
				if !plain(f.Type) {
					return false
				}
			}
			return true
		}
		return k.Kind() == reflect.String || k.Kind() == reflect.Bool || k.Kind() == reflect.Int || k.Kind() == reflect.Int64
	}
	memories := 0
	for f := range field.Type.Elem().Fields() {
		if !strings.HasPrefix(f.Type.Name(), "memory[") {
			continue
		}
		memories++
		load, _ := reflect.PointerTo(f.Type.Field(0).Type.Elem()).MethodByName("Load") // of a place
		key, _ := load.Type.Out(0).Elem().FieldByName("key")
		if !plain(key.Type) {
			t.Errorf("parts of %s are remembered by a %v", f.Name, key.Type)
		}
	}
	if memories < 10 {
		t.Errorf("%d kinds of parts", memories)
	}
}
