package templates_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/internal/i18n"
)

func TestStructure(t *testing.T) {
	eachPage(t, func(t *testing.T, p page, locale string, doc *goquery.Document) {
		if got, _ := doc.Find("html").Attr("lang"); got != locale {
			t.Errorf("html lang %q, want %q", got, locale)
		}
		for selector, want := range map[string]int{
			"h1": 1, "body > header": 1, "body > main#main": 1, "body > footer": 1,
			"[role=status]#live-status": 1, "[role=alert]#live-alert": 1, "main > [data-messages], aside > [data-messages]": min(1, count(p.scripts)),
			"main #live-status, main #live-alert": 0,
			"#market-panel form[data-market]":     count(p.full),
		} {
			if got := doc.Find(selector).Length(); got != want {
				t.Errorf("%d elements %s, want %d", got, selector, want)
			}
		}
		if first := doc.Find("body > *").First(); first.AttrOr("href", "") != "#main" {
			t.Error("the skip link is not first")
		}
		level := 1
		doc.Find("h1, h2, h3, h4").Each(func(_ int, h *goquery.Selection) {
			now := int(goquery.NodeName(h)[1] - '0')
			if now > level+1 && !inAside(h) {
				t.Errorf("heading %q is of level %d after %d", strings.TrimSpace(h.Text()), now, level)
			}
			level = now
			if strings.TrimSpace(h.Text()) == "" {
				t.Error("empty heading")
			}
		})
		ids := map[string]bool{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			if id := s.AttrOr("id", ""); ids[id] {
				t.Errorf("id %q twice", id)
			} else {
				ids[id] = true
			}
		})
		doc.Find("nav, aside, main section, [role=group]").Each(func(_ int, s *goquery.Selection) {
			if name(doc, s) == "" {
				t.Errorf("%s without a name", goquery.NodeName(s))
			}
		})
		title := doc.Find("title").Text()
		if !strings.HasSuffix(title, shop.Name) || strings.Contains(title, "{") {
			t.Errorf("title %q", title)
		}
	})
}

func inAside(s *goquery.Selection) bool { return s.Closest("aside").Length() > 0 }

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// name is the accessible name of an element as far as our pages give one.
func name(doc *goquery.Document, s *goquery.Selection) string {
	if label, ok := s.Attr("aria-label"); ok {
		return label
	}
	if id, ok := s.Attr("aria-labelledby"); ok {
		return strings.TrimSpace(doc.Find("#" + id).Text())
	}
	if id, ok := s.Attr("id"); ok {
		if label := doc.Find(fmt.Sprintf("label[for=%q]", id)); label.Length() > 0 {
			return strings.TrimSpace(label.Text())
		}
	}
	if label := s.Closest("label"); label.Length() > 0 {
		return strings.TrimSpace(label.Text())
	}
	return strings.Join(strings.Fields(s.Text()), " ")
}

func TestControls(t *testing.T) {
	eachPage(t, func(t *testing.T, _ page, _ string, doc *goquery.Document) {
		doc.Find("a, button, summary, select, input:not([type=hidden])").Each(func(_ int, s *goquery.Selection) {
			accessible := name(doc, s)
			if accessible == "" {
				html, _ := goquery.OuterHtml(s)
				t.Errorf("no name: %s", html)
			}
			// What is seen must be part of what is heard: people say what they see.
			visible := strings.Join(strings.Fields(s.Text()), " ")
			if goquery.NodeName(s) == "button" && !strings.Contains(strings.ToLower(accessible), strings.ToLower(visible)) {
				t.Errorf("button %q is called %q", visible, accessible)
			}
			if goquery.NodeName(s) == "button" && s.AttrOr("type", "") == "" {
				t.Errorf("button %q without type", visible)
			}
		})
		doc.Find("img").Each(func(_ int, s *goquery.Selection) {
			for _, attr := range []string{"alt", "width", "height"} {
				// The shop's own logo is as wide as it is.
				if _, ok := s.Attr(attr); !ok && (attr != "width" || !s.HasClass("mark")) {
					t.Errorf("img %s without %s", s.AttrOr("src", ""), attr)
				}
			}
		})
		doc.Find("svg").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("aria-hidden", "") != "true" {
				t.Error("svg is not hidden from screen readers")
			}
		})
		doc.Find("[aria-describedby], [aria-labelledby]").Each(func(_ int, s *goquery.Selection) {
			for _, attr := range []string{"aria-describedby", "aria-labelledby"} {
				if id, ok := s.Attr(attr); ok && doc.Find("#"+id).Length() != 1 {
					t.Errorf("%s %q is nowhere", attr, id)
				}
			}
		})
		doc.Find("form").Each(func(_ int, s *goquery.Selection) {
			action := s.AttrOr("action", "")
			if !strings.HasPrefix(action, "/") || s.Find("button[type=submit]").Length() != 1 {
				t.Errorf("form to %q has not one submit button", action)
			}
			back := s.Find("input[name=return_to]").AttrOr("value", "")
			if s.AttrOr("method", "") == "post" && action != "/forget" && !strings.HasPrefix(back, "/") {
				t.Errorf("form to %s returns to %q", action, back)
			}
		})
	})
}

