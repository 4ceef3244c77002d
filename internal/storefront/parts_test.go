package storefront_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
)

// Visitors of one shop, one after the other, each see their own: language, market, cart, search
// and the address that forms return to, whatever the shop remembers of the others' pages.
func TestVisitorsSeeTheirOwn(t *testing.T) {
	t.Parallel()
	w := newShop(t, fakeklarna.Options{})
	type visitor struct {
		*browser
		locale, label, count string
	}
	var visitors []visitor
	for _, v := range []visitor{{locale: "sv-SE", label: "Sverige, SEK", count: "1"}, {locale: "nb-NO", label: "Norge, NOK", count: "2"}, {locale: "en-US", label: "United States, USD", count: "3"}} {
		v.browser = w.browser()
		language, country, _ := strings.Cut(v.locale, "-")
		_ = v.Post("/market", "country", country, "language", language, "return_to", "/")
		_ = v.Post("/cart/lines", "sku", "MUG-1", "quantity", v.count)
		visitors = append(visitors, v)
	}
	for range 2 {
		for _, v := range visitors {
			for _, path := range []string{"/", "/?q=mug", "/?category=kitchen&utm=" + v.locale, "/products/MUG-1"} {
				doc := parsed(t, v.Get(path))
				if got, _ := doc.Find("html").Attr("lang"); got != v.locale {
					t.Errorf("%s %s: the language is %s", v.locale, path, got)
				}
				if got := strings.TrimSpace(doc.Find("[data-market-label]").Text()); got != v.label {
					t.Errorf("%s %s: the market is %s", v.locale, path, got)
				}
				if got := strings.TrimSpace(doc.Find(".cartlink [data-cart-count]").First().Text()); got != v.count {
					t.Errorf("%s %s: the cart has %s", v.locale, path, got)
				}
				for i, form := range doc.Find("input[name=return_to]").EachIter() {
					if got, _ := form.Attr("value"); got != path {
						t.Errorf("%s %s: form %d returns to %s", v.locale, path, i, got)
					}
				}
				if got, _ := doc.Find("#q").Attr("value"); (got == "mug") != (path == "/?q=mug") {
					t.Errorf("%s %s: the field has %q", v.locale, path, got)
				}
			}
		}
	}
}
