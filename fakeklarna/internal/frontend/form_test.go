package frontend_test

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

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

func TestTypedSurvivesReload(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada"})
	c.InFrame().MustElement("#field-family_name").MustFocus()
	c.Keyboard.MustType(input.KeyL, input.KeyI, input.KeyN) // no blur, no wait: the page just goes
	c.Load()
	for name, want := range map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "lin"} {
		if got := c.Value(name); got != want {
			t.Errorf("%s = %q after reload, want %q", name, got, want)
		}
	}
	if got, want := c.WaitEvent("load"), `{"customer":{"type":"person"},"shipping_address":{"country":"swe","postal_code":"11147"}}`; got != want {
		t.Errorf("load = %s, want %s", got, want)
	}
	if c.Element("street_address").MustVisible() != true {
		t.Error("the address is not shown")
	}
	c.Fill(faketest.Swede)
	c.Element("continue").MustClick()
	c.Element("change").MustWaitVisible()
	c.Load()
	if got, want := c.Element("summary").MustText(), "Ada Lindqvist\nHamngatan 4, 111 47 Stockholm\nada@example.com"; got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	c.Element("change").MustClick()
	if got := c.Value("phone"); got != faketest.Swede["phone"] {
		t.Errorf("phone = %q, want %q", got, faketest.Swede["phone"])
	}
}

