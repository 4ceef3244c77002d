package storefront_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// shopper does something in the payment form.
func (s *shopWorld) shopper(a fakeklarna.Action) fakeklarna.Outcome {
	s.T.Helper()
	out, err := s.Fake.Shopper(s.order().OrderID, a)
	if err != nil {
		s.T.Fatal(err)
	}
	return out
}

// says fails the test unless a page has a text.
func says(t *testing.T, a shoptest.Answer, text string) {
	t.Helper()
	if !strings.Contains(html.UnescapeString(a.Text), text) {
		t.Errorf("got %d without %q", a.StatusCode, text)
	}
}

// A Norwegian address is typed in the form: the order is in kroner of there, the
// cart follows, the open page says so, and what is loaded next shows it.
func TestCountryChosenInTheForm(t *testing.T) {
	t.Parallel()
	for echo, o := range map[string]fakeklarna.Options{"raw": {}, "filled": {EchoFilledURLs: true, EchoCountryAsSent: true}} {
		t.Run(echo, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, o)
			b := s.browser()
			b.Header.Set("Accept-Language", "en-SE")
			b.Add("MUG-1", "1")
			id := b.open(s).OrderID
			revision := b.cart().Revision
			s.shopper(fakeklarna.Action{Load: true})
			if got := b.cart().Revision; got != revision {
				t.Errorf("opening the form changed the cart: revision %d → %d", revision, got)
			}

			before := len(s.Fake.Requests(""))
			out := s.shopper(fakeklarna.Action{Country: "NO", Type: map[string]string{"postal_code": "0150"}})
			if out.Refused != nil || out.Currency != "NOK" || out.Locale != "en-NO" || out.Total != 15900+5900 || out.ShippingOption != "mailboat" {
				t.Errorf("the form shows %+v", out)
			}
			if n := len(s.Fake.Requests("")) - before; n != 0 {
				t.Errorf("the callback made %d calls of Klarna, want none", n)
			}
			if got := b.cart(); got.Country != "NO" || got.Locale != "en-NO" || got.Currency != "NOK" || got.TotalAmount != out.Total {
				t.Errorf("the cart says %+v", got)
			}

			// The open page, which showed Sweden, hears of it and asks.
			update := updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q,"shown_country":"SE"}`, id)))
			if update.PurchaseCurrency != "NOK" || update.PurchaseCountry != "NO" || update.Locale != "en-NO" || update.Replaced {
				t.Errorf("update: %+v", update)
			}
			const note = "New delivery country: Norway.</strong> Prices are in Norwegian kroner. The total is 218\u00a0kr."
			if !strings.Contains(html.UnescapeString(update.SummaryHTML), note) {
				t.Errorf("the page does not say that delivery is to Norway:\n%s", update.SummaryHTML)
			}
			again := updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q,"shown_country":"NO"}`, id)))
			if strings.Contains(again.SummaryHTML, "Delivery is now") {
				t.Error("and says it again")
			}
			says(t, b.Get("/checkout?market=delivery"), note)

			// Nothing is left to send.
			before = len(s.Fake.Requests(""))
			if b.open(s).OrderID != id {
				t.Error("another order")
			}
			if diff := cmp.Diff(map[string]int{"read": 1}, s.calls(before)); diff != "" {
				t.Errorf("an unchanged load: %s", diff)
			}
			s.holds(b, 0)

			// Express, and then it is bought for what the page says.
			if out := s.shopper(fakeklarna.Action{ShippingOption: "express"}); out.Total != 15900+14900 || b.cart().TotalAmount != out.Total {
				t.Errorf("express: the form shows %d, the cart %d", out.Total, b.cart().TotalAmount)
			}
			before = len(s.Fake.Requests(""))
			if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
				t.Errorf("not bought: %+v", out.Refused)
			}
			if n := len(s.Fake.Requests("")) - before; n != 0 {
				t.Errorf("validation made %d calls of Klarna, want none", n)
			}
			for _, c := range s.Fake.Callbacks(id) {
				if c.Status != http.StatusOK {
					t.Errorf("%s: %d %s", c.Type, c.Status, c.Error)
				}
			}
		})
	}
}

