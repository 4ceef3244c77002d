package shop_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// demoWords are words of the demo's, in all languages: its name, its islands and its boat.
var demoWords = regexp.MustCompile(`(?i)skerry|SK-[2-9A-Z]{4}-|mail ?boat|postbåt|postbåden|postilaiva|postschiff|postboot|` +
	`harbou?r|hamnen|havnen|satama|hafen|haven\b|signal ?fl|viestilippu|seinvlag|small islands|små öar|små øyer|små øer|` +
	`pienille saarille|kleine inseln|kleine eilanden|på ön\b|på øya|på øen|saarella|auf der insel|op het eiland|` +
	`demo shop|demobuti|esittelykauppa|demoshop|demowinkel|shelves|github\.com/|klarna payments|MUG-1|FOG10`)

// shopper goes through a shop of one language and hands each page to see.
func shopper(t *testing.T, w *shoptest.World, locale string, see func(page, text string)) {
	t.Helper()
	b := w.Browser()
	b.T = t
	b.Header = http.Header{"Accept-Language": {locale}}
	get := func(path string, status int) string {
		t.Helper()
		got := b.Get(path)
		if got.StatusCode != status {
			t.Fatalf("%s: got %d, want %d\n%s", path, got.StatusCode, status, got.Text)
		}
		see(path, got.Text)
		return got.Text
	}
	for _, path := range []string{"/", "/?category=clothes", "/?q=zzz", "/products/WOOL-1", "/products/SOCK-1", "/products/CARD-1", "/cart", "/terms"} {
		get(path, 200)
	}
	for _, path := range []string{"/products/WOOL-99", "/nothing", "/orders/FB-2222-2222"} {
		get(path, 404)
	}
	for name, got := range map[string]shoptest.Answer{
		"a product that is not": b.Post("/cart/lines", "sku", "NO-1", "quantity", "1"),
		"sold out":              b.Post("/cart/lines", "sku", "SOCK-1", "quantity", "1"),
		"a wrong method":        b.Form(http.MethodDelete, "/cart", nil),
	} {
		if got.StatusCode < 400 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		see(name, got.Text)
	}
	b.Add("WOOL-1", "2")
	b.Add("CARD-1", "1")
	get("/?added=WOOL-1&market=changed", 200)
	get("/cart?removed=SOCK-1&quantity=1", 200)
	see("an unknown code", b.Post("/cart/discount", "code", "NONE").Text)
	b.Post("/cart/discount", "code", "SOMMAR")
	get("/cart", 200)
	get("/checkout?reason=cart_changed", 200)
	see("update", b.Update(`{"lines":[{"sku":"WOOL-1","quantity":1}]}`).Text)
	get("/checkout/payments", 200)
	get("/checkout", 200)

	var at fakeklarna.Order
	for _, o := range w.Fake.Orders() {
		if o.Status == fakeklarna.StatusIncomplete && o.Locale == locale && !o.Fake.Aborted {
			at = o
		}
	}
	sent, err := json.Marshal(at)
	if err != nil || at.OrderID == "" {
		t.Fatal(err, "no order at Klarna")
	}
	see("what Klarna is told", string(sent))
	if out, err := w.Fake.Shopper(at.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		t.Fatalf("buy: %+v, %+v, %v", out, out.Refused, err)
	}
	confirmation := get("/checkout/confirmation?order_id="+url.QueryEscape(at.OrderID), 200)
	link := regexp.MustCompile(`/orders/FB-[^"]+`).FindString(confirmation)
	get(strings.ReplaceAll(link, "&amp;", "&"), 200)
	stranger := w.Browser()
	stranger.Header = b.Header
	see("confirmation of a stranger", stranger.Get("/checkout/confirmation?order_id="+url.QueryEscape(at.OrderID)).Text)
}

