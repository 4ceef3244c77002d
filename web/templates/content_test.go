package templates_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/templates"
)

var english, german = i18n.Voice{Lang: i18n.English}, i18n.Voice{Lang: i18n.German}

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

func TestTiles(t *testing.T) {
	doc := parse(t, pages[0].make("en-SE"))
	for i, want := range []struct{ badge, buy, image string }{
		{"", "149 kr Add", "/pictures/MUG-1.svg"},
		{"3 left", "1 295 kr Add", "https://pictures.example/b.png"},
		{"Last one", "4 995 kr Add", "/blank.svg"},
		{"Sold out", "99 kr Not available right now", "/pictures/TEA-1.svg"},
		{"Download", "119 kr Add", "/pictures/EBK-1.svg"},
		{"By email", "500 kr Add", "/pictures/GFT-1.svg"},
		{"", "", "/blank.svg"},
	} {
		tile := doc.Find(".tile").Eq(i)
		if got := text(tile.Find(".badge")); got != want.badge {
			t.Errorf("tile %d: badge %q, want %q", i, got, want.badge)
		}
		if got := text(tile.Find(".buy")); got != want.buy {
			t.Errorf("tile %d: %q, want %q", i, got, want.buy)
		}
		if got := tile.Find("img").AttrOr("src", ""); !strings.HasSuffix(got, want.image) {
			t.Errorf("tile %d: picture %q, want %q", i, got, want.image)
		}
		if _, lazy := tile.Find("img").Attr("loading"); lazy != (i >= 4) {
			t.Errorf("tile %d: lazy %v", i, lazy)
		}
	}
	if got := doc.Find(`.tile a[href="/products/NO%20PRICE%2F1"]`).Length(); got != 1 {
		t.Error("a strange SKU is not escaped in its address")
	}
}

func TestSortKeepsWhatIsAskedFor(t *testing.T) {
	v := templates.CatalogueView{Shell: shell("en-SE"), Products: tiles(), Sort: templates.SortName}
	v.Category, v.Query = "kitchen", "a&b"
	doc := parse(t, templates.Catalogue(v))
	var links []string
	doc.Find(".sort a").Each(func(_ int, s *goquery.Selection) {
		links = append(links, s.AttrOr("href", "")+" "+s.AttrOr("aria-current", ""))
	})
	want := []string{
		"/?category=kitchen&q=a%26b ", "/?category=kitchen&q=a%26b&sort=price ",
		"/?category=kitchen&q=a%26b&sort=-price ", "/?category=kitchen&q=a%26b&sort=name page",
	}
	if diff := cmp.Diff(want, links); diff != "" {
		t.Error(diff)
	}
	if got := doc.Find(".cats [aria-current]").AttrOr("href", ""); got != "/?category=kitchen" {
		t.Errorf("current category %q", got)
	}
}

func TestPaging(t *testing.T) {
	for _, tt := range []struct {
		page, pages int
		want        string
	}{
		{1, 1, ""}, {1, 2, "(1) 2 next"}, {2, 2, "prev 1 (2)"}, {2, 3, "prev 1 (2) 3 next"},
		{1, 9, "(1) 2 … 9 next"}, {3, 9, "prev 1 2 (3) 4 … 9 next"}, {5, 9, "prev 1 … 4 (5) 6 … 9 next"}, {9, 9, "prev 1 … 8 (9)"},
	} {
		v := templates.CatalogueView{Shell: shell("en-SE"), Products: tiles(), Sort: templates.SortName, Page: tt.page, Pages: tt.pages}
		v.Category, v.Query = "kitchen", "a&b"
		var parts []string
		parse(t, templates.Catalogue(v)).Find(".pages").Find("a, [aria-hidden]").Each(func(_ int, s *goquery.Selection) {
			part := text(s)
			if rel, beside := s.Attr("rel"); beside {
				part = rel
			} else if _, current := s.Attr("aria-current"); current {
				part = "(" + part + ")"
			}
			if href, link := s.Attr("href"); link && !strings.HasPrefix(href, "/?category=kitchen&") || strings.Contains(href, "page=1&") || strings.Contains(href, "q=a%26b") != link {
				t.Errorf("%s leads to %s", part, href)
			}
			parts = append(parts, part)
		})
		if got := strings.Join(parts, " "); got != tt.want {
			t.Errorf("page %d of %d: got %q, want %q", tt.page, tt.pages, got, tt.want)
		}
	}
}