// The American pays the tax of the state, as soon as that is known.
func TestSalesTaxByState(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Header.Set("Accept-Language", "en-US")
	b.Add("MUG-1", "1")
	b.open(s)
	for region, want := range map[string]int64{"CA": 2145, "OR": 2000} { // 14.00 + 6.00, and 7.25 % of it
		out := s.shopper(fakeklarna.Action{Type: map[string]string{"region": region, "postal_code": "90001"}})
		if got := b.cart().TotalAmount; out.Total != want || got != want {
			t.Errorf("%s: the form shows %d, the cart %d, want %d", region, out.Total, got, want)
		}
	}
	s.holds(b, 0)
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
		t.Errorf("not bought: %+v", out.Refused)
	}
}

// A refused address says so in the form, in its language, and changes nothing; collecting helps.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	b.open(s)
	before := b.cart()
	out := s.shopper(fakeklarna.Action{Type: map[string]string{"postal_code": "999 99"}})
	if out.Refused == nil || out.Refused.Code != fakeklarna.RefusedAddress || out.Refused.Message != s.Published.Now().Shop.Voice("sv").T("note.postal_code", "999 99") {
		t.Fatalf("got %+v", out.Refused)
	}
	if diff := cmp.Diff(before, b.cart()); diff != "" {
		t.Errorf("the cart changed: %s", diff)
	}
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusIncomplete || out.Refused == nil {
		t.Errorf("bought: %+v", out)
	}
	if out := s.shopper(fakeklarna.Action{ShippingOption: "collect"}); out.Refused != nil || out.Total != 14900 {
		t.Errorf("collecting: %+v", out)
	}
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
		t.Errorf("not bought: %+v", out.Refused)
	}
}

// The shop's switch of the market is not undone by the form, nor does it keep
// the shopper from going back there.
func TestMarketSwitchedHereAndThere(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	b.open(s)
	s.shopper(fakeklarna.Action{Type: map[string]string{"postal_code": "111 47"}, ShippingOption: "express"})
	country := func(want string) {
		t.Helper()
		if got := b.cart().Country; got != want {
			t.Errorf("the cart is in %s, want %s", got, want)
		}
	}
	// Another tab goes to Norway; the form, which shows Sweden still, calls.
	b.Post("/market", "country", "NO")
	s.shopper(fakeklarna.Action{Type: map[string]string{"postal_code": "111 48"}})
	country("NO")
	s.holds(b, 0) // the page is loaded: the form is in Norway now
	country("NO")
	s.shopper(fakeklarna.Action{Country: "SE"})
	country("SE")
	s.holds(b, 0)

	b.Post("/market", "country", "DE")
	b.Update(`{}`)
	s.holds(b, 0)
	s.shopper(fakeklarna.Action{Country: "SE"})
	country("SE")
	s.holds(b, 0)
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
		t.Errorf("not bought: %+v", out.Refused)
	}
}

// A purchase is refused for each reason, the page says which in the shopper's
// language, and then it succeeds, where it can.
func TestRefusedPurchase(t *testing.T) {
	t.Parallel()
	const stopped = "Varukorgen ändrades medan du betalade, så vi stoppade betalningen.</strong> Inget har debiterats. Kontrollera beställningen och betala igen."
	for _, tc := range []struct {
		name  string
		given func(s *shopWorld, b *browser)
		says  string
		again bool // it can be bought after the page was loaded
	}{
		{"cart changed", func(_ *shopWorld, b *browser) { b.Add("JAM-1", "1") }, stopped, true},
		{"another language and code", func(_ *shopWorld, b *browser) { b.Post("/cart/discount", "code", "FOG10") }, stopped, true},
		{"the form has an option that the cart does not know", func(s *shopWorld, b *browser) {
			// The shop switches to Norway and back; the form keeps its choice.
			s.shopper(fakeklarna.Action{ShippingOption: "express"})
			b.Post("/market", "country", "NO")
			b.Post("/market", "country", "SE")
			b.open(s)
		}, stopped, true},
		{"sold out", func(s *shopWorld, b *browser) {
			b.Add("CLK-1", "1")
			b.open(s)
			s.left("CLK-1", 0)
		}, "Någon annan hann köpa det sista exemplaret: Byssklocka i mässing.</strong> Inget har debiterats.", false},
		{"too few", func(s *shopWorld, b *browser) {
			b.Add("BLK-1", "3")
			b.open(s)
			s.left("BLK-1", 2)
		}, i18n.T("sv", "note.few_left", 2, "Däcksfilt i ull, 130 × 180 cm") + "</strong> Inget har debiterats. Minska antalet", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Add("MUG-1", "1")
			b.open(s)
			s.shopper(fakeklarna.Action{Type: map[string]string{ // nothing is left to ask the shop about but the purchase
				"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "Lovelace",
				"street_address": "Storgatan 1", "city": "Stockholm", "phone": "+46701234567",
			}})
			tc.given(s, b)
			out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if out.Status != fakeklarna.StatusIncomplete || out.Refused == nil || out.Refused.Code != fakeklarna.RefusedValidationRedirect {
				t.Fatalf("got %s, refused %+v", out.Status, out.Refused)
			}
			to, err := url.Parse(out.Refused.RedirectURL)
			if err != nil || to.Scheme+"://"+to.Host != s.URL {
				t.Fatalf("sent to %q", out.Refused.RedirectURL)
			}
			says(t, b.Get(to.RequestURI()), tc.says)
			out = s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if (out.Status == fakeklarna.StatusComplete) != tc.again {
				t.Errorf("once more: %s, refused %+v", out.Status, out.Refused)
			}
		})
	}
}