// No page of a shop with a file of its own has a word of the demo's, in no language.
func TestNoDemoWords(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Own(t)})
	seen := 0
	see := func(page, text string) {
		seen++
		if found := demoWords.FindString(text); found != "" {
			t.Errorf("%s: %q in\n%s", page, found, text)
		}
	}
	for _, m := range w.Published.Now().Markets {
		for _, locale := range m.Locales {
			t.Run(locale, func(t *testing.T) {
				shopper(t, w, locale, func(page, text string) { see(locale+" "+page, text) })
			})
		}
	}
	page, err := w.Book.List(t.Context(), order.Query{})
	if err != nil || len(page.Orders) == 0 {
		t.Fatal(err, "no orders")
	}
	staff := w.Browser()
	see("sign-in", staff.Get("/admin/").Text)
	staff.Post("/admin/sign-in", "name", "ada", "password", shoptest.Password)
	at := "/admin/orders/" + page.Orders[0].Number
	for _, path := range []string{"/admin/", at, at + "/packing-slip", at + "/capture", "/admin/stock", "/admin/stock/WOOL-1", "/admin/inspect", "/admin/inspect?q=" + page.Orders[0].Number, "/admin/exports", "/admin/exports/orders.csv", "/admin/exports/lines.csv", "/admin/nothing"} {
		got := staff.Get(path)
		if got.StatusCode != 200 && path != "/admin/nothing" {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		see(path, got.Text)
	}
	w.Fake.AddFault(fakeklarna.Fault{Status: http.StatusServiceUnavailable, Count: 100})
	down := w.Browser()
	down.Add("WOOL-1", "1")
	got := down.Get("/checkout")
	if got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("Klarna away: %d", got.StatusCode)
	}
	see("Klarna away", got.Text)
	if seen < 100 {
		t.Errorf("%d pages seen", seen)
	}
	texts, err := filepath.Glob("../i18n/texts/*.json")
	if err != nil || len(texts) != len(i18n.Langs()) {
		t.Fatal(err, texts)
	}
	for _, name := range texts { // also those that no page above shows
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		see(name, string(content))
	}
	_, demo := w.Listen(func(c *shop.Config) { c.Published = publish.Fixed(skerry.Version()) })
	for _, l := range i18n.Langs() {
		b := w.BrowserAt(demo)
		b.Header = http.Header{"Accept-Language": {string(l)}}
		if page := strings.ReplaceAll(b.Get("/cart").Text, "Skerry", ""); !demoWords.MatchString(page) {
			t.Errorf("the words of the demo are not found in its own page in %q", l)
		}
	}
}

// sell sells a sweater.
func sell(w *shoptest.World) (orderID string) {
	w.T.Helper()
	id := cart.NewID()
	w.Put(id, "WOOL-1", 1)
	return w.Sell(id)
}

