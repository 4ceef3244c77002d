package storefront

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/web/templates"
)

// public makes a page one that others may know: by which address, and in which languages.
func (v *view) public(shell *templates.Shell, path string) {
	shell.Site = v.Pricer.PublicURL
	shell.Everywhere = shell.Site + path
	shell.Canonical = shell.Everywhere
	if v.cart.Locale == v.r.URL.Query().Get("locale") {
		shell.Canonical = templates.InLocale(shell.Everywhere, v.cart.Locale)
	}
}

// robots tells search engines what is not for them: all that is a shopper's own.
func (s *Storefront) robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	body := "User-agent: *\nDisallow: /cart\nDisallow: /checkout\nDisallow: /orders\nDisallow: /admin/\nDisallow: /v1/\nSitemap: " + s.Pricer.PublicURL + "/sitemap.xml\n"
	if !s.Published.Now().Shop.Storefront {
		body = "User-agent: *\nDisallow: /\n"
	}
	_, _ = w.Write([]byte(body)) // fails only when the client has left
}

// sitemap lists the pages of the shop: home, categories, products.
func (s *Storefront) sitemap(w http.ResponseWriter, _ *http.Request) {
	type page struct {
		Loc string `xml:"loc"`
	}
	urls := struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		Pages   []page   `xml:"url"`
	}{Pages: []page{{s.Pricer.PublicURL + "/"}}}
	c := s.Published.Now().Catalog
	for _, id := range c.Categories() {
		urls.Pages = append(urls.Pages, page{s.Pricer.PublicURL + templates.CatalogueURL(id, "", "", 1)})
	}
	const most = 50_000 // addresses of one file
	listed := map[string]bool{}
	for _, p := range c.Products() {
		g, known := c.Page(p.SKU)
		if !known || listed[g.ID] || len(urls.Pages) >= most {
			continue
		}
		listed[g.ID] = true
		urls.Pages = append(urls.Pages, page{s.Pricer.PublicURL + templates.ProductURL(g.ID)})
	}
	text, _ := xml.Marshal(urls) // it has nothing but addresses
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	_, _ = w.Write(append([]byte(xml.Header), text...)) // fails only when the client has left
}

// manifest is what a device shows of the shop that is kept on its home screen.
func (s *Storefront) manifest(w http.ResponseWriter, r *http.Request) {
	type icon struct {
		Src   string `json:"src"`
		Sizes string `json:"sizes"`
	}
	shop := identity.Of(s.Published.Now(), s.Published.Now().Shop.Voice(s.fallback(r).Locale).Lang)
	icons := []icon{{shop.Icon, "any"}}
	for _, i := range shop.Icons {
		icons = append(icons, icon{i.URL, fmt.Sprintf("%dx%[1]d", i.Side)})
	}
	text, _ := json.Marshal(map[string]any{ // it has nothing but texts
		"name": shop.Name, "short_name": shop.Name, "start_url": "/", "display": "browser",
		"background_color": "#f3f6f7", "theme_color": "#ffffff", "icons": icons,
	})
	w.Header().Set("Content-Type", "application/manifest+json; charset=utf-8")
	_, _ = w.Write(text) // fails only when the client has left
}

// favicon leads browsers that ask for it by its old name to the shop's icon.
func (s *Storefront) favicon(w http.ResponseWriter, r *http.Request) {
	version := s.Published.Now()
	http.Redirect(w, r, identity.Of(version, "en").Icon, http.StatusFound)
}
