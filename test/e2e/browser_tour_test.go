package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// places are the shop's pages, with the state of the cart that they need.
var places = []struct{ name, path string }{
	{"empty cart", "/cart"},
	{"catalogue", "/"},
	{"category", "/?category=reading"},
	{"search", "/?q=lantern"},
	{"no hits", "/?q=xylophone"},
	{"product", "/products/BOK-4"},
	{"product, sold out", "/products/TEA-1"},
	{"not found", "/products/MUG-9"},
	{"terms", "/terms"},
	{"cart", "/cart"},
	{"refused code", "/cart"},
	{"checkout", "/checkout"},
	{"confirmation", ""},
	{"order", ""},
	{"withdrawal, statement", ""},
	{"withdrawal, wrong", ""},
	{"withdrawal, confirm", ""},
	{"withdrawal, received", ""},
	{"withdrawal, look-up", "/withdrawal"},
	{"look-up", "/orders"},
	{"look-up, nothing found", "/orders"},
}

// restock puts back what another tour has bought.
func (d *deployment) restock() {
	d.t.Helper()
	d.stocked("CLK-1", 1)
	d.stocked("BLK-1", 3)
	time.Sleep(1100 * time.Millisecond) // what pages know of the stock is up to a second old
}

// tour shows all places to look, one after the other.
func (s *shopper) tour(look func(place string)) {
	s.t.Helper()
	s.Expect("status of 404 (Not Found)", "status of 422 (Unprocessable Entity)")
	for _, p := range places {
		switch p.name {
		case "cart":
			s.d.restock()
			for _, line := range []string{"sku=BOK-4&quantity=2", "sku=CLK-1", "sku=MAP-1", "sku=BLK-1&quantity=3"} {
				s.post("/cart/lines", line)
			}
			s.post("/cart/discount", "code=LANTERN25")
			s.visit(p.path)
		case "refused code":
			s.post("/cart/discount", "code=")
			s.visit("/cart")
			s.MustEval(`() => {
				const form = document.querySelector("form[data-discount]");
				form.elements.code.value = "FOG11";
				form.submit();
			}`)
			s.Wait("the refused form", `() => document.querySelector("[aria-invalid]")`)
		case "checkout":
			s.openCheckout()
			s.typeContact()
		case "confirmation":
			if _, err := s.d.fake.Shopper(s.orderID(), fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil {
				s.t.Fatal(err)
			}
			s.visit("/checkout/confirmation?order_id=" + s.orderID())
			s.waitFrame("the receipt", `() => !document.querySelector("#notice-text").hidden`)
		case "order":
			s.toOrderPage()
			s.Wait("the order's page", `() => location.pathname.startsWith("/orders/")`)
		case "withdrawal, statement":
			s.Load(func() { s.click(`main a[href*="/withdrawal?"]`) })
		case "withdrawal, wrong":
			s.fillIn("form.wd", map[string]string{"name": "", "email": "eva"})
		case "withdrawal, confirm":
			s.fillIn("form.wd", map[string]string{"name": "Eva Berg", "email": "eva.berg@example.com"})
		case "withdrawal, received":
			s.fillIn("form.wd", nil)
		case "look-up, nothing found":
			s.fillIn("form.fg", map[string]string{"number": "SK-2222-2222", "email": "eva.berg@example.com"})
		default:
			s.visit(p.path)
		}
		look(p.name)
	}
}

// fillIn fills in a form, whatever its page thinks of that, and sends it by its first button.
func (s *shopper) fillIn(form string, values map[string]string) {
	s.t.Helper()
	s.Load(func() {
		s.MustEval(`(selector, values) => {
			const form = document.querySelector(selector);
			for (const [name, value] of Object.entries(values ?? {})) form.elements[name].value = value;
			form.noValidate = true;
			form.requestSubmit();
		}`, form, values)
	})
}

// states shows to look what becomes of a checkout page when something happens; it opens the checkout.
func (s *shopper) states(look func(state string)) {
	s.t.Helper()
	s.Expect("status of 503", "status of 422")
	s.d.restock()
	klarnaIsDown := func() { s.d.fake.AddFault(fakeklarna.Fault{Count: -1, Status: 500}) }
	s.fill("MUG-1", "MUG-1", "MUG-1", "CLK-1", "COF-1", "BOK-4")
	s.openCheckout()
	s.typeContact()
	if !s.MustElement(".ord").MustProperty("open").Bool() {
		look("folded")
		s.click(".ord summary")
	}

	s.d.fake.AddFault(slowly(2 * time.Second))
	s.press("MUG-1:plus")
	s.Wait("the spinner", `() => document.querySelector("[data-status] .spin")`)
	s.waitFrame("the iframe to be greyed", `() => document.body.classList.contains("suspended")`)
	look("updating")
	s.settled()
	look("updated")
	s.press("BOK-4:remove")
	s.settled()
	look("removed")

	s.find("discount:code").MustInput("FOG11")
	s.press("discount:apply")
	s.Wait("the refusal", `() => document.querySelector("[aria-invalid]")`)
	s.settled()
	look("refused code")
	s.find("discount:code").MustSelectAllText().MustInput("FOG10")
	s.press("discount:apply")
	s.settled()

	klarnaIsDown()
	s.press("MUG-1:plus")
	s.settled()
	look("unconfirmed")
	s.d.fake.ClearFaults()
	s.click("[data-note=problem] button")
	s.settled()

	s.click("#market-panel summary")
	look("country panel")
	s.MustElement("#country").MustSelect("Norway")
	s.click("#market-panel button")
	s.Wait("Norwegian prices", `() => document.querySelector("[data-market-label]").textContent === "Norway, NOK"`)
	s.settled()
	look("market changed")

	s.d.fake.Advance(49 * time.Hour)
	s.press("MUG-1:minus")
	s.Wait("the new form", `() => document.querySelector("[data-note=renewed]")`)
	s.formShown()
	s.settled()
	look("replaced")

	s.soldOut("CLK-1")
	s.Load(func() { s.MustReload() })
	s.formShown()
	look("sold out")

	klarnaIsDown()
	s.visit("/checkout?try=4") // the next try is far away
	look("unavailable")
	s.d.fake.ClearFaults()
}

// soldOut takes the last of a product, and waits until pages know.
func (s *shopper) soldOut(sku string) {
	s.t.Helper()
	s.d.stocked(sku, 0)
	s.eventually(40*time.Second, sku+" to be sold out", func() bool {
		return s.MustEval(`async (sku) => (await (await fetch("/products/" + sku)).text()).includes("Not available right now")`, sku).Bool()
	})
}

// accidents serves the pages of what cannot be brought about from outside, by name.
func accidents(t *testing.T) (url string, names []string) {
	t.Helper()
	shell := templates.Shell{Shop: templates.Shop{Name: "Skerry"}, Locale: "en-SE"}
	pages := []struct {
		name string
		page templ.Component
	}{
		{"broken", templates.ErrorPage(templates.ErrorView{Shell: shell, Reference: "7Q2KXW4M"})},
		{"checkout-broken", templates.CheckoutError(templates.CheckoutErrorView{Shell: shell, Reference: "7Q2KXW4M"})},
		{"busy", templates.Unavailable(templates.UnavailableView{Shell: shell, Outage: templates.SessionBusy, Seconds: 4, TryURL: "/checkout?try=2"})},
		{"shop-down", templates.Unavailable(templates.UnavailableView{Shell: shell, Outage: templates.ShopDown, Seconds: 4, TryURL: "/checkout?try=2"})},
		{"too-many", templates.TooMany(templates.TooManyView{Shell: shell, Seconds: 2, TryURL: "/checkout"})},
		{"refused", templates.Refused(templates.RefusedView{Shell: shell})},
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	for _, p := range pages {
		mux.Handle("/"+p.name, templ.Handler(p.page))
		names = append(names, p.name)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/", names
}
