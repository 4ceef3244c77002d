package backoffice_test

import (
	"testing"

	"github.com/go-rod/rod/lib/input"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
)

// screen is a browser at the desk.
type screen struct {
	*browsertest.Page
	*office
	t *testing.T
}

func (d *office) screen(t *testing.T, o browsertest.Options) *screen {
	t.Helper()
	s := &screen{Page: browsertest.Open(t, o), office: d, t: t}
	s.Expect("409 (Conflict)", "422 (Unprocessable Entity)") // what is refused is a page that says why
	return s
}

// press clicks the control of the main part that says a text, which leads to another page.
func (s *screen) press(text string) {
	s.t.Helper()
	s.Load(func() { s.MustElementR("main a, main button", text).MustClick() })
}

// fill types in place of what is in a field.
func (s *screen) fill(name, text string) {
	s.t.Helper()
	s.MustElement(`main [name="` + name + `"]`).MustSelectAllText().MustInput(text)
}

// reads demands a text of the page's main part, as people see it.
func (s *screen) reads(want string) {
	s.t.Helper()
	s.Wait("the page to say "+want, `(want) => document.querySelector("main").innerText.replace(/\s+/g, " ").includes(want)`, want)
}

// focused demands that the focus is on an element.
func (s *screen) focused(selector string) {
	s.t.Helper()
	s.Wait("the focus on "+selector, `(selector) => document.activeElement.matches(selector)`, selector)
}

// enter signs in and finds an order.
func (s *screen) enter(o order.Order) {
	s.t.Helper()
	s.office.enter(s.Page)
	s.find(o)
}

func (s *screen) find(o order.Order) {
	s.t.Helper()
	s.Go(s.URL + "/admin/")
	s.fill("q", o.Number)
	s.Load(func() { s.Keyboard.MustType(input.Enter) })
	s.Load(func() { s.MustElementR("main th a", o.Number).MustClick() })
	s.reads("Order " + o.Number)
}

// A morning at the desk: half an order is shipped and captured, a line is
// refunded with a return fee, the rest is changed, another order is cancelled;
// what is refused is explained.
func TestDeskInTheBrowser(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	s := d.screen(t, browsertest.Options{})
	shoot := func(name string) { fits(t, s.Page, name) }
	s.enter(o)
	shoot("order")

	// Ship half with tracking, and capture it.
	s.press("^Capture 774.00")
	s.fill(mugField, "2")
	if got := s.MustElement("[name=what]:checked").MustProperty("value").Str(); got != "lines" {
		t.Errorf("after a quantity was typed %q is chosen", got)
	}
	s.fill(deliveryField, "0")
	s.Wait("the sum", `() => document.querySelector("[data-sum-text]").textContent.replace(/\s/g, " ") === "427.00"`)
	s.fill("tracking", "SE123456789")
	s.press("^Continue")
	s.focused("#errors")
	s.reads("Enter the carrier")
	shoot("capture-error")
	s.fill("carrier", "PostNord")
	s.press("^Continue")
	s.reads("Capture 427.00 SEK?")
	s.reads("Parcel: PostNord, SE123456789.")
	shoot("capture-question")
	s.press("^Back$")
	s.reads("To capture: 427.00")
	shoot("capture-form")
	s.press("^Continue")
	d.Fake.AddFault(fakeklarna.Fault{Method: "POST", OrderID: o.OrderID, Delay: fakeklarna.Duration(500_000_000)})
	busy := s.MustEval(`() => {
		const button = document.querySelector("[data-once] [data-busy]");
		button.click();
		button.click();
		return button.textContent + button.getAttribute("aria-disabled");
	}`).Str()
	if busy != "Capturing…true" {
		t.Errorf("after a press the button says %q", busy)
	}
	s.reads("Captured 427.00 SEK. 347.00 remains.")
	s.focused("#result")
	shoot("captured")

	// The number was mistyped: it is corrected, and Klarna is told once more.
	s.press("^Correct…")
	s.fill("tracking", "SE987654321")
	shoot("correct-form")
	s.press("^Continue")
	s.reads("Correct this shipment?")
	shoot("correct-question")
	s.press("^Correct the shipment")
	s.reads("Corrected the shipment.")
	shoot("corrected")

	// A return fee is impossible yet, and that is said; so is a cancel.
	s.reads("Cancellation is not possible: part of this order is captured. Refund it instead.")
	s.press("^Refund…")
	s.reads("No return fee can be kept: a return fee needs an order of which nothing remains to be captured.")
	s.press("^Back to the order")

	// Change the rest: nothing else is sent.
	s.press("^Change lines…")
	s.fill(mugField, "2")
	s.fill(deliveryField, "0")
	shoot("lines-form")
	s.press("^Continue")
	s.reads("Change the order to 427.00 SEK?")
	shoot("lines-question")
	s.press("^Change to 427.00")
	s.reads("Changed the order to 427.00 SEK. 0.00 remains.")

	// A line comes back, with a fee.
	s.press("^Refund…")
	s.fill(jamField, "1")
	s.fill("fee", "20")
	s.Wait("the sum", `() => document.querySelector("[data-sum-text]").textContent === "109.00"`)
	shoot("refund-form")
	s.press("^Continue")
	s.reads("Refund 109.00 SEK?")
	shoot("refund-question")
	s.press("^Refund 109.00")
	s.reads("Refunded 109.00 SEK. 318.00 can still be refunded.")
	shoot("refunded")
	d.amounts(o, 2*14900+12900, 2*14900+12900, 10900)

	// Another order is cancelled.
	other := d.buy()
	s.find(other)
	s.press("^Cancel the order…")
	s.reads("774.00 SEK is released and the shopper pays nothing.")
	shoot("cancel-question")
	s.press("^Cancel order$")
	s.reads("Cancelled order " + other.Number + ".")
	if got := d.managed(other.OrderID).Status; got != "CANCELLED" {
		t.Errorf("the other order is %s", got)
	}

	// Klarna refuses a higher amount: why, and what to quote.
	denied := d.buy("email", "ada+denied-raise@example.com")
	s.find(denied)
	s.press("^Change lines…")
	s.fill(mugField, "9")
	s.press("^Continue")
	s.press("^Change to 1")
	s.reads("Klarna did not approve the higher amount, and the order is unchanged.")
	s.focused("#result")
	shoot("refused")
	if got := s.MustElement(`[name="` + mugField + `"]`).MustProperty("value").Str(); got != "9" {
		t.Errorf("after the refusal the quantity is %q", got)
	}
}

