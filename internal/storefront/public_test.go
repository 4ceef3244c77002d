package storefront_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// What search engines and devices are told of a shop: which pages there are, in which languages
// and by which address, what a product costs, what the shop looks like on a home screen.
func TestPublicPages(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) { review(c) }})}
	b := s.browser()
	site := s.Pricer.PublicURL
	page := func(path string) *goquery.Document {
		t.Helper()
		got := b.Get(path)
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
		if err != nil || got.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d, %v", path, got.StatusCode, err)
		}
		return doc
	}

	var sitemap struct {
		Pages []string `xml:"url>loc"`
	}
	if err := xml.Unmarshal([]byte(b.Get("/sitemap.xml").Text), &sitemap); err != nil {
		t.Fatal(err)
	}
	goods := s.Published.Now().Catalog
	if want := 1 + len(goods.Categories()) + len(goods.Groups()); len(sitemap.Pages) != want {
		t.Errorf("the sitemap has %d pages, want %d", len(sitemap.Pages), want)
	}
	for _, address := range []string{sitemap.Pages[0], sitemap.Pages[1], sitemap.Pages[len(sitemap.Pages)-1]} {
		path, ours := strings.CutPrefix(address, site)
		if !ours || page(path).Find("link[rel=canonical]").AttrOr("href", "") != address {
			t.Errorf("%s of the sitemap is not the page's canonical address", address)
		}
	}
	robots := strings.Split(b.Get("/robots.txt").Text, "\n")
	for _, line := range []string{"Disallow: /cart", "Disallow: /checkout", "Disallow: /orders", "Disallow: /admin/", "Disallow: /v1/", "Sitemap: " + site + "/sitemap.xml"} {
		if !slices.Contains(robots, line) {
			t.Errorf("robots.txt has no %q", line)
		}
	}

	// Each language of a page has its address, which shows it to whoever has no cart.
	doc := page("/products/MUG-1")
	languages := map[string]string{}
	doc.Find("link[rel=alternate][hreflang]").Each(func(_ int, l *goquery.Selection) { languages[l.AttrOr("hreflang", "")] = l.AttrOr("href", "") })
	markets := 1 // x-default
	for _, m := range s.Published.Now().Markets {
		for _, locale := range m.Locales {
			markets++
			if languages[locale] != site+"/products/MUG-1?locale="+locale {
				t.Errorf("hreflang %s is %q", locale, languages[locale])
			}
		}
	}
	if len(languages) != markets || languages["x-default"] != site+"/products/MUG-1" {
		t.Errorf("%d languages, want %d; x-default %q", len(languages), markets, languages["x-default"])
	}
	for path, want := range map[string][2]string{
		"/products/MUG-1?locale=nb-NO": {"nb-NO", site + "/products/MUG-1?locale=nb-NO"},
		"/products/MUG-1?locale=xx-XX": {"sv-SE", site + "/products/MUG-1"},
		"/?category=kitchen":           {"sv-SE", ""},
	} {
		got := b.Get(path)
		if got.StatusCode == http.StatusNotFound { // the category
			continue
		}
		doc := page(path)
		if lang := doc.Find("html").AttrOr("lang", ""); lang != want[0] {
			t.Errorf("%s is in %s, want %s", path, lang, want[0])
		}
		if canonical := doc.Find("link[rel=canonical]").AttrOr("href", ""); want[1] != "" && canonical != want[1] {
			t.Errorf("the canonical address of %s is %q, want %q", path, canonical, want[1])
		}
	}
	for _, path := range []string{"/cart", "/?q=mugg", "/orders", "/withdrawal", "/terms"} {
		if page(path).Find(`meta[name=robots][content=noindex]`).Length() != 1 {
			t.Errorf("%s is for search engines", path)
		}
	}
	// With a cart the language is the shopper's, whatever a link says.
	norwegian := s.norwegian()
	if got := norwegian.Get("/products/MUG-1?locale=de-DE"); !strings.Contains(got.Text, `<html lang="nb-NO"`) {
		t.Error("a link changes the language of a shopper with a cart")
	}

	// The product's data say what its page says.
	var product struct {
		Type                   string `json:"@type"`
		Name, Description, SKU string
		Offers                 []struct{ SKU, Price, PriceCurrency, Availability, URL string }
	}
	if err := json.Unmarshal([]byte(doc.Find("#product-ld").Text()), &product); err != nil {
		t.Fatal(err)
	}
	mug, _ := goods.Product("MUG-1")
	price, _ := mug.Price("SEK")
	shown := strings.Join(strings.Fields(doc.Find(".product .pr").First().Text()), " ")
	if product.Type != "Product" || product.Name != doc.Find("h1").Text() || len(product.Offers) != 1 || product.Offers[0].Price != price.Decimal() ||
		product.Offers[0].PriceCurrency != "SEK" || product.Offers[0].URL != site+"/products/MUG-1" || !strings.HasSuffix(product.Offers[0].Availability, "/InStock") ||
		shown != strings.Join(strings.Fields(money.Format(price, "SEK", "sv-SE")), " ") {
		t.Errorf("%+v, the page shows %q at %q", product, doc.Find("h1").Text(), shown)
	}
	var crumbs struct {
		Type  string `json:"@type"`
		Items []struct {
			Position   int
			Name, Item string
		} `json:"itemListElement"`
	}
	if err := json.Unmarshal([]byte(doc.Find("#breadcrumb-ld").Text()), &crumbs); err != nil {
		t.Fatal(err)
	}
	if crumbs.Type != "BreadcrumbList" || len(crumbs.Items) != 3 || crumbs.Items[0].Item != site+"/" || crumbs.Items[2].Position != 3 || crumbs.Items[2].Name != product.Name {
		t.Errorf("%+v", crumbs)
	}
	if got := page("/products/TEA-1").Find("#product-ld").Text(); !strings.Contains(got, "schema.org/OutOfStock") {
		t.Errorf("what is sold out is told as %s", got)
	}

	var manifest struct {
		Name     string
		StartURL string `json:"start_url"`
		Icons    []struct{ Src, Sizes string }
	}
	b.JSON("/manifest.webmanifest", &manifest)
	if manifest.Name != s.Published.Now().Shop.Name || manifest.StartURL != "/" || len(manifest.Icons) != 4 {
		t.Errorf("%+v", manifest)
	}
	manifest.Icons = append(manifest.Icons, struct{ Src, Sizes string }{doc.Find("link[rel=apple-touch-icon]").AttrOr("href", ""), "180x180"})
	for _, icon := range manifest.Icons {
		if got := b.Get(icon.Src); got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "image/") {
			t.Errorf("the icon %s: got %d, %s", icon.Src, got.StatusCode, got.Header.Get("Content-Type"))
		} else if picture, err := png.DecodeConfig(strings.NewReader(got.Text)); icon.Sizes != "any" && (err != nil || fmt.Sprintf("%dx%d", picture.Width, picture.Height) != icon.Sizes) {
			t.Errorf("the icon %s has %d pixels, want %s", icon.Src, picture.Width, icon.Sizes)
		}
	}
}