func TestAddressEvents(t *testing.T) {
	t.Parallel()
	german := maps.Clone(faketest.Swede)
	delete(german, "street_address")
	maps.Copy(german, map[string]string{"postal_code": "10115", "street_name": "Torstr.", "street_number": "1"})
	for _, tt := range []struct {
		name            string
		early           bool // shipping_address_change without a separate address
		order           map[string]any
		typed           map[string]string
		change, address string
	}{
		{"Sweden", true, nil, faketest.Swede,
			`{"email":"ada@example.com","postal_code":"11147","country":"swe","given_name":"Ada","family_name":"Lindqvist"}`,
			`{"postal_code":"11147","country":"swe","given_name":"Ada","family_name":"Lindqvist","email":"ada@example.com"}`},
		{"Germany", false, map[string]any{"purchase_country": "DE", "purchase_currency": "EUR", "locale": "de-DE"}, german,
			`{"email":"ada@example.com","postal_code":"10115","country":"deu","given_name":"Ada"}`,
			`{"postal_code":"10115","country":"deu"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := faketest.NewHostWith(t, fakeklarna.Options{EarlyAddressEvent: tt.early})
			c := h.Open(h.Create(tt.order), browsertest.Options{})
			c.Fill(tt.typed)
			c.Wait("the last change", `(want) => JSON.stringify(events.findLast(([name]) => name === "change")[1]) === want`, tt.change)
			if got := c.WaitEvent("billing_address_change"); got != tt.address {
				t.Errorf("billing_address_change = %s, want %s", got, tt.address)
			}
			if n := c.Count("shipping_address_change"); (n > 0) != tt.early {
				t.Errorf("shipping_address_change came %d times", n)
			} else if tt.early && c.WaitEvent("shipping_address_change") != tt.address {
				t.Errorf("shipping_address_change = %s, want %s", c.WaitEvent("shipping_address_change"), tt.address)
			}
			// On load what was typed is told again.
			c.Load()
			for event, want := range map[string]string{"change": tt.change, "billing_address_change": tt.address} {
				if got := c.WaitEvent(event); got != want {
					t.Errorf("%s on load = %s, want %s", event, got, want)
				}
			}
		})
	}
}

func TestPrefilled(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{
		"billing_address": map[string]any{"email": "ada@example.com", "postal_code": "11147"},
	}), browsertest.Options{})
	if got, want := c.Value("email"), "ada@example.com"; got != want {
		t.Errorf("email = %q, want %q", got, want)
	}
	if got, want := c.WaitEvent("change"), `{"country":"swe"}`; got != want {
		t.Errorf("change = %s, want %s", got, want)
	}
	if got, want := c.WaitEvent("billing_address_change"), `{"postal_code":"11147","country":"swe","email":"ada@example.com"}`; got != want {
		t.Errorf("billing_address_change = %s, want %s", got, want)
	}
}

func TestInteraction(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Element("email").MustClick()
	c.Keyboard.MustType(input.KeyA)
	c.Element("postal_code").MustClick()
	if got, want := c.WaitEvent("user_interacted"), `{"type":"mousedown"}`; got != want {
		t.Errorf("user_interacted = %s, want %s", got, want)
	}
	if got := c.Count("user_interacted"); got != 1 {
		t.Errorf("told %d times, want once", got)
	}
}

func TestBuy(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"locale": "sv-SE"}), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Element("method-card").MustClick()
	c.Element("pay").MustClick()
	c.Element("approve").MustWaitVisible().MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	o := h.Order(c.ID)
	if o.Status != "checkout_complete" || o.Fake.PaymentMethod != "card" {
		t.Errorf("order is %s, paid by %s", o.Status, o.Fake.PaymentMethod)
	}
	for name, want := range faketest.Swede {
		if got := o.Fake.Typed[name]; got != want {
			t.Errorf("typed %s = %q, want %q", name, got, want)
		}
	}
	c.Wait("the confirmation's snippet", `() => events.some(([event]) => event === "load_confirmation")`)
	c.WaitFrame("thanks", `() => document.getElementById("notice").textContent.includes("a•••@example.com")`)
	if got := c.Element("notice").MustElement("h2").MustText(); got != "Tack, din betalning är godkänd." {
		t.Errorf("notice = %q", got)
	}

	// The same order in a checkout page that was opened before.
	h.Fake.Advance(3 * time.Hour)
	c.MustReload()
	c.WaitFrame("the receipt to be gone", `() => document.getElementById("notice-title").textContent === "Kvittot visas inte längre här."`)
}

func TestRedirectIsAnnounced(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.MustEval(`() => { api.on({redirect_initiated: (data) => { sessionStorage.redirect = JSON.stringify([data, location.pathname]); throw new Error("a listener's own") }}) }`)
	c.Expect("a listener's own")
	c.Fill(faketest.Swede)
	c.Element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	if got, want := c.MustEval(`() => sessionStorage.redirect`).Str(), `[true,"/"]`; got != want {
		t.Errorf("redirect_initiated = %s, want %s", got, want)
	}
}

func TestBuyRefused(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Fill(map[string]string{"email": "ada@example", "postal_code": "111 4"})
	c.Element("pay").MustClick()
	c.WaitFrame("the refusal", `() => document.getElementById("refusal").textContent === "Check the marked fields."`)
	for name, want := range map[string]string{
		"email":       "Enter an e-mail address, such as ada@example.com",
		"postal_code": "Enter a postal code such as 111 47",
		"given_name":  "Enter your first name",
	} {
		e := c.Element(name)
		if got := c.InFrame().MustElement("#" + *e.MustAttribute("aria-describedby")).MustText(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := c.InFrame().MustEval(`() => document.activeElement.name`).Str(); got != "email" {
		t.Errorf("focus is on %q, want email", got)
	}
	if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	// A mark goes as soon as the field is right.
	c.Fill(map[string]string{"email": "ada@example.com"})
	if c.Element("email").MustAttribute("aria-invalid") != nil {
		t.Error("the e-mail is still marked")
	}

	// Aborted by the shop meanwhile: nothing is bought, and the frame says so.
	c.Fill(faketest.Swede)
	h.Call("/"+c.ID+"/abort", nil, 200)
	c.Element("pay").MustEval(`() => this.click()`) // also when what was typed last has closed the form already
	c.WaitFrame("the form to be closed", `() => document.getElementById("notice-title").textContent === "This payment form has timed out."`)
}

func TestPaidInAnotherTab(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Fill(faketest.Swede)
	if _, err := h.Fake.Shopper(c.ID, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	c.MustEval(`() => { api.resume() }`)
	c.WaitFrame("the form to be closed", `() => document.getElementById("notice-title").textContent === "This order is already paid."`)
	c.InFrame().MustElement("#notice-button").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

func TestCountryAndShippingOption(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(map[string]any{
		"shipping_countries": []string{"SE", "NO", "US"},
		"shipping_options": []map[string]any{
			{"id": "mailboat", "name": "Mail boat", "description": "3 to 5 days", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "preselected": true},
			{"id": "express", "name": "Express", "price": 12900, "tax_amount": 2580, "tax_rate": 2500},
		},
	})
	c := h.Open(id, browsertest.Options{})
	c.WaitTotal("496 kr")
	if got, want := c.WaitEvent("shipping_option_change"), `{"id":"mailboat","name":"Mail boat","description":"3 to 5 days","price":4900,"tax_amount":980,"tax_rate":2500}`; got != want {
		t.Errorf("shipping_option_change = %s, want %s", got, want)
	}
	c.Element("shipping_option-express").MustClick()
	c.WaitTotal("576 kr")
	c.Wait("the event of the choice", `() => events.findLast(([name]) => name === "shipping_option_change")[1].id === "express"`)
	c.WaitEvent("order_total_change")

	c.Fill(faketest.Swede)
	c.Element("country").MustSelect("Norway")
	c.Wait("the event of the country", `() => events.findLast(([name]) => name === "billing_address_change")[1].country === "nor"`)
	if got := strings.ToUpper(h.Order(id).PurchaseCountry); got != "NO" {
		t.Errorf("purchase country = %s, want NO", got)
	}
	if got := c.Value("email"); got != "ada@example.com" {
		t.Errorf("email = %q after the change of country", got)
	}
	if n := len(c.InFrame().MustElements(`input[name="method"]`)); n != 1 {
		t.Errorf("%d ways to pay in a currency foreign to the country, want card only", n)
	}
	c.Element("country").MustSelect("United States")
	c.Element("region").MustWaitVisible().MustSelect("Maine")
	c.Load()
	if got := c.Value("region"); got != "ME" {
		t.Errorf("region = %q, want ME", got)
	}
}

func TestClientValidation(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"options": map[string]any{"require_client_validation": true}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.MustEval(`() => { window.proceed = false; api.on({validation_callback: (data, callback) => {
		window.validated = JSON.stringify(data);
		callback({should_proceed: proceed, message: "Not today."});
	}}) }`)
	c.Element("pay").MustClick()
	c.WaitFrame("the shop's message", `() => document.getElementById("refusal").textContent === "Not today."`)
	if got := c.MustEval(`() => validated`).Str(); got != "{}" {
		t.Errorf("data = %s, want {}", got)
	}
	c.MustEval(`() => { window.proceed = true }`)
	c.Element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

// A listener that fails has not agreed, and leaves the button usable. What it says later is no answer
// to the next question.
func TestClientValidationFails(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"options": map[string]any{"require_client_validation": true}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Expect("a listener's own")
	for name, listener := range map[string]string{
		"throws":                    `() => { throw new Error("a listener's own") }`,
		"rejects":                   `async () => { throw new Error("a listener's own") }`,
		"throws, then answers":      `(data, callback) => { realSetTimeout(() => callback({should_proceed: true})); throw new Error("a listener's own") }`,
		"a message that is no text": `(data, callback) => callback({message: {toString() { throw new Error("a listener's own") }}})`,
	} {
		c.MustEval(`() => { api.on({validation_callback: ` + listener + `}) }`)
		c.PressPay()
		c.WaitRefusal("The payment was not approved. Choose another way to pay. Nothing has been charged.")
		c.Settled()
		c.MustEval(`() => { api.on({validation_callback: () => {}}) }`)
		if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
			t.Fatalf("%s: status = %s", name, got)
		}
	}
	c.MustEval(`() => { api.on({validation_callback: (data, callback) => { callback({should_proceed: true}); throw new Error("a listener's own") }}) }`)
	c.Buy()
}

func TestLocales(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{Width: 320})
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
		h.Update(c.ID, map[string]any{"purchase_country": tt.country, "purchase_currency": tt.currency, "locale": tt.locale})
		c.MustEval(`() => { api.resume() }`)
		c.WaitFrame("the button of "+tt.locale, `(lang, pay) => document.documentElement.lang === lang &&
			document.getElementById("pay").textContent.replaceAll("\u00a0", " ") === pay`, tt.lang, tt.pay)
		c.Element("pay").MustClick() // with all errors shown it is at its widest
		if got := c.InFrame().MustEval(`() => document.documentElement.scrollWidth`).Int(); got > 320 {
			t.Errorf("%s: the frame is %d wide at 320", tt.locale, got)
		}
		var empty []string
		text := c.InFrame().MustEval(`() => JSON.stringify([...document.querySelectorAll("[data-text], label, button")].filter((e) => !e.textContent).map((e) => e.id))`).Str()
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
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	typeIn := func(text string) {
		for _, r := range text {
			c.Keyboard.MustType(input.Key(r))
		}
	}
	focused := func() string {
		return c.InFrame().MustEval(`() => document.activeElement.dataset.testid ?? document.activeElement.id`).Str()
	}
	c.Element("email").MustFocus()
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
	c.WaitFrame("the dialog", `() => document.getElementById("approval").open`)
	if got := focused(); got != "close" {
		t.Fatalf("focus = %s, want the harmless button", got)
	}
	c.Keyboard.MustType(input.Escape)
	c.WaitFrame("the dialog to go", `() => !document.getElementById("approval").open`)
	if got := focused(); got != "pay" {
		t.Fatalf("focus after the dialog = %s, want pay", got)
	}
	c.WaitFrame("the button to be ready", `() => !document.getElementById("pay").ariaDisabled`)
	c.Keyboard.MustType(input.Enter)
	c.WaitFrame("the dialog", `() => document.getElementById("approval").open`)
	c.Keyboard.Press(input.ShiftLeft)
	c.Keyboard.MustType(input.Tab, input.Tab)
	c.Keyboard.Release(input.ShiftLeft)
	if got := focused(); got != "approve" {
		t.Fatalf("focus = %s, want approve", got)
	}
	c.Keyboard.MustType(input.Enter)
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}