// The same by keyboard alone: sign in, find, capture, refund.
func TestDeskByKeyboard(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	s := d.screen(t, browsertest.Options{})
	tabTo := func(selector string) {
		t.Helper()
		for range 100 {
			s.Keyboard.MustType(input.Tab)
			if s.MustEval(`(selector) => document.activeElement.matches(selector)`, selector).Bool() {
				return
			}
		}
		t.Fatalf("the Tab key does not lead to %s", selector)
	}
	enter := func() { s.Load(func() { s.Keyboard.MustType(input.Enter) }) }
	s.Go(s.URL + "/admin/")
	tabTo("[name=name]")
	s.MustInsertText("ada")
	tabTo("[name=password]")
	s.MustInsertText(password)
	enter()
	tabTo("[name=q]")
	s.MustInsertText(o.Number)
	enter()
	tabTo(`th a[href$="` + o.Number + `"]`)
	enter()
	tabTo(`a[href$="/capture"]`)
	enter()
	tabTo(".act-form button[type=submit]")
	enter()
	tabTo("[data-busy]")
	enter()
	s.reads("Captured 774.00 SEK. 0.00 remains.")
	s.focused("#result")
	tabTo(`a[href$="/refund"]`)
	enter()
	tabTo(`[name="` + jamField + `"]`)
	s.KeyActions().Press(input.ControlLeft).Type(input.KeyA).MustDo()
	s.MustInsertText("1")
	tabTo(".act-form > .actions button")
	enter()
	tabTo("[data-busy]")
	enter()
	s.reads("Refunded 129.00 SEK.")
	s.focused("#result")
	d.amounts(o, all, all, 12900)
}

// axe-core finds no violation in any form, question and refusal of an action.
func TestActionLooks(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, open := d.buy(), d.buy()
	d.clerk("ada").act(o, "capture", "what", "lines", mugField, "2", jamField, "0", deliveryField, "0", "carrier", "Bring", "tracking", "370")
	s := d.screen(t, browsertest.Options{})
	s.enter(open)
	for _, a := range aftersale.Actions {
		s.Go(d.URL + "/admin/orders/" + o.Number + "/" + a.Slug + "?shipment=1")
		audit(s.Page, a.Title)
		switch form := s.MustHas(".act-form"); {
		case form:
			s.press("^Continue")
			audit(s.Page, a.Title+", sent")
		case a.Form != nil:
			t.Errorf("%s has no form", a.Title)
		}
	}
	s.Go(d.URL + "/admin/")
	s.MustElement(`[name=order]`).MustClick()
	s.press("^Capture…")
	audit(s.Page, "several orders")
}

// Ticked orders, by mouse: the question, and the page that looks again by itself.
func TestBulkInTheBrowser(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	first, second := d.buy(), d.buy()
	s := d.screen(t, browsertest.Options{})
	s.enter(first)
	s.Go(s.URL + "/admin/")
	for _, o := range []order.Order{first, second} {
		s.MustElement(`[name=order][value="` + o.OrderID + `"]`).MustClick()
	}
	s.Picture("ticked")
	s.press("^Capture…")
	s.reads("Capture 1 548.00 SEK of 2 orders?")
	s.Picture("bulk-question")
	s.press("^Capture 1")
	s.reads("of 2 done")
	s.Picture("bulk-progress")
	done := make(chan error, 1)
	go func() { done <- d.Desk.Reconcile(t.Context(), soon()) }()
	s.reads("2 of 2 done, 0 refused.")
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.Picture("bulk-done")
	d.amounts(first, all, all, 0)
}