func TestProductFacts(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*templates.ProductView)
		locale string
		want   map[string]string
	}{
		{"in stock", func(*templates.ProductView) {}, "en-SE", map[string]string{
			".pr": "149 kr", ".about > .small": "Includes VAT, plus delivery from 49 kr", ".stock": "In stock, 240 left",
			".facts tr:first-child": "Weight1.25 kg", ".facts tr:nth-child(2)": "MaterialSteel", ".facts tr:last-child": "Item numberMUG-1"}},
		{"decimal comma", func(*templates.ProductView) {}, "de-DE", map[string]string{".facts tr:first-child td": "1,25 kg"}},
		{"light", func(v *templates.ProductView) { v.Weight = 90 }, "sv-SE", map[string]string{".facts tr:first-child td": "90 g"}},
		{"round", func(v *templates.ProductView) { v.Weight = 2000 }, "fi-FI", map[string]string{".facts tr:first-child td": "2 kg"}},
		{"american", func(v *templates.ProductView) { v.Tax = templates.TaxAdded }, "en-US", map[string]string{".about > .small": "Plus sales tax, plus delivery from 49 kr"}},
		{"voucher", func(v *templates.ProductView) { v.Tax, v.Delivery, v.Tile = templates.TaxNone, "", tiles()[5] }, "en-SE", map[string]string{
			".about > .small": "No VAT until it is used", ".stock": "By email"}},
		{"sold out", func(v *templates.ProductView) { v.Tile = tiles()[3] }, "en-SE", map[string]string{".stock .badge": "Sold out", ".stock .muted": "Not available right now", ".add": ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := product(test.locale)
			test.change(&v)
			doc := parse(t, templates.Product(v))
			for selector, want := range test.want {
				if got := text(doc.Find(selector)); got != want {
					t.Errorf("%s: %q, want %q", selector, got, want)
				}
			}
		})
	}
}

func TestNotes(t *testing.T) {
	const back = "/cart"
	for _, test := range []struct {
		name string
		note templates.Note
		want string // kind, text, buttons
	}{
		{"market", templates.MarketChanged(english, "NO", "NOK", "1 219 kr"),
			"info Prices are now in Norwegian kroner. Delivery country: Norway. Your cart is unchanged. The total is now 1 219 kr."},
		{"market, empty cart", templates.MarketChanged(german, "NL", "EUR", ""),
			"info Die Preise werden jetzt in Euro angezeigt. Lieferland: Niederlande."},
		{"sold out", templates.SoldOut(english, "TEA-1", "Tea", back),
			"bad Sold out: Tea. Remove it to continue. [Remove /cart/lines/TEA-1 quantity=0 return_to=/cart]"},
		{"added, sold out", templates.AddedSoldOut(english, "TEA-1", "Tea"), "bad Sold out: Tea. Your cart is unchanged."},
		{"few left at the purchase", templates.LastFew(english, "TEA-1", "Tea", 3), "bad Only 3 left: Tea. Nothing has been charged. Lower the quantity to continue."},
		{"few left", templates.FewLeft(english, "TEA-1", "Tea", 3), "bad Only 3 left: Tea. Your cart is unchanged."},
		{"limit", templates.QuantityLimit(english, "TEA-1", "Tea"), "bad Tea: enter a whole number from 0 to 99. Your cart is unchanged."},
		{"unknown", templates.UnknownProduct(english), "bad We do not sell that product. Your cart is unchanged."},
		{"removed", templates.Removed(english, "A/B", "Tea", 4, back),
			"info Removed: Tea. [Undo /cart/lines/A%2FB quantity=4 return_to=/cart]"},
		{"not finished", templates.NotFinished(english), "warn The payment is not finished yet. Your order is below."},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := templates.CartView{Shell: shell("en-SE")}
			v.Notes = []templates.Note{test.note}
			note := parse(t, templates.Cart(v)).Find("[data-messages] .note")
			got := strings.TrimPrefix(note.AttrOr("class", ""), "note ") + " " + text(note.ChildrenFiltered("div").First())
			note.Find("form").Each(func(_ int, form *goquery.Selection) {
				got += " [" + text(form) + " " + form.AttrOr("action", "")
				form.Find("input").Each(func(_ int, s *goquery.Selection) { got += " " + s.AttrOr("name", "") + "=" + s.AttrOr("value", "") })
				got += "]"
			})
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	for _, test := range []struct {
		name    string
		outage  templates.Outage
		seconds int
		want    string
	}{
		{"Klarna", templates.PaymentServiceDown, 10, "The payment service cannot be reached. Your cart is saved. This page will try again by itself in 10 seconds. Try now Back to cart"},
		{"busy", templates.SessionBusy, 1, "Your order is being updated in another tab. Your cart is saved. This page will try again by itself in 1 second. Try now Back to cart"},
		{"given up", templates.SessionBusy, 0, "Your order is being updated in another tab. Your cart is saved. Try now Back to cart"},
		{"being bought", templates.BeingBought, 8, "A payment for your cart is still under way. Your cart is saved, and nothing will be charged twice. This page will try again by itself in 8 seconds. Try now Back to cart"},
		{"store", templates.ShopDown, 4, "The shop is not available right now. The fault is ours. This page has not charged you anything. This page will try again by itself in 4 seconds. Try now Back to cart"},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := parse(t, unavailable("en-SE", test.outage, test.seconds))
			var got []string
			doc.Find(".sig h1, .sig h1 + p, .sig a").Each(func(_ int, s *goquery.Selection) { got = append(got, text(s)) })
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := doc.Find(".sig a").First().AttrOr("href", ""); got != "/checkout?try=2" {
				t.Errorf("Try now leads to %q", got)
			}
		})
	}
}

