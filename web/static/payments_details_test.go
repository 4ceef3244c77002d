package static_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/web/templates"
)

// The details and a review: what was authorized is finalized there, or approved
// anew when it is not what the page shows any more.
func TestPaymentsReview(t *testing.T) {
	for _, tt := range []struct {
		name    string
		results string
		play    func(u *till, p *payer) // on the review page
		told    string                  // on the review page
		placed  []string
	}{
		{
			name: "approved, no more to do",
			play: func(_ *till, p *payer) { p.buy(); p.done() },
			told: "load:pay_later 20000", placed: []string{"token-1 20000"},
		},
		{
			name: "to be finalized", results: `{"authorize": [` + toFinalize + `]}`,
			play: func(_ *till, p *payer) { p.buy(); p.done() },
			told: "load:pay_later 20000, finalize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "to be finalized, the cart changes", results: `{"authorize": [` + toFinalize + `]}`,
			play: func(_ *till, p *payer) { p.press("MUG-1:plus"); p.settles(30000); p.buy(); p.done() },
			told: "load:pay_later 20000, load:pay_later 30000, finalize:pay_later 30000 address", placed: []string{"token-1 30000"},
		},
		{
			name: "the cart changes",
			play: func(_ *till, p *payer) { p.press("MUG-1:plus"); p.settles(30000); p.buy(); p.done() },
			told: "load:pay_later 20000, load:pay_later 30000, reauthorize:pay_later 30000 address", placed: []string{"token-2 30000"},
		},
		{
			name: "the cart changes in another tab, the order call tells",
			play: func(u *till, p *payer) {
				u.answers = []answer{stale("cart_changed")}
				u.change(5)
				p.buy()
				p.settles(50000)
				p.rests()
				p.wantNote("expired", "Your cart changed after you approved the payment. Approve the new total, 500 kr.")
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, load:pay_later 50000, reauthorize:pay_later 50000 address", placed: []string{"token-1 20000", "token-2 50000"},
		},
		{
			name: "an approval of an hour ago",
			play: func(_ *till, p *payer) {
				p.MustEval(`() => { const now = Date.now; Date.now = () => now() + 60 * 60_000 }`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, reauthorize:pay_later 20000 address", placed: []string{"token-2 20000"},
		},
		{
			name: "closed", results: `{"reauthorize": [` + closed + `]}`,
			play: func(_ *till, p *payer) {
				p.press("MUG-1:plus")
				p.settles(30000)
				p.buy()
				p.rests()
				p.wantNote("payment", "You closed the payment before it was finished. Your order is unchanged.")
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, load:pay_later 30000, reauthorize:pay_later 30000 address, reauthorize:pay_later 30000 address", placed: []string{"token-2 30000"},
		},
		{
			name: "declined", results: `{"reauthorize": [{"approved": false}]}`,
			play: func(_ *till, p *payer) {
				p.press("MUG-1:plus")
				p.settles(30000)
				p.buy()
				p.rests()
				p.wantNote("payment", "The payment was not approved. Choose another way to pay. Nothing has been charged. Choose another way to pay")
				p.MustElement("[data-note=payment] a").MustClick()
				p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls?.length === 2`)
				if got := p.MustEval(`() => document.querySelector("input[name=method]:checked").value + " " + document.getElementById("city").value`).Str(); got != "pay_now Stockholm" {
					p.t.Errorf("chosen and typed: %q", got)
				}
			},
			told: "load:pay_later 20000, load:pay_later 30000, reauthorize:pay_later 30000 address | init, load:pay_now 30000",
		},
		{
			name: "declined, and the button is pressed again", results: `{"authorize": [` + toFinalize + `], "finalize": [` + declined + `]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.rests()
				p.buy()
				p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls?.length === 2`)
			},
			told: "load:pay_later 20000, finalize:pay_later 20000 address | init, load:pay_now 20000",
		},
		{
			name: "invalid fields", results: `{"authorize": [` + toFinalize + `], "finalize": [` + badCode + `]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls?.length === 2`)
				p.wantErrors("Check one field|Enter a Swedish postal code, five digits", "postal_code")
			},
			told: "load:pay_later 20000, finalize:pay_later 20000 address | init, load:pay_later 20000",
		},
		{
			name: "an address that the shop refuses",
			play: func(u *till, p *payer) {
				p.Expect("422")
				u.answers = []answer{refusal(422, "bad_address", map[string]any{"invalid_fields": []string{"email"}})}
				p.buy()
				p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls?.length === 2`)
				p.wantErrors("Check one field|Enter an email address like name@example.com", "email")
			},
			told: "load:pay_later 20000 | init, load:pay_later 20000", placed: []string{"token-1 20000"},
		},
		{
			name: "back to the details, unchanged",
			play: func(_ *till, p *payer) {
				p.MustElement("[data-review=email] + dd a").MustClick()
				p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls?.length === 2`)
				p.keepTold()
				p.buy()
				p.reviewed()
				p.keepTold()
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000 | init, load:pay_later 20000 | init, load:pay_later 20000", placed: []string{"token-1 20000"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newTill(t, templates.Details)
			u.options = hasty
			p := u.open(t, tt.results)
			p.Expect("Failed to load resource")
			if got, want := p.text("[data-buy]"), "Review your order"; got != want {
				t.Errorf("button = %q, want %q", got, want)
			}
			p.buy()
			p.reviewed()
			if got, want := p.text("[data-review]"), "ada@example.com|Ada LindqvistHamngatan 4111 47 Stockholm|Pay in 30 days"; got != want {
				t.Errorf("reviewed: %q, want %q", got, want)
			}
			p.MustEval(`() => sessionStorage.removeItem("told")`)
			p.keepTold()
			tt.play(u, p)
			if diff := cmp.Diff("init, "+tt.told, p.toldInAll()); diff != "" {
				t.Errorf("the library was told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.placed, u.placed()); diff != "" {
				t.Errorf("order calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Nobody reviews what was not approved.
func TestPaymentsReviewUnapproved(t *testing.T) {
	u := newTill(t, templates.Details)
	p := u.open(t, "")
	p.MustEval(`() => setTimeout(() => location.assign("/checkout/payments/review?seen"))`) // it leads on before it is loaded
	p.Wait("the details", `() => location.pathname === "/checkout/payments" && window.calls && performance.getEntriesByType("navigation")[0].type === "navigate" && document.referrer.endsWith("?seen")`)
}

// What is typed outlives reloads, and does not outlive the purchase.
func TestPaymentsTyped(t *testing.T) {
	u := newTill(t, templates.OneStep)
	p := u.open(t, "")
	p.MustElement(`input[value="pay_now"]`).MustClick()
	p.write(map[string]string{"street_address": "  Hamngatan   4 "})
	p.press("MUG-1:plus")
	p.settles(30000)
	if got := p.fields(); got != "ada@example.com|Ada|Lindqvist|  Hamngatan   4 |111 47|Stockholm||pay_now" {
		t.Errorf("after a change of the cart: %q", got)
	}
	p.Load(func() { p.MustReload() })
	p.loaded()
	if got := p.fields(); got != "ada@example.com|Ada|Lindqvist|  Hamngatan   4 |111 47|Stockholm||pay_now" {
		t.Errorf("after a reload: %q", got)
	}
	p.buy()
	p.done()
	if got := fmt.Sprint(u.orders[0]["billing_address"].(map[string]any)["street_address"]); got != "Hamngatan 4" {
		t.Errorf("sent: %q", got)
	}
	p.Go(u.URL + "/checkout/payments")
	p.loaded()
	if got := p.fields(); got != "|||||||pay_later" {
		t.Errorf("after the purchase: %q", got)
	}
}

// The form says what is wrong, keeps what is typed, and stops saying so as soon as it is right.
func TestPaymentsForm(t *testing.T) {
	u := newTill(t, templates.OneStep)
	p := u.open(t, "")
	p.write(map[string]string{"email": "ada@example", "postal_code": "111"})
	p.buy()
	p.wantErrors("Check two fields|Enter an email address like name@example.com|Enter a Swedish postal code, five digits", "email postal_code")
	if got := p.MustEval(`() => document.title + "|" + document.activeElement.className`).Str(); got != "Error: Checkout, Skerry|es" {
		t.Errorf("title and focus: %q", got)
	}
	p.MustElement(`.es a[href="#postal_code"]`).MustClick()
	p.Keyboard.MustType(input.Digit4)
	p.wantErrors("Check two fields|Enter an email address like name@example.com|Enter a Swedish postal code, five digits", "email postal_code")
	p.write(map[string]string{"postal_code": "111 47"})
	p.wantErrors("Check one field|Enter an email address like name@example.com", "email")
	p.write(map[string]string{"email": "ada@example.com"})
	p.wantErrors("", "")
	if got := p.MustEval(`() => document.title`).Str(); got != "Checkout, Skerry" {
		t.Errorf("title: %q", got)
	}
	p.write(map[string]string{"postal_code": "999 99", "city": " "})
	p.buy()
	p.wantErrors("Check two fields|We cannot deliver to 999 99. Try another address|Enter your town or city", "postal_code city")
	if got := p.told(); strings.Contains(got, "authorize") {
		t.Errorf("the library was told %q", got)
	}
}

// An American postal code cannot be reached with the four digits that may follow it either.
func TestPaymentsUnreachable(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.country = "US"
	p := u.open(t, "")
	for code, want := range map[string]string{"99999": "We cannot deliver to 99999. Try another address", "99999-1234": "We cannot deliver to 99999-1234. Try another address", "99998-9999": ""} {
		p.write(map[string]string{"postal_code": code})
		p.buy()
		got := p.MustEval(`() => document.querySelector(".field.postal_code .err")?.textContent ?? ""`).Str()
		if got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

// In the US the tax follows the state: the order does as soon as it is chosen, and when it was chosen before.
func TestPaymentsRegion(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.country = "US"
	p := u.open(t, "")
	p.MustEval(`() => {
		const field = document.getElementById("region");
		field.value = "NY";
		field.dispatchEvent(new Event("input", { bubbles: true }));
	}`)
	p.Wait("the update", `() => queue.state === "idle" && performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/update"))`)
	u.mu.Lock()
	u.region = "" // the shop has forgotten
	u.mu.Unlock()
	p.Load(func() { p.MustReload() })
	p.Wait("the update", `() => queue.state === "idle" && performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/update"))`)
	var regions []any
	for _, update := range u.updates {
		regions = append(regions, update["region"])
	}
	if diff := cmp.Diff([]any{"NY", "NY"}, regions); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

// Where postal codes are without VAT the order follows them, when that changes and only then.
func TestPaymentsPostalCode(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.country, u.untaxed = "NO", []string{"917*", "8099"}
	p := u.open(t, "")
	for _, step := range []struct {
		typed string
		sent  []any // so far
	}{
		{"916", nil},
		{"9170", []any{"9170"}},
		{"91 71", []any{"9170"}},
		{"0150", []any{"9170", "0150"}},
		{"N-8099", []any{"9170", "0150"}},
		{"8099", []any{"9170", "0150", "8099"}},
	} {
		p.MustEval(`(code) => {
			const field = document.getElementById("postal_code");
			field.value = code;
			field.dispatchEvent(new Event("input", { bubbles: true }));
		}`, step.typed)
		p.Wait("the update", `() => queue.state === "idle"`)
		var sent []any
		u.mu.Lock()
		for _, update := range u.updates {
			sent = append(sent, update["postal_code"])
		}
		u.mu.Unlock()
		if diff := cmp.Diff(step.sent, sent); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.typed, diff)
		}
	}
}

// Another country has another form: the page is made anew.
func TestPaymentsCountry(t *testing.T) {
	u := newTill(t, templates.OneStep)
	p := u.open(t, "")
	p.MustEval(`() => {
		const form = document.querySelector("form[data-market]");
		form.elements.country.value = "US";
		form.elements.language.value = "en";
		form.requestSubmit();
	}`)
	p.Wait("the other form, filled in again", `() => location.search === "?market=changed" && document.getElementById("region") && document.getElementById("email").value`)
	if got := p.MustEval(`() => document.querySelector("label[for=postal_code]").textContent.trim() + " " + document.getElementById("email").value`).Str(); got != "ZIP code ada@example.com" {
		t.Errorf("%q", got)
	}
}

// reviewed waits for the review page.
func (p *payer) reviewed() {
	p.t.Helper()
	p.Wait("the review", `() => location.pathname === "/checkout/payments/review" && window.calls?.some(({ name }) => name === "load") && !document.querySelector("[aria-busy]")`)
}

// wantErrors waits for the error summary's lines, and the names of the fields that are marked.
func (p *payer) wantErrors(lines, fields string) {
	p.t.Helper()
	p.Wait("errors "+lines, `(lines) => [...document.querySelectorAll(".es h2, .es a")].map((e) => e.textContent).join("|") === lines`, lines)
	got := p.MustEval(`() => [...document.querySelectorAll("[aria-invalid]")].map((e) => e.id + (e.closest(".field.bad")?.querySelector("#" + e.getAttribute("aria-describedby")) ? "" : " without a reason")).join(" ")`).Str()
	if got != fields {
		p.t.Errorf("marked: %q, want %q", got, fields)
	}
}

func (p *payer) fields() string {
	p.t.Helper()
	return p.MustEval(`() => [...document.querySelectorAll("[data-field], input[name=method]:checked")].map(({ value }) => value).join("|")`).Str()
}

// keepTold has what the library is told outlive this page.
func (p *payer) keepTold() {
	p.t.Helper()
	p.MustEval(`() => addEventListener("pagehide", () => {
		const told = (` + told + `)();
		sessionStorage.setItem("told", [sessionStorage.getItem("told"), told].filter(Boolean).join(" | "));
	})`)
}

// toldInAll is what the library was told on the pages with keepTold, and on the one that is open.
func (p *payer) toldInAll() string {
	p.t.Helper()
	return p.MustEval(`() => [sessionStorage.getItem("told"), window.calls && (` + told + `)()].filter(Boolean).join(" | ")`).Str()
}
