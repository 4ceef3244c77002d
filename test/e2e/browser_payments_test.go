package e2e_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The checkout of Klarna Payments, with the fake's library, widget and dialog.

// openPayments goes to the checkout and waits for the widget's amount.
func (s *shopper) openPayments() {
	s.t.Helper()
	s.visit("/checkout")
	s.widgetShows(s.total())
}

// widgetShows waits until the widget says an amount.
func (s *shopper) widgetShows(amount string) {
	s.t.Helper()
	s.Wait("the widget to load", `() => document.querySelector("[data-widget] iframe") && !document.querySelector("[aria-busy=true]")`)
	s.inside("[data-widget]:not([hidden]) iframe", "the widget to say "+amount, `(amount) => document.body.innerText.replace(/\s/g, " ").includes(amount)`, amount)
}

// inside waits until a function answers something true in an iframe of the page, and returns its document.
func (s *shopper) inside(selector, what, function string, args ...any) *rod.Page {
	s.t.Helper()
	var frame *rod.Page
	s.eventually(40*time.Second, what, func() bool {
		has, element, err := s.Has(selector)
		if err != nil || !has {
			return false
		}
		if frame, err = element.Frame(); err != nil {
			return false
		}
		got, err := frame.Eval("(...args) => !!("+function+")(...args)", args...)
		return err == nil && got.Value.Bool()
	})
	return frame
}

// typeAddress fills in the shop's own form.
func (s *shopper) typeAddress() {
	s.t.Helper()
	for _, name := range []string{"email", "given_name", "family_name", "street_address", "postal_code", "city", "phone"} {
		if s.MustHas("#" + name) { // of a person to whom nothing is shipped, the e-mail address alone is asked
			s.MustElement("#" + name).MustSelectAllText().MustInput(person[name])
		}
	}
}

// pay presses the page's button, once the widget shows the order. The widget may still grow above it: a mouse would miss it.
func (s *shopper) pay() {
	s.t.Helper()
	s.Wait("the widget to load", `() => !document.querySelector("[aria-busy=true]")`)
	s.MustElement("[data-buy]").MustFocus()
	s.Keyboard.MustType(input.Enter)
}

// approve says yes to an amount in Klarna's dialog, after typing there what Klarna still misses.
func (s *shopper) approve(amount string) {
	s.t.Helper()
	dialog := s.inside("dialog iframe", "the dialog about "+amount, `(amount) => document.querySelector("#dialog").open && document.querySelector("#approve").textContent.replace(/\s/g, " ").includes(amount)`, amount)
	if dialog.MustElement("#fill").MustVisible() {
		dialog.MustElement("#fill").MustClick()
	}
	dialog.MustElement("#approve").MustClick()
}

// paymentOrders are the orders that payment sessions have become.
func (d *deployment) paymentOrders() []fakeklarna.ManagedOrder {
	var orders []fakeklarna.ManagedOrder
	for _, session := range d.fake.Sessions() {
		if order, ok := d.fake.Managed(session.Fake.OrderID); ok {
			orders = append(orders, order)
		}
	}
	return orders
}

// paid waits for the confirmation page and returns the one order at Klarna.
func (s *shopper) paid() fakeklarna.ManagedOrder {
	s.t.Helper()
	s.Wait("the confirmation page", `() => location.pathname === "/checkout/confirmation" && document.querySelector("h1")`)
	if got, want := s.text("h1"), "Thank you for your order"; got != want {
		s.t.Errorf("heading = %q, want %q", got, want)
	}
	orders := s.d.paymentOrders()
	if len(orders) != 1 {
		s.t.Fatalf("%d orders at Klarna, want 1", len(orders))
	}
	number := regexp.MustCompile(`[A-Z]{2}-[A-Z0-9]{4}-[A-Z0-9]{4}`).FindString(s.text("main"))
	if number == "" || orders[0].MerchantReference1 != number {
		s.t.Errorf("the page says order %q, Klarna knows it as %q", number, orders[0].MerchantReference1)
	}
	if got := s.inCart(); len(got.Lines) != 0 {
		s.t.Errorf("still in the cart: %v", got.Lines)
	}
	return orders[0]
}