// Whatever a catalogue or a shopper writes stays text.
func TestEscaping(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)> {0}|</title> ' javascript:alert(1)`
	hostile := templates.Text{Text: evil}
	tile := templates.Tile{SKU: evil, Name: hostile, Picture: evil, Price: evil, Stock: 2}
	s := shell("en-SE")
	s.Query, s.Path, s.Category, s.CartIDHash = evil, evil, evil, evil
	s.Shop.Categories = []templates.Category{{ID: evil, Name: hostile}}
	s.Shop.Countries = []templates.Country{{Code: "SE", Currency: "SEK", Locales: []string{evil}}}
	s.Added = &templates.Added{Name: evil, Count: 1}
	s.Notes = []templates.Note{templates.SoldOut(english, evil, evil, evil), templates.Removed(english, evil, evil, 1, evil)}
	o := order()
	o.Lines[0] = templates.Line{SKU: evil, Name: hostile, Picture: evil, Quantity: 1, UnitPrice: evil, Total: templates.Amount{Text: evil}}
	o.Discount = templates.Discount{Refused: evil}
	for _, page := range []struct {
		name string
		doc  *goquery.Document
	}{
		{"catalogue", parse(t, templates.Catalogue(templates.CatalogueView{Shell: s, Products: []templates.Tile{tile}, Sort: evil}))},
		{"no hits", parse(t, templates.Catalogue(templates.CatalogueView{Shell: s}))},
		{"product", parse(t, templates.Product(templates.ProductView{Shell: s, Tile: tile, Description: hostile, Material: hostile, Weight: 1, Delivery: evil, Related: []templates.Tile{tile}}))},
		{"cart", parse(t, templates.Cart(templates.CartView{Shell: s, Order: o}))},
		{"checkout", parse(t, templates.Checkout(templates.CheckoutView{Shell: s, Order: o, OrderID: evil}))},
		{"confirmation", parse(t, templates.OrderPage(templates.OrderPageView{Shell: s, Order: o, State: templates.OrderReceived, Thanks: true, Number: evil, Email: evil, DeliverTo: []string{evil}, OrderURL: evil}))},
		{"somebody else's confirmation", parse(t, templates.Placed(templates.PlacedView{Shell: s}))},
		{"order", parse(t, templates.OrderPage(templates.OrderPageView{Shell: s, Order: o, Number: evil, Placed: evil, State: templates.OrderSent,
			Original: evil, Released: evil, Sent: []templates.Sending{{Date: evil, Amount: evil}}, ToCome: []templates.Goods{{Name: hostile}},
			Parcels: []templates.Parcel{{Carrier: evil, Number: evil, URL: "javascript:" + evil}}, Refunds: []templates.Refund{{Date: evil, Amount: evil, Description: evil}}}))},
		{"404", parse(t, templates.NotFound(templates.NotFoundView{Shell: s, Offer: evil}))},
		{"429", parse(t, templates.TooMany(templates.TooManyView{Shell: s, TryURL: evil}))},
		{"500", parse(t, templates.ErrorPage(templates.ErrorView{Shell: s, Reference: evil}))},
		{"503", parse(t, templates.Unavailable(templates.UnavailableView{Shell: s, TryURL: evil}))},
	} {
		t.Run(page.name, func(t *testing.T) {
			page.doc.Find("script").Each(func(_ int, script *goquery.Selection) {
				if script.AttrOr("nonce", "") != nonce {
					t.Error("a script of the text's")
				}
			})
			if page.doc.Find("[onerror], img[src=x]").Length() > 0 || page.doc.Find("title").Length() != 1 {
				t.Error("markup of the text's")
			}
			page.doc.Find("[href], [src], [action]").Each(func(_ int, link *goquery.Selection) {
				for _, attr := range []string{"href", "src", "action"} {
					if strings.HasPrefix(strings.TrimLeft(link.AttrOr(attr, ""), `"> `), "javascript:") {
						t.Errorf("%s=%q", attr, link.AttrOr(attr, ""))
					}
				}
			})
			if !strings.Contains(page.doc.Text(), "<script>alert(1)</script>") && !strings.Contains(page.doc.Find("input").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") })[0], "<script>") {
				t.Error("the text is not shown")
			}
		})
	}
}

func TestHeaderWithoutSession(t *testing.T) {
	doc := parse(t, pages[slices.IndexFunc(pages, func(p page) bool { return p.name == "500" })].make("sv-SE"))
	if n := doc.Find(".market, .cartlink, .search, .cats, script").Length(); n != 0 {
		t.Errorf("the 500 page has %d parts that need a session", n)
	}
	v := templates.CartView{Shell: shell("en-SE")}
	v.CartCount = 0
	if _, hidden := parse(t, templates.Cart(v)).Find("[data-cart-count]").Attr("hidden"); !hidden {
		t.Error("an empty cart shows a number")
	}
}
