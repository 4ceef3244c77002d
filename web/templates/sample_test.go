package templates_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/templates"
)

const nonce = "test-nonce"

// locales is one per language.
var locales = []string{"en-SE", "sv-SE", "nb-NO", "da-DK", "fi-FI", "de-DE", "nl-NL"}

// shop is a shop with everything that a shop can have.
var shop = templates.Shop{
	Name: "Fjällboden", Logo: "/shop/1/logo.svg", Icon: "/shop/1/logo.svg", Look: "/shop/1/look.css", Sheet: "/shop/1/shop.css",
	Contact: templates.Contact{Company: "Fjällboden AB", Registration: "556000-0000", Email: "hej@fjallboden.example", Phone: "+46 8 000 00 00", Address: "Kungsgatan 1, 111 43 Stockholm"},
	Terms:   "/terms", Privacy: "https://fjallboden.example/privacy", Returns: "/returns",
	Countries: []templates.Country{
		{Code: "SE", Currency: "SEK", Locales: []string{"sv-SE", "en-SE"}},
		{Code: "NO", Currency: "NOK", Locales: []string{"nb-NO", "en-NO"}},
	},
	Categories: []templates.Category{
		{ID: "kitchen", Name: templates.Text{Text: "Kök", Lang: i18n.Swedish}},
		{ID: "merchant's own", Name: templates.Text{Text: "Merchant’s own"}},
	},
}

func shell(locale string) templates.Shell {
	return templates.Shell{
		Shop: shop, Locale: locale, Country: "SE", Currency: "SEK", CartCount: 3, CartRevision: 7, CartIDHash: "c0ffee", Path: "/here?q=x",
	}
}

func tiles() []templates.Tile {
	return []templates.Tile{
		{SKU: "MUG-1", Name: templates.In("Emaljmugg", i18n.Swedish), Picture: "MUG-1.svg", Price: "149 kr", Stock: 240},
		{SKU: "BLK-1", Name: templates.Text{Text: "Blanket"}, Picture: "https://pictures.example/b.png", Price: "1 295 kr", Stock: 3},
		{SKU: "CLK-1", Name: templates.Text{Text: "Clock"}, Price: "4 995 kr", Stock: 1},
		{SKU: "TEA-1", Name: templates.Text{Text: "Tea"}, Picture: "TEA-1.svg", Price: "99 kr", Stock: 0},
		{SKU: "EBK-1", Name: templates.Text{Text: "E-book"}, Picture: "EBK-1.svg", Price: "119 kr", Stock: templates.Uncounted, Digital: true},
		{SKU: "GFT-1", Name: templates.Text{Text: "Voucher"}, Picture: "GFT-1.svg", Price: "500 kr", Stock: templates.Uncounted, Digital: true, Voucher: true},
		{SKU: "NO PRICE/1", Name: templates.Text{Text: "No price"}, Picture: "gone.svg", Stock: 9},
	}
}

func order() templates.Order {
	delivery, discount := templates.Amount{Text: "49 kr", Minor: 4900}, templates.Amount{Text: "−110 kr", Minor: -11000}
	return templates.Order{
		Items: 8,
		Lines: []templates.Line{
			{SKU: "MUG-1", Name: templates.In("Emaljmugg", i18n.Swedish), Picture: "MUG-1.svg", Quantity: 5, Stock: 240, UnitPrice: "149 kr", Total: templates.Amount{Text: "745 kr", Minor: 74500}},
			{SKU: "BLK-1", Name: templates.Text{Text: "Blanket"}, Quantity: 2, Stock: 1, UnitPrice: "1 295 kr", Total: templates.Amount{Text: "2 590 kr", Minor: 259000}},
			{SKU: "OLD-1", Name: templates.Text{Text: "Old"}, Quantity: 1, Stock: templates.Uncounted, Gone: true},
		},
		Discount: templates.Discount{Code: "FOG10", Says: "FOG10: 10% off."},
		Totals: templates.Totals{
			Goods: templates.Amount{Text: "3 335 kr", Minor: 333500}, Campaigns: []templates.Campaign{{Name: "Discount FOG10", Amount: discount}}, Delivery: &delivery, DeliveryName: "To your door", DeliveryTime: "2 to 3\u00a0days",
			Total: templates.Amount{Text: "3 274 kr", Minor: 327400}, VAT: "185,58 kr",
		},
	}
}