// One step: the widget follows the cart, the shopper approves, and the order is that of the cart.
func TestPaymentsPurchase(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.fill("MUG-1", "JAM-1")
	s.openPayments()
	s.typeAddress()
	s.press("MUG-1:plus")
	s.settled()
	s.widgetShows("476 kr")
	s.Load(func() { s.MustReload() })
	s.widgetShows("476 kr")
	s.pay()
	s.approve("476 kr")
	order := s.paid()
	if order.OrderAmount != 47600 || order.BillingAddress.StreetAddress != person["street_address"] {
		t.Errorf("bought for %d, delivered to %q", order.OrderAmount, order.BillingAddress.StreetAddress)
	}
	s.visit("/checkout")
	if got, want := s.MustEval(`() => location.pathname`).Str(), "/cart"; got != want {
		t.Errorf("the checkout after the purchase is %s, want %s", got, want)
	}
}

// The cart changes in another tab while the shopper approves, and that tab does not say so: no order for the old
// amount; the shopper is told, and approves the new one.
func TestPaymentsStaleCart(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.Expect("status of 409")
	s.fill("MUG-1", "JAM-1")
	other := s.tab()
	other.visit("/terms")
	s.openPayments()
	s.typeAddress()
	s.pay()
	other.post("/cart/lines/MUG-1", "quantity=5")
	s.approve("327 kr")
	s.Wait("the page to tell", `() => document.querySelector("[data-note=expired]")?.textContent.replace(/\s/g, " ").includes("Your cart changed after you approved the payment. Approve the new total, 923 kr.")`)
	if orders := d.paymentOrders(); len(orders) != 0 {
		t.Errorf("bought for %d", orders[0].OrderAmount)
	}
	s.widgetShows("923 kr")
	s.pay()
	s.approve("923 kr")
	if order := s.paid(); order.OrderAmount != 92300 {
		t.Errorf("bought for %d, want 92300", order.OrderAmount)
	}
}

// Two pages: what is authorized on the first is finalized on the second; after a change in another tab it is approved
// anew there.
func TestPaymentsReview(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments, payments_flow: review}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.Expect("status of 409")
	s.fill("MUG-1", "JAM-1")
	other := s.tab()
	other.visit("/terms")
	s.openPayments()
	s.typeAddress()
	s.pay()
	s.approve("327 kr")
	s.Wait("the review", `() => location.pathname === "/checkout/payments/review" && document.querySelector("[data-review=email]").textContent === "ada@example.com"`)
	s.press("MUG-1:plus")
	s.settled()
	s.pay() // finalize
	other.post("/cart/lines/MUG-1", "quantity=5")
	s.approve("476 kr")
	s.Wait("the page to tell", `() => document.querySelector("[data-note=expired]")?.textContent.replace(/\s/g, " ").includes("Your cart changed after you approved the payment. Approve the new total, 923 kr.")`)
	s.pay() // reauthorize
	s.approve("923 kr")
	if order := s.paid(); order.OrderAmount != 92300 {
		t.Errorf("bought for %d, want 92300", order.OrderAmount)
	}
}

// Without scripts the page says that it needs them, and the cart can still be changed.
func TestPaymentsNoJS(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))
	s := d.shopper(t, browsertest.Options{NoJS: true})
	s.Go(d.url + "/products/MUG-1")
	s.submit(".product form[data-add] button[type=submit]")
	s.Go(d.url + "/checkout")
	if got := s.text("[data-note=nojs] strong"); got != "The payment form needs JavaScript." {
		t.Errorf("note = %q", got)
	}
	if s.MustEval(`() => document.getElementById("payments").checkVisibility()`).Bool() {
		t.Error("a form that cannot be used is shown")
	}
}