// The pages work under a policy that allows nothing inline without a nonce.
func TestContentSecurityPolicy(t *testing.T) {
	eachPage(t, func(t *testing.T, p page, _ string, doc *goquery.Document) {
		if doc.Find("style, [style], object, embed, base").Length() > 0 {
			t.Error("inline style, or an element that the policy forbids")
		}
		scripts := doc.Find("script")
		if got := scripts.Length() > 0; got != p.scripts {
			t.Errorf("scripts: %v, want %v", got, p.scripts)
		}
		scripts.Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("nonce", "") != nonce {
				t.Errorf("script %s without nonce", s.AttrOr("src", "inline"))
			}
		})
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, attr := range s.Nodes[0].Attr {
				if strings.HasPrefix(attr.Key, "on") {
					t.Errorf("handler %s", attr.Key)
				}
				if (attr.Key == "href" || attr.Key == "src" || attr.Key == "action") && !regexp.MustCompile(`^(/|#main$|https://|mailto:|tel:)`).MatchString(attr.Val) {
					t.Errorf("%s=%q", attr.Key, attr.Val)
				}
			}
		})
	})
}

// No page shows a text of another language than its own, but those of
// products, which say so.
func TestLanguages(t *testing.T) {
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			english := parse(t, p.make("en-SE"))
			for _, locale := range locales[1:] {
				doc := parse(t, p.make(locale))
				for _, selector := range []string{"h1", ".skip", `.foot a[href="/terms"]`, "main .btn", "main .lnk", "main label"} {
					if of(p, selector) {
						continue
					}
					if got, source := doc.Find(selector).Text(), english.Find(selector).Text(); got == source && source != "" {
						t.Errorf("%s: %s is English: %q", locale, selector, got)
					}
				}
				if strings.Contains(doc.Text(), "{0}") && !p.scripts {
					t.Errorf("%s: a placeholder is left", locale)
				}
			}
		})
	}
}

// of reports whether the page's h1 is a name, or the shop's own.
func of(p page, selector string) bool {
	return selector == "h1" && (strings.HasPrefix(p.name, "product") || p.name == "category" || p.name == "catalogue" || p.name == "terms")
}

func TestTitles(t *testing.T) {
	want := map[string]string{
		"catalogue": "Fjällboden", "category": "Kök, Fjällboden", "no hits": "Results for “lamb”, Fjällboden", "product": "Emaljmugg, Fjällboden",
		"cart": "Cart, Fjällboden", "cart with a mistake": "Error: Cart, Fjällboden", "checkout": "Checkout, Fjällboden",
		"checkout unconfirmed": "Error: Checkout, Fjällboden", "terms": "Terms, Fjällboden", "404": "We cannot find that page, Fjällboden",
		"503": "The payment service cannot be reached, Fjällboden",
	}
	for _, p := range pages {
		if want, ok := want[p.name]; ok {
			if got := parse(t, p.make("en-SE")).Find("title").Text(); got != want {
				t.Errorf("%s: title %q, want %q", p.name, got, want)
			}
		}
	}
}

func TestLangOfProducts(t *testing.T) {
	for _, test := range []struct {
		locale, selector, want string
	}{
		{"en-SE", `.tile a[href="/products/MUG-1"]`, "sv"},
		{"sv-SE", `.tile a[href="/products/MUG-1"]`, ""},
		{"en-SE", `.tile a[href="/products/BLK-1"]`, ""},
		{"en-SE", `.cats a[href="/?category=kitchen"] span`, "sv"},
	} {
		doc := parse(t, pages[0].make(test.locale))
		if got := doc.Find(test.selector).AttrOr("lang", ""); got != test.want {
			t.Errorf("%s %s: lang %q, want %q", test.locale, test.selector, got, test.want)
		}
	}
	doc := parse(t, pages[3].make("en-SE"))
	for _, selector := range []string{"h1", ".about .text", ".crumb [aria-current]"} {
		if got := doc.Find(selector).AttrOr("lang", ""); got != string(i18n.Swedish) {
			t.Errorf("product %s: lang %q, want sv", selector, got)
		}
	}
}
