package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// chooseInFrame takes another country in the payment form.
func (s *shopper) chooseInFrame(country string) {
	s.t.Helper()
	element := s.Frame(kco).MustElement("[data-testid=country]")
	if err := element.Select([]string{`[value="` + country + `"]`}, true, rod.SelectorTypeCSSSector); err != nil {
		s.t.Fatal(err)
	}
}

// callbacks are the fake's calls to the shop about the page's order, "name status".
func (s *shopper) callbacks() []string {
	s.t.Helper()
	var calls []string
	for _, c := range s.d.fake.Callbacks(s.orderID()) {
		switch {
		case c.Type == "push":
		case c.Status == 200:
			calls = append(calls, c.Type+" 200")
		case c.Status == 303:
			calls = append(calls, c.Type+" 303")
		default:
			s.t.Errorf("%s: %d %s", c.Type, c.Status, c.Error)
		}
	}
	return calls
}

// The shopper chooses Norway in the payment form: the order, the cart and the
// page follow, the iframe stays and is not held; then it is bought.
func TestCountryInTheForm(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	norwegian := shown{map[string]int{"MUG-1": 1}, 15900 + 5900, "NOK"}

	t.Run("in the same language", func(t *testing.T) {
		t.Parallel()
		s := d.shopper(t, browsertest.Options{AcceptLanguage: "en-SE"})
		s.fill("MUG-1")
		s.openCheckout()
		s.typeContact()
		s.keepNode()
		id, calls := s.orderID(), len(s.d.fake.Requests(s.orderID()))
		s.MustEval(`() => { window.held.length = 0 }`)
		s.chooseInFrame("NO")
		s.Wait("Norwegian prices", `() => document.querySelector("[data-market-label]").textContent === "Norway, NOK"`)
		s.settled()
		if diff := gocmp.Diff(norwegian, s.agree()); diff != "" {
			t.Errorf("cart (-want +got):\n%s", diff)
		}
		if got, want := s.text("[data-region=notes]"), "New delivery country: Norway. Prices are in Norwegian kroner. The total is 218 kr."; got != want {
			t.Errorf("note = %q, want %q", got, want)
		}
		if got := s.MustEval(`() => document.querySelector("#country").value`).Str(); got != "NO" {
			t.Errorf("the panel's country is %q, want NO", got)
		}
		time.Sleep(500 * time.Millisecond) // no loop: one update for all the events
		if updates := len(s.d.fake.Requests(id)) - calls; updates != 1 {
			t.Errorf("%d calls of Klarna, want one update", updates)
		}
		if !s.sameNode() || s.orderID() != id || s.longestHold() != 0 {
			t.Errorf("the iframe is another one, or was held for %s", s.longestHold())
		}
		s.typeInFrame("given_name", "family_name", "street_address", "city")
		frame := s.Frame(kco)
		for field, text := range map[string]string{"postal_code": "0150", "phone": "+4740123456"} {
			frame.MustElement("[data-testid=" + field + "]").MustSelectAllText().MustInput(text)
		}
		s.eventually(40*time.Second, "the address to be at Klarna", func() bool {
			typed := s.order().Fake.Typed
			return typed["postal_code"] == "0150" && typed["phone"] == "+4740123456"
		})
		frame.MustElement("[data-testid=pay]").MustClick()
		s.confirmed(id)
		if bought, _ := s.d.fake.Order(id); bought.OrderAmount != norwegian.Total || !strings.EqualFold(bought.PurchaseCountry, "NO") {
			t.Errorf("bought for %d in %s", bought.OrderAmount, bought.PurchaseCountry)
		}
	})

	t.Run("in another language", func(t *testing.T) {
		t.Parallel()
		s := d.shopper(t, browsertest.Options{AcceptLanguage: "sv-SE"})
		s.fill("MUG-1")
		s.openCheckout()
		s.typeContact()
		s.MustEval(`() => { window.stays = true }`)
		id := s.orderID()
		s.chooseInFrame("NO")
		s.Wait("the page in Norwegian", `() => !window.stays && document.documentElement.lang === "nb-NO"`)
		s.formShown()
		s.settled()
		if diff := gocmp.Diff(norwegian, s.agree()); diff != "" || s.orderID() != id {
			t.Errorf("order %s, was %s; cart (-want +got):\n%s", s.orderID(), id, diff)
		}
		if got, want := s.text("[data-region=notes]"), "Nytt leveringsland: Norge. Prisene vises i norske kroner. Summen er 218 kr."; got != want {
			t.Errorf("note = %q, want %q", got, want)
		}
		s.wantTyped()
		// Loading it once more brings nothing new.
		before := len(s.d.fake.Requests(id))
		s.openCheckout()
		time.Sleep(500 * time.Millisecond)
		if calls := s.d.fake.Requests(id)[before:]; len(calls) != 1 || calls[0].Method != "GET" {
			t.Errorf("calls of an unchanged load: %v, want one read", calls)
		}
	})

	t.Run("an address that is refused", func(t *testing.T) {
		t.Parallel()
		s := d.shopper(t, browsertest.Options{AcceptLanguage: "en-SE"})
		s.fill("MUG-1")
		s.openCheckout()
		s.typeContact()
		s.Frame(kco).MustElement("[data-testid=postal_code]").MustSelectAllText().MustInput("999 99").MustBlur()
		s.waitFrame("the refusal", `() => document.body.textContent.includes("We cannot deliver to 999 99. Try another address or choose “Collect at the harbour”.")`)
		s.settled()
		s.agree()
	})
}

// Another tab changes the cart without this page hearing of it; pressing Buy
// stops, the page says why, and then the purchase succeeds.
func TestRefusedThenBought(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	s := d.shopper(t, browsertest.Options{AcceptLanguage: "en-SE"})
	s.fill("MUG-1")
	s.openCheckout()
	s.typeContact()
	s.typeInFrame("given_name", "family_name", "street_address", "city", "phone")
	s.Frame(kco).MustElement("[data-testid=phone]").MustBlur()
	s.eventually(40*time.Second, "the whole address to be told to the shop", func() bool {
		calls := s.d.fake.Callbacks(s.orderID())
		return len(calls) > 0 && strings.Contains(string(calls[len(calls)-1].Request), person["phone"])
	})
	s.settled()
	id := s.orderID()

	// As from a tab of a browser whose channel is closed: a plain form, no script.
	s.post("/cart/lines", "sku=JAM-1")
	s.Frame(kco).MustElement("[data-testid=pay]").MustClick()
	s.Wait("the page that says why", `() => location.search === "?reason=cart_changed" && document.querySelector("[data-note=stopped]")`)
	s.formShown()
	const why = "Your cart changed while you were paying, so we stopped the payment. Nothing has been charged. Check your order, then pay again."
	if got := s.text("[data-note=stopped]"); got != why {
		t.Errorf("note = %q, want %q", got, why)
	}
	if got := s.agree().Lines; got["JAM-1"] != 1 || s.orderID() != id {
		t.Errorf("the page shows %v of order %s, was %s", got, s.orderID(), id)
	}
	s.wantTyped()
	if got := s.callbacks(); !slices.Contains(got, "validation 303") {
		t.Errorf("callbacks = %v", got)
	}
	s.Frame(kco).MustElement("[data-testid=pay]").MustClick()
	s.confirmed(id)
	if bought, _ := s.d.fake.Order(id); len(bought.OrderLines) != 3 {
		t.Errorf("bought %v", bought.OrderLines)
	}
}
