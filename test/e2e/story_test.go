package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// slowly is a rule that makes updates last long enough to look at the page meanwhile.
func slowly(d time.Duration) fakeklarna.Fault {
	return fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", DelayAfter: fakeklarna.Duration(d)}
}

// The main story: a cart and its order stay one, and what was typed stays.
func TestStory(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{})
	s.addToCart("MUG-1")
	s.addToCart("JAM-1")
	s.openCheckout()
	first := s.orderID()
	s.typeContact()
	s.keepNode()
	want := func(lines map[string]int, total int64) {
		t.Helper()
		s.settled()
		if diff := cmp.Diff(shown{lines, total, "SEK"}, s.agree()); diff != "" {
			t.Errorf("cart (-want +got):\n%s", diff)
		}
		s.wantTyped()
		if !s.sameNode() {
			t.Error("the iframe is another one than before")
		}
	}

	// Five fast clicks: the iframe stands still and then shows the new total.
	d.fake.AddFault(slowly(500 * time.Millisecond))
	before := len(d.fake.Requests(""))
	s.pressFast("MUG-1:plus", 5)
	s.waitFrame("the iframe to be greyed", `() => document.body.classList.contains("suspended") && document.querySelector("#checkout").inert && !document.querySelector("#veil").hidden`)
	s.Wait("the word that it is updating", `() => document.querySelector("[data-status]").textContent === "Updating…" && document.querySelector("[data-status] .spin")`)
	want(map[string]int{"MUG-1": 6, "JAM-1": 1}, 6*14900+12900+4900)
	if diff := cmp.Diff([]string{updateCall}, s.calls(before)); diff != "" {
		t.Errorf("five clicks called Klarna (-want +got):\n%s", diff)
	}
	if got := s.MustEval(`() => held.length`).Int(); got != 1 {
		t.Errorf("the iframe stood still %d times, want once", got)
	}

	s.press("JAM-1:remove")
	want(map[string]int{"MUG-1": 6}, 6*14900+4900)
	s.press("undo")
	want(map[string]int{"MUG-1": 6, "JAM-1": 1}, 6*14900+12900+4900)

	s.find("discount:code").MustInput("FOG10")
	s.press("discount:apply")
	want(map[string]int{"MUG-1": 6, "JAM-1": 1}, 6*14900+12900-10230+4900)
	if !slices.ContainsFunc(s.order().OrderLines, func(l fakeklarna.OrderLine) bool { return l.Type == "discount" && l.TotalAmount < 0 }) {
		t.Errorf("the order has no discount line: %+v", s.order().OrderLines)
	}

	// To the shelf and back: the same order, and what was typed.
	s.click("a.back")
	s.Wait("the catalogue", `() => location.pathname === "/"`)
	s.press("HAT-1:add")
	s.Wait("the hat is in the cart", `() => document.querySelector(".toast")`)
	s.click(".toast a")
	s.Wait("the cart", `() => location.pathname === "/cart"`)
	s.click("main a.btn.w")
	s.formShown()
	s.keepNode()
	want(map[string]int{"MUG-1": 6, "JAM-1": 1, "HAT-1": 1}, 6*14900+12900+34900-13720+4900)
	if got := s.orderID(); got != first {
		t.Errorf("order = %s after a visit to the shelf, want still %s", got, first)
	}

	// Bought: the confirmation, an empty cart; the next goods make a new order.
	s.buy()
	s.addToCart("MUG-1")
	s.openCheckout()
	if got := s.orderID(); got == first {
		t.Error("the bought order is used again")
	}
	if got := len(d.fake.Orders()); got != 2 {
		t.Errorf("%d orders at Klarna, want 2", got)
	}
}