// left sets the stock of a product, and waits until all pages know.
func (s *shopWorld) left(sku string, n int) {
	s.T.Helper()
	s.Stocked(sku, n)
	time.Sleep(1100 * time.Millisecond)
}

// What the page says to each reason in its address, in the language of the cart.
func TestReasons(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	for _, locale := range []string{"sv-SE", "nb-NO", "da-DK", "fi-FI", "de-DE", "nl-NL", "en-GB"} {
		b := s.browser()
		b.Header.Set("Accept-Language", locale)
		b.Add("MUG-1", "1")
		lang := i18n.LangOf(locale)
		for reason, title := range map[string]string{
			"cart_changed": "note.stopped.title", "already_bought": "note.bought.title", "purchase_running": "note.running.title",
			"unknown_order": "note.old_form.title", "sold_out": "note.stopped.title", // there is enough again
			"not_finished": "note.not_finished",
		} {
			says(t, b.Get("/checkout?reason="+reason), i18n.T(lang, title))
		}
		for _, nonsense := range []string{"x", "%3Cscript%3E", "sold_out&sku=%3Cscript%3E", ""} {
			if got := b.Get("/checkout?reason=" + nonsense); got.StatusCode != http.StatusOK || strings.Contains(got.Text, "<script>alert") {
				t.Errorf("reason %q: got %d", nonsense, got.StatusCode)
			}
		}
	}

	// Named by the address, though there is enough of something else too.
	b := s.browser()
	b.Add("MUG-1", "1")
	b.Add("CLK-1", "1")
	s.left("CLK-1", 0)
	page := b.Get("/checkout?reason=sold_out&sku=CLK-1")
	says(t, page, i18n.T("sv", "note.last_gone.title", "Byssklocka i mässing"))
	if n := strings.Count(page.Text, `data-note="sold-out-CLK-1"`); n != 1 {
		t.Errorf("the page says it %d times", n)
	}

	// The reason outlives a Klarna that is away, and an emptied cart.
	s.Fake.AddFault(fakeklarna.Fault{Count: -1, Status: 500})
	if got := b.Get("/checkout?reason=sold_out&sku=CLK-1").Header.Get("Refresh"); got != "2; url=/checkout?reason=sold_out&sku=CLK-1&try=1" {
		t.Errorf("the page tries again at %q", got)
	}
	s.Fake.ClearFaults()
	b.Post("/cart/lines/MUG-1", "quantity", "0")
	b.Post("/cart/lines/CLK-1", "quantity", "0")
	got := b.Get("/checkout?reason=cart_changed")
	if to := got.Header.Get("Location"); to != "/cart?reason=cart_changed" {
		t.Fatalf("sent to %q", to)
	}
	says(t, b.Get("/cart?reason=cart_changed"), i18n.T("sv", "note.stopped.title"))
}

// noteBilling costs nothing but after a switch of the market, and then two round trips.
func TestCostOfSwitch(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	b.open(s)
	before := s.Trips.Load()
	b.Update(`{"country":"NO"}`)
	first := s.Trips.Load() - before
	c, err := s.Carts.Get(t.Context(), cartOfOrder(t, s, s.order().OrderID), cart.Fallback{})
	if err != nil || c.ShipTo != nil {
		t.Errorf("the cart still knows %+v, %v", c.ShipTo, err)
	}
	before = s.Trips.Load()
	b.Update(`{"country":"NO"}`)
	if again := s.Trips.Load() - before; first > 11 || again > 9 {
		t.Errorf("%d round trips, then %d", first, again)
	}
}
