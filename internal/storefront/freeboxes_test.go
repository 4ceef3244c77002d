package storefront_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// asking is a shop whose form asks the shop's own questions: one that needs a yes, whose text is given, and one that does not.
func asking(age string) func(*settings.Shop) {
	return func(s *settings.Shop) {
		s.Checkout.Forms = map[string]settings.Form{"SE": {Checkboxes: []settings.Checkbox{
			{ID: "age", Text: i18n.Text{"sv": age}, Required: true}, {ID: "news", Text: i18n.Text{"sv": "Nyhetsbrev"}},
		}}}
	}
}

// boxesOf are the checkboxes of a page by their names: "checkbox_age required ticked".
func boxesOf(t *testing.T, got shoptest.Answer) (boxes []string, doc *goquery.Document) {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("form#free [type=checkbox]").Each(func(_ int, box *goquery.Selection) {
		says := box.AttrOr("name", "")
		for attribute, word := range map[string]string{"required": " required", "checked": " ticked", "aria-invalid": " wrong"} {
			if _, has := box.Attr(attribute); has {
				says += word
			}
		}
		boxes = append(boxes, says)
	})
	return boxes, doc
}

// The questions of Klarna's form stand in the shop's own too that takes its place: nobody has the order without a yes to what
// was asked, and the order has the answers.
func TestFreeCheckboxes(t *testing.T) {
	t.Parallel()
	const age = "Jag har fyllt 18 <b>år</b>, se [villkoren](https://shop.example/villkor)"
	s := giftShop(t, asking(age))
	b := s.browser()
	b.takesAll("MUG-1")
	boxes, doc := boxesOf(t, b.Get("/checkout"))
	if diff := cmp.Diff([]string{"checkbox_age required", "checkbox_news"}, boxes); diff != "" {
		t.Fatalf("asked (-want +got):\n%s", diff)
	}
	if html, _ := doc.Find("label[for=checkbox_age] span").Html(); !strings.Contains(html, `<a href="https://shop.example/villkor" rel="noopener" target="_blank">villkoren</a>`) || strings.Contains(html, "<b>") || strings.Contains(html, "<p>") {
		t.Errorf("the question is %s", html)
	}
	form := formOf(doc)
	filled := func(members ...string) url.Values {
		sent := typed(form, members...)
		for _, name := range []string{"checkbox_age", "checkbox_news"} {
			if sent.Get(name) == "" {
				sent.Del(name)
			}
		}
		return sent
	}
	for name, value := range map[string]string{"not ticked": "", "ticked for another text": "on"} {
		got := b.Submit("/checkout/place", filled("checkbox_age", value))
		boxes, doc := boxesOf(t, got)
		if diff := cmp.Diff([]string{"checkbox_news ticked"}, boxes[min(1, len(boxes)):]); diff != "" || got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d (-want +got):\n%s", name, got.StatusCode, diff)
		}
		said := i18n.T("sv", "free.tick")
		if texts(doc, ".es li")[0] != said || doc.Find(".es a").AttrOr("href", "") != "#checkbox_age" || texts(doc, "#checkbox_age-error")[0] != said || doc.Find("#checkbox_age").AttrOr("aria-describedby", "") != "checkbox_age-error" {
			t.Errorf("%s: the page says %q", name, doc.Find("form#free").Text())
		}
	}
	// Another text is published: who was asked the old one is asked again.
	changed := shoptest.Gifts(t, asking("Jag har fyllt 20"), func(s *settings.Shop) { s.Checkout.Review = true })
	later := s.becomes(b, func(c *shop.Config) { c.Published = publish.Fixed(changed) })
	if got := later.Submit("/checkout/place", filled()); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("agreed to another text: %d", got.StatusCode)
	}
	if got := b.Submit("/checkout/place", filled("checkbox_news", "")); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("placing: %d\n%.2000s", got.StatusCode, got.Text)
	}
	if diff := cmp.Diff([]order.Checkbox{{ID: "age", Text: age, Checked: true}, {ID: "news", Text: "Nyhetsbrev"}}, s.InBook(form.Get("order")).Checkboxes); diff != "" {
		t.Errorf("the order has (-want +got):\n%s", diff)
	}
}

// Klarna Payments' form asks no such questions, so neither does that in its place; nor does one of another country.
func TestFreeCheckboxesElsewhere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Shop){
		"payments":        func(s *settings.Shop) { s.Checkout.Payments = true },
		"another country": func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"DE": s.Checkout.Forms["SE"]} },
	} {
		s := giftShop(t, asking("Jag har fyllt 18"), change)
		b := s.browser()
		b.takesAll("MUG-1")
		if boxes, _ := boxesOf(t, b.Get("/checkout")); len(boxes) != 0 {
			t.Errorf("%s: asked %q", name, boxes)
		}
		_, form := b.freePage()
		if got := b.Submit("/checkout/place", typed(form)); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
}
