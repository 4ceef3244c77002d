package fakeklarna_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

// Takes a picture of each state (go test -artifacts -outputdir …), and shows
// that none is wider than its screen and that nothing moves when it should not.
func TestLooks(t *testing.T) {
	delivery := map[string]any{
		"shipping_countries": []string{"SE", "NO", "DK"},
		"shipping_options": []map[string]any{
			{"id": "mailboat", "name": "Mail boat", "description": "3 to 5 days", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "preselected": true},
			{"id": "express", "name": "Express", "description": "Tomorrow before noon", "price": 12900, "tax_amount": 2580, "tax_rate": 2500},
		},
	}
	german := map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "locale": "de-DE"}
	suspend := `() => { api.suspend({autoResume: {enabled: false}}) }`
	for _, tt := range []struct {
		name    string
		order   map[string]any
		typed   map[string]string
		options browsertest.Options
		do      func(*checkout)
	}{
		{name: "empty", order: delivery},
		{name: "narrow", order: delivery, typed: swede, options: browsertest.Options{Width: 320}},
		{name: "summary", order: delivery, typed: swede, do: func(c *checkout) { c.element("continue").MustClick() }},
		{name: "summary-dark", order: delivery, typed: swede, options: browsertest.Options{Dark: true}, do: func(c *checkout) { c.element("continue").MustClick() }},
		{name: "narrow-dark", typed: swede, options: browsertest.Options{Width: 320, Dark: true}},
		{name: "suspended", order: delivery, typed: swede, do: func(c *checkout) { c.MustEval(suspend); c.element("veil").MustWaitVisible() }},
		{name: "suspended-narrow-dark", typed: swede, options: browsertest.Options{Width: 320, Dark: true}, do: func(c *checkout) { c.MustEval(suspend); c.element("veil").MustWaitVisible() }},
		{name: "errors", order: german, do: func(c *checkout) { c.element("pay").MustClick() }},
		{name: "errors-narrow-dark", order: german, options: browsertest.Options{Width: 320, Dark: true}, do: func(c *checkout) { c.element("pay").MustClick() }},
		{name: "forced-colours", order: delivery, typed: swede, options: browsertest.Options{ForcedColors: true}},
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
			h := newHost(t)
			c := h.open(h.create(tt.order), tt.options)
			c.fill(tt.typed)
			if tt.do != nil {
				tt.do(c)
			}
			c.Wait("the iframe to be as high as its content", `() => parseFloat(document.querySelector("#klarna-checkout-iframe").style.height) !== 600`)
			c.Screenshot(tt.name)
			if over := c.MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
				t.Errorf("the page is %d px wider than the screen", over)
			}
			if over := c.frame().MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
				t.Errorf("the frame is %d px wider than its place", over)
			}
		})
	}
}
