package shop_test

import (
	"net/url"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A shopper chooses a pickup point in the form, sees it beside, and everybody finds it
// afterwards; nothing is too wide. Where go test has -artifacts each page is written as NAME.png.
func TestPickupLooks(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Agents(), Config: func(c *shop.Config) {
		fake, _ := url.Parse(c.Klarna.URL)
		c.Klarna.BrowserOrigins = []string{fake.Scheme + "://" + fake.Host}
	}})
	wide := browsertest.Options{Width: 1280, Height: 900}
	p := browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900, AcceptLanguage: "sv-SE"})
	look := func(name string) {
		t.Helper()
		for _, o := range []browsertest.Options{wide, {Phone: true}} {
			if browsertest.Pictures() {
				p.As(o)
				p.Picture(name + ", " + o.String())
			}
		}
		p.As(wide)
		if wide := p.TooWide(); wide != "" {
			t.Errorf("%s scrolls sideways:\n%s", name, wide)
		}
	}
	visit := func(name, path string) {
		t.Helper()
		p.Go(w.URL + path)
		look(name)
	}
	p.Go(w.URL + "/products/MUG-1")
	p.Load(func() { p.MustEval(`() => document.querySelector("form[data-add]").submit()`) })
	p.Go(w.URL + "/checkout")
	p.Frame("#klarna-checkout-iframe").MustElement(`[data-testid="shipping_option-agent:p2"]`).MustClick()
	p.Wait("the place is beside the form", `() => document.querySelector("[data-region=totals]").textContent.includes("Torghandeln")`)
	look("checkout")
	var id string
	for _, o := range w.Fake.Orders() {
		id = o.OrderID
	}
	w.Press(id, fakeklarna.Buy{})
	visit("confirmation", "/checkout/confirmation?order_id="+url.QueryEscape(id))
	p.Load(func() { p.MustElement(`a[href^="/orders/"]`).MustClick() })
	look("order")
	o := w.InBook(id)
	if o.Delivery.ID != "agent:p2" {
		t.Errorf("bought by %+v", o.Delivery)
	}
	p.Go(w.URL + "/admin/")
	p.MustElement("#name").MustInput("ada")
	p.MustElement("#password").MustInput(shoptest.Password)
	p.Load(func() { p.MustElement(".signin form button[type=submit]").MustClick() })
	visit("order of staff", "/admin/orders/"+o.Number)
	visit("packing slip", "/admin/orders/"+o.Number+"/packing-slip")
}
