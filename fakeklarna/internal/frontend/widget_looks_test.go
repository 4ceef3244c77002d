package frontend_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

// Takes a picture of each state (go test -artifacts -outputdir …), and shows
// that none is wider than its screen, that nothing is cut off, and that axe-core finds
// no violation in widgets and dialog.
func TestWidgetLooks(t *testing.T) {
	t.Parallel()
	german := map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "locale": "de-DE"}
	finnish := map[string]any{"purchase_country": "FI", "purchase_currency": "EUR", "locale": "fi-FI"}
	later := map[string]any{"payment_method_category": "pay_later"}
	both := func(c *buyer) {
		c.load("pay_over_time")
		if got := c.asked("load", map[string]any{"container": "#two"}); got != `{"show_form":true}` {
			c.t.Fatalf("load = %s", got)
		}
		c.Wait("the iframes to be as high as their content", `() => [...document.querySelectorAll("iframe")].every((frame) => parseFloat(frame.style.height) > 80)`)
	}
	ask := func(data map[string]any) func(*buyer) {
		return func(c *buyer) {
			c.load("pay_later")
			c.call("authorize", later, data)
			c.dialog()
		}
	}
	wrong := func(c *buyer) {
		ask(map[string]any{})(c)
		c.press("approve")
	}
	denied := func(c *buyer) {
		ask(told("ada+denied@example.com"))(c)
		c.press("approve")
		c.waitIn(c.dialog(), "the verdict", `() => document.activeElement.id === "verdict-title"`)
	}
	unavailable := func(c *buyer) {
		c.asked("load", map[string]any{"container": "#one", "payment_method_category": "klarna"})
		c.Wait("a height", `() => parseFloat(document.querySelector("#one iframe").style.height) > 60`)
	}
	light, narrowDark := browsertest.Options{Height: 900}, browsertest.Options{Width: 320, Height: 640, Dark: true}
	two := []browsertest.Options{light, narrowDark}
	all := append(two, browsertest.Options{Height: 900, Dark: true}, browsertest.Options{Width: 320, Height: 640}, browsertest.Options{ForcedColors: true})
	for _, tt := range []struct {
		name  string
		more  map[string]any
		do    func(*buyer)
		looks []browsertest.Options
	}{
		{"widgets", nil, both, all},
		{"widgets-finnish", finnish, both, two},
		{"approve", nil, ask(told("ada@example.com")), all},
		{"missing-german", german, ask(map[string]any{}), two},
		{"errors-finnish", finnish, wrong, two},
		{"denied", nil, denied, two},
		{"unavailable-german", german, unavailable, two},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newPayShop(t)
			c := h.open(h.session(tt.more), tt.looks[0])
			tt.do(c)
			for _, look := range tt.looks {
				c.As(look)
				name := "widget " + tt.name + ", " + look.String()
				c.Picture(name)
				if over := c.MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
					t.Errorf("%s: the page is %d px wider than the screen", name, over)
				}
				for i, iframe := range c.MustElements("iframe") {
					frame := iframe.MustFrame()
					over := frame.MustEval(`() => Math.max(...[...document.querySelectorAll("main, dialog, dialog *, main *")].map((e) => {
						const box = e.getBoundingClientRect();
						return e.matches(".unseen, option") ? 0 : Math.max(-box.left, box.right - innerWidth);
					}))`).Int()
					if over > 1 {
						t.Errorf("%s: something in frame %d is %d px wider than its place", name, i, over)
					}
					if look == light || look == narrowDark {
						c.Audit(name, frame)
					}
				}
			}
		})
	}
}
