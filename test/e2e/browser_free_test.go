package e2e_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// gifts is the demo's shop file with further members and the code ALL, which takes off all that
// goods cost.
func gifts(t *testing.T, members string) (file string) {
	t.Helper()
	file = shoptest.ShopFile(t, members)
	text := strings.Replace(read(t, file), "\ncampaigns:\n", "\ncampaigns:\n  - {id: all, code: ALL, percent: 100}\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// freeShown waits for the shop's own form.
func (s *shopper) freeShown() {
	s.t.Helper()
	s.Wait("the shop's own form", `() => location.pathname === "/checkout" && document.querySelector("form#free") && document.querySelector("#order-summary")`)
}

// placedFree waits for the confirmation of the one order of the shop, and returns it.
func (s *shopper) placedFree() order.Order {
	s.t.Helper()
	s.Wait("the confirmation", `() => location.pathname === "/checkout/confirmation" && document.querySelector("h1")`)
	if got, want := s.text("h1"), "Thank you for your order"; got != want {
		s.t.Errorf("heading = %q, want %q", got, want)
	}
	page, err := s.d.here.Book.List(s.t.Context(), order.Query{})
	if err != nil || len(page.Orders) != 1 {
		s.t.Fatalf("the book has %d orders, %v", len(page.Orders), err)
	}
	o := page.Orders[0]
	if !o.Free() || !o.CartClosed || o.BillingAddress.Email != person["email"] || !strings.Contains(s.text("main"), o.Number) {
		s.t.Errorf("the order is %s %s", o.Ref(), o.State())
	}
	return o
}

// A shopper with a code for all chooses collecting in Klarna's form: then there is nothing to
// pay, and the page becomes the shop's own form, in which the order is placed. Klarna's order is
// aborted, and no other is ever made.
func TestOrderForNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", gifts(t, "checkout: {checkboxes: [{id: age, text: I am 18 or older, required: true}]}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.fill("MUG-1", "EBK-1")
	s.visit("/cart")
	s.post("/cart/discount", "code=ALL")
	s.openCheckout()
	klarnas := s.orderID()
	other := s.tab()
	other.openCheckout()
	s.typeContact()
	for _, tab := range []*shopper{s, other} {
		tab.Expect("409 (Conflict) (" + d.url + "/checkout/update")
	}
	s.Frame(kco).MustElement(`[name=shipping_option][value=collect]`).MustEval(`() => this.click()`)
	s.freeShown()
	other.freeShown()
	if got := s.text("[data-buy]"); got != "Place order" {
		t.Errorf("the button says %q", got)
	}

	// What is wrong is said; what is typed stays over a reload and a change of the order.
	s.click("[data-buy]")
	s.Wait("what is wrong", `() => document.querySelectorAll("[data-errors] li").length === 8 && document.activeElement.matches("[data-errors]")`)
	s.typeAddress()
	s.click("#checkbox_age")
	s.Wait("no fault", `() => document.querySelector("[data-errors]").hidden && !document.querySelector("#checkbox_age-error")`)
	s.pressFast("MUG-1:plus", 2)
	s.Wait("the new quantity", `() => document.querySelector('[data-region=lines] [data-sku="MUG-1"]').dataset.quantity === "3"`)
	s.visit("/checkout")
	s.freeShown()
	s.Wait("what was typed", `(email) => document.getElementById("email").value === email && document.getElementById("city").value`, person["email"])
	calls := len(d.fake.Requests(""))

	// The other tab takes the code away: Klarna's form is back, here too; and the other way round.
	s.Expect("409 (Conflict) (" + d.url + "/checkout/update")
	other.press("discount:remove")
	other.formShown()
	s.formShown()
	other.settled()
	// In one step: the summary may be shown anew at any time.
	other.MustEval(`() => { const form = document.querySelector("form[data-discount]"); form.elements.code.value = "ALL"; form.requestSubmit(); }`)
	other.freeShown()
	s.freeShown()
	if got := s.calls(calls); len(got) == 0 {
		t.Error("Klarna's form had no order")
	}

	// A form that does not arrive costs nothing of what was typed; the purchase lets it go.
	s.Expect("ERR_INTERNET_DISCONNECTED")
	s.click("#checkbox_age") // nothing ticks it but the shopper
	s.Offline(true)
	s.click("[data-buy]")
	s.Wait("the browser to say that it is offline", `() => location.protocol === "chrome-error:"`)
	s.Offline(false)
	s.visit("/checkout")
	s.freeShown()
	s.Wait("what was typed", `(email) => document.getElementById("email").value === email && document.getElementById("city").value`, person["email"])
	s.click("#checkbox_age")
	s.MustEval(`() => { document.getElementById("postal_code").value = "999 99"; }`) // who collects lives where nothing is delivered
	s.click("[data-buy]")
	o := s.placedFree()
	s.Wait("what was typed to be gone", `() => !Object.keys(sessionStorage).some((key) => key.startsWith("shopd-purchase-"))`)
	if len(o.Checkboxes) != 1 || !o.Checkboxes[0].Checked || o.ShippingAddress.City != person["city"] || o.OrderAmount != 0 || o.Lines()[0].Line.Quantity != 3 {
		t.Errorf("the order has %+v, %+v", o.OrderLines, o.Checkboxes)
	}
	other.placedFree() // the tab that is still open follows
	if got := d.rows("select 'n', count(*) from orders")["n"]; got != 1 {
		t.Errorf("%d orders were placed", got)
	}
	s.eventually(40*time.Second, "Klarna's orders to be aborted", func() bool {
		for _, there := range d.fake.Orders() {
			if !there.Fake.Aborted {
				return false
			}
		}
		there, _ := d.fake.Order(klarnas)
		return there.Fake.Aborted
	})
}

// The shop's own form needs no script.
func TestOrderForNothingWithoutJavaScript(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", gifts(t, "checkout: {product: payments}\n"))
	s := d.shopper(t, browsertest.Options{NoJS: true, Phone: true})
	s.Expect("422 (Unprocessable Entity)")
	s.visit("/products/EBK-1")
	s.submit(".product form[data-add] button[type=submit]")
	s.visit("/cart")
	s.enter("#code", "ALL")
	s.submit(`[data-key="discount:apply"]`)
	s.visit("/checkout")
	s.enter("#email", "ada@example") // the browser takes it, the shop does not
	s.submit("[data-buy]")
	if got, want := s.text("#email-error"), "Enter an email address like name@example.com"; got != want {
		t.Errorf("the field says %q, want %q", got, want)
	}
	if got := s.MustElement("#email").MustProperty("value").Str(); got != "ada@example" {
		t.Errorf("the field has %q", got)
	}
	s.enter("#email", person["email"])
	s.submit("[data-buy]")
	s.placedFree()
	asked := slices.DeleteFunc(d.fake.Requests(""), func(r fakeklarna.Request) bool {
		return r.Method == http.MethodGet && r.Status == http.StatusNotFound // the trial of the credentials
	})
	if n := len(asked); n != 0 {
		t.Errorf("Klarna was asked %d times", n)
	}
}

// freeTour shows to look the pages of a cart for which nothing is to be paid.
func (s *shopper) freeTour(look func(place string)) {
	s.t.Helper()
	s.fill("MUG-1", "EBK-1")
	s.post("/cart/discount", "code=ALL")
	s.post("/cart/delivery", "option=collect")
	s.visit("/checkout")
	s.freeShown()
	look("free")
	s.click("[data-buy]")
	s.Wait("what is wrong", `() => document.activeElement.matches("[data-errors]")`)
	look("free, errors")
	s.typeAddress()
	s.click("[data-buy]")
	s.Wait("the confirmation", `() => location.pathname === "/checkout/confirmation" && document.querySelector("h1")`)
	look("free, confirmation")
}
