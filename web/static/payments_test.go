package static_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/web/templates"
)

const (
	closed     = `{"approved": false, "show_form": true}`
	declined   = `{"approved": false, "show_form": false}`
	badCode    = `{"approved": false, "show_form": true, "error": {"invalid_fields": ["billing_address.postal_code", "shipping_address.postal_code"]}}`
	toFinalize = `{"approved": true, "show_form": true, "finalize_required": true}`
)

// One step: each answer of the library to load and authorize, and each change
// of the cart, leads to the call that Klarna wants next; the order is placed
// with the newest token, for what the page shows.
func TestPaymentsOneStep(t *testing.T) {
	for _, tt := range []struct {
		name    string
		results string
		play    func(u *till, p *payer)
		told    string   // to the library, after init and before the end
		placed  []string // tokens and amounts; none: no order
		note    string   // "id: text" of a note that stands there in the end
	}{
		{
			name: "approved",
			play: func(_ *till, p *payer) { p.buy(); p.done() },
			told: "load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "the cart changes before",
			play: func(_ *till, p *payer) { p.press("MUG-1:plus"); p.settles(30000); p.buy(); p.done() },
			told: "load:pay_later 20000, load:pay_later 30000, authorize:pay_later 30000 address", placed: []string{"token-1 30000"},
		},
		{
			name: "the cart changes in the last second",
			play: func(_ *till, p *payer) {
				p.MustEval(`() => { document.querySelector('[data-key="MUG-1:plus"]').click(); document.querySelector("[data-buy]").click(); }`)
				if got, want := p.note("wait"), "Your order is still being updated. Press the button again when the new total is shown."; got != want {
					p.t.Errorf("note = %q, want %q", got, want)
				}
				p.settles(30000)
				p.Wait("the note to go", `() => !document.querySelector("[data-note=wait]")`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, load:pay_later 30000, authorize:pay_later 30000 address", placed: []string{"token-1 30000"},
		},
		{
			name: "the cart changed in another tab, the order call tells",
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
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_later 50000, authorize:pay_later 50000 address",
			placed: []string{"token-1 20000", "token-2 50000"},
		},
		{
			name: "the cart changes in another tab while the shopper approves", results: `{"authorize": ["wait"]}`,
			play: func(u *till, p *payer) {
				p.buy()
				p.Wait("the call", `() => window.answerWith`)
				u.change(4)
				p.MustEval(`() => new BroadcastChannel("shopd-cart-c0ffee").postMessage({ revision: 8 })`)
				p.settles(40000)
				p.MustEval(`() => answerWith({ approved: true, show_form: true, authorization_token: "token-0" })`)
				p.rests()
				p.wantNote("expired", "Your cart changed after you approved the payment. Approve the new total, 400 kr.")
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_later 40000, authorize:pay_later 40000 address",
			placed: []string{"token-1 40000"},
		},
		{
			name: "the address changes after an approval that brought no order",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(503, "klarna_unavailable", nil)}
				p.buy()
				p.rests()
				p.wantNote("payment", "We do not know yet whether your order was placed. Try again to find out. You will not be charged twice. Try again")
				p.write(map[string]string{"street_address": "Storgatan 1"})
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-2 20000"},
		},
		{
			name: "no answer to the order call: the same again",
			play: func(u *till, p *payer) {
				u.answers = []answer{func(_ *till, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, refusal(503, "busy", nil)}
				p.buy()
				p.rests()
				p.MustElementR("[data-note=payment] button", "Try again").MustClick()
				p.Wait("the second answer", `() => document.querySelector("[data-note=payment]")`)
				p.rests()
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-1 20000", "token-1 20000"},
		},
		{
			name: "an approval of an hour ago",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(503, "klarna_unavailable", nil)}
				p.buy()
				p.rests()
				p.MustEval(`() => { const now = Date.now; Date.now = () => now() + 60 * 60_000 }`)
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-2 20000"},
		},
		{
			name: "Klarna knows the token no more",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(409, "authorization_gone", nil)}
				p.buy()
				p.rests()
				p.wantNote("expired", "Your approval has expired. Nothing has been charged. Approve the total, 200 kr, once more.")
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-2 20000"},
		},
		{
			name: "Klarna declines the order",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(409, "declined", nil)}
				p.buy()
				p.Wait("the other way", `() => document.activeElement.value === "pay_now"`)
				p.rests()
				p.wantNote("payment", "The payment was not approved. Choose another way to pay. Nothing has been charged.")
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_now 20000, authorize:pay_now 20000 address",
			placed: []string{"token-1 20000", "token-2 20000"},
		},
		{
			name: "sold out meanwhile",
			play: func(u *till, p *payer) {
				u.answers = []answer{stale("sold_out")}
				p.buy()
				p.rests()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "another purchase of the cart",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(503, "purchase_running", nil)}
				p.buy()
				p.rests()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
			note: "payment: Another payment for this cart may still be under way. We stopped this one so that you do not pay twice. Nothing has been charged for it. Wait a few minutes, then try again. Try again",
		},
		{
			name: "too many requests",
			play: func(u *till, p *payer) {
				u.answers = []answer{refusal(429, "too_many_requests", nil)}
				p.buy()
				p.rests()
				p.wantNote("payment", "Too many changes at once. We could not take your order just now. Try again in a moment. You will not be charged twice. Try again")
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-1 20000"},
		},
		{
			name: "the answer leads to a script",
			play: func(u *till, p *payer) {
				u.answers = []answer{func(_ *till, w http.ResponseWriter, _ *http.Request) {
					writeJSON(w, http.StatusOK, map[string]string{"redirect": "javascript:alert(1)"})
				}}
				p.buy()
				p.rests()
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address",
			placed: []string{"token-1 20000", "token-1 20000"},
		},
		{
			name: "bought already",
			play: func(u *till, p *payer) {
				p.Expect("409")
				u.answers = []answer{func(_ *till, w http.ResponseWriter, _ *http.Request) {
					writeJSON(w, http.StatusConflict, map[string]string{"redirect": "/done?already"})
				}}
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "closed", results: `{"authorize": [` + closed + `]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.rests()
				p.wantNote("payment", "You closed the payment before it was finished. Your order is unchanged.")
				p.Wait("the focus", `() => document.activeElement.matches("[data-buy]")`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "declined", results: `{"authorize": [` + declined + `]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.Wait("the other way", `() => document.activeElement.value === "pay_now"`)
				p.wantNote("payment", "The payment was not approved. Choose another way to pay. Nothing has been charged.")
				if p.MustElement(`[data-method="pay_later"]`).MustVisible() {
					p.t.Error("the declined way is still offered")
				}
				p.buy()
				p.done()
			},
			told:   "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_now 20000, authorize:pay_now 20000 address",
			placed: []string{"token-1 20000"},
		},
		{
			name:    "the session has ended: another takes its place, and every way to pay is back",
			results: `{"authorize": [` + declined + `,` + declined + `]}`,
			play: func(u *till, p *payer) {
				p.buy()
				p.Wait("the other way", `() => document.activeElement.value === "pay_now"`)
				p.rests()
				u.ends()
				p.buy()
				p.rests()
				p.wantNote("renewed", "We had to renew the payment form. Your cart is kept. Check your details before you pay. Close")
				for _, way := range []string{"pay_later", "pay_now", "pay_over_time"} {
					if !p.MustElement(`[data-method="` + way + `"]`).MustVisible() {
						p.t.Errorf("%s is not offered", way)
					}
				}
				if got := p.note("payment"); got != "" {
					p.t.Errorf("the page still says %q", got)
				}
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_now 20000, authorize:pay_now 20000 address, " +
				"init, load:pay_now 20000, authorize:pay_now 20000 address",
			placed: []string{"token-1 20000"},
		},
		{
			name: "all declined", results: `{"authorize": [` + declined + `,` + declined + `,` + declined + `]}`,
			play: func(_ *till, p *payer) {
				for _, next := range []string{"pay_now", "pay_over_time", ""} {
					p.buy()
					p.Wait("the next way", `(next) => (document.querySelector("input[name=method]:checked")?.value ?? "") === next`, next)
					p.rests()
				}
				p.buy()
				// One note: another that says to choose another way would contradict it.
				if got := p.MustEval(`() => [...document.querySelectorAll("[data-note]")].map((note) => note.dataset.note).join(" ")`).Str(); got != "method" {
					p.t.Errorf("the page has the notes %q, want method alone", got)
				}
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_now 20000, authorize:pay_now 20000 address, load:pay_over_time 20000, authorize:pay_over_time 20000 address",
			note: "method: No payment method is available for this order. Try another address or a smaller order. Your cart is kept.",
		},
		{
			name: "invalid fields", results: `{"authorize": [` + badCode + `]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.rests()
				p.wantErrors("Check one field|Enter a Swedish postal code, five digits", "postal_code")
				p.write(map[string]string{"postal_code": "111 48"})
				p.wantErrors("", "")
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "invalid, and no field of ours", results: `{"authorize": [{"approved": false, "show_form": true, "error": {"invalid_fields": ["customer.date_of_birth"]}}]}`,
			play: func(_ *till, p *payer) { p.buy(); p.rests() },
			told: "load:pay_later 20000, authorize:pay_later 20000 address",
			note: "payment: The payment service did not accept some of your details. Check your details. Nothing has been charged.",
		},
		{
			name: "to be finalized: this is the last page", results: `{"authorize": [` + toFinalize + `]}`,
			play: func(_ *till, p *payer) { p.buy(); p.done() },
			told: "load:pay_later 20000, authorize:pay_later 20000 address, finalize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "authorize throws", results: `{"authorize": ["throw"]}`,
			play: func(_ *till, p *payer) {
				p.Expect("thrown by the library")
				p.buy()
				p.Wait("the widget once more", `() => calls.filter(({ name }) => name === "load").length === 2`)
				p.rests()
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address, load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "load offers nothing", results: `{"load": [{"show_form": false}]}`,
			play: func(_ *till, p *payer) {
				p.Wait("the next way", `() => document.querySelector("input[name=method]:checked").value === "pay_now"`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, load:pay_now 20000, authorize:pay_now 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "load offers it again for another order", results: `{"load": [{"show_form": false}, {"show_form": true}, {"show_form": false}]}`,
			play: func(_ *till, p *payer) {
				p.Wait("the next way", `() => document.querySelector("input[name=method]:checked").value === "pay_now"`)
				p.press("MUG-1:plus")
				p.Wait("the third way", `() => document.querySelector("input[name=method]:checked").value === "pay_later"`)
				p.settles(30000)
			},
			told: "load:pay_later 20000, load:pay_now 20000, load:pay_now 30000, load:pay_later 30000",
		},
		{
			name: "load finds fields invalid", results: `{"load": [{"show_form": true}, {"show_form": true, "error": {"invalid_fields": ["billing_address.city"]}}]}`,
			play: func(_ *till, p *payer) {
				p.press("MUG-1:plus")
				p.settles(30000)
				p.wantErrors("Check one field|Enter your town or city", "city")
				p.write(map[string]string{"city": "Solna"})
				p.Wait("the widget once more", `() => calls.filter(({ name }) => name === "load").length === 3`)
			},
			told: "load:pay_later 20000, load:pay_later 30000, load:pay_later 30000 address",
		},
		{
			name: "load throws", results: `{"load": ["throw"]}`,
			play: func(_ *till, p *payer) {
				p.Expect("thrown by the library")
				p.wantNote("library", "The payment form did not load. Check your connection. Nothing has been charged. Try again")
				p.MustElementR("[data-note=library] button", "Try again").MustClick()
				p.Wait("the note to go", `() => !document.querySelector("[data-note=library]")`)
			},
			told: "load:pay_later 20000, load:pay_later 20000",
		},
		{
			name: "load has no answer", results: `{"load": ["wait"]}`,
			play: func(_ *till, p *payer) {
				p.wantNote("library", "The payment form did not load. Check your connection. Nothing has been charged. Try again")
			},
			told: "load:pay_later 20000",
		},
		{
			name: "another way is chosen",
			play: func(_ *till, p *payer) {
				p.MustElement(`input[value="pay_over_time"]`).MustClick()
				p.Wait("its widget", `() => document.querySelector("[data-method=pay_over_time] [data-widget]").checkVisibility() && !document.querySelector("[data-method=pay_later] [data-widget]").checkVisibility()`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, load:pay_over_time 20000, authorize:pay_over_time 20000 address", placed: []string{"token-1 20000"},
		},
		{
			name: "more clicks", results: `{"authorize": ["wait"]}`,
			play: func(_ *till, p *payer) {
				p.buy()
				p.Wait("the call", `() => window.answerWith`)
				if got, want := p.text("[data-buy]"), "Waiting for approval…"; got != want {
					p.t.Errorf("button = %q, want %q", got, want)
				}
				if n := p.MustEval(`() => document.querySelectorAll("#order-summary[inert], [data-lock][inert]").length`).Int(); n != 4 {
					p.t.Errorf("%d parts of the page are locked, want 4", n)
				}
				p.buy()
				p.buy()
				p.MustEval(`() => answerWith({ approved: true, show_form: true, authorization_token: "token-0" })`)
				p.done()
			},
			told: "load:pay_later 20000, authorize:pay_later 20000 address", placed: []string{"token-0 20000"},
		},
		{
			name: "the session is another one",
			play: func(u *till, p *payer) {
				u.replaces = true
				p.press("MUG-1:plus")
				p.settles(30000)
				p.Wait("the new session", `() => calls.some(({ options }) => options.client_token === "session-2-token")`)
				p.wantNote("renewed", "We had to renew the payment form. Your cart is kept. Check your details before you pay. Close")
				p.Wait("its widget", `() => calls.at(-1).name === "load"`)
				p.buy()
				p.done()
			},
			told: "load:pay_later 20000, init, load:pay_later 30000, authorize:pay_later 30000 address", placed: []string{"token-1 30000"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newTill(t, templates.OneStep)
			u.options = hasty
			p := u.open(t, tt.results)
			p.Expect("Failed to load resource")
			p.keepTold()
			tt.play(u, p)
			if diff := cmp.Diff("init, "+tt.told, p.toldInAll()); diff != "" {
				t.Errorf("the library was told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.placed, u.placed()); diff != "" {
				t.Errorf("order calls (-want +got):\n%s", diff)
			}
			if id, text, ok := strings.Cut(tt.note, ": "); ok {
				p.wantNote(id, text)
			}
		})
	}
}

// The library is called while the click is handled: browsers let it open a window.
func TestPaymentsAuthorizeInTheClick(t *testing.T) {
	u := newTill(t, templates.OneStep)
	p := u.open(t, "")
	p.MustEval(`() => {
		const { authorize } = Klarna.Payments;
		Klarna.Payments.authorize = (...all) => { window.handled = window.event?.type; authorize(...all) };
	}`)
	p.MustElement("#city").MustFocus()
	p.Keyboard.MustType(input.Enter)
	p.Wait("the call", `() => window.handled`)
	if got := p.MustEval(`() => handled + " " + calls.at(-1).clicked`).Str(); got != "submit true" {
		t.Errorf("called in the event, and with the click: %q", got)
	}
	p.done()
	if diff := cmp.Diff(map[string]any{"country": "SE", "email": "ada@example.com", "given_name": "Ada", "family_name": "Lindqvist",
		"street_address": "Hamngatan 4", "postal_code": "111 47", "city": "Stockholm"}, u.orders[0]["billing_address"]); diff != "" {
		t.Errorf("address (-want +got):\n%s", diff)
	}
}

// The library does not come: the page says so, and tries again when asked.
func TestPaymentsNoLibrary(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.missing = true
	p := &payer{&checkoutPage{Page: browsertest.Open(t, browsertest.Options{}), t: t}}
	p.Expect("Failed to load resource", "Klarna's library is not there", "MIME type")
	p.Go(u.URL + "/checkout/payments")
	p.wantNote("library", "The payment form did not load. Check your connection. Nothing has been charged. Try again")
	p.write(ada)
	p.buy()
	p.rests()
	p.loaded() // tried again by the click
	p.buy()
	p.done()
}

// On a page without this form nothing is started.
func TestPaymentsNothingToDrive(t *testing.T) {
	u := newTill(t, templates.OneStep)
	p := u.open(t, "")
	if got := p.MustEval(`async (url) => { document.getElementById("payments").remove(); return (await import(url)).start() === null }`, "/static/x/payments.js"); !got.Bool() {
		t.Error("started")
	}
}

// settles waits until the page shows a total, in minor units, and nothing is on its way.
func (p *payer) settles(total int) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("a total of %d", total), `(total) => queue.state === "idle" && !document.querySelector("[aria-busy]") && Number(document.querySelector("dl [data-total]").dataset.amount) === total &&
		(document.querySelector("[data-buy]").ariaDisabled || document.querySelector("[data-buy]").textContent === "Buy for " + total / 100 + " kr")`, total)
}

// wantNote waits for a note of an ID with a text.
func (p *payer) wantNote(id, text string) {
	p.t.Helper()
	p.Wait("note "+id, `(id) => document.querySelector("[data-note=" + id + "]")`, id)
	if got := p.note(id); got != text {
		p.t.Errorf("note %s = %q, want %q", id, got, text)
	}
}
