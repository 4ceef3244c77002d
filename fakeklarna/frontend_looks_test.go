package fakeklarna_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
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
	})
	maps.Copy(order, more)
	return order
}

func market(country, currency, locale string) map[string]any {
	return everything(map[string]any{
		"purchase_country": country, "purchase_currency": currency, "locale": locale, "shipping_countries": []string{country, "SE", "NO"},
	})
}

var company = map[string]string{"organization_name": "Skerry Trading Aktiebolag", "organization_registration_id": "556016-0680", "vat_id": "SE556016068001"}

// Takes a picture of each state (go test -artifacts -outputdir …), and shows
// that none is wider than its screen, on narrow ones in a wide font too, that
// nothing moves when it should not, and that axe-core finds no violation in an iframe
// with everything and in its dialog.
func TestLooks(t *testing.T) {
	t.Parallel()
	suspend := `() => { api.suspend({autoResume: {enabled: false}}) }`
	press := func(c *checkout) { c.element("pay").MustClick() }
	asCompany := func(c *checkout) {
		c.fill(swede)
		c.element("customer-organization").MustClick()
		c.element("organization_name").MustWaitVisible()
		c.fill(company)
		c.element("separate").MustClick()
		c.element("shipping.street_address").MustWaitVisible()
	}
	ask := func(c *checkout) {
		c.element("method-card").MustClick()
		press(c)
		c.element("approve").MustWaitVisible()
	}
	narrow := browsertest.Options{Width: 320}
	narrowDark := browsertest.Options{Width: 320, Dark: true}
	for _, tt := range []struct {
		name    string
		order   map[string]any
		typed   map[string]string
		options browsertest.Options
		do      func(*checkout)
	}{
		{name: "empty", order: delivery},
		{name: "narrow", order: delivery, typed: swede, options: narrow},
		{name: "summary", order: delivery, typed: swede, do: func(c *checkout) { c.element("continue").MustClick() }},
		{name: "summary-dark", order: delivery, typed: swede, options: browsertest.Options{Dark: true}, do: func(c *checkout) { c.element("continue").MustClick() }},
		{name: "suspended", order: delivery, typed: swede, do: func(c *checkout) { c.MustEval(suspend); c.element("veil").MustWaitVisible() }},
		{name: "suspended-narrow-dark", typed: swede, options: narrowDark, do: func(c *checkout) { c.MustEval(suspend); c.element("veil").MustWaitVisible() }},
		{name: "everything", order: everything(nil), do: asCompany},
		{name: "everything-phone-dark", order: everything(nil), options: browsertest.Options{Phone: true, Dark: true}, do: asCompany},
		{name: "everything-narrow", order: everything(nil), options: narrow, do: asCompany},
		{name: "everything-forced-colours", order: everything(nil), options: browsertest.Options{ForcedColors: true}, do: asCompany},
		{name: "errors-english", order: market("GB", "GBP", "en-GB"), options: browsertest.Options{Phone: true}, do: press},
		{name: "errors-german", order: market("DE", "EUR", "de-DE"), do: press},
		{name: "errors-german-narrow-dark", order: market("DE", "EUR", "de-DE"), options: narrowDark, do: press},
		{name: "errors-finnish-narrow", order: market("FI", "EUR", "fi-FI"), options: narrow, do: press},
		{name: "errors-dutch", order: market("NL", "EUR", "nl-NL"), options: narrow, do: press},
		{name: "approval", order: delivery, typed: swede, do: ask},
		{name: "approval-narrow-dark", typed: swede, order: map[string]any{"locale": "de-SE"}, options: narrowDark, do: ask},
		{name: "approval-forced-colours", typed: swede, options: browsertest.Options{ForcedColors: true}, do: ask},
		{name: "declined", order: map[string]any{"locale": "sv-SE"}, typed: swede, options: browsertest.Options{Phone: true}, do: func(c *checkout) {
			ask(c)
			c.element("decline").MustClick()
			c.waitRefusal("Köpet godkändes inte. Välj ett annat sätt att betala. Inget har dragits.")
		}},
		{name: "colours", order: everything(map[string]any{"options": map[string]any{
			"color_button": "#0b6e4f", "color_header": "#0b6e4f", "color_link": "#0b6e4f", "color_checkbox": "#d81b60", "radius_border": "10",
		}}), typed: swede},
		{name: "receipt", typed: swede, order: map[string]any{"merchant_reference1": "SK-7F3K-92", "options": map[string]any{
			"shipping_details": "The mail boat leaves at four.",
		}}, do: func(c *checkout) {
			c.buy()
			c.waitFrame("the receipt", `() => !document.getElementById("receipt").hidden`)
		}},
		{name: "expired", do: func(c *checkout) {
			c.host.call("/"+c.id+"/abort", nil, 200)
			c.load()
		}},
		{name: "still", typed: swede, options: browsertest.Options{ReducedMotion: true}, do: func(c *checkout) {
			c.MustEval(suspend)
			c.element("veil").MustWaitVisible()
			if n := c.frame().MustEval(`() => document.getAnimations().length`).Int(); n != 0 {
				c.t.Errorf("%d animations run although the shopper wants none", n)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			c := h.open(h.create(tt.order), tt.options)
			c.fill(tt.typed)
			if tt.do != nil {
				tt.do(c)
			}
			c.Wait("the iframe to be as high as its content", `() => parseFloat(document.querySelector("#klarna-checkout-iframe").style.height) !== 600`)
			c.Picture(tt.name)
			if over := c.MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
				t.Errorf("the page is %d px wider than the screen", over)
			}
			if over := c.frame().MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
				t.Errorf("the frame is %d px wider than its place", over)
			}
			if shown, _, _ := strings.Cut(tt.name, "-"); (shown == "everything" || shown == "approval") && !tt.options.ForcedColors {
				c.Audit(tt.name, c.frame()) // axe-core knows nothing of forced colours
			}
			if tt.options.Width == narrow.Width {
				c.frame().MustEval(browsertest.WideFont)
				if over := c.frame().MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
					t.Errorf("in a wide font the frame is %d px wider than its place", over)
				}
			}
		})
	}
}