// page is a page with sample content in a locale; notes go where the page shows them.
type page struct {
	name    string
	scripts bool // it has some
	full    bool // it needs a session, and shows cart and country
	make    func(locale string) templ.Component
}

var pages = []page{
	{"catalogue", true, true, func(l string) templ.Component {
		return templates.Catalogue(templates.CatalogueView{Shell: shell(l), Products: tiles()})
	}},
	{"category", true, true, func(l string) templ.Component {
		v := templates.CatalogueView{Shell: shell(l), Products: tiles(), Sort: templates.SortPrice}
		v.Category = "kitchen"
		return templates.Catalogue(v)
	}},
	{"no hits", true, true, func(l string) templ.Component {
		v := templates.CatalogueView{Shell: shell(l)}
		v.Query = "lamb"
		return templates.Catalogue(v)
	}},
	{"product", true, true, func(l string) templ.Component { return templates.Product(product(l)) }},
	{"product sold out", true, true, func(l string) templ.Component {
		v := product(l)
		v.Tile = tiles()[3]
		return templates.Product(v)
	}},
	{"cart", true, true, func(l string) templ.Component {
		v := templates.CartView{Shell: shell(l), Order: order()}
		v.Notes = []templates.Note{templates.Removed(i18n.Voice{Lang: i18n.LangOf(l)}, "TEA-1", "Tea", 2, "/cart")}
		v.Added = &templates.Added{Name: "Tea", Count: 4}
		return templates.Cart(v)
	}},
	{"cart with a mistake", true, true, func(l string) templ.Component {
		v := templates.CartView{Shell: shell(l), Order: order()}
		v.Notes = []templates.Note{templates.FewLeft(i18n.Voice{Lang: i18n.LangOf(l)}, "MUG-1", "Enamel mug", 3)}
		v.Discount = templates.Discount{Refused: "FOG11"}
		return templates.Cart(v)
	}},
	{"empty cart", true, true, func(l string) templ.Component { return templates.Cart(templates.CartView{Shell: shell(l)}) }},
	{"checkout", true, true, func(l string) templ.Component { return templates.Checkout(checkout(l)) }},
	{"checkout unconfirmed", true, true, func(l string) templ.Component {
		v := checkout(l)
		v.Unconfirmed = true
		v.Notes = []templates.Note{templates.NotFinished(i18n.Voice{Lang: i18n.LangOf(l)}), templates.SoldOut(i18n.Voice{Lang: i18n.LangOf(l)}, "TEA-1", "Tea", "/checkout")}
		return templates.Checkout(v)
	}},
	{"confirmation", true, true, func(l string) templ.Component {
		return templates.OrderPage(confirmation(l))
	}},
	{"confirmation pending", true, true, func(l string) templ.Component {
		v := confirmation(l)
		v.State, v.DeliverTo, v.Snippet, v.Email = templates.OrderPending, nil, "", ""
		return templates.OrderPage(v)
	}},
	{"somebody else's confirmation", true, true, func(l string) templ.Component {
		return templates.Placed(templates.PlacedView{Shell: shell(l), Mailed: true})
	}},
	{"cart of what is gone", true, true, func(l string) templ.Component {
		o := order()
		o.Lines, o.Items, o.Discount.Says, o.Discount.Idle = o.Lines[2:], 0, "FOG10 takes nothing off: nothing in your cart is for sale.", true
		return templates.Cart(templates.CartView{Shell: shell(l), Order: o})
	}},
	{"cart with a code without effect", true, true, func(l string) templ.Component {
		o := order()
		o.Discount.Says, o.Discount.Idle, o.Totals.Campaigns = "FOG10 takes nothing off: gift vouchers are not discounted.", true, nil
		return templates.Cart(templates.CartView{Shell: shell(l), Order: o})
	}},
	{"cancelled", true, true, func(l string) templ.Component {
		return templates.Cancelled(templates.CancelledView{Shell: shell(l)})
	}},
	{"order received", true, true, orderPage(templates.OrderReceived)},
	{"order pending", true, true, orderPage(templates.OrderPending)},
	{"order rejected", true, true, orderPage(templates.OrderRejected)},
	{"order partly sent", true, true, orderPage(templates.OrderPartSent)},
	{"order sent", true, true, orderPage(templates.OrderSent)},
	{"order cancelled", true, true, orderPage(templates.OrderCancelled)},
	{"order expired", true, true, orderPage(templates.OrderExpired)},
	{"order refunded", true, true, orderPage(templates.OrderRefunded)},
	{"terms", true, true, func(l string) templ.Component {
		return templates.Page(templates.PageView{Shell: shell(l), Title: "Terms", HTML: "<h2>Delivery</h2><p>Soon.</p>", Lang: i18n.English})
	}},
	{"404", true, true, func(l string) templ.Component {
		return templates.NotFound(templates.NotFoundView{Shell: shell(l), Offer: "kitchen"})
	}},
	{"checkout session that is over", false, false, func(l string) templ.Component {
		s := shell(l)
		s.Base = "/checkout/s/b-1"
		return templates.Ended(templates.EndedView{Shell: s})
	}},
	{"refused", false, false, func(l string) templ.Component {
		return templates.Refused(templates.RefusedView{Shell: templates.Shell{Shop: shop, Locale: l}})
	}},
	{"429", false, false, func(l string) templ.Component {
		return templates.TooMany(templates.TooManyView{Shell: templates.Shell{Shop: shop, Locale: l}, Seconds: 2, TryURL: "/checkout"})
	}},
	{"429 of a form", false, false, func(l string) templ.Component {
		return templates.TooMany(templates.TooManyView{Shell: templates.Shell{Shop: shop, Locale: l}, Seconds: 1})
	}},
	{"500", false, false, func(l string) templ.Component {
		return templates.ErrorPage(templates.ErrorView{Shell: templates.Shell{Shop: shop, Locale: l}, Reference: "7Q2K"})
	}},
	{"checkout error", false, true, func(l string) templ.Component {
		return templates.CheckoutError(templates.CheckoutErrorView{Shell: shell(l), Reference: "7Q2K"})
	}},
	{"503", false, false, func(l string) templ.Component { return unavailable(l, templates.PaymentServiceDown, 10) }},
	{"busy", false, false, func(l string) templ.Component { return unavailable(l, templates.SessionBusy, 1) }},
	{"order under way", false, false, func(l string) templ.Component { return unavailable(l, templates.OrderUnderWay, 2) }},
	{"being bought", false, false, func(l string) templ.Component { return unavailable(l, templates.BeingBought, 8) }},
	{"shop down", false, false, func(l string) templ.Component { return unavailable(l, templates.ShopDown, 0) }},
	{"page of a list", true, true, func(l string) templ.Component {
		v := templates.CatalogueView{Shell: shell(l), Products: tiles(), Total: 400, Page: 5, Pages: 9}
		v.Query = "lamb"
		return templates.Catalogue(v)
	}},
	{"product with variants", true, true, func(l string) templ.Component { return templates.Product(varied(l)) }},
}

