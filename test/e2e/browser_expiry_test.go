package e2e_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Klarna forgets an order after 48 hours.
func TestExpired(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{})
	s.Expect("/kco/checkout/orders/") // the form may be reading an order just when that expires
	s.fill("MUG-1")
	s.openCheckout()
	first := s.orderID()

	// Reloaded: a new order, and not a word about it.
	d.fake.Advance(49 * time.Hour)
	s.Load(func() { s.MustReload() })
	s.formShown()
	second := s.orderID()
	if second == first {
		t.Error("the page shows the order that has expired")
	}
	if got := s.text("[data-messages]") + s.text("[data-region=notes]"); got != "" {
		t.Errorf("the page says %q, want nothing", got)
	}
	s.agree()

	// The page open all the time: the form is replaced in place, and the page says so.
	s.typeContact()
	d.fake.Advance(49 * time.Hour)
	s.MustEval(`() => { window.stays = true }`)
	s.press("MUG-1:plus")
	s.Wait("the new form", `(kco, old) => !(document.querySelector(kco)?.src ?? old).includes(old)`, kco, second)
	s.formShown()
	s.settled()
	if got, want := s.text("[data-note=renewed]"), "We had to renew the payment form. Your cart is kept. Check your details before you pay. Close"; got != want {
		t.Errorf("note = %q, want %q", got, want)
	}
	if !s.MustEval(`() => stays`).Bool() {
		t.Error("the page was loaded again")
	}
	want := shown{map[string]int{"MUG-1": 2}, 2*14900 + 4900, "SEK"}
	if diff := cmp.Diff(want, s.agree()); diff != "" {
		t.Errorf("after the renewal (-want +got):\n%s", diff)
	}

	// The new form works as the old one did.
	s.typeContact()
	s.keepNode()
	third := s.orderID()
	s.pressFast("MUG-1:plus", 3)
	s.settled()
	want = shown{map[string]int{"MUG-1": 5}, 5*14900 + 4900, "SEK"}
	if diff := cmp.Diff(want, s.agree()); diff != "" {
		t.Errorf("after the next change (-want +got):\n%s", diff)
	}
	s.wantTyped()
	if !s.sameNode() || s.orderID() != third {
		t.Error("the new form did not stay")
	}
}
