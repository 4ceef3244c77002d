package fakeklarna_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"github.com/shopd/shopd/internal/browsertest"
)

// swedeAs returns the Swede with another e-mail address.
func swedeAs(email string) map[string]string {
	typed := maps.Clone(swede)
	typed["email"] = email
	return typed
}

func TestPurchaseEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, email, refused string }{
		{"approved", "ada@example.com", ""},
		{"pending", "ada+pend-accept-05@example.com", ""},
		{"denied", "ada+denied@example.com", "The purchase was not approved. Choose another way to pay. Nothing has been charged."},
		{"technical error", "ada+error@example.com", "Something went wrong. Try again. Nothing has been charged."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			c := h.open(h.createWith(nil, "validation"), browsertest.Options{})
			c.MustEval(`() => { window.opened = 1 }`)
			c.fill(swedeAs(tt.email))
			if tt.refused != "" {
				c.pressPay()
				c.waitRefusal(tt.refused)
				if got := h.order(c.id).Status; got != "checkout_incomplete" {
					t.Errorf("status = %s", got)
				}
				if got, want := c.count("can_not_complete_order"), map[bool]int{true: 1}[tt.name == "denied"]; got != want {
					t.Errorf("can_not_complete_order fired %d times, want %d", got, want)
				}
				if c.MustEval(`() => window.opened`).Nil() {
					t.Error("the page was loaded again")
				}
				c.fill(map[string]string{"email": "ada@example.com"})
			}
			c.settled()
			c.buy()
			if got := h.order(c.id).Status; got != "checkout_complete" {
				t.Errorf("status = %s", got)
			}
			if got := h.calls(); !strings.HasPrefix(got, "validation") {
				t.Errorf("callbacks = %s", got)
			}
		})
	}
}

func TestFrameValidation(t *testing.T) {
	t.Parallel()
	required := map[string]any{"options": map[string]any{"require_validate_callback_success": true}}
	refusing := answering(400, map[string]any{"error_type": "approval_failed", "error_text": "The last clock is <b>gone</b>."})
	for _, tt := range []struct {
		name   string
		order  map[string]any
		answer http.HandlerFunc
		want   string // refusal, or path where the browser goes
	}{
		{"refused with text", nil, refusing, "The last clock is <b>gone</b>."},
		{"refused with redirect", nil, nil, "/elsewhere"},
		{"answered 500, success required", required, answering(500, nil), "The purchase cannot be processed. Try again. Nothing has been charged."},
		{"silent", nil, silent, "/confirmation"},
		{"silent, success required", required, silent, "The purchase cannot be processed. Try again. Nothing has been charged."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of this is waiting
			h := newHost(t)
			h.on("validation", tt.answer)
			id := h.createWith(tt.order, "validation")
			if tt.want == "/elsewhere" {
				h.on("validation", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", h.url+"/elsewhere?order="+id)
					w.WriteHeader(http.StatusSeeOther)
				})
			}
			c := h.open(id, browsertest.Options{})
			c.fill(swede)
			c.pressPay()
			if strings.HasPrefix(tt.want, "/") {
				c.WaitFor(patience, "the page "+tt.want, `(path) => location.pathname === path`, tt.want)
				return
			}
			c.waitFrameFor(patience, "the refusal", `(want) => document.getElementById("refusal").textContent === want`, tt.want)
			if got := h.order(id).Status; got != "checkout_incomplete" {
				t.Errorf("status = %s", got)
			}
			for name, want := range swede {
				if got := c.value(name); got != want {
					t.Errorf("%s = %q after the refusal, want %q", name, got, want)
				}
			}
			h.on("validation", nil) // this time the merchant agrees
			c.settled()
			c.buy()
		})
	}
}

