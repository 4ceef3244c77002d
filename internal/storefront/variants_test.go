package storefront_test

import (
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// jackets has variants of which one costs more and one is sold out, and a product alone.
const jackets = `
language: sv
currencies: [SEK, EUR, USD]
products:
  - id: jacket
    category: clothes
    name: {sv: Skaljacka, en: Shell jacket}
    tax_class: standard
    brand: Fjäll & Co
    pictures: [https://img.example.com/jacket-1.jpg, https://img.example.com/jacket-2.jpg]
    options: [size, colour, fit]
    prices: {SEK: 199900, EUR: 18900, USD: 19900}
    variants:
      - {sku: JACKET-S-RED, size: S, colour: {sv: Röd, en: Red}, fit: slim, weight: 640, stock: 4, gtin: "7350000000115"}
      - {sku: JACKET-M-RED, size: M, colour: {sv: Röd, en: Red}, fit: slim, weight: 660, stock: 0}
      - {sku: JACKET-L-RED, size: L, colour: {sv: Röd, en: Red}, fit: slim, weight: 680, stock: 9, prices: {SEK: 209900, EUR: 19900, USD: 20900}}
  - {sku: PIN-1, category: trinkets, name: Nål, tax_class: standard, stock: 100, prices: {SEK: 4900, EUR: 490, USD: 500}}
`

func withGoods(t testing.TB, file string) *shopWorld {
	t.Helper()
	goods, err := catalog.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	own := *skerry.Version().Shop
	own.Texts = i18n.Overrides{"option.fit": {"sv": "Passform"}}
	return &shopWorld{shoptest.Serve(t, shoptest.Options{Version: publish.NewVersion(1, &own, goods)})}
}

func parsed(t testing.TB, a shoptest.Answer) *goquery.Document {
	t.Helper()
	// Elements stand apart, as on the page.
	page, err := goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(a.Text, "<", " <")))
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", a.StatusCode, err)
	}
	return page
}

// spaced is a text with plain spaces, one at a time.
func spaced(s *goquery.Selection) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(s.Text(), "\u00a0", " "), " ,", ",")), " ")
}

