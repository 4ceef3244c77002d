package shop_test

import (
	"net/url"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Every page of a shop with a name, a logo and colours of its own loads all that it names,
// and nothing is too wide. Where go test has -artifacts each is written as NAME.png.
func TestOwnLooks(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{Version: shoptest.Own(t), Config: func(c *shop.Config) {
		fake, _ := url.Parse(c.Klarna.URL)
		c.Klarna.BrowserOrigins = []string{fake.Scheme + "://" + fake.Host}
	}})
	p := browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900, AcceptLanguage: "sv-SE"})
	look := func(name string) {
		t.Helper()
		for _, o := range []browsertest.Options{{Width: 1280, Height: 900}, {Width: 1280, Height: 900, Dark: true}, {Width: 500, Height: 900}, {Width: 500, Height: 900, Dark: true}} {
			if browsertest.Pictures() {
				p.As(o)
				p.Picture(name + ", " + o.String())
			}
		}
		p.As(browsertest.Options{Width: 1280, Height: 900})
		if wide := p.TooWide(); wide != "" {
			t.Errorf("%s scrolls sideways:\n%s", name, wide)
		}
	}
	visit := func(name, path string) {
		t.Helper()
		p.Go(w.URL + path)
		look(name)
	}
	visit("home", "/")
	visit("product", "/products/WOOL-1")
	p.Load(func() { p.MustEval(`() => document.querySelector("form[data-add]").submit()`) })
	visit("cart", "/cart")
	visit("checkout", "/checkout")
	visit("checkout of Klarna Payments", "/checkout/payments")
	p.Go(w.URL + "/checkout")
	var id string
	for _, o := range w.Fake.Orders() {
		if !o.Fake.Aborted {
			id = o.OrderID
			break
		}
	}
	w.Press(id, fakeklarna.Buy{})
	visit("confirmation", "/checkout/confirmation?order_id="+url.QueryEscape(id))
	p.Load(func() { p.MustElement(`a[href^="/orders/"]`).MustClick() })
	look("order")
	visit("terms", "/terms")
	p.Expect("404")
	visit("not found", "/nothing")
	visit("sign-in", "/admin/")
	p.MustElement("#name").MustInput("ada")
	p.MustElement("#password").MustInput(shoptest.Password)
	p.Load(func() { p.MustElement(".signin form button[type=submit]").MustClick() })
	look("orders")
	o := w.InBook(id)
	visit("order of staff", "/admin/orders/"+o.Number)
	visit("packing slip", "/admin/orders/"+o.Number+"/packing-slip")
}