// Files and pages that anybody may see are compressed as the client likes; never what holds a
// secret beside what a stranger can write: its length would tell of it.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Fake: fakeklarna.Options{}})} // with a back office
	b := s.norwegian()
	bought := b.open(s)
	b.Get(s.buyAs(bought.OrderID, eva))
	o := s.placed(bought.OrderID)
	b.Add("MUG-1", "1")
	staff := s.Staff("ada")
	style := ""
	if doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.Get("/").Text)); err == nil {
		style = doc.Find("link[rel=stylesheet]").First().AttrOr("href", "")
	}
	for _, tt := range []struct {
		path, accept, want string
		by                 *shoptest.Browser
	}{
		{"/", "zstd, br, gzip", "zstd", &b.Browser}, {"/", "gzip", "gzip", &b.Browser}, {"/", "br", "", &b.Browser}, {"/", "identity", "", &b.Browser}, {"/", "", "", &b.Browser},
		{"/", "gzip;q=0", "", &b.Browser}, {style, "zstd", "zstd", &b.Browser}, {style, "gzip", "gzip", &b.Browser},
		{"/products/MUG-1", "gzip", "gzip", &b.Browser}, {"/terms", "gzip", "gzip", &b.Browser}, {"/sitemap.xml", "gzip", "gzip", &b.Browser},
		{"/cart", "zstd, gzip", "", &b.Browser}, {"/checkout", "zstd, gzip", "", &b.Browser}, {"/orders/" + o.Number + "?key=" + o.Key, "zstd, gzip", "", &b.Browser},
		{"/orders/" + o.Number + "/withdrawal?key=" + o.Key, "zstd, gzip", "", &b.Browser}, {"/orders", "zstd, gzip", "", &b.Browser},
		{"/admin/", "zstd, gzip", "", staff}, {"/admin/orders/" + o.Number, "zstd, gzip", "", staff},
	} {
		tt.by.Header.Set("Accept-Encoding", tt.accept)
		got := tt.by.Get(tt.path)
		if encoding := got.Header.Get("Content-Encoding"); got.StatusCode != http.StatusOK || encoding != tt.want {
			t.Errorf("%s for %q: got %d, %q, want %q", tt.path, tt.accept, got.StatusCode, encoding, tt.want)
		}
		if tt.want != "" && !strings.Contains(strings.Join(got.Header.Values("Vary"), ", "), "Accept-Encoding") {
			t.Errorf("%s does not vary with the encoding", tt.path)
		}
		tt.by.Header.Del("Accept-Encoding")
	}
}
