package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The shop of examples/shop as a merchant runs it, bought in each of its markets in a browser, a variant by a code: what
// its pages load is there, and none is too wide. Where go test has -artifacts every page is written in four looks, NAME, LOOK.png.
func TestExampleShop(t *testing.T) {
	t.Parallel()
	d := deploy(t, 0, fakeklarna.Options{})
	d.env = map[string]string{
		"SHOPD_SHOP": "../../examples/shop/shop.yaml", "SHOPD_CATALOG": "../../examples/shop/catalog.yaml",
		"SHOPD_SMTP_URL": "smtp://127.0.0.1:1?starttls=never", // nobody answers; the back office shows what waits
	}
	at, _ := url.Parse(d.url)
	d.shops = []*process{d.start("127.0.0.1:" + at.Port())}
	for _, market := range []struct {
		language string
		product  string
		name     string
		address  map[string]string
		sends    bool // all pages of the shop
	}{
		{"sv-SE", "SHELL-M-GREEN", "Skaljacka, M, Grön", map[string]string{
			"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "111 47", "city": "Stockholm", "phone": "+46701234567",
		}, true},
		{"fi-FI", "SHELL-S-RED", "Kuoritakki, S, Punainen", map[string]string{
			"email": "aino@example.com", "given_name": "Aino", "family_name": "Virtanen", "street_address": "Mannerheimintie 1", "postal_code": "00100", "city": "Helsinki", "phone": "+358401234567",
		}, false},
		{"en-US", "SHELL-XL-RED", "Shell jacket, XL, Red", map[string]string{
			"email": "grace@example.com", "given_name": "Grace", "family_name": "Hopper", "street_address": "1 Main Street", "postal_code": "94105", "city": "San Francisco", "region": "CA", "phone": "+14155550100",
		}, false},
	} {
		country := market.language[3:]
		s := d.shopper(t, browsertest.Options{AcceptLanguage: market.language, ReducedMotion: true})
		look := func(name string) {
			t.Helper()
			s.fourLooks(country + " " + name)
		}
		s.visit("/")
		look("01 home")
		s.visit("/products/" + market.product)
		look("02 product")
		s.addToCart(market.product)
		s.post("/cart/discount", "code=SOMMAR15")
		s.visit("/cart")
		look("03 cart")
		s.openCheckout()
		id := s.orderID()
		if out, err := d.fake.Shopper(id, fakeklarna.Action{Type: market.address}); err != nil || out.Refused != nil {
			t.Fatalf("%s: typed: %+v, %v", country, out, err)
		}
		s.openCheckout()
		look("04 checkout")
		s.openCheckout()
		s.Expect("409 (Conflict) (" + d.url + "/checkout/update")
		s.Frame(kco).MustElement("[data-testid=pay]").MustClick()
		s.Wait("the confirmation", `(id) => location.pathname + location.search === "/checkout/confirmation?order_id=" + id && document.querySelector('a[href^="/orders/"]')`, id)
		s.waitFrame("the receipt", `() => !document.querySelector("#notice-text").hidden`)
		look("05 confirmation")
		s.Load(s.toOrderPage)
		look("06 order")
		o, found, err := d.here.Book.ByOrderID(t.Context(), id)
		if err != nil || !found || o.PurchaseCountry != country {
			t.Fatalf("%s: the order %+v, %v", country, o, err)
		}
		if market.sends {
			s.visit("/terms")
			look("07 terms")
			s.visit("/privacy")
			look("08 privacy")
			s.visit("/returns")
			look("09 returns")
			s.Expect("404")
			s.visit("/nothing")
			look("10 not found")
		}
		s.visit("/admin/")
		if market.sends {
			look("11 sign-in")
		}
		s.MustElement("#name").MustInput("ada")
		s.MustElement("#password").MustInput(shoptest.Password)
		s.Load(func() { s.MustElement(".signin form button[type=submit]").MustClick() })
		if country == "US" {
			look("12 orders")
		}
		s.visit("/admin/orders/" + o.Number)
		look("13 order of staff")
		if market.sends {
			s.visit("/admin/orders/" + o.Number + "/packing-slip")
			look("14 packing slip")
			s.visit("/admin/stock")
			look("15 stock")
			s.visit("/admin/orders/" + o.Number + "/mails/order_placed")
			look("16 mail")
		}
		s.Expect("Blocked script execution") // those of this test: a mail runs none
		s.visit("/admin/orders/" + o.Number + "/mails/order_placed/body")
		look("17 mail alone")
		tells(t, "the mail", s.text("body"), market.name, "SOMMAR15")
	}
}

// fourLooks is a page wide and on a phone, in the light and in the dark.
func (s *shopper) fourLooks(name string) {
	s.t.Helper()
	desk := browsertest.Options{Width: 1280, Height: 900, ReducedMotion: true} // so that no colour is on its way to another
	if browsertest.Pictures() {
		for _, o := range []browsertest.Options{desk, {Width: 1280, Dark: true}, {Width: 390}, {Width: 390, Dark: true}} {
			o.Height, o.ReducedMotion = 900, true
			s.As(o)
			s.Picture(name + ", " + strings.TrimSuffix(o.String(), ", still"))
		}
	}
	s.As(desk)
	if wide := s.TooWide(); wide != "" {
		s.t.Errorf("%s scrolls sideways:\n%s", name, wide)
	}
}