// A shopper without scripts finds one tile, chooses on one page, and reads what was chosen
// everywhere; so does Klarna.
func TestVariants(t *testing.T) {
	t.Parallel()
	s := withGoods(t, jackets)
	b := s.browser()

	list := parsed(t, b.Get("/"))
	var tiles []string
	list.Find(".tile").Each(func(_ int, tile *goquery.Selection) { tiles = append(tiles, spaced(tile)) })
	if want := []string{"Skaljacka från 1 999 kr Välj", "Nål 49 kr Lägg till"}; !slices.Equal(tiles, want) {
		t.Errorf("tiles %q, want %q", tiles, want)
	}
	for _, path := range []string{"/products/jacket", "/products/JACKET-S-RED"} {
		page := parsed(t, b.Get(path))
		if got, want := spaced(page.Find("fieldset legend")), "Storlek, Färg, Passform"; got != want {
			t.Errorf("%s asks for %q, want %q", path, got, want)
		}
		var choices []string
		page.Find("fieldset li").Each(func(_ int, li *goquery.Selection) {
			radio := li.Find("input[type=radio][name=sku][required]")
			_, sold := radio.Attr("disabled")
			_, chosen := radio.Attr("checked")
			choices = append(choices, radio.AttrOr("value", "")+": "+spaced(li)+map[bool]string{true: ", cannot be chosen"}[sold]+map[bool]string{true: ", is chosen"}[chosen])
		})
		want := []string{"JACKET-S-RED: S, Röd, slim 1 999 kr 4 kvar", "JACKET-M-RED: M, Röd, slim 1 999 kr Slut i lager, cannot be chosen", "JACKET-L-RED: L, Röd, slim 2 099 kr I lager, 9 kvar"}
		price := "från 1 999 kr"
		if path == "/products/JACKET-S-RED" {
			want[0] += ", is chosen"
			price = "1 999 kr"
		}
		if !slices.Equal(choices, want) {
			t.Errorf("%s: choices %q, want %q", path, choices, want)
		}
		if got := spaced(page.Find("[data-price].pr")); got != price {
			t.Errorf("%s costs %q, want %q", path, got, price)
		}
		if got := page.Find("link[rel=canonical]").AttrOr("href", ""); got != s.URL+"/products/jacket" {
			t.Errorf("%s is known as %q", path, got)
		}
		if got := page.Find(".pictures img").Length(); got != 2 {
			t.Errorf("%s has %d pictures, want 2", path, got)
		}
	}

	b.Add("JACKET-S-RED", "2")
	for sku, status := range map[string]int{"JACKET-M-RED": http.StatusUnprocessableEntity, "jacket": http.StatusUnprocessableEntity} {
		if got := b.Post("/cart/lines", "sku", sku, "quantity", "1"); got.StatusCode != status {
			t.Errorf("adding %s: got %d, want %d", sku, got.StatusCode, status)
		}
	}
	const name = "Skaljacka, S, Röd, slim"
	if cart := b.cart(); len(cart.Lines) != 1 || cart.Lines[0].Name != name {
		t.Errorf("the cart is %+v", cart.Lines)
	}
	if got := spaced(parsed(t, b.Get("/cart")).Find(".line .nm a[href='/products/JACKET-S-RED']")); got != name {
		t.Errorf("the cart page names %q", got)
	}
	bought := b.open(s)
	line := bought.OrderLines[0]
	if want := `{"brand":"Fjäll & Co","global_trade_item_number":"7350000000115"}`; string(line.ProductIdentifiers) != want && string(line.ProductIdentifiers) != strings.ReplaceAll(want, "&", `\u0026`) {
		t.Errorf("Klarna knows it as %s, want %s", line.ProductIdentifiers, want)
	}
	if line.Name != name || line.Reference != "JACKET-S-RED" || line.ProductURL != s.URL+"/products/JACKET-S-RED" || line.ImageURL != "https://img.example.com/jacket-1.jpg" {
		t.Errorf("Klarna's line is %+v", line)
	}
	s.holds(b, 0) // what was sent agrees with what is read

	b.Get(s.buyAs(bought.OrderID, eva))
	o := s.Place(bought.OrderID)
	if left := s.Left("JACKET-S-RED"); left != 2 {
		t.Errorf("%d left, want 2", left)
	}
	staff := s.Staff("ada")
	for where, page := range map[string]shoptest.Answer{
		"order page": b.Get("/orders/" + o.Number + "?key=" + o.Key), "slip": staff.Get("/admin/orders/" + o.Number + "/packing-slip"),
		"staff's order": staff.Get("/admin/orders/" + o.Number), "stock": staff.Get("/admin/stock"),
	} {
		want := name
		if where == "stock" {
			want = "Shell jacket, S, Red, slim"
		}
		if text := html.UnescapeString(page.Text); page.StatusCode != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: got %d without %q", where, page.StatusCode, want)
		}
	}
	if sold := parsed(t, b.Get("/products/PIN-1")); sold.Find("fieldset").Length() != 0 || sold.Find("input[name=sku]").AttrOr("value", "") != "PIN-1" {
		t.Error("a product alone asks for a choice")
	}
}

// A product of which every variant is sold out is sold out.
func TestVariantsSoldOut(t *testing.T) {
	t.Parallel()
	s := withGoods(t, jackets)
	b := s.browser()
	s.left("JACKET-S-RED", 0)
	s.left("JACKET-L-RED", 0)
	if got, want := spaced(parsed(t, b.Get("/")).Find(".tile").First()), "Slut i lager Skaljacka från 1 999 kr Går inte att köpa just nu"; got != want {
		t.Errorf("the tile says %q, want %q", got, want)
	}
	page := parsed(t, b.Get("/products/jacket"))
	if page.Find("form[data-add]").Length() != 0 || spaced(page.Find(".stock")) != "Slut i lager Går inte att köpa just nu" {
		t.Errorf("the page says %q", spaced(page.Find(".about")))
	}
}
