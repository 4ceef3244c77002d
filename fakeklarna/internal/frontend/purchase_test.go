package frontend_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// swedeAs returns the Swede with another e-mail address.
func swedeAs(email string) map[string]string {
	typed := maps.Clone(faketest.Swede)
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
			h := faketest.NewHost(t)
			c := h.Open(h.CreateWith(nil, "validation"), browsertest.Options{})
			c.MustEval(`() => { window.opened = 1 }`)
			c.Fill(swedeAs(tt.email))
			if tt.refused != "" {
				c.PressPay()
				c.WaitRefusal(tt.refused)
				if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
					t.Errorf("status = %s", got)
				}
				if got, want := c.Count("can_not_complete_order"), map[bool]int{true: 1}[tt.name == "denied"]; got != want {
					t.Errorf("can_not_complete_order fired %d times, want %d", got, want)
				}
				if c.MustEval(`() => window.opened`).Nil() {
					t.Error("the page was loaded again")
				}
				c.Fill(map[string]string{"email": "ada@example.com"})
			}
			c.Settled()
			c.Buy()
			if got := h.Order(c.ID).Status; got != "checkout_complete" {
				t.Errorf("status = %s", got)
			}
			if got := h.Calls(); !strings.HasPrefix(got, "validation") {
				t.Errorf("callbacks = %s", got)
			}
		})
	}
}

func TestFrameValidation(t *testing.T) {
	t.Parallel()
	required := map[string]any{"options": map[string]any{"require_validate_callback_success": true}}
	refusing := faketest.Answering(400, map[string]any{"error_type": "approval_failed", "error_text": "The last clock is <b>gone</b>."})
	for _, tt := range []struct {
		name   string
		order  map[string]any
		answer http.HandlerFunc
		want   string // refusal, or path where the browser goes
	}{
		{"refused with text", nil, refusing, "The last clock is <b>gone</b>."},
		{"refused with redirect", nil, nil, "/elsewhere"},
		{"answered 500, success required", required, faketest.Answering(500, nil), "The purchase cannot be processed. Try again. Nothing has been charged."},
		{"silent", nil, faketest.Silent, "/confirmation"},
		{"silent, success required", required, faketest.Silent, "The purchase cannot be processed. Try again. Nothing has been charged."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of this is waiting
			h := faketest.NewHost(t)
			h.On("validation", tt.answer)
			id := h.CreateWith(tt.order, "validation")
			if tt.want == "/elsewhere" {
				h.On("validation", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", h.URL+"/elsewhere?order="+id)
					w.WriteHeader(http.StatusSeeOther)
				})
			}
			c := h.Open(id, browsertest.Options{})
			c.Fill(faketest.Swede)
			c.PressPay()
			if strings.HasPrefix(tt.want, "/") {
				c.WaitFor(faketest.Patience, "the page "+tt.want, `(path) => location.pathname === path`, tt.want)
				return
			}
			c.WaitFrameFor(faketest.Patience, "the refusal", `(want) => document.getElementById("refusal").textContent === want`, tt.want)
			if got := h.Order(id).Status; got != "checkout_incomplete" {
				t.Errorf("status = %s", got)
			}
			for name, want := range faketest.Swede {
				if got := c.Value(name); got != want {
					t.Errorf("%s = %q after the refusal, want %q", name, got, want)
				}
			}
			h.On("validation", nil) // this time the merchant agrees
			c.Settled()
			c.Buy()
		})
	}
}

