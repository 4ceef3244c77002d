// Package identity tells pages who the shop is: its name, its pictures and style sheets with
// their addresses, its contact, its own pages and its own texts.
package identity

import (
	"net/http"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// root is where the shop's own files are.
const root = "/shop/"

// Of is who the shop of a version is, for a page in a language.
func Of(v *publish.Version, l i18n.Lang) templates.Shop {
	return publish.Once(v, l, func() templates.Shop { return of(v, l).Remembering(l) })
}

func of(v *publish.Version, l i18n.Lang) templates.Shop {
	files := tree(v)
	url := func(name string) string {
		if name == "" {
			return ""
		}
		return files.URL(name)
	}
	s := v.Shop
	var icons []templates.Icon
	for _, icon := range v.Served.Icons {
		icons = append(icons, templates.Icon{URL: url(icon.Name), Side: icon.Side})
	}
	var countries []templates.Country
	for _, m := range v.Markets {
		countries = append(countries, templates.Country{Code: m.Country, Currency: string(m.Currency), Locales: m.Locales})
	}
	return templates.Shop{
		Countries: countries, Categories: categories(v, l), Icons: icons,
		Name: s.Name, Logo: url(v.Served.Logo), Icon: url(v.Served.Icon), Look: url(v.Served.Look), Sheet: url(v.Served.Sheet),
		Contact: templates.Contact(s.Contact), Texts: s.Texts,
		Terms:   s.Pages.Terms.Address(l, settings.TermsPath),
		Privacy: s.Pages.Privacy.Address(l, settings.PrivacyPath),
		Returns: s.Pages.Returns.Address(l, settings.ReturnsPath),
	}
}

func categories(v *publish.Version, l i18n.Lang) (list []templates.Category) {
	for _, id := range v.Catalog.Categories() {
		name, in, _ := v.Catalog.CategoryName(id, l)
		list = append(list, templates.Category{ID: id, Name: templates.In(name, in)})
	}
	return list
}

// Handler serves the files of the newest version under /shop/….
func Handler(p *publish.Published) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// A picture may have styles of its own, and is nothing but a picture.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		tree(p.Now()).ServeHTTP(w, r)
	}
}

func tree(v *publish.Version) static.Tree {
	return static.Tree{Root: root, Hash: v.Served.Hash, File: func(name string) ([]byte, bool) {
		data, found := v.Served.Files[name]
		return data, found
	}}
}
