package frontend_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// delivery lets the shopper choose a country and a way of delivery.
var delivery = map[string]any{
	"shipping_countries": []string{"SE", "NO", "DK"},
	"shipping_options": []map[string]any{
		{"id": "mailboat", "name": "Mail boat", "description": "3 to 5 days", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "preselected": true},
		{"id": "express", "name": "Express", "description": "Tomorrow before noon", "price": 12900, "tax_amount": 2580, "tax_rate": 2500},
	},
}

// everything is an order with all that the iframe can show.
func everything(more map[string]any) map[string]any {
	order := maps.Clone(delivery)
	maps.Copy(order, map[string]any{
		"options": map[string]any{
			"allowed_customer_types": []string{"person", "organization"}, "allow_separate_shipping_address": true,
			"show_vat_registration_number_field": true, "date_of_birth_mandatory": true, "title_mandatory": true,
			"additional_checkboxes": []map[string]any{
				{"id": "news", "text": "Send me letters about tides and tea", "checked": true, "required": false},
				{"id": "age", "text": "I am 18 and have read the [rules of the harbour](https://shop.example/rules)", "checked": false, "required": true},
			},
			"additional_merchant_terms": "Ships sail when the weather allows. See [weather](https://shop.example/weather).",
		},
		"external_payment_methods": []map[string]any{{"name": "Harbour pay", "redirect_url": "https://pay.example/?id={checkout.order.id}", "fee": 2900}},
		"external_checkouts":       []map[string]any{{"name": "Fjord checkout", "redirect_url": "https://fjord.example/", "image_url": "https://127.0.0.1:1/a.png", "description": "With your fjord account"}},
	})
	maps.Copy(order, more)
	return order
}

func market(country, currency, locale string) map[string]any {
	return everything(map[string]any{
		"purchase_country": country, "purchase_currency": currency, "locale": locale, "shipping_countries": []string{country, "SE", "NO"},
	})
}

var companyOrder = map[string]any{"locale": "fi-SE", "options": map[string]any{
	"allowed_customer_types": []string{"organization", "person"}, "show_vat_registration_number_field": true, "show_subtotal_detail": true,
}}

var company = map[string]string{"organization_name": "Skerry Trading Aktiebolag", "organization_registration_id": "556016-0680", "vat_id": "SE556016068001"}

// within holds that nothing of the page and of its frame, which cuts off what is too wide, ends right of it.
func within(c *faketest.Checkout, name string) {
	c.T.Helper()
	const beyond = `() => [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5)
		.map((e) => e.getBoundingClientRect().right + " of " + innerWidth + " px: " + e.outerHTML.slice(0, 80)).join("\n")`
	if out := c.MustEval(beyond).Str(); out != "" {
		c.T.Errorf("%s: the page is wider than the screen:\n%s", name, out)
	}
	if out := c.InFrame().MustEval(beyond).Str(); out != "" {
		c.T.Errorf("%s: the frame is wider than its place:\n%s", name, out)
	}
}

// Nothing is cut off on a phone in any language, where companies may buy, too.
func TestNarrow(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(everything(nil)), browsertest.Options{Width: 320})
	c.Expect("/a.png")
	for _, lang := range i18n.Langs() {
		c.ID = h.Create(everything(map[string]any{"locale": string(lang) + "-SE"}))
		c.Load()
		for _, width := range []int{320, 360, 412, 600} {
			c.As(browsertest.Options{Width: width})
			within(c, fmt.Sprintf("%s, %d px", lang, width))
		}
	}
}