// paymentsTour shows to look the pages and states of Klarna Payments, with a review.
func (s *shopper) paymentsTour(look func(place string)) {
	s.t.Helper()
	s.Expect("status of 409")
	s.fill("MUG-1", "BOK-4")
	other := s.tab()
	other.visit("/terms")
	s.openPayments()
	look("payments")
	s.typeAddress()
	s.MustElement("#email").MustSelectAllText().MustInput("ada@example")
	s.MustElement("#postal_code").MustSelectAllText().MustInput("111")
	s.pay()
	s.Wait("the errors", `() => document.activeElement.matches(".es")`)
	look("payments, errors")
	s.MustElement("#postal_code").MustSelectAllText().MustInput(person["postal_code"])
	s.MustElement("#email").MustSelectAllText().MustInput(person["email"])
	s.pay()
	dialog := s.inside("dialog iframe", "the dialog", `() => document.querySelector("#dialog").open`)
	dialog.MustElement("#decline").MustClick()
	s.Wait("the refusal", `() => document.querySelector("[data-note=payment]")`)
	look("payments, declined")
	s.pay()
	s.approve(s.total())
	s.Wait("the review", `() => location.pathname === "/checkout/payments/review" && document.querySelector("[data-review=email]")?.textContent`)
	look("payments, review")
	s.pay()
	other.post("/cart/lines/MUG-1", "quantity=5")
	s.approve(s.total())
	s.Wait("the page to tell", `() => document.querySelector("[data-note=expired]")`)
	look("payments, changed")
}

// total is what the summary shows.
func (s *shopper) total() string {
	s.t.Helper()
	return s.text("[data-region=totals] [data-total]")
}

// On a small phone, in the languages with the longest words, nothing is wider than the screen; every control is large
// enough for a finger.
func TestPaymentsNarrow(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"de-DE", "fi-FI", "en-US"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))
			s := d.shopper(t, browsertest.Options{Phone: true, Width: 320, Height: 640, AcceptLanguage: language})
			s.fill("MUG-1", "BOK-4")
			s.openPayments()
			s.MustElement("#email").MustInput("ada@example")
			s.pay()
			s.Wait("the errors", `() => document.activeElement.matches(".es")`)
			var wide, small []string
			s.read(&wide, tooWide)
			s.read(&small, `(size) => JSON.stringify((`+tooSmall+`)(size))`, 44)
			if len(wide)+len(small) > 0 {
				t.Errorf("too wide: %q\ntoo small: %q", wide, small)
			}
			s.Picture("narrow")
		})
	}
}

// With the keyboard alone: the address, the way to pay, the approval.
func TestPaymentsKeyboard(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.fill("MUG-1")
	s.openPayments()
	s.MustElement("#email").MustFocus()
	for _, name := range []string{"email", "given_name", "family_name", "street_address", "postal_code", "city", "phone"} {
		if got := s.MustEval(`() => document.activeElement.id`).Str(); got != name {
			t.Fatalf("the focus is on %q, want %q", got, name)
		}
		s.MustInsertText(person[name])
		s.Keyboard.MustType(input.Tab)
	}
	if got := s.MustEval(`() => document.activeElement.value`).Str(); got != "mailboat" {
		t.Fatalf("the focus is on %q, want the way of delivery", got)
	}
	s.Keyboard.MustType(input.Tab)
	s.Keyboard.MustType(input.ArrowDown) // the next way to pay
	s.Wait("its widget", `() => document.activeElement.value === "pay_now" && document.querySelector("[data-method=pay_now] iframe") && !document.querySelector("[aria-busy=true]")`)
	s.Keyboard.MustType(input.Enter)
	s.inside("dialog iframe", "the dialog", `() => document.querySelector("#dialog").open && document.activeElement.matches("input, #close")`)
	s.Keyboard.MustType(input.Escape)
	s.Wait("the button to have the focus again", `() => document.querySelector("[data-note=payment]") && document.activeElement.matches("[data-buy]")`)
	s.Keyboard.MustType(input.Enter)
	s.approve(s.total())
	s.paid()
}