// The dialog of the methods that need approval.
func TestFrameApproval(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Element("method-bank_account").MustClick()
	open := func() {
		t.Helper()
		c.PressPay()
		c.WaitFrame("the dialog", `() => document.getElementById("approval").open`)
		c.Wait("the page to know of it", `() => document.documentElement.classList.contains("klarna-checkout-fso-open")`)
	}
	open()
	if got := c.InFrame().MustElement("#approval-title").MustText(); got != "Approve the payment of 447\u00a0kr?" {
		t.Errorf("title = %q", got)
	}
	inside := `() => { const box = document.getElementById("approval").getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }`
	if !c.InFrame().MustEval(inside).Bool() {
		t.Error("the dialog is not all inside the frame")
	}
	c.Element("close").MustClick()
	c.WaitRefusal("You closed the payment before it was finished. Your order is unchanged.")
	c.Wait("the page to know that it closed", `() => !document.documentElement.classList.contains("klarna-checkout-fso-open")`)

	open()
	c.Element("decline").MustClick()
	c.WaitRefusal("The purchase was not approved. Choose another way to pay. Nothing has been charged.")
	if got := c.Count("can_not_complete_order"); got != 0 {
		t.Error("another method may still do, yet can_not_complete_order fired")
	}

	open()
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.WaitFrame("the dialog to go", `() => !document.getElementById("approval").open`)
	c.MustEval(`() => { api.resume() }`)
	c.WaitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	for name, want := range faketest.Swede {
		if got := c.Value(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}

	open()
	c.Element("approve").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
	if got := h.Order(c.ID).Fake.PaymentMethod; got != "bank_account" {
		t.Errorf("paid by %s", got)
	}
}

// The shop's change while the shopper types: nothing is lost, and the field has
// the focus and the caret again.
func TestSuspendedDuringTyping(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	c.Fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada"})
	c.Fill(map[string]string{"family_name": "Lnd"}) // the field with the caret
	typeIn := func(keys ...input.Key) { c.Keyboard.MustType(keys...) }
	typeIn(input.ArrowLeft, input.ArrowLeft, input.KeyI) // "Lind", the caret after the i
	c.MustEval(`() => { api.suspend({autoResume: {enabled: false}}) }`)
	c.WaitFrame("the frame to stand still", `() => document.getElementById("checkout").inert`)
	h.Update(c.ID, faketest.Amounts(89400))
	c.MustEval(`() => { api.resume() }`)
	c.WaitTotal("894 kr")
	c.WaitFrame("the frame to move again", `() => !document.getElementById("checkout").inert`)
	typeIn(input.KeyN, input.KeyN)
	if got := c.Value("family_name"); got != "Linnnd" {
		t.Errorf("family_name = %q, want %q", got, "Linnnd")
	}
	if got := c.Value("given_name"); got != "Ada" {
		t.Errorf("given_name = %q", got)
	}
}

// A price that changes after the button was pressed is not paid.
func TestTotalChangesWhilePaying(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.CreateWith(nil, "address_update")
	h.On("address_update", byCountry)
	c := h.Open(id, browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Settled()
	pressed := make(chan struct{})
	h.On("address_update", func(w http.ResponseWriter, r *http.Request) {
		<-pressed
		faketest.Answering(200, answered(89400, "SEK", "en-SE"))(w, r)
	})
	c.Element("city").MustSelectAllText().MustInput("Uppsala")
	c.Element("pay").MustClick()
	close(pressed)
	c.WaitRefusal("The total has changed to 894\u00a0kr. Check it, then pay again. Nothing has been charged.")
	if got := h.Order(id).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
	c.Settled()
	c.Buy()
	if got := h.Order(id).OrderAmount; got != 89400 {
		t.Errorf("bought for %d", got)
	}
}

// What is bought is what button and dialog said, whoever changes the total after that.
func TestTotalChangesUnseen(t *testing.T) {
	t.Parallel()
	pay := func(c *faketest.Checkout) { c.Element("pay").MustClick() }
	post := map[string]any{"id": "post", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500}
	for _, tt := range []struct {
		name    string
		order   map[string]any
		urls    []string
		press   func(c *faketest.Checkout) // the button, and what happens around that
		changed int64
	}{
		{"a fee nobody chose", map[string]any{"shipping_options": []any{post}}, nil, pay, 49600},
		{"an answer that is owed", nil, []string{"address_update"}, func(c *faketest.Checkout) {
			c.WaitFrame("the failure", `() => document.getElementById("address-refusal").textContent !== ""`)
			c.Host.On("address_update", faketest.Answering(200, answered(89400, "SEK", "en-SE")))
			pay(c)
		}, 89400},
		{"the shop's own validation", map[string]any{"options": map[string]any{"require_client_validation": true}}, nil, func(c *faketest.Checkout) {
			c.MustEval(`() => { api.on({validation_callback: (data, callback) => { window.proceed = () => callback({should_proceed: true}) }}) }`)
			pay(c)
			c.Wait("the callback", `() => window.proceed`)
			c.Host.Update(c.ID, faketest.Amounts(89400))
			c.MustEval(`() => { proceed(); api.on({validation_callback: (data, callback) => callback({should_proceed: true})}) }`)
		}, 89400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := faketest.NewHost(t)
			h.On("address_update", faketest.Answering(503, nil))
			c := h.Open(h.CreateWith(tt.order, tt.urls...), browsertest.Options{})
			c.Fill(faketest.Swede)
			c.Element("method-card").MustClick()
			c.Settled()
			tt.press(c)
			approve := func(total string) {
				t.Helper()
				c.WaitFrame("the dialog", `() => document.getElementById("approval").open`)
				if got, want := c.InFrame().MustElement("#approval-title").MustText(), "Approve the payment of "+total+"?"; got != want {
					t.Errorf("title = %q, want %q", got, want)
				}
				c.Element("approve").MustClick()
			}
			approve("447\u00a0kr")
			total := fmt.Sprintf("%d\u00a0kr", tt.changed/100)
			c.WaitRefusal("The total has changed to " + total + ". Check it, then pay again. Nothing has been charged.")
			if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
				t.Errorf("status = %s", got)
			}
			c.PressPay()
			approve(total)
			c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
			if got := h.Order(c.ID).OrderAmount; got != tt.changed {
				t.Errorf("bought for %d, want %d", got, tt.changed)
			}
		})
	}
}

