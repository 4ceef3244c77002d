package templates_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/templates"
)

// attrs collects an attribute of all elements that have it, in order.
func attrs(doc *goquery.Selection, attr string) []string {
	return doc.Find("[" + attr + "]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr(attr, "") })
}

// What checkout.js and cart.js hold on to.
func TestCheckoutMarkup(t *testing.T) {
	doc := parse(t, templates.Checkout(checkout("en-SE")))
	aside := doc.Find("aside#order-summary")
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"regions", attrs(aside, "data-region"), []string{"count", "total-short", "lines", "discount", "notes", "totals"}},
		{"lines", attrs(aside, "data-sku"), []string{"MUG-1", "BLK-1", "OLD-1"}},
		{"quantities", attrs(aside, "data-quantity"), []string{"5", "2", "1"}},
		{"limits", attrs(aside, "data-max"), []string{"99", "1", "99"}},
		{"names", attrs(aside, "data-name"), []string{"Emaljmugg", "Blanket", "Old"}},
		{"controls", attrs(aside.Find("li").First(), "data-key"), []string{"MUG-1:minus", "MUG-1:quantity", "MUG-1:plus", "MUG-1:remove"}},
		{"discount control", attrs(aside.Find("[data-region=discount]"), "data-key"), []string{"discount:remove"}},
		{"amounts", attrs(aside.Find("[data-region=totals]"), "data-amount"), []string{"333500", "-11000", "4900", "327400"}},
		{"short total", attrs(aside.Find("[data-region=total-short]"), "data-amount"), []string{"327400"}},
		{"items", strings.TrimSpace(aside.Find("[data-region=count]").Text()), "8\u00a0items"},
		{"status", aside.Find("summary [data-status]").Length(), 1},
		{"messages stand outside details", aside.Find("[data-messages='']").Length() - aside.Find("details [data-messages='']").Length(), 1},
		{"each line has its own", attrs(aside.Find("li"), "data-messages"), []string{"MUG-1", "BLK-1", "OLD-1"}},
		{"summary can be closed", aside.Find("details[open][data-collapse]").Length(), 1},
		{"country panel", doc.Find("details#market-panel form[data-market] option[value=NO]").AttrOr("data-locales", ""), "nb-NO en-NO"},
		{"its label", doc.Find("[data-market-label]").Text(), "Sweden, SEK"},
		{"snippet, as it is", doc.Find("[data-testid=kco]#kco > #klarna-checkout-container").Length(), 1},
		{"summary stands before the form", doc.Find("aside#order-summary ~ section.pay").Length(), 1},
		{"slim header", doc.Find("header .search, header .cats, header .cartlink").Length(), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnconfirmed(t *testing.T) {
	v := templates.SummaryView{Voice: i18n.Voice{Lang: "en"}, Order: order(), Unconfirmed: true, Notes: []templates.Note{templates.NotFinished(english)}}
	doc := parse(t, templates.OrderSummary(v))
	if got := doc.Find("[data-region=totals] [data-total] [data-unconfirmed]").Text(); got != "not confirmed" {
		t.Errorf("total says %q", got)
	}
	if got := doc.Find("[data-region=notes] .note.warn strong").Text(); !strings.HasPrefix(got, "The payment is not finished") {
		t.Errorf("note %q", got)
	}
	page := parse(t, pages[9].make("en-SE"))
	if page.Find(`#order-summary[data-state=unconfirmed] [data-total] [data-unconfirmed]`).Length() != 1 || page.Find("[data-region=notes] .note").Length() != 2 {
		t.Error("the page does not say it")
	}
	if n := parse(t, templates.OrderSummary(templates.SummaryView{Voice: i18n.Voice{Lang: "en"}, Order: order()})).Find("[data-unconfirmed], .note").Length(); n != 0 {
		t.Errorf("a confirmed summary has %d doubts", n)
	}
}

// The answer to an update carries the very markup that the page was made with.
func TestSummaryIsThePagesSummary(t *testing.T) {
	v := checkout("nb-NO")
	page, err := parse(t, templates.Checkout(v)).Find("#order-summary").Html()
	if err != nil {
		t.Fatal(err)
	}
	fragment, err := parse(t, templates.OrderSummary(templates.SummaryView{Voice: i18n.Voice{Lang: "nb"}, Order: v.Order})).Find("body").Html()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page, fragment); diff != "" {
		t.Error(diff)
	}
}

// Without scripts every step of the cart is a form with a button that is there.
func TestFormsWithoutScripts(t *testing.T) {
	doc := parse(t, pages[5].make("en-SE"))
	line := doc.Find(`li[data-sku="BLK-1"]`)
	forms := line.Find(`form[action="/cart/lines/BLK-1"][method=post]`)
	if forms.Length() != 2 {
		t.Fatalf("%d forms, want 2", forms.Length())
	}
	for _, test := range []struct{ name, got, want string }{
		{"quantity", forms.Eq(0).Find("[name=quantity]").AttrOr("value", ""), "2"},
		{"update", forms.Eq(0).Find("[type=submit]").AttrOr("aria-label", ""), "Update Blanket"},
		{"remove", forms.Eq(1).Find("[name=quantity]").AttrOr("value", ""), "0"},
		{"back", forms.Eq(1).Find("[name=return_to]").AttrOr("value", ""), "/cart"},
		{"minus waits for scripts", forms.Eq(0).Find("[data-key='BLK-1:minus']").AttrOr("class", ""), "js-only"},
		{"lower stock is told", line.Find(".badge").Text(), " Only 1 left"},
		{"what is gone is told", doc.Find(`li[data-sku="OLD-1"] .badge`).Text(), " Not for sale here"},
		{"undo", doc.Find(`.note form[action="/cart/lines/TEA-1"] [name=quantity]`).AttrOr("value", ""), "2"},
		{"code", doc.Find(`form[data-discount][action="/cart/discount"] [name=code]`).AttrOr("value", "x"), ""},
		{"code in use", doc.Find(".works span").Text(), "FOG10: 10% off."},
		{"toast", doc.Find(".toast p").Text(), "Added: Tea. 4 in your cart."},
		{"checkout", doc.Find("aside a.btn").AttrOr("href", ""), "/checkout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %q, want %q", test.got, test.want)
			}
		})
	}
}

