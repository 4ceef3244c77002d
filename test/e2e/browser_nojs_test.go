package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Where scripts are off, those by which rod waits do not run either: what follows does the same without.

// submit presses a button that leads to another page.
func (s *shopper) submit(selector string) {
	s.t.Helper()
	s.Load(func() { s.click(selector) })
}

// enter types in place of what is in a field.
func (s *shopper) enter(selector, text string) {
	s.t.Helper()
	s.click(selector)
	s.MustElement(selector).MustEval(`() => this.select()`)
	s.MustInsertText(text)
}

// Without JavaScript every step of the cart works, and the checkout says what it needs.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{NoJS: true})
	s.Expect("422 (Unprocessable Entity)") // the unknown code
	lines := func() map[string]string {
		got := map[string]string{}
		for _, line := range s.MustElements("[data-sku]") {
			got[*line.MustAttribute("data-sku")] = line.MustElement("[name=quantity]").MustProperty("value").Str()
		}
		return got
	}
	want := func(path, note, total string, want map[string]string) {
		t.Helper()
		if got := s.text("main .note, main .err"); got != note {
			t.Errorf("note = %q, want %q", got, note)
		}
		if got := s.MustInfo().URL; got != d.url+path {
			t.Errorf("at %s, want %s", got, path)
		}
		if got := s.text("[data-total]"); got != total {
			t.Errorf("total = %q, want %q", got, total)
		}
		if diff := cmp.Diff(want, lines()); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	}

	s.Go(d.url + "/")
	s.submit(`[data-key="MUG-1:add"]`)
	if got, want := s.text(".toast"), "Added: Enamel mug, 35 cl. 1 in your cart. View cart"; got != want {
		t.Errorf("after adding the page says %q, want %q", got, want)
	}
	s.Go(d.url + "/products/JAM-1")
	s.enter("[name=quantity]", "3")
	s.submit(".product form[data-add] button[type=submit]")
	s.submit(".toast a")
	want("/cart", "", "585 kr", map[string]string{"MUG-1": "1", "JAM-1": "3"})

	if s.MustElement(`[data-key="MUG-1:plus"]`).MustVisible() {
		t.Error("plus shows although it does nothing")
	}
	s.enter(`[data-key="MUG-1:quantity"]`, "5")
	s.submit(`[data-sku="MUG-1"] .update`)
	want("/cart", "", "1 181 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})
	s.submit(`[data-key="JAM-1:remove"]`)
	want("/cart?quantity=3&removed=JAM-1", "Removed: Cloudberry jam, 210 g. Undo", "794 kr", map[string]string{"MUG-1": "5"})
	s.submit(`[data-note] button`)
	want("/cart", "", "1 181 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})

	s.enter(`[data-key="discount:code"]`, "FOG11")
	s.submit(`[data-key="discount:apply"]`)
	want("/cart/discount", "The code FOG11 is not valid. Check the spelling.", "1 181 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})
	s.enter(`[data-key="discount:code"]`, "FOG10")
	s.submit(`[data-key="discount:apply"]`)
	want("/cart", "", "1 067,80 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})
	s.submit(`[data-key="discount:remove"]`)
	want("/cart", "", "1 181 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})

	s.click("#market-panel summary")
	s.MustElement("#country").MustEval(`() => { this.value = "NO" }`)
	s.submit("#market-panel button")
	want("/cart?market=changed", "Prices are now in Norwegian kroner. Delivery country: Norway. Your cart is unchanged. The total is now 1 259 kr.", "1 259 kr",
		map[string]string{"MUG-1": "5", "JAM-1": "3"})

	s.submit("main a.btn.w")
	want("/checkout", "The payment form needs JavaScript. Turn it on and reload. Your cart is saved.", "1 259 kr", map[string]string{"MUG-1": "5", "JAM-1": "3"})
	s.enter(`[data-key="MUG-1:quantity"]`, "4")
	s.submit(`[data-sku="MUG-1"] .update`)
	want("/checkout", "The payment form needs JavaScript. Turn it on and reload. Your cart is saved.", "1 100 kr", map[string]string{"MUG-1": "4", "JAM-1": "3"})
}