// Each thing that a shop file says of the shop is seen where a person sees it.
func TestIdentity(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Own(t)})
	sale := w.Place(sell(w))
	winter := time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC)
	if _, err := w.Book.Update(t.Context(), sale.OrderID, func(o *order.Order) ([]order.AuditEntry, error) { o.PlacedAt = winter; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	orderPage := "/orders/" + sale.Number + "?key=" + url.QueryEscape(sale.Key)
	admin := "/admin/orders/" + sale.Number
	text := func(l i18n.Lang, text string) i18n.Text { return i18n.Text{l: text} }
	for _, test := range []struct {
		name   string
		change func(*settings.Shop)
		sees   map[string]string // by path
	}{
		{"name", func(s *settings.Shop) { s.Name = "Björk & Co" }, map[string]string{
			"/": "<title>Björk &amp; Co</title>", "/cart": "<title>Varukorg, Björk &amp; Co</title>", "/nothing": "<span>Björk &amp; Co</span>",
			"/admin/": ", Björk &amp; Co back office</title>", admin + "/packing-slip": "<span>Björk &amp; Co</span>"}},
		{"contact", func(s *settings.Shop) {
			s.Contact = settings.Contact{Company: "Björk AB", Registration: "1234", Email: "a@b.example", Phone: "+46 1", Address: "Gatan 7"}
		}, map[string]string{
			"/": "<li>Björk AB</li>", "/cart": "<li>Org.nr 1234</li>", "/terms": `href="mailto:a@b.example"`, "/nothing": `href="tel:+461"`,
			admin + "/packing-slip": "Björk AB, Gatan 7, +46 1, a@b.example"}},
		{"time zone", func(s *settings.Shop) { s.Zone = time.FixedZone("Tokyo", 9*3600) }, map[string]string{
			orderPage: "Lagd 2026-02-01", "/admin/": "1\u00a0Feb\u00a02026, 08:30", admin: "the zone Tokyo", admin + "/packing-slip": "1\u00a0Feb\u00a02026",
			"/admin/exports/orders.csv": "2026-02-01 08:30:00", "/admin/exports/lines.csv?from=2026-02-01&to=2026-02-01": sale.Number,
			"/admin/?from=2026-02-01&to=2026-02-01": sale.Number}},
		{"no logo", func(s *settings.Shop) { s.Look.Logo = nil }, map[string]string{"/": "/icon.svg"}},
		{"no look", func(s *settings.Shop) { s.Look = settings.Look{} }, map[string]string{"/": `<link rel="icon" href="/shop/`}},
		{"terms elsewhere", func(s *settings.Shop) {
			s.Pages.Terms = settings.Page{i18n.Swedish: {URL: "https://b.example/villkor"}}
		}, map[string]string{"/": `href="https://b.example/villkor"`, "/checkout/payments": `href="https://b.example/villkor"`, "/terms": "302 https://b.example/villkor"}},
		{"terms", func(s *settings.Shop) {
			s.Pages.Terms = settings.Page{i18n.English: {HTML: "<p>Nobody returns.</p>"}}
		}, map[string]string{"/terms": `<div lang="en"><p>Nobody returns.</p></div>`}},
		{"privacy and returns", func(s *settings.Shop) {
			s.Pages.Privacy, s.Pages.Returns = settings.Page{i18n.Swedish: {HTML: "<p>Inget.</p>"}}, settings.Page{i18n.Swedish: {HTML: "<p>Aldrig.</p>"}}
		}, map[string]string{"/": `<a href="/privacy">Integritet</a>`, "/privacy": "<p>Inget.</p>", "/returns": "<p>Aldrig.</p>"}},
		{"no privacy", func(s *settings.Shop) { s.Pages.Privacy = nil }, map[string]string{"/privacy": "404 "}},
		{"texts", func(s *settings.Shop) {
			s.Texts = i18n.Overrides{
				"home.title": text(i18n.Swedish, "Allt"), "footer.note": text(i18n.Swedish, "Öppet jämt"), "cart.checkout": text(i18n.Swedish, "Till disken"),
				"status.updating": text(i18n.Swedish, "Räknar…"), "note.no_delivery": text(i18n.English, "never in Swedish"),
			}
		}, map[string]string{"/": "<h1>Allt</h1>", "/nothing": "Öppet jämt", "/cart": "Räknar…"}},
		{"languages", func(s *settings.Shop) { s.Markets = s.Markets[:2] }, map[string]string{"/": `<option value="nb" lang="nb">Norsk bokmål</option></select>`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, at := w.Listen(func(c *shop.Config) { c.Published = publish.Fixed(shoptest.Own(t, test.change)) })
			b := w.BrowserAt(at)
			b.T = t
			b.Post("/admin/sign-in", "name", "ada", "password", shoptest.Password)
			b.Add("WOOL-1", "1")
			for path, want := range test.sees {
				got := b.Get(path)
				if status, where, is := strings.Cut(want, " "); is && len(status) == 3 && got.StatusCode != 200 && (status == "302" || status == "404") {
					if http.StatusText(got.StatusCode) == "" || !strings.HasPrefix(want, got.Status[:3]) || got.Header.Get("Location") != where {
						t.Errorf("%s: got %s to %q, want %s", path, got.Status, got.Header.Get("Location"), want)
					}
					continue
				}
				if !strings.Contains(got.Text, want) {
					t.Errorf("%s: %d without %q\n%s", path, got.StatusCode, want, got.Text)
				}
			}
		})
	}
	t.Run("order prefix", func(t *testing.T) {
		if !strings.HasPrefix(sale.Number, "FB-") {
			t.Errorf("number %s, want FB-…", sale.Number)
		}
		renamed := w.Process(func(c *shop.Config) {
			c.Published = publish.Fixed(shoptest.Own(t, func(s *settings.Shop) { s.OrderPrefix = "B" }))
		})
		o, err := renamed.Book.Place(t.Context(), sell(w))
		if err != nil || !strings.HasPrefix(o.Number, "B-") || len(o.Number) != len("B-7F3K-92AB") {
			t.Fatalf("number %q, %v", o.Number, err)
		}
		for _, number := range []string{o.Number, sale.Number} {
			if _, found, err := renamed.Book.ByNumber(t.Context(), strings.ToLower(number)); err != nil || !found {
				t.Errorf("%s is not found: %v", number, err)
			}
		}
	})
	t.Run("Klarna's form", func(t *testing.T) {
		p := w.Process(func(c *shop.Config) {
			c.Published = publish.Fixed(shoptest.Own(t, func(s *settings.Shop) {
				s.Pages.Terms = settings.Page{i18n.Swedish: {URL: "https://b.example/villkor"}}
				s.Texts = i18n.Overrides{"line.discount": text(i18n.Swedish, "Avdrag {0}")}
			}))
		})
		c := w.Put("own", "WOOL-1", 1)
		c.DiscountCode = "SOMMAR"
		content, _, err := p.KCO.Wants.Want(c)
		if err != nil {
			t.Fatal(err)
		}
		if urls := content.MerchantURLs; urls.Terms != "https://b.example/villkor" || urls.CancellationTerms != shoptest.PublicURL+"/returns" {
			t.Errorf("addresses %+v", urls)
		}
		names := map[klarna.LineType]string{}
		for _, line := range content.OrderLines {
			names[line.Type] = line.Name
		}
		if names[klarna.Discount] != "Avdrag SOMMAR" || names[klarna.ShippingFee] != "Hem till dörren" || content.ShippingOptions[0].Name != "Hem till dörren" {
			t.Errorf("lines %v, options %+v", names, content.ShippingOptions)
		}
	})
}

// The shop's files are kept for ever, and pages of an older version find today's.
func TestShopFiles(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Own(t)})
	b := w.Browser()
	page := b.Get("/").Text
	address := func(name string) string {
		return regexp.MustCompile(`/shop/[0-9a-f]{16}/` + regexp.QuoteMeta(name)).FindString(page)
	}
	for name, want := range map[string]struct{ contentType, text string }{
		"logo.svg": {"image/svg+xml", "#0b5d3b"},
		"look.css": {"text/css; charset=utf-8", "--radius: 12px"},
		"shop.css": {"text/css; charset=utf-8", "font-style: italic"},
	} {
		got := b.Get(address(name))
		if got.StatusCode != 200 || !strings.Contains(got.Text, want.text) || got.Header.Get("Content-Type") != want.contentType ||
			!strings.Contains(got.Header.Get("Cache-Control"), "immutable") || !strings.Contains(got.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %d %v\n%s", name, got.StatusCode, got.Header, got.Text)
		}
		if got := b.Get("/shop/0123456789abcdef/" + name); got.StatusCode != 302 || got.Header.Get("Location") != address(name) || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s of another version: %d %v", name, got.StatusCode, got.Header)
		}
	}
	for _, path := range []string{"/shop/x/nothing.css", "/shop/", "/shop/x/icon.svg"} {
		if got := b.Get(path); got.StatusCode != 404 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	look := b.Get(address("look.css")).Text
	for _, want := range []string{"--accent: #0b5d3b", "--on-accent: #ffffff", "prefers-color-scheme: dark", "--accent: #6fd3a4", "--on-accent: #0b1b2d"} {
		if !strings.Contains(look, want) {
			t.Errorf("look.css without %q:\n%s", want, look)
		}
	}
	if sheets := regexp.MustCompile(`stylesheet" href="([^"]+)`).FindAllStringSubmatch(page, -1); !strings.HasSuffix(sheets[len(sheets)-1][1], "/shop.css") {
		t.Errorf("the shop's own style sheet is not the last: %v", sheets)
	}
}