func confirmation(locale string) templates.OrderPageView {
	return templates.OrderPageView{
		Shell: shell(locale), Order: order(), Placed: "2026-04-06", State: templates.OrderReceived, Thanks: true, Known: true, Number: "SK-7F3K-92AB", Snippet: "<p>thanks</p>", Ships: true, Downloads: true,
		Email: "t•••@example.com", DeliverTo: []string{"Testperson", "Testgatan 1", "12345 Teststad"}, OrderURL: "/orders/SK-7F3K-92AB?key=K",
	}
}

func orderPage(s templates.OrderState) func(string) templ.Component {
	return func(l string) templ.Component {
		mugs := []templates.Goods{{Name: templates.In("Enamel mug", i18n.English), Quantity: 2}}
		parcels := []templates.Parcel{
			{Carrier: "PostNord", Number: "SE123", URL: "https://track.example/SE123"}, {Return: true, Number: "R1"}, {URL: "https://track.example/x"},
		}
		return templates.OrderPage(templates.OrderPageView{
			Shell: shell(l), Order: order(), Number: "SK-7F3K-92AB", Placed: "2026-04-06", State: s, Original: "500 kr", Released: "49 kr",
			Sent:   []templates.Sending{{Date: "2026-04-07", Amount: "298 kr", Description: "First parcel", Goods: mugs, Parcels: parcels}, {Amount: "1 kr"}},
			ToCome: mugs, Parcels: parcels,
			Refunds: []templates.Refund{{Date: "2026-04-08", Amount: "149 kr", Description: "Broken", Goods: mugs}, {Amount: "1 kr"}},
		})
	}
}

