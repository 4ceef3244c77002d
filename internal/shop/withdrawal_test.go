package shop_test

import (
	"net/mail"
	"net/url"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"
	shopmail "github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A consumer withdraws by the keyboard alone, in three languages, from the footer of the shop to
// what acknowledges it: a mail and a page, or the page, which can be printed, where the shop sends
// no mails. Where go test has -artifacts each page is written as NAME.png.
func TestWithdrawalByKeyboard(t *testing.T) {
	config := func(c *shop.Config) {
		fake, _ := url.Parse(c.Klarna.URL)
		c.Klarna.BrowserOrigins = []string{fake.Scheme + "://" + fake.Host}
	}
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Own(t), Config: config})
	_, writes := w.Listen(func(c *shop.Config) {
		config(c)
		c.Mail = &shopmail.Shown{}
		c.Published = publish.Fixed(shoptest.Own(t, func(s *settings.Shop) {
			s.Mail = settings.Mail{From: mail.Address{Address: "order@fjallboden.example"}}
		}))
	})
	for _, tt := range []struct {
		locale string
		lang   i18n.Lang
		at     string
		mailed bool
	}{{"sv-SE", i18n.Swedish, w.URL, false}, {"de-DE", i18n.German, writes, true}, {"fi-FI", i18n.Finnish, w.URL, false}} {
		buyer := w.Browser()
		buyer.Header.Set("Accept-Language", tt.locale)
		buyer.Add("WOOL-1", "2")
		buyer.Get("/checkout")
		var id string
		for _, o := range w.Fake.Orders() {
			if o.Status != fakeklarna.StatusComplete {
				id = o.OrderID
			}
		}
		w.Press(id, fakeklarna.Buy{})
		buyer.Get("/checkout/confirmation?order_id=" + url.QueryEscape(id))
		o := w.InBook(id)

		p := browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900, AcceptLanguage: tt.locale})
		to := func(selector string) {
			t.Helper()
			for range 60 {
				if err := p.Keyboard.Type(input.Tab); err != nil {
					t.Fatal(err)
				}
				if p.MustEval(`(selector) => document.activeElement.matches(selector)`, selector).Bool() {
					return
				}
			}
			t.Fatalf("the Tab key does not lead to %s", selector)
		}
		enter := func() {
			t.Helper()
			p.Load(func() {
				if err := p.Keyboard.Type(input.Enter); err != nil {
					t.Fatal(err)
				}
			})
		}
		look := func(name string) {
			t.Helper()
			for _, o := range []browsertest.Options{{Phone: true}, {Width: 1280, Height: 900}} {
				p.As(o)
				p.Picture("withdrawal, " + name + ", " + tt.locale + ", " + o.String())
				p.Audit(name, p.Page)
			}
			if wide := p.TooWide(); wide != "" {
				t.Errorf("%s, %s scrolls sideways:\n%s", name, tt.locale, wide)
			}
			p.As(browsertest.Options{Width: 1280, Height: 900})
		}
		says := func(key string) {
			t.Helper()
			if text := p.MustElement("main").MustText(); !strings.Contains(text, i18n.T(tt.lang, key)) {
				t.Errorf("%s: the page does not say %q:\n%s", tt.locale, i18n.T(tt.lang, key), text)
			}
		}
		p.Go(tt.at + "/")
		to(`footer a[href="/withdrawal"]`)
		enter()
		says("withdrawal.function")
		look("look-up")
		to("#number")
		p.MustInsertText(o.Number)
		to("#email")
		p.MustInsertText(o.BillingAddress.Email)
		enter()
		says("withdrawal.goods_body")
		look("statement")
		to("#q0")
		p.MustEval(`() => document.activeElement.select()`)
		p.MustInsertText("1")
		to("form.wd button")
		enter()
		says("withdrawal.check")
		look("confirm")
		to("form.wd button")
		if label := p.MustEval(`() => document.activeElement.textContent`).Str(); label != i18n.T(tt.lang, "withdrawal.confirm") {
			t.Errorf("the function that confirms is called %q", label)
		}
		enter()
		says("mail.order_withdrawal")
		says("withdrawal.keep")
		look("received")
		mailed := strings.Contains(p.MustElement("main").MustText(), i18n.T(tt.lang, "withdrawal.sent_to", o.BillingAddress.Email))
		if mailed != tt.mailed {
			t.Errorf("%s: the page says that a mail is sent: %t", tt.locale, mailed)
		}
		if got := w.InBook(id).Withdrawals; len(got) != 1 || len(got[0].Lines) != 1 || got[0].Lines[0].Quantity != 1 {
			t.Errorf("%s: stored %+v", tt.locale, got)
		}
		to(`main a[href^="/orders/"]:not([download])`)
		enter()
		says("withdrawal.title")
		look("order")
	}
}