// The dialog of the methods that need approval.
func TestFrameApproval(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.fill(swede)
	c.element("method-bank_account").MustClick()
	open := func() {
		t.Helper()
		c.pressPay()
		c.waitFrame("the dialog", `() => document.getElementById("approval").open`)
		c.Wait("the page to know of it", `() => document.documentElement.classList.contains("klarna-checkout-fso-open")`)
	}
	open()
	if got := c.frame().MustElement("#approval-title").MustText(); got != "Approve the payment of 447\u00a0kr?" {
		t.Errorf("title = %q", got)
	}
	inside := `() => { const box = document.getElementById("approval").getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }`
	if !c.frame().MustEval(inside).Bool() {
		t.Error("the dialog is not all inside the frame")
	}
	c.element("close").MustClick()
	c.waitRefusal("You closed the payment before it was finished. Your order is unchanged.")
	c.Wait("the page to know that it closed", `() => !document.documentElement.classList.contains("klarna-checkout-fso-open")`)

	open()
	c.element("decline").MustClick()
	c.waitRefusal("The purchase was not approved. Choose another way to pay. Nothing has been charged.")
	if got := c.count("can_not_complete_order"); got != 0 {
		t.Error("another method may still do, yet can_not_complete_order fired")
	}

	open()
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.waitFrame("the dialog to go", `() => !document.getElementById("approval").open`)
	c.MustEval(`() => { api.resume() }`)
	c.waitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	if got := h.order(c.id).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	for name, want := range swede {
		if got := c.value(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}

	open()
	c.element("approve").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	if got := h.order(c.id).Fake.PaymentMethod; got != "bank_account" {
		t.Errorf("paid by %s", got)
	}
}

// The shop's change while the shopper types: nothing is lost, and the field has
// the focus and the caret again.
func TestSuspendedDuringTyping(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(nil), browsertest.Options{})
	c.fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada"})
	c.fill(map[string]string{"family_name": "Lnd"}) // the field with the caret
	typeIn := func(keys ...input.Key) { c.Keyboard.MustType(keys...) }
	typeIn(input.ArrowLeft, input.ArrowLeft, input.KeyI) // "Lind", the caret after the i
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.waitFrame("the frame to stand still", `() => document.getElementById("checkout").inert`)
	h.update(c.id, amounts(89400))
	c.MustEval(`() => { api.resume() }`)
	c.waitTotal("894 kr")
	c.waitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	typeIn(input.KeyN, input.KeyN)
	if got := c.value("family_name"); got != "Linnnd" {
		t.Errorf("family_name = %q, want %q", got, "Linnnd")
	}
	if got := c.value("given_name"); got != "Ada" {
		t.Errorf("given_name = %q", got)
	}
}

// A price that changes after the button was pressed is not paid.
func TestTotalChangesWhilePaying(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	id := h.createWith(nil, "address_update")
	h.on("address_update", byCountry)
	c := h.open(id, browsertest.Options{})
	c.fill(swede)
	c.settled()
	pressed := make(chan struct{})
	h.on("address_update", func(w http.ResponseWriter, r *http.Request) {
		<-pressed
		answering(200, answered(89400, "SEK", "en-SE"))(w, r)
	})
	c.element("city").MustSelectAllText().MustInput("Uppsala")
	c.element("pay").MustClick()
	close(pressed)
	c.waitRefusal("The total has changed to 894\u00a0kr. Check it, then pay again. Nothing has been charged.")
	if got := h.order(id).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	c.settled()
	c.buy()
	if got := h.order(id).OrderAmount; got != 89400 {
		t.Errorf("bought for %d", got)
	}
}

func TestFrameExternalMethod(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.open(h.create(map[string]any{"external_payment_methods": []map[string]any{
		{"name": "Harbour pay", "redirect_url": "https://pay.example/?id={checkout.order.id}", "fee": 2900, "description": "By boat"},
		{"name": "Fjord pay", "redirect_url": "https://fjord.example/", "countries": []string{"NO"}},
	}}), browsertest.Options{})
	c.Expect("pay.example")
	c.fill(swede)
	if c.frame().MustHas(`[data-testid="method-Fjord pay"]`) {
		t.Error("a method of another country is offered")
	}
	c.element("method-Harbour pay").MustClick()
	if got := c.element("pay").MustText(); got != "Continue with Harbour pay" {
		t.Errorf("button = %q", got)
	}
	wait := make(chan string, 10)
	go c.EachEvent(func(e *proto.NetworkRequestWillBeSent) bool {
		if !strings.Contains(e.Request.URL, "pay.example") {
			return false
		}
		wait <- e.Request.URL
		return true
	})()
	c.pressPay()
	if got, want := <-wait, "https://pay.example/?id="+c.id; got != want {
		t.Errorf("went to %s, want %s", got, want)
	}
	if got := h.order(c.id).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
}
