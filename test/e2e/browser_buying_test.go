package e2e_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/until"
)

// What a buyer of each country types: everything that the form asks for.
var buyers = map[string]map[string]string{
	"en-SE": {"email": "ada@example.com", "postal_code": "111 47", "street_address": "Storgatan 1", "city": "Stockholm", "phone": "+46701234567"},
	"en-NO": {"email": "ada@example.com", "postal_code": "0150", "street_address": "Storgata 1", "city": "Oslo", "phone": "+4740123456"},
	"en-DE": {
		"email": "ada@example.com", "postal_code": "10115", "street_name": "Seestrasse", "street_number": "1",
		"city": "Berlin", "phone": "+491701234567",
	},
	"en-US": {
		"email": "ada@example.com", "postal_code": "10001", "street_address": "1 Wharf Street", "city": "New York",
		"region": "NY", "phone": "+12125550123",
	},
}

// A purchase from the cart to the order page, in four countries, all typed in
// the iframe. Klarna's order, the confirmation and the order book say the same.
func TestPurchase(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	for _, locale := range slices.Sorted(maps.Keys(buyers)) {
		t.Run(locale, func(t *testing.T) {
			s := d.shopper(t, browsertest.Options{AcceptLanguage: locale})
			s.fill("MUG-1", "JAM-1")
			s.openCheckout()
			typed := maps.Clone(buyers[locale])
			typed["given_name"], typed["family_name"] = "Ada", "Lovelace"
			frame := s.Frame(kco)
			for _, name := range []string{"email", "postal_code"} {
				frame.MustElement("[data-testid=" + name + "]").MustInput(typed[name])
			}
			frame.MustElement("#continue").MustClick()
			for _, name := range slices.Sorted(maps.Keys(typed)) {
				field := frame.MustElement("[data-testid=" + name + "]").MustWaitVisible()
				switch name {
				case "email", "postal_code":
				case "region":
					if err := field.Select([]string{`[value="` + typed[name] + `"]`}, true, rod.SelectorTypeCSSSector); err != nil {
						t.Fatal(err)
					}
				default:
					field.MustInput(typed[name]).MustBlur()
				}
			}
			s.eventually(40*time.Second, "Klarna to have the address", func() bool {
				got := s.order()
				for name, text := range typed {
					if got.Fake.Typed[name] != text {
						return false
					}
				}
				return got.OrderTaxAmount > 0 // in the US it is known when the address is
			})
			s.eventually(40*time.Second, "the page to follow the address", func() bool {
				total := s.MustEval(`() => Number(document.querySelector("[data-region=totals] [data-total]").dataset.amount)`).Int()
				return int64(total) == s.order().OrderAmount
			})
			s.settled()
			want := s.agree()
			id := s.orderID()
			frame.MustElement("[data-testid=pay]").MustClick()
			s.confirmed(id)
			number := regexp.MustCompile(`SK-[A-Z0-9]{4}-[A-Z0-9]{4}`).FindString(s.text("main"))
			managed, ok := d.fake.Managed(id)
			switch {
			case !ok || number == "" || managed.MerchantReference1 != number:
				t.Errorf("the page says order %q, Klarna knows it as %q", number, managed.MerchantReference1)
			case managed.OrderAmount != want.Total || managed.PurchaseCurrency != want.Currency:
				t.Errorf("bought for %d %s, the cart was %d %s", managed.OrderAmount, managed.PurchaseCurrency, want.Total, want.Currency)
			}
			if bought, _ := d.fake.Order(id); !bought.Fake.Acknowledged {
				t.Error("the order is not acknowledged")
			}
			s.toOrderPage()
			s.Wait("the order page", `(number) => location.pathname === "/orders/" + number && document.querySelector("h1").textContent.includes(number)`, number)
			if got := s.inCart(); len(got.Lines) != 0 {
				t.Errorf("still in the cart: %v", got.Lines)
			}
		})
	}
}

// The last one in stock, bought by two shoppers at once: one buys, the other is
// sent back and told. Push alone makes the order: nobody opens the confirmation.
func TestLastOne(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{})
	outs := make([]fakeklarna.Outcome, 2)
	ids := make([]string, 2)
	for i := range ids {
		s := d.shopper(t, browsertest.Options{AcceptLanguage: "en-SE"})
		s.fill("CLK-1")
		s.openCheckout()
		ids[i] = s.orderID()
	}
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if err != nil {
				t.Error(err)
			}
			outs[i] = out
		})
	}
	wg.Wait()
	winner, loser := 0, 1
	if outs[0].Refused != nil {
		winner, loser = 1, 0
	}
	if outs[winner].Status != fakeklarna.StatusComplete {
		t.Fatalf("nobody bought: %+v", outs)
	}
	if r := outs[loser].Refused; r == nil || !strings.Contains(r.RedirectURL, "reason=sold_out") {
		t.Fatalf("the other one: %+v", outs[loser])
	}
	until.Holds(t, "the push has made the order", func() bool {
		managed, _ := d.fake.Managed(ids[winner])
		return managed.MerchantReference1 != ""
	})
}
