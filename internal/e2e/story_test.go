package e2e_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// shopper is somebody with a browser in a deployment.
type shopper struct {
	*browsertest.Page
	d *deployment
}

func (d *deployment) shopper(o browsertest.Options) *shopper {
	d.t.Helper()
	if o.AcceptLanguage == "" {
		o.AcceptLanguage = "en-SE"
	}
	return &shopper{browsertest.Open(d.t, o), d}
}

// addToCart puts a product in the cart from its page.
func (s *shopper) addToCart(sku string) {
	s.Go(s.d.url + "/products/" + sku)
	s.MustElement(`form[action="/cart/lines"] button[type=submit]`).MustClick()
	s.Wait("the product is in the cart", `() => document.querySelector("#live-status")?.textContent || location.search.includes("added")`)
}

// openCheckout goes to the checkout and waits for Klarna's form.
func (s *shopper) openCheckout() {
	s.Go(s.d.url + "/checkout")
	s.Wait("the payment form", `() => document.querySelector("#klarna-checkout-iframe")`)
}

// The main story: a cart and its order stay one, and what was typed stays.
func TestStory(t *testing.T) {
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(browsertest.Options{})
	s.addToCart("MUG-1")
	s.Screenshot("product")
	s.openCheckout()
	frame := s.Frame("#klarna-checkout-iframe")
	time.Sleep(time.Second)
	_ = frame
	s.Screenshot("checkout")
}