func product(locale string) templates.ProductView {
	v := templates.ProductView{Shell: shell(locale), Tile: tiles()[0], Description: templates.In("Rymmer 35 cl.", i18n.Swedish),
		Material: templates.Text{Text: "Steel"}, Weight: 1250, Delivery: "49 kr", Related: tiles()[1:5]}
	v.Category = "kitchen"
	return v
}

// varied is a product with variants: one is chosen, one is sold out.
func varied(locale string) templates.ProductView {
	v := product(locale)
	v.Tile = templates.Tile{SKU: "jacket", Name: templates.Text{Text: "Jacket"}, Picture: "a.svg", Price: "1 999 kr", From: true, Choice: true, Stock: 12}
	v.Weight, v.Pictures, v.Options = 0, []string{"a.svg", "b.svg", "c.svg"}, []string{"Size", "Colour"}
	for i, what := range []string{"S Red", "M Red", "L Red", "L Blue"} {
		size, colour, _ := strings.Cut(what, " ")
		v.Variants = append(v.Variants, templates.Variant{
			SKU: "JACKET-" + size + "-" + colour, Values: []templates.Text{{Text: size}, {Text: colour}}, Price: fmt.Sprintf("%d 999 kr", 1+i/3), Stock: []int{4, 0, 1, 30}[i], Weight: 600 + i, Chosen: i == 0,
		})
	}
	return v
}

func checkout(locale string) templates.CheckoutView {
	return templates.CheckoutView{Shell: shell(locale), Order: order(), OrderID: "order-1", Snippet: `<div id="klarna-checkout-container"></div>`}
}

func unavailable(locale string, outage templates.Outage, seconds int) templ.Component {
	return templates.Unavailable(templates.UnavailableView{Shell: templates.Shell{Shop: shop, Locale: locale}, Outage: outage, Seconds: seconds, TryURL: "/checkout?try=2"})
}

// render is the HTML of a component as a page with the test's nonce.
func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(templ.WithNonce(t.Context(), nonce), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parse is the document of a component.
func parse(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewBufferString(render(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// eachPage runs f on every page in every language.
func eachPage(t *testing.T, f func(t *testing.T, p page, locale string, doc *goquery.Document)) {
	t.Helper()
	for _, p := range pages {
		for _, locale := range locales {
			t.Run(p.name+"/"+locale, func(t *testing.T) { f(t, p, locale, parse(t, p.make(locale))) })
		}
	}
}
