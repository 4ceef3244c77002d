package e2e_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// A form of the cart page that the shop refuses says why, and the page stays in use.
func TestRefusedOnTheCartPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{})
	s.Expect("422")
	s.fill("BLK-1")
	s.visit("/cart")
	s.find("discount:code").MustInput("FOG11")
	s.press("discount:apply")
	s.Wait("the note about the code", `() => document.querySelector("#code-error") && !document.querySelector("[data-note=problem]")`)
	s.find("discount:code").MustSelectAllText().MustInput("FOG10")
	s.press("discount:apply")
	s.Wait("the discount", `() => document.querySelector('[data-key="discount:remove"]') && !document.querySelector("#code-error")`)
}