func TestRefusedCode(t *testing.T) {
	doc := parse(t, pages[6].make("en-SE"))
	field := doc.Find("[name=code]")
	if field.AttrOr("value", "") != "FOG11" || field.AttrOr("aria-invalid", "") != "true" {
		t.Error("what was typed is gone, or not marked")
	}
	if got := doc.Find("#" + field.AttrOr("aria-describedby", "")).Text(); got != "The code FOG11 is not valid. Check the spelling." {
		t.Errorf("error %q", got)
	}
}

func TestTotals(t *testing.T) {
	tax := templates.Amount{Text: "$1.00", Minor: 100}
	american := templates.Order{Totals: templates.Totals{SalesTax: &tax}}
	session := templates.Order{Totals: templates.Totals{
		Fees: []templates.Sum{{Name: "Wrapping"}}, Credits: []templates.Sum{{Name: "Gift card"}}, VAT: "1 kr",
	}}
	for _, test := range []struct {
		name  string
		order templates.Order
		want  []string
	}{
		{"all", order(), []string{"Items", "Discount FOG10", "Delivery To your door, 2 to 3 days", "Total", "VAT included"}},
		{"digital", templates.Order{Totals: templates.Totals{VAT: "1 kr"}}, []string{"Items", "Total", "VAT included"}},
		{"american", american, []string{"Items", "Sales tax", "Total"}},
		{"of a session", session, []string{"Items", "Wrapping", "Gift card", "Total", "VAT included"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := parse(t, templates.OrderSummary(templates.SummaryView{Voice: i18n.Voice{Lang: "en"}, Order: test.order}))
			got := doc.Find("dt").Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPageData(t *testing.T) {
	type data struct {
		CartRevision int64             `json:"cart_revision"`
		CartIDHash   string            `json:"cart_id_hash"`
		OrderID      string            `json:"order_id"`
		UpdateURL    string            `json:"update_url"`
		Texts        map[string]string `json:"texts"`
	}
	read := func(t *testing.T, doc *goquery.Document, id string) (d data) {
		t.Helper()
		if err := json.Unmarshal([]byte(doc.Find("script#"+id+`[type="application/json"]`).Text()), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, locale := range locales {
		t.Run(locale, func(t *testing.T) {
			page := read(t, parse(t, pages[5].make(locale)), "page-data")
			checkout := read(t, parse(t, pages[8].make(locale)), "checkout-data")
			if page.CartRevision != 7 || page.CartIDHash != "c0ffee" || page.OrderID != "" {
				t.Errorf("page data %+v", page)
			}
			if checkout.OrderID != "order-1" || checkout.UpdateURL != "/checkout/update" {
				t.Errorf("checkout data: order %q, update %q", checkout.OrderID, checkout.UpdateURL)
			}
			for name, text := range page.Texts {
				if text == "" || checkout.Texts[name] != text {
					t.Errorf("text %s: %q on the page, %q on the checkout", name, text, checkout.Texts[name])
				}
			}
			for _, name := range []string{"renewed_title", "renewed_body", "other_tab_title", "other_tab_body", "bad_code", "no_method_title", "no_method_body", "running_title", "running_body", "unavailable_title", "back_to_cart"} {
				if checkout.Texts[name] == "" || page.Texts[name] != "" {
					t.Errorf("text %s: %q on the checkout, %q elsewhere", name, checkout.Texts[name], page.Texts[name])
				}
			}
			want := i18n.T(i18n.LangOf(locale), "checkout_error.body") + " " + i18n.T(i18n.LangOf(locale), "checkout_error.ref")
			if got := checkout.Texts["unavailable_body"]; got != want || !strings.Contains(got, "{0}") {
				t.Errorf("unavailable_body: %q, want %q", got, want)
			}
		})
	}
}
