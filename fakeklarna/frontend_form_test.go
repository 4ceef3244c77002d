package fakeklarna_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

func TestTypedSurvivesReload(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada"})
	c.frame().MustElement("#field-family_name").MustFocus()
	c.Keyboard.MustType(input.KeyL, input.KeyI, input.KeyN) // no blur, no wait: the page just goes
	c.load()
	for name, want := range map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "lin"} {
		if got := c.value(name); got != want {
			t.Errorf("%s = %q after reload, want %q", name, got, want)
		}
	}
	if got, want := c.waitEvent("load"), `{"customer":{"type":"person"},"shipping_address":{"country":"swe","postal_code":"11147"}}`; got != want {
		t.Errorf("load = %s, want %s", got, want)
	}
	if c.element("street_address").MustVisible() != true {
		t.Error("the address is not shown")
	}
	c.fill(swede)
	c.element("continue").MustClick()
	c.element("change").MustWaitVisible()
	c.load()
	if got, want := c.element("summary").MustText(), "Ada Lindqvist\nHamngatan 4, 111 47 Stockholm\nada@example.com"; got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	c.element("change").MustClick()
	if got := c.value("phone"); got != swede["phone"] {
		t.Errorf("phone = %q, want %q", got, swede["phone"])
	}
}

func TestAddressEvents(t *testing.T) {
	t.Parallel()
	german := maps.Clone(swede)
	delete(german, "street_address")
	maps.Copy(german, map[string]string{"postal_code": "10115", "street_name": "Torstr.", "street_number": "1"})
	for _, tt := range []struct {
		name            string
		order           map[string]any
		typed           map[string]string
		change, address string
	}{
		{"Sweden", nil, swede,
			`{"email":"ada@example.com","postal_code":"11147","country":"swe","given_name":"Ada","family_name":"Lindqvist"}`,
			`{"postal_code":"11147","country":"swe","given_name":"Ada","family_name":"Lindqvist","email":"ada@example.com"}`},
		{"Germany", map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "locale": "de-DE"}, german,
			`{"email":"ada@example.com","postal_code":"10115","country":"deu","given_name":"Ada"}`,
			`{"postal_code":"10115","country":"deu"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			c := h.open(h.create(tt.order), browsertest.Options{})
			c.fill(tt.typed)
			c.Wait("the last change", `(want) => JSON.stringify(events.findLast(([name]) => name === "change")[1]) === want`, tt.change)
			for _, event := range []string{"billing_address_change", "shipping_address_change"} {
				if got := c.waitEvent(event); got != tt.address {
					t.Errorf("%s = %s, want %s", event, got, tt.address)
				}
			}
			// On load what was typed is told again.
			c.load()
			for event, want := range map[string]string{"change": tt.change, "billing_address_change": tt.address} {
				if got := c.waitEvent(event); got != want {
					t.Errorf("%s on load = %s, want %s", event, got, want)
				}
			}
		})
	}
}

func TestPrefilled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(map[string]any{
		"billing_address": map[string]any{"email": "ada@example.com", "postal_code": "11147"},
	}), browsertest.Options{})
	if got, want := c.value("email"), "ada@example.com"; got != want {
		t.Errorf("email = %q, want %q", got, want)
	}
	if got, want := c.waitEvent("change"), `{"country":"swe"}`; got != want {
		t.Errorf("change = %s, want %s", got, want)
	}
	if got, want := c.waitEvent("billing_address_change"), `{"postal_code":"11147","country":"swe","email":"ada@example.com"}`; got != want {
		t.Errorf("billing_address_change = %s, want %s", got, want)
	}
}

func TestInteraction(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.element("email").MustClick()
	c.Keyboard.MustType(input.KeyA)
	c.element("postal_code").MustClick()
	if got, want := c.waitEvent("user_interacted"), `{"type":"mousedown"}`; got != want {
		t.Errorf("user_interacted = %s, want %s", got, want)
	}
	if got := c.count("user_interacted"); got != 1 {
		t.Errorf("told %d times, want once", got)
	}
}

func TestBuy(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(map[string]any{"locale": "sv-SE"}), browsertest.Options{})
	c.fill(swede)
	c.element("method-card").MustClick()
	c.element("pay").MustClick()
	c.element("approve").MustWaitVisible().MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	o := h.order(c.id)
	if o.Status != "checkout_complete" || o.Fake.PaymentMethod != "card" {
		t.Errorf("order is %s, paid by %s", o.Status, o.Fake.PaymentMethod)
	}
	for name, want := range swede {
		if got := o.Fake.Typed[name]; got != want {
			t.Errorf("typed %s = %q, want %q", name, got, want)
		}
	}
	c.Wait("the confirmation's snippet", `() => events.some(([event]) => event === "load_confirmation")`)
	c.waitFrame("thanks", `() => document.getElementById("notice").textContent.includes("a•••@example.com")`)
	if got := c.element("notice").MustElement("h2").MustText(); got != "Tack, din betalning är godkänd." {
		t.Errorf("notice = %q", got)
	}

	// The same order in a checkout page that was opened before.
	h.fake.Advance(3 * time.Hour)
	c.MustReload()
	c.waitFrame("the receipt to be gone", `() => document.getElementById("notice-title").textContent === "Kvittot visas inte längre här."`)
}

func TestRedirectIsAnnounced(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.MustEval(`() => { api.on({redirect_initiated: (data) => { sessionStorage.redirect = JSON.stringify([data, location.pathname]); throw new Error("a listener's own") }}) }`)
	c.Expect("a listener's own")
	c.fill(swede)
	c.element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	if got, want := c.MustEval(`() => sessionStorage.redirect`).Str(), `[true,"/"]`; got != want {
		t.Errorf("redirect_initiated = %s, want %s", got, want)
	}
}

func TestBuyRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.fill(map[string]string{"email": "ada@example", "postal_code": "111 4"})
	c.element("pay").MustClick()
	c.waitFrame("the refusal", `() => document.getElementById("refusal").textContent === "Check the marked fields."`)
	for name, want := range map[string]string{
		"email":       "Enter an e-mail address, such as ada@example.com",
		"postal_code": "Enter a postal code such as 111 47",
		"given_name":  "Enter your first name",
	} {
		e := c.element(name)
		if got := c.frame().MustElement("#" + *e.MustAttribute("aria-describedby")).MustText(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := c.frame().MustEval(`() => document.activeElement.name`).Str(); got != "email" {
		t.Errorf("focus is on %q, want email", got)
	}
	if got := h.order(c.id).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	// A mark goes as soon as the field is right.
	c.fill(map[string]string{"email": "ada@example.com"})
	if c.element("email").MustAttribute("aria-invalid") != nil {
		t.Error("the e-mail is still marked")
	}

	// Aborted by the shop meanwhile: nothing is bought, and the frame says so.
	c.fill(swede)
	h.call("/"+c.id+"/abort", nil, 200)
	c.element("pay").MustEval(`() => this.click()`) // also when what was typed last has closed the form already
	c.waitFrame("the form to be closed", `() => document.getElementById("notice-title").textContent === "This payment form has timed out."`)
}

func TestPaidInAnotherTab(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.fill(swede)
	if _, err := h.fake.Shopper(c.id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	c.MustEval(`() => { api.resume() }`)
	c.waitFrame("the form to be closed", `() => document.getElementById("notice-title").textContent === "This order is already paid."`)
	c.frame().MustElement("#notice-button").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

func TestCountryAndShippingOption(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	id := h.create(map[string]any{
		"shipping_countries": []string{"SE", "NO", "US"},
		"shipping_options": []map[string]any{
			{"id": "mailboat", "name": "Mail boat", "description": "3 to 5 days", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "preselected": true},
			{"id": "express", "name": "Express", "price": 12900, "tax_amount": 2580, "tax_rate": 2500},
		},
	})
	c := h.open(id, browsertest.Options{})
	c.waitTotal("496 kr")
	if got, want := c.waitEvent("shipping_option_change"), `{"id":"mailboat","name":"Mail boat","description":"3 to 5 days","price":4900,"tax_amount":980,"tax_rate":2500}`; got != want {
		t.Errorf("shipping_option_change = %s, want %s", got, want)
	}
	c.element("shipping_option-express").MustClick()
	c.waitTotal("576 kr")
	c.Wait("the event of the choice", `() => events.findLast(([name]) => name === "shipping_option_change")[1].id === "express"`)
	c.waitEvent("order_total_change")

	c.fill(swede)
	c.element("country").MustSelect("Norway")
	c.Wait("the event of the country", `() => events.findLast(([name]) => name === "billing_address_change")[1].country === "nor"`)
	if got := strings.ToUpper(h.order(id).PurchaseCountry); got != "NO" {
		t.Errorf("purchase country = %s, want NO", got)
	}
	if got := c.value("email"); got != "ada@example.com" {
		t.Errorf("email = %q after the change of country", got)
	}
	if n := len(c.frame().MustElements(`input[name="method"]`)); n != 1 {
		t.Errorf("%d ways to pay in a currency foreign to the country, want card only", n)
	}
	c.element("country").MustSelect("United States")
	c.element("region").MustWaitVisible().MustSelect("Maine")
	c.load()
	if got := c.value("region"); got != "ME" {
		t.Errorf("region = %q, want ME", got)
	}
}

func TestClientValidation(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(map[string]any{"options": map[string]any{"require_client_validation": true}}), browsertest.Options{})
	c.fill(swede)
	c.MustEval(`() => { window.proceed = false; api.on({validation_callback: (data, callback) => {
		window.validated = JSON.stringify(data);
		callback({should_proceed: proceed, message: "Not today."});
	}}) }`)
	c.element("pay").MustClick()
	c.waitFrame("the shop's message", `() => document.getElementById("refusal").textContent === "Not today."`)
	if got := c.MustEval(`() => validated`).Str(); got != "{}" {
		t.Errorf("data = %s, want {}", got)
	}
	c.MustEval(`() => { window.proceed = true }`)
	c.element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

func TestLocales(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{Width: 320})
	for _, tt := range []struct{ country, currency, locale, lang, pay string }{
		{"SE", "SEK", "sv-SE", "sv", "Betala 447 kr"},
		{"NO", "NOK", "nb-NO", "nb", "Betal 447 kr"},
		{"DK", "DKK", "da-DK", "da", "Betal 447 kr."},
		{"FI", "EUR", "fi-FI", "fi", "Maksa 447,00 €"},
		{"DE", "EUR", "de-DE", "de", "447,00 € bezahlen"},
		{"NL", "EUR", "nl-NL", "nl", "Betaal € 447,00"},
		{"GB", "GBP", "en-GB", "en", "Pay £447.00"},
		{"ES", "EUR", "es-ES", "en", "Pay 447,00 €"}, // a language that the fake does not speak
	} {
		h.update(c.id, map[string]any{"purchase_country": tt.country, "purchase_currency": tt.currency, "locale": tt.locale})
		c.MustEval(`() => { api.resume() }`)
		c.waitFrame("the button of "+tt.locale, `(lang, pay) => document.documentElement.lang === lang &&
			document.getElementById("pay").textContent.replaceAll("\u00a0", " ") === pay`, tt.lang, tt.pay)
		c.element("pay").MustClick() // with all errors shown it is at its widest
		if got := c.frame().MustEval(`() => document.documentElement.scrollWidth`).Int(); got > 320 {
			t.Errorf("%s: the frame is %d wide at 320", tt.locale, got)
		}
		var empty []string
		text := c.frame().MustEval(`() => JSON.stringify([...document.querySelectorAll("[data-text], label, button")].filter((e) => !e.textContent).map((e) => e.id))`).Str()
		if err := json.Unmarshal([]byte(text), &empty); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"notice-button", "approve"}, empty); diff != "" {
			t.Errorf("%s: elements without text (-want +got):\n%s", tt.locale, diff)
		}
	}
}

func TestKeyboard(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	typeIn := func(text string) {
		for _, r := range text {
			c.Keyboard.MustType(input.Key(r))
		}
	}
	focused := func() string {
		return c.frame().MustEval(`() => document.activeElement.dataset.testid ?? document.activeElement.id`).Str()
	}
	c.element("email").MustFocus()
	for _, step := range []struct{ text, next string }{{"ada@example.com", "postal_code"}, {"11147", "given_name"}} {
		typeIn(step.text)
		c.Keyboard.MustType(input.Tab)
		if got := focused(); got != step.next {
			t.Fatalf("focus = %s, want %s", got, step.next)
		}
	}
	for _, text := range []string{"ada", "l", "hamngatan 4", "stockholm", "0701234567"} {
		typeIn(text)
		c.Keyboard.MustType(input.Tab)
	}
	if got := focused(); got != "continue" {
		t.Fatalf("focus = %s, want continue", got)
	}
	c.Keyboard.MustType(input.Enter)
	if got := focused(); got != "change" {
		t.Fatalf("focus = %s, want change", got)
	}
	c.Keyboard.MustType(input.Tab, input.ArrowDown) // among the ways to pay
	if got := focused(); got != "method-card" {
		t.Fatalf("focus = %s, want method-card", got)
	}
	c.Keyboard.MustType(input.Tab, input.Tab) // past the list of what is bought
	if got := focused(); got != "pay" {
		t.Fatalf("focus = %s, want pay", got)
	}
	c.Keyboard.MustType(input.Enter)
	c.waitFrame("the dialog", `() => document.getElementById("approval").open`)
	if got := focused(); got != "close" {
		t.Fatalf("focus = %s, want the harmless button", got)
	}
	c.Keyboard.MustType(input.Escape)
	c.waitFrame("the dialog to go", `() => !document.getElementById("approval").open`)
	if got := focused(); got != "pay" {
		t.Fatalf("focus after the dialog = %s, want pay", got)
	}
	c.waitFrame("the button to be ready", `() => !document.getElementById("pay").ariaDisabled`)
	c.Keyboard.MustType(input.Enter)
	c.waitFrame("the dialog", `() => document.getElementById("approval").open`)
	c.Keyboard.Press(input.ShiftLeft)
	c.Keyboard.MustType(input.Tab, input.Tab)
	c.Keyboard.Release(input.ShiftLeft)
	if got := focused(); got != "approve" {
		t.Fatalf("focus = %s, want approve", got)
	}
	c.Keyboard.MustType(input.Enter)
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}
