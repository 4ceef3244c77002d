package e2e_test

import (
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// key presses keys, one after the other.
func (s *shopper) key(keys ...input.Key) {
	s.t.Helper()
	for _, key := range keys {
		if err := s.Keyboard.Type(key); err != nil {
			s.t.Fatal(err)
		}
	}
}

// tabTo walks with the Tab key, backwards with Shift, to the element that fits.
func (s *shopper) tabTo(selector string, backwards ...bool) {
	s.t.Helper()
	for range 150 {
		if len(backwards) > 0 {
			s.KeyActions().Press(input.ShiftLeft).Type(input.Tab).MustDo()
		} else {
			s.key(input.Tab)
		}
		if s.focusIs(selector) {
			return
		}
	}
	s.t.Fatalf("the Tab key does not lead to %s", selector)
}

func (s *shopper) focusIs(selector string) bool {
	s.t.Helper()
	return s.MustEval(`(selector) => document.activeElement.matches(selector)`, selector).Bool()
}

// wantFocus fails the test unless the focus is there when all is answered.
func (s *shopper) wantFocus(after, selector string) {
	s.t.Helper()
	s.settledAnywhere()
	if !s.focusIs(selector) {
		s.t.Errorf("after %s the focus is on %s, want %s", after, s.MustEval(`() => document.activeElement.cloneNode().outerHTML`).Str(), selector)
	}
}

// settledAnywhere is settled on the cart's page too.
func (s *shopper) settledAnywhere() {
	s.t.Helper()
	s.Wait("the page to settle", `() => !document.querySelector("[data-state=updating], [data-pending]")`)
}

// The whole way to the payment form by keyboard alone. The focus is never lost.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{})
	s.MustEvalOnNewDocument(`if (window === top) {
		window.lost = [];
		document.addEventListener("focusout", ({target, relatedTarget}) => relatedTarget || setTimeout(() => {
			if (document.activeElement === document.body && document.hasFocus()) lost.push(target.outerHTML);
		}));
	}`)
	kept := func() {
		t.Helper()
		var lost []string
		s.read(&lost, `() => JSON.stringify(lost)`)
		if len(lost) > 0 {
			t.Errorf("the focus was lost from %q", lost)
		}
	}

	s.visit("/")
	s.key(input.Tab)
	if !s.focusIs("a.skip") || s.MustEval(`() => document.activeElement.getBoundingClientRect().top`).Num() < 0 {
		t.Error("the first Tab does not show the link to the content")
	}
	for _, sku := range []string{"MUG-1", "PAN-1"} {
		s.tabTo(`[data-key="` + sku + `:add"]`)
		s.key(input.Enter)
		s.Wait(sku+" in the cart", `(sku) => document.querySelector(".toast") && document.activeElement.dataset.key === sku + ":add"`, sku)
	}
	kept()
	s.tabTo(".cartlink", true)
	s.key(input.Enter)
	s.Wait("the cart", `() => location.pathname === "/cart" && document.readyState === "complete"`)

	for _, page := range []string{"/cart", "/checkout"} {
		if page == "/checkout" {
			s.tabTo("main a.btn.w")
			s.key(input.Enter)
			s.formShown()
		}
		plus, minus, field := `[data-key="MUG-1:plus"]`, `[data-key="MUG-1:minus"]`, `[data-key="MUG-1:quantity"]`
		s.tabTo(plus)
		s.key(input.Space, input.Space, input.Space, input.Space, input.Space)
		s.wantFocus("five presses of plus on "+page, plus)
		s.tabTo(minus, true)
		s.key(input.Enter)
		s.wantFocus("minus on "+page, minus)
		s.tabTo(field)
		s.key(input.Digit2, input.Enter)
		s.wantFocus("a number on "+page, field)
		s.tabTo(`[data-key="PAN-1:remove"]`)
		s.key(input.Enter)
		s.wantFocus("Remove on "+page, `[data-key="undo"]`)
		s.key(input.Enter)
		s.wantFocus("Undo on "+page, `[data-key^="PAN-1:"], .ord summary`)
		if diff := cmp.Diff(map[string]int{"MUG-1": 2, "PAN-1": 1}, s.inCart().Lines); diff != "" {
			t.Errorf("cart after %s (-want +got):\n%s", page, diff)
		}
		s.visit(page)
		s.tabTo(`[data-key="discount:code"]`)
		for _, key := range "FOG10" {
			s.key(input.Key(key))
		}
		s.key(input.Enter)
		s.wantFocus("the code on "+page, `[data-key^="discount:"]`)
		s.Wait("the code's line", `() => document.querySelector('[data-key="discount:remove"]')`)
		s.tabTo(`[data-key="MUG-1:plus"]`, true)
		s.tabTo(`[data-key="discount:remove"]`)
		s.key(input.Enter)
		s.wantFocus("Remove code on "+page, `[data-key^="discount:"]`)
		kept()
	}

	s.tabTo("#market-panel summary", true)
	s.key(input.Enter)
	s.tabTo("#country")
	s.key('N', 'o', 'r')
	s.tabTo("#market-panel button")
	s.key(input.Enter)
	s.Wait("Norwegian prices", `() => document.querySelector("[data-market-label]").textContent === "Norway, NOK"`)
	s.settled()
	s.wantFocus("another country", "#market-panel summary")
	kept()
	s.agree()
}

// A burst of presses is read out once, with the last total; nothing else is.
func TestLiveRegions(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{})
	s.Expect("503 (Service Unavailable)")
	s.fill("MUG-1")
	s.openCheckout()
	s.MustEval(`() => {
		window.read = [];
		for (const id of ["live-status", "live-alert"]) {
			const region = document.getElementById(id);
			new MutationObserver(() => region.textContent && read.push(id + ": " + region.textContent)).observe(region, {childList: true, subtree: true, characterData: true});
		}
	}`)
	for range 3 {
		d.fake.AddFault(slowly(300 * time.Millisecond))
	}
	want := func(after string, want ...string) {
		t.Helper()
		s.settled()
		s.Wait("it to be read out", `() => read.length > 0`)
		time.Sleep(700 * time.Millisecond) // longer than until the next one would come
		var got []string
		s.read(&got, `() => JSON.stringify(read.splice(0))`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, read out (-want +got):\n%s", after, diff)
		}
	}
	s.pressFast("MUG-1:plus", 4)
	s.pressFast("MUG-1:plus", 1)
	want("a burst", "live-status: Total 943\u00a0kr, 6\u00a0items.")
	s.MustEval(`async () => {
		const press = (what) => document.querySelector('[data-key="MUG-1:' + what + '"]').click();
		const answered = () => document.querySelector("#order-summary").dataset.state !== "updating";
		press("plus");
		while (!answered()) await new Promise((done) => setTimeout(done, 10));
		press("minus");
	}`)
	want("two changes, the second before the first was read out", "live-status: Total 943\u00a0kr, 6\u00a0items.")

	d.fake.AddFault(fakeklarna.Fault{Count: -1, Status: 500})
	s.press("MUG-1:plus")
	want("a failure", "live-alert: Your change is saved, but the total is not confirmed yet. The payment service did not answer. Nothing has been charged.")
	d.fake.ClearFaults()
	s.click("[data-note=problem] button")
	want("another try", "live-status: Total 1\u00a0092\u00a0kr, 7\u00a0items.")
}
