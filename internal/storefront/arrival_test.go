package storefront_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/market"
)

// Whoever follows a link from a search sees a page in the market that was found, whatever the
// browser prefers. Its links stay there, and what its forms make is a cart of that market.
func TestArrival(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	parse := func(text string) *goquery.Document {
		t.Helper()
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	try := func(t *testing.T, path, locale, prefers, form string, in market.Market) {
		t.Helper()
		b := s.browser()
		b.Header.Set("Accept-Language", prefers)
		doc := parse(b.Get(path).Text)
		if got := doc.Find("html").AttrOr("lang", ""); got != locale {
			t.Fatalf("%s: a page in %s", path, got)
		}
		sent := doc.Find("form" + form).First()
		fields := url.Values{}
		sent.Find("input[name]").Each(func(_ int, i *goquery.Selection) {
			fields.Set(i.AttrOr("name", ""), i.AttrOr("value", ""))
		})
		sent.Find("option[selected]").Each(func(_ int, o *goquery.Selection) {
			fields.Set(o.Parent().AttrOr("name", ""), o.AttrOr("value", ""))
		})
		got := b.Submit(sent.AttrOr("action", ""), fields)
		if got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, %s: got %d", path, form, got.StatusCode)
		}
		if c := b.cart(); c.Country != in.Country || c.Locale != locale || c.Currency != string(in.Currency) {
			t.Errorf("%s, %s, for who prefers %s: the cart is %s, %s, %s", path, form, prefers, c.Country, c.Locale, c.Currency)
		}
	}
	for _, m := range s.Published.Now().Markets {
		for _, locale := range m.Locales {
			for _, prefers := range []string{"sv", "en-US", "de"} {
				try(t, "/products/MUG-1?locale="+locale, locale, prefers, "#add", m)
				try(t, "/?sort=price&locale="+locale, locale, prefers, "[data-add]", m)
				try(t, "/products/MUG-1?locale="+locale, locale, prefers, "[data-market]", m)
			}
		}
	}

	b := s.browser()
	b.Header.Set("Accept-Language", "sv")
	seen := map[string]bool{}
	for todo := []string{"/products/MUG-1?locale=de-DE", "/nothing?locale=de-DE", "/?q=mu&locale=de-DE", "/?q=nothing&locale=de-DE"}; len(todo) > 0; todo = todo[1:] {
		doc := parse(b.Get(todo[0]).Text)
		if got := doc.Find("html").AttrOr("lang", ""); got != "de-DE" {
			t.Errorf("%s is in %s", todo[0], got)
		}
		if got := doc.Find(".search input[name=locale]").AttrOr("value", ""); got != "de-DE" {
			t.Errorf("%s: what is searched for is found in %q", todo[0], got)
		}
		doc.Find("body a[href]").Each(func(_ int, a *goquery.Selection) {
			to := a.AttrOr("href", "")
			if strings.HasPrefix(to, "/") && !seen[to] && len(seen) < 60 {
				seen[to] = true
				todo = append(todo, to)
			}
		})
		if data := doc.Find("#product-ld, #breadcrumb-ld").Text(); strings.Count(data, s.Pricer.PublicURL+"/") != strings.Count(data, "locale=de-DE")+strings.Count(data, "/static/") {
			t.Errorf("%s: its data lead to another market: %s", todo[0], data)
		}
	}
	if !seen["/cart?locale=de-DE"] || !seen["/?locale=de-DE"] || !seen["/terms?locale=de-DE"] || len(seen) < 30 {
		t.Errorf("links: %v", seen)
	}

	// What was typed wrong is told in that market, and the next try is made there too.
	for range 2 {
		doc := parse(b.Post("/cart/lines", "sku", "NONE-1", "return_to", "/products/MUG-1?locale=de-DE").Text)
		if got := doc.Find("html").AttrOr("lang", ""); got != "de-DE" {
			t.Errorf("a form that is refused is answered in %s", got)
		}
		if got := doc.Find(".market [name=return_to]").AttrOr("value", ""); got != "/cart?locale=de-DE" {
			t.Errorf("its page leads to %s", got)
		}
	}
	for _, path := range []string{"/orders", "/withdrawal"} {
		doc := parse(b.Get(path + "?locale=de-DE").Text)
		doc = parse(b.Post(doc.Find("form.fg").AttrOr("action", ""), "number", "FB-1", "email", "eva@example.com").Text)
		if got := doc.Find(".market [name=return_to]").AttrOr("value", ""); got != path+"?locale=de-DE" {
			t.Errorf("%s: what is not found leads to %s", path, got)
		}
		if got := doc.Find("html").AttrOr("lang", ""); got != "de-DE" {
			t.Errorf("%s: what is not found is told in %s", path, got)
		}
	}
}