// Takes a picture of each state (go test -artifacts -outputdir …), and shows
// that none is wider than its screen, on narrow ones in a wide font too, that
// nothing moves when it should not, and that axe-core finds no violation in an iframe
// with everything and in its dialog.
func TestLooks(t *testing.T) {
	t.Parallel()
	suspend := `() => { api.suspend({autoResume: {enabled: false}}) }`
	press := func(c *faketest.Checkout) { c.Element("pay").MustClick() }
	asCompany := func(c *faketest.Checkout) {
		c.Fill(faketest.Swede)
		c.Element("customer-organization").MustClick()
		c.Element("organization_name").MustWaitVisible()
		c.Fill(company)
		c.Element("separate").MustClick()
		c.Element("shipping.street_address").MustWaitVisible()
	}
	ask := func(c *faketest.Checkout) {
		c.Element("method-card").MustClick()
		press(c)
		c.Element("approve").MustWaitVisible()
	}
	desk, dark, forced := browsertest.Options{}, browsertest.Options{Dark: true}, browsertest.Options{ForcedColors: true}
	narrow, narrowDark := browsertest.Options{Width: 320}, browsertest.Options{Width: 320, Dark: true}
	phone, phoneDark := browsertest.Options{Phone: true}, browsertest.Options{Phone: true, Dark: true}
	for _, tt := range []struct {
		name  string
		order map[string]any
		typed map[string]string
		do    func(*faketest.Checkout)
		looks []browsertest.Options
	}{
		{"empty", delivery, nil, nil, []browsertest.Options{desk}},
		{"typed", delivery, faketest.Swede, nil, []browsertest.Options{narrow}},
		{"summary", delivery, faketest.Swede, func(c *faketest.Checkout) { c.Element("continue").MustClick() }, []browsertest.Options{desk, dark}},
		{"suspended", delivery, faketest.Swede, func(c *faketest.Checkout) { c.MustEval(suspend); c.Element("veil").MustWaitVisible() }, []browsertest.Options{desk, narrowDark}},
		{"company", companyOrder, faketest.Swede, func(c *faketest.Checkout) { c.Fill(company) }, []browsertest.Options{desk, phone}},
		{"pickup", map[string]any{"locale": "sv-SE", "shipping_options": pickups}, faketest.Swede, func(c *faketest.Checkout) {
			c.Element("shipping_option-market").MustClick()
			c.WaitTotal("496 kr")
			c.Element("continue").MustClick()
		}, []browsertest.Options{desk, {Width: 500}, phone, narrow, dark}},
		{"assistant", map[string]any{"locale": "de-SE"}, faketest.Swede, func(c *faketest.Checkout) {
			c.Settled()
			if _, err := c.Host.Fake.Shopper(c.ID, fakeklarna.Action{ShippingAssistant: true, ShippingOption: "home"}); err != nil {
				c.T.Fatal(err)
			}
			c.Load()
		}, []browsertest.Options{narrow}},
		{"checkboxes", everything(map[string]any{"locale": "nl-SE", "shipping_options": []any{}}), faketest.Swede, press, []browsertest.Options{desk, phone}},
		{"everything", everything(nil), nil, asCompany, []browsertest.Options{desk, forced, narrow, phoneDark}},
		{"errors-english", market("GB", "GBP", "en-GB"), nil, press, []browsertest.Options{phone}},
		{"errors-german", market("DE", "EUR", "de-DE"), nil, press, []browsertest.Options{desk, narrowDark}},
		{"errors-finnish", market("FI", "EUR", "fi-FI"), nil, press, []browsertest.Options{narrow}},
		{"errors-dutch", market("NL", "EUR", "nl-NL"), nil, press, []browsertest.Options{narrow}},
		{"approval", delivery, faketest.Swede, ask, []browsertest.Options{desk, forced}},
		{"approval-german", map[string]any{"locale": "de-SE"}, faketest.Swede, ask, []browsertest.Options{narrowDark}},
		{"declined", map[string]any{"locale": "sv-SE"}, faketest.Swede, func(c *faketest.Checkout) {
			ask(c)
			c.Element("decline").MustClick()
			c.WaitRefusal("Köpet godkändes inte. Välj ett annat sätt att betala. Inget har dragits.")
		}, []browsertest.Options{phone}},
		{"colours", everything(map[string]any{"options": map[string]any{
			"color_button": "#0b6e4f", "color_header": "#0b6e4f", "color_link": "#0b6e4f", "color_checkbox": "#d81b60", "radius_border": "10",
		}}), faketest.Swede, nil, []browsertest.Options{desk}},
		{"receipt", map[string]any{"merchant_reference1": "SK-7F3K-92", "options": map[string]any{
			"shipping_details": "The mail boat leaves at four.",
		}}, faketest.Swede, func(c *faketest.Checkout) {
			c.Buy()
			c.WaitFrame("the receipt", `() => !document.getElementById("receipt").hidden`)
		}, []browsertest.Options{desk}},
		{"expired", nil, nil, func(c *faketest.Checkout) {
			c.Host.Call("/"+c.ID+"/abort", nil, 200)
			c.Load()
		}, []browsertest.Options{desk}},
		{"still", nil, faketest.Swede, func(c *faketest.Checkout) {
			c.MustEval(suspend)
			c.Element("veil").MustWaitVisible()
			if n := c.InFrame().MustEval(`() => document.getAnimations().length`).Int(); n != 0 {
				c.T.Errorf("%d animations run although the shopper wants none", n)
			}
		}, []browsertest.Options{{ReducedMotion: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := faketest.NewHost(t)
			c := h.Open(h.Create(tt.order), tt.looks[0])
			c.Expect("/a.png")
			c.Fill(tt.typed)
			if tt.do != nil {
				tt.do(c)
			}
			c.Wait("the iframe to be as high as its content", `() => parseFloat(document.querySelector("#klarna-checkout-iframe").style.height) !== 600`)
			for _, look := range tt.looks {
				c.As(look)
				name := tt.name + ", " + look.String()
				c.Picture(name)
				within(c, name)
				if shown, _, _ := strings.Cut(tt.name, "-"); slices.Contains([]string{"everything", "approval", "pickup", "checkboxes"}, shown) && !look.ForcedColors {
					c.Audit(name, c.InFrame()) // axe-core knows nothing of forced colours
				}
				if look.Width == narrow.Width {
					c.InFrame().MustEval(browsertest.WideFont)
					within(c, name+", in a wide font")
					c.InFrame().MustEval(`() => { document.adoptedStyleSheets.pop() }`)
				}
			}
		})
	}
}
