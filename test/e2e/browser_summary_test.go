package e2e_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// At first sight of the checkout on a common laptop, with four lines and a note, the total that
// sticks to the panel's end covers no control, not even a part of one; and a control that gets
// the focus further down is scrolled out from under it.
func TestTotalCoversNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{Width: 1366, Height: 657})
	s.fill("MUG-1", "MUG-1", "CLK-1", "COF-1", "BOK-4")
	s.visit("/checkout?reason=cart_changed")
	s.formShown()
	s.Picture("four lines and a note")
	const cut = `() => {
		const total = document.querySelector(".tot .big").getBoundingClientRect();
		return [...document.querySelectorAll(".sum :is(button, input, a)")].filter((control) => {
			const at = control.getBoundingClientRect();
			return control.checkVisibility() && at.top < total.top && at.bottom > total.top;
		}).map((control) => control.dataset.key ?? control.outerHTML).join(" ");
	}`
	if got := s.MustEval(cut).Str(); got != "" {
		t.Errorf("the total covers a part of %s", got)
	}
	if fits := s.MustEval(`() => document.querySelector('[data-key="BOK-4:plus"]').getBoundingClientRect().bottom <= document.querySelector(".tot .big").getBoundingClientRect().top`).Bool(); !fits {
		t.Error("the last line is not in sight")
	}
	for _, key := range []string{"BOK-4:remove", "discount:code", "discount:apply"} {
		s.MustEval(`(key) => document.querySelector('[data-key="' + key + '"]').focus()`, key)
		if seen := s.MustEval(`() => {
			const at = document.activeElement.getBoundingClientRect();
			return document.elementFromPoint((at.left + at.right) / 2, at.bottom - 2) === document.activeElement;
		}`).Bool(); !seen {
			t.Errorf("%s has the focus and is covered", key)
		}
	}
}
