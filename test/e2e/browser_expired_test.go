package e2e_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The payment session ends while its page is open: the page goes on with a new one. What was
// typed stays, every way to pay is there, and the order is placed.
func TestPaymentsSessionEnds(t *testing.T) {
	t.Parallel()
	const methods = `() => [...document.querySelectorAll("[data-method]")].filter((m) => m.checkVisibility()).map((m) => m.dataset.method).join(" ")`
	ends := func(s *shopper) { s.d.fake.Advance(49 * time.Hour) }
	renewed := func(s *shopper) {
		s.t.Helper()
		s.Wait("the page to say that it is renewed", `() => document.querySelector("[data-note=renewed]")?.textContent.includes("We had to renew the payment form.")`)
	}
	choose := func(s *shopper, method string) {
		s.MustEval(`(method) => document.querySelector("input[name=method][value=" + method + "]").click()`, method)
	}
	for _, tc := range []struct {
		name, flow string
		play       func(s *shopper)
		amount     string // to approve in the end
		order      int64
	}{
		{"buy", "one-step", func(s *shopper) { ends(s); s.pay(); renewed(s) }, "327 kr", 32700},
		{"the quantity", "one-step", func(s *shopper) { ends(s); s.press("MUG-1:plus"); s.settled(); renewed(s) }, "476 kr", 47600},
		{"another way to pay", "one-step", func(s *shopper) { ends(s); choose(s, "pay_now"); renewed(s) }, "327 kr", 32700},
		{"one way was refused before", "one-step", func(s *shopper) {
			s.pay()
			s.inside("dialog iframe", "the dialog", `() => document.querySelector("#dialog").open`).MustElement("#decline").MustClick()
			s.Wait("the refusal", `() => document.querySelector("[data-note=payment]")`)
			ends(s)
			s.pay()
			renewed(s)
			if s.MustHas("[data-note=payment]") { // every way to pay is there again
				s.t.Error("the page says that it is renewed, and that a way to pay was refused")
			}
		}, "327 kr", 32700},
		{"twice", "one-step", func(s *shopper) {
			ends(s)
			s.pay()
			renewed(s)
			s.MustEval(`() => document.querySelector("[data-note=renewed]").remove()`)
			s.widgetShows("327 kr")
			ends(s)
			s.pay()
			renewed(s)
		}, "327 kr", 32700},
		{"on the page of the details", "review", func(s *shopper) { ends(s); s.pay(); renewed(s) }, "327 kr", 32700},
		{"on the review", "review", func(s *shopper) {
			s.pay()
			s.approve("327 kr")
			s.Wait("the review", `() => location.pathname === "/checkout/payments/review" && document.querySelector("[data-review=email]")?.textContent`)
			ends(s)
			s.pay()
			s.Wait("the details", `() => location.pathname === "/checkout/payments"`)
			renewed(s)
		}, "327 kr", 32700},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments, payments_flow: "+tc.flow+"}\n"))
			s := d.shopper(t, browsertest.Options{})
			s.Expect("status of 401")
			s.fill("MUG-1", "JAM-1")
			s.openPayments()
			s.typeAddress()
			s.widgetShows("327 kr")
			offered := s.MustEval(methods).Str()
			tc.play(s)
			s.widgetShows(tc.amount)
			if tc.name == "buy" {
				s.Picture("renewed")
				s.As(browsertest.Options{Phone: true, Width: 390, Height: 844})
				s.Picture("renewed on a phone")
			}
			if got := s.MustEval(methods).Str(); got != offered || got == "" {
				t.Errorf("ways to pay: %q, were %q", got, offered)
			}
			for _, name := range []string{"email", "given_name", "family_name", "street_address", "postal_code", "city"} {
				if got := s.MustElement("#" + name).MustProperty("value").Str(); got != person[name] {
					t.Errorf("%s is %q, typed was %q", name, got, person[name])
				}
			}
			if s.MustEval(`() => Boolean(document.querySelector("[data-note=method], [data-note=payment]"))`).Bool() {
				t.Error("the page says that there is no way to pay, or that one was refused")
			}
			s.pay()
			s.approve(tc.amount)
			if tc.flow == "review" {
				s.Wait("the review", `() => location.pathname === "/checkout/payments/review" && document.querySelector("[data-review=email]")?.textContent`)
				s.pay()
				s.approve(tc.amount)
			}
			if order := s.paid(); order.OrderAmount != tc.order {
				t.Errorf("bought for %d, want %d", order.OrderAmount, tc.order)
			}
		})
	}
}
