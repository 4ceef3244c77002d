package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// choose takes another country and language in the page's panel.
func (s *shopper) choose(country, language string) {
	s.t.Helper()
	s.click("#market-panel summary")
	s.MustElement("#country").MustSelect(country)
	s.MustElement("#language").MustSelect(language)
	s.click("#market-panel button")
}

// From Sweden to Norway: the same order in kroner of there, and what was typed stays.
func TestSwitchMarket(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	norwegian := shown{map[string]int{"MUG-1": 1}, 15900 + 5900, "NOK"}
	ready := func(t *testing.T, language string) *shopper {
		t.Helper()
		s := d.shopper(t, browsertest.Options{AcceptLanguage: language})
		s.fill("MUG-1")
		s.openCheckout()
		s.typeContact()
		s.keepNode()
		s.MustEval(`() => { window.stays = true }`)
		return s
	}
	in := func(t *testing.T, s *shopper, locale string) {
		t.Helper()
		if order := s.order(); order.Locale != locale || order.PurchaseCountry != "no" {
			t.Errorf("order at Klarna: locale %s, country %s", order.Locale, order.PurchaseCountry)
		}
		if got, want := s.MustEval(`() => document.documentElement.lang`).Str()[:2], locale[:2]; got != want {
			t.Errorf("the page is in %s, want %s", got, want)
		}
		if diff := cmp.Diff(norwegian, s.agree()); diff != "" {
			t.Errorf("cart (-want +got):\n%s", diff)
		}
		s.wantTyped()
	}

	t.Run("the country alone", func(t *testing.T) {
		t.Parallel()
		s := ready(t, "en-SE")
		id := s.orderID()
		s.choose("Norway", "English")
		s.Wait("Norwegian prices", `() => document.querySelector("[data-market-label]").textContent === "Norway, NOK"`)
		s.settled()
		in(t, s, "en-NO")
		if got, want := s.text("[data-region=notes]"), "Prices are now in Norwegian kroner. Delivery country: Norway. Your cart is unchanged. The total is now 218 kr."; got != want {
			t.Errorf("note = %q, want %q", got, want)
		}
		if !s.sameNode() || s.orderID() != id {
			t.Error("the iframe is another one than before")
		}
	})
	t.Run("country and language", func(t *testing.T) {
		t.Parallel()
		s := ready(t, "sv-SE")
		id := s.orderID()
		s.choose("Norge", "Norsk bokmål")
		s.Wait("the page in Norwegian", `() => !window.stays && document.documentElement.lang === "nb-NO"`)
		s.formShown()
		in(t, s, "nb-NO")
		if s.orderID() != id {
			t.Error("the order is another one than before")
		}
		if got, want := s.text("[data-region=notes]"), "Prisene vises nå i norske kroner. Leveringsland: Norge. Handlekurven er uendret. Summen er nå 218 kr."; got != want {
			t.Errorf("note = %q, want %q", got, want)
		}
		s.waitFrame("the iframe in Norwegian", `() => document.documentElement.lang === "nb" && document.querySelector("#pay").textContent === "Betal 218\u00a0kr"`)
	})
	t.Run("on the shelf", func(t *testing.T) {
		t.Parallel()
		s := ready(t, "sv-SE")
		id := s.orderID()
		s.visit("/?category=kitchen")
		s.choose("Norge", "Norsk bokmål")
		s.Wait("the shelf in Norwegian", `() => document.documentElement.lang === "nb-NO" && location.search === "?category=kitchen&market=changed"`)
		if got, want := s.text("[data-market-label]"), "Norge, NOK"; got != want {
			t.Errorf("panel = %q, want %q", got, want)
		}
		s.openCheckout()
		in(t, s, "nb-NO")
		if s.orderID() != id {
			t.Error("the order is another one than before")
		}
	})
}