// Whoever comes back finds the form, or what became of it: the browser shows the page that it has
// kept, which last said that the shopper is being sent away.
func TestFrameIsSeenAgain(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.CreateWith(nil, "validation")
	h.On("validation", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", h.URL+"/kco/nothing")
		w.WriteHeader(http.StatusSeeOther)
	})
	h.On("nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // the browser stays
	c := h.Open(id, browsertest.Options{})
	comeBack := func(said string) {
		c.WaitFrame("the notice "+said, `(said) => document.getElementById("notice-title").textContent === said`, said)
		c.InFrame().MustEval(`() => { dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true})) }`)
	}
	c.Fill(faketest.Swede)
	c.PressPay()
	comeBack("Taking you to the next page…")
	c.WaitFrame("the form", `() => !document.getElementById("checkout").hidden && document.getElementById("notice").hidden`)
	h.On("validation", nil)
	h.Update(id, map[string]any{"merchant_urls": map[string]any{
		"terms": h.URL + "/terms", "checkout": h.URL + "/checkout", "push": h.URL + "/push", "confirmation": h.URL + "/kco/nothing",
	}})
	c.PressPay()
	comeBack("Thank you. Taking you back to the shop…")
	c.WaitFrame("what became of it", `() => document.getElementById("notice-title").textContent === "This order is already paid." && !document.getElementById("notice-button").hidden`)
}

func TestFrameExternalMethod(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"external_payment_methods": []map[string]any{
		{"name": "Harbour pay", "redirect_url": "https://pay.example/?id={checkout.order.id}", "fee": 2900, "description": "By boat"},
		{"name": "Fjord pay", "redirect_url": "https://fjord.example/", "countries": []string{"NO"}},
	}}), browsertest.Options{})
	c.Expect("pay.example")
	c.Fill(faketest.Swede)
	if c.InFrame().MustHas(`[data-testid="method-Fjord pay"]`) {
		t.Error("a method of another country is offered")
	}
	c.Element("method-Harbour pay").MustClick()
	if got := c.Element("pay").MustText(); got != "Continue with Harbour pay" {
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
	c.PressPay()
	if got, want := <-wait, "https://pay.example/?id="+c.ID; got != want {
		t.Errorf("went to %s, want %s", got, want)
	}
	if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
}
