package cart_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// campaigning is a shop with campaigns, whose clock stands at noon of a day in Stockholm.
func campaigning(t *testing.T, campaigns, noon string) *cart.Pricer {
	t.Helper()
	file := `{name: A, time_zone: Europe/Stockholm, contact: {email: a@b.example}, pages: {terms: "https://a.example"}, campaigns: [` + campaigns + `], markets: [
		{country: SE, currency: SEK, locales: [sv-SE, en-SE], tax: {standard: 25, food: 6}, delivery: [{id: post, name: Post, price: 4900, free_from: 90000}, {id: home, name: Hem, price: 9900}, {id: store, name: Butik, price: 0, collect: true}]},
		{country: FI, currency: EUR, locales: [fi-FI], tax: {standard: 25.5, food: 13.5}, delivery: [{id: post, name: Posti, price: 690}, {id: agent, name: Ombud, price: 990, pickup_points: [
			{id: p1, name: K, address: {street_address: A 1, postal_code: "00100", city: B}}, {id: p2, name: L, address: {street_address: A 2, postal_code: "00100", city: B}}]}]},
		{country: US, currency: USD, locales: [en-US], sales_tax: {NJ: 6.625}, delivery: [{id: ups, name: UPS, price: 900}]}]}`
	const goods = `{categories: [{id: clothes, name: C}, {id: pins, name: P}, {id: food, name: F}, {id: cards, name: G}], products: [
		{sku: SHIRT, category: clothes, name: S, tax_class: standard, stock: 1, prices: {SEK: 40000, EUR: 4000, USD: 4000}},
		{sku: PIN-1, category: pins, name: P1, tax_class: standard, stock: 1, prices: {SEK: 5000, EUR: 500, USD: 500}},
		{sku: PIN-2, category: pins, name: P2, tax_class: standard, stock: 1, prices: {SEK: 3000, EUR: 300, USD: 300}},
		{sku: JAM, category: food, name: J, tax_class: food, stock: 1, prices: {SEK: 10000, EUR: 1000, USD: 1000}},
		{sku: FILE, category: pins, name: F, tax_class: standard, digital: true, prices: {SEK: 20000, EUR: 2000, USD: 2000}},
		{sku: GIFT, category: cards, name: G, tax_class: none, digital: true, prices: {SEK: 50000, EUR: 5000, USD: 5000}}]}`
	v, err := publish.Read(1, settings.Source{File: []byte(file)}, []byte(goods))
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.ParseInLocation("2006-01-02 15:04", noon, v.Shop.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return &cart.Pricer{Published: publish.Fixed(v), PublicURL: "https://shop.example", Now: func() time.Time { return now.UTC() }}
}

// bag is a cart: "SE SHIRT*2 GIFT", with a code and a way of delivery.
func bag(where, code, option string) cart.Contents {
	fields := strings.Fields(where)
	c := cart.Contents{Country: fields[0], Locale: map[string]string{"SE": "en-SE", "FI": "fi-FI", "US": "en-US"}[fields[0]], DiscountCode: code, ShippingOption: option}
	if fields[0] == "US" {
		c.ShipTo = &cart.ShipTo{Region: "NJ"}
	}
	for _, field := range fields[1:] {
		line := cart.Line{SKU: field, Quantity: 1}
		if sku, n, many := strings.Cut(field, "*"); many {
			line.SKU = sku
			_, _ = fmt.Sscan(n, &line.Quantity)
		}
		c.Lines = append(c.Lines, line)
	}
	return c
}

// What each member of a campaign does, worked out by hand.
func TestCampaigns(t *testing.T) {
	const noon = "2026-07-01 12:00"
	for _, tc := range []struct {
		name, campaigns, cart, code, option string
		want                                string // discount lines and delivery
		why                                 cart.NoDiscount
	}{
		{"percent", `{id: a, code: A, percent: 15}`, "SE SHIRT JAM", "A", "", "A -6000@2500 A -1500@600 post 4900", ""},
		{"another percent", `{id: a, code: A, percent: 30}`, "SE SHIRT JAM", "A", "", "A -12000@2500 A -3000@600 post 4900", ""},
		{"without the code", `{id: a, code: A, percent: 15}`, "SE SHIRT", "", "", "post 4900", ""},
		{"by itself", `{id: a, percent: 15}`, "SE SHIRT", "", "", "a -6000@2500 post 4900", ""},
		{"a category", `{id: a, code: A, percent: 10, categories: [pins]}`, "SE SHIRT PIN-1*2", "A", "", "A -1000@2500 post 4900", ""},
		{"SKUs", `{id: a, code: A, percent: 10, skus: [PIN-2, JAM]}`, "SE SHIRT PIN-1 PIN-2 JAM", "A", "", "A -300@2500 A -1000@600 post 4900", ""},
		{"a category or SKUs", `{id: a, code: A, percent: 10, categories: [pins], skus: [JAM]}`, "SE SHIRT PIN-1 JAM", "A", "", "A -500@2500 A -1000@600 post 4900", ""},
		{"nothing it is for", `{id: a, code: A, percent: 10, categories: [pins]}`, "SE SHIRT", "A", "", "post 4900", cart.NothingFor},
		{"vouchers alone", `{id: a, code: A, percent: 10}`, "SE GIFT", "A", "", "", cart.OnlyVouchers},
		{"an amount, over the rates", `{id: a, code: A, amount: {SEK: 10000, EUR: 1000}}`, "SE SHIRT JAM", "A", "", "A -8000@2500 A -2000@600 post 4900", ""},
		{"in the other currency", `{id: a, code: A, amount: {SEK: 10000, EUR: 1000}}`, "FI SHIRT JAM", "A", "", "A -800@2550 A -200@1350 post 690", ""},
		{"in none", `{id: a, code: A, amount: {SEK: 10000, EUR: 1000}}`, "US SHIRT", "A", "", "ups 900", cart.NotHere},
		{"an amount, at most the goods", `{id: a, code: A, amount: {SEK: 10000}}`, "SE PIN-1 GIFT", "A", "", "A -5000@2500 post 4900", ""},
		{"a minimum", `{id: a, code: A, percent: 10, minimum: {SEK: 40000}}`, "SE SHIRT", "A", "", "A -4000@2500 post 4900", ""},
		{"below it", `{id: a, code: A, percent: 10, minimum: {SEK: 40001}}`, "SE SHIRT", "A", "", "post 4900", cart.Minimum},
		{"the minimum is before campaigns", `{id: b, percent: 50}, {id: a, code: A, percent: 10, minimum: {SEK: 40000}}`, "SE SHIRT", "A", "", "b -20000@2500 A -2000@2500 post 4900", ""},
		{"a minimum in no such currency", `{id: a, code: A, percent: 10, minimum: {SEK: 1}}`, "FI SHIRT", "A", "", "post 690", cart.NotHere},
		{"free delivery", `{id: a, code: A, free_delivery: [post]}`, "SE SHIRT", "A", "", "post 0 saved 4900", ""},
		{"of what is chosen", `{id: a, code: A, free_delivery: [post]}`, "SE SHIRT", "A", "home", "home 9900", cart.OtherDelivery},
		{"of what costs nothing", `{id: a, code: A, free_delivery: [post]}`, "SE SHIRT*3", "A", "", "post 0", cart.NothingOff},
		{"of what is not delivered", `{id: a, code: A, free_delivery: [post]}`, "SE FILE", "A", "", "", cart.NothingFor},
		{"free delivery by itself, and the default follows", `{id: a, free_delivery: [home]}`, "SE SHIRT", "", "", "home 0 saved 9900", ""},
		{"of a way with pickup points", `{id: a, code: A, free_delivery: [agent], uses: 5}`, "FI SHIRT", "A", "agent:p2", "agent:p2 0 saved 990", ""},
		{"by itself, and the default is its first", `{id: a, free_delivery: [agent]}`, "FI SHIRT", "", "", "agent:p1 0 saved 990", ""},
		{"of pickup points, and another is chosen", `{id: a, code: A, free_delivery: [agent]}`, "FI SHIRT", "A", "post", "post 690", cart.OtherDelivery},
		{"3 for 2", `{id: a, buy: 3, pay: 2}`, "SE PIN-1*3", "", "", "a -5000@2500 post 4900", ""},
		{"the cheapest are free", `{id: a, buy: 3, pay: 2}`, "SE PIN-1*4 PIN-2*2", "", "", "a -6000@2500 post 4900", ""},
		{"of other rates", `{id: a, buy: 2, pay: 1}`, "SE SHIRT JAM*3", "", "", "a -20000@600 post 4900", ""},
		{"3 for 1", `{id: a, buy: 3, pay: 1}`, "SE PIN-1*3", "", "", "a -10000@2500 post 4900", ""},
		{"2 of 3", `{id: a, code: A, buy: 3, pay: 2}`, "SE PIN-1*2", "A", "", "post 4900", cart.TooFew},
		{"of SKUs", `{id: a, code: A, buy: 3, pay: 2, skus: [PIN-1, PIN-2]}`, "SE PIN-1*2 SHIRT*3", "A", "", "post 0", cart.TooFew},
		{"the one that takes most", `{id: a, percent: 5}, {id: b, percent: 10}, {id: c, amount: {SEK: 1000}}`, "SE SHIRT", "", "", "b -4000@2500 post 4900", ""},
		{"the first of equals", `{id: a, percent: 10}, {id: b, amount: {SEK: 4000}}`, "SE SHIRT", "", "", "a -4000@2500 post 4900", ""},
		{"more than free delivery", `{id: a, free_delivery: [post]}, {id: b, percent: 10}`, "SE SHIRT JAM*5", "", "post", "b -4000@2500 b -5000@600 post 4900", ""},
		{"less than free delivery", `{id: b, percent: 10}, {id: a, free_delivery: [post]}`, "SE SHIRT", "", "", "post 0 saved 4900", ""},
		{"with a code, of what is left", `{id: b, percent: 10}, {id: a, code: A, percent: 10}`, "SE SHIRT", "A", "", "b -4000@2500 A -3600@2500 post 4900", ""},
		{"3 for 2 and a code", `{id: a, code: A, percent: 10}, {id: b, buy: 3, pay: 2}`, "SE PIN-1*3", "A", "", "b -5000@2500 A -1000@2500 post 4900", ""},
		{"a code of other goods", `{id: a, code: A, percent: 10, categories: [clothes]}, {id: b, buy: 2, pay: 1, categories: [pins]}`, "SE SHIRT PIN-1*2", "A", "", "b -5000@2500 A -4000@2500 post 4900", ""},
		{"nothing is left for the code", `{id: a, code: A, percent: 10}, {id: b, percent: 100}`, "SE SHIRT", "A", "", "b -40000@2500 post 4900", cart.NothingOff},
		{"all off", `{id: a, code: A, percent: 100}`, "SE SHIRT GIFT", "A", "store", "A -40000@2500 store 0", ""},
		{"free_from is after campaigns", `{id: a, code: A, percent: 20}`, "SE SHIRT*2 JAM*2", "A", "", "A -16000@2500 A -4000@600 post 4900", ""},
		{"sales tax", `{id: a, code: A, percent: 10}`, "US SHIRT GIFT", "A", "", "A -400@0 ups 900 tax 298", ""},
		{"from that day", `{id: a, code: A, percent: 10, from: 2026-07-01}`, "SE SHIRT", "A", "", "A -4000@2500 post 4900", ""},
		{"from the next", `{id: a, code: A, percent: 10, from: 2026-07-02}`, "SE SHIRT", "A", "", "post 4900", cart.NotYet},
		{"until that day", `{id: a, code: A, percent: 10, until: 2026-07-01}`, "SE SHIRT", "A", "", "A -4000@2500 post 4900", ""},
		{"until the day before", `{id: a, code: A, percent: 10, until: 2026-06-30}`, "SE SHIRT", "A", "", "post 4900", cart.Expired},
		{"no such code", `{id: a, code: A, percent: 10}`, "SE SHIRT", "B", "", "post 4900", cart.CodeWithdrawn},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := campaigning(t, tc.campaigns, noon)
			q, err := p.Quote(bag(tc.cart, tc.code, tc.option))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range q.OrderLines {
				switch l.Type { //nolint:exhaustive // goods are as in the cart
				case klarna.Discount:
					got = append(got, fmt.Sprintf("%s %d@%d", l.Reference, l.TotalAmount, l.TaxRate))
				case klarna.ShippingFee:
					got = append(got, fmt.Sprintf("%s %d", l.Reference, l.TotalAmount))
				case klarna.SalesTax:
					if tc.name == "sales tax" {
						got = append(got, fmt.Sprintf("tax %d", l.TotalAmount))
					}
				}
			}
			if q.Shipping != nil && q.Shipping.Saved > 0 {
				got = append(got, fmt.Sprintf("saved %d", q.Shipping.Saved))
			}
			if got := strings.Join(got, " "); got != tc.want || q.NoDiscount() != tc.why {
				t.Errorf("got %s (%s), want %s (%s)", got, q.NoDiscount(), tc.want, tc.why)
			}
		})
	}
}

// Days begin and end at midnight in the shop's time zone, not in UTC.
func TestCampaignDays(t *testing.T) {
	const campaigns = `{id: a, code: A, percent: 10, from: 2026-06-01, until: 2026-06-30}`
	for at, why := range map[string]cart.NoDiscount{
		"2026-05-31 23:59": cart.NotYet, "2026-06-01 00:00": "", "2026-06-30 23:59": "", "2026-07-01 00:00": cart.Expired,
	} {
		q, err := campaigning(t, campaigns, at).Quote(bag("SE SHIRT", "A", ""))
		if err != nil || q.NoDiscount() != why {
			t.Errorf("at %s: %q, %v, want %q", at, q.NoDiscount(), err, why)
		}
	}
}

// A campaign that others have used up says so, unless the cart has it already: then the
// purchase decides. When there are uses again it counts.
func TestCampaignUsedUp(t *testing.T) {
	p := campaigning(t, `{id: a, code: A, percent: 10, uses: 5}, {id: b, percent: 5, uses: 5}`, "2026-07-01 12:00")
	v := p.Published.Now()
	change := func(c *cart.Contents, ch cart.Change, a, b int) cart.Quote {
		t.Helper()
		before := *c
		before.Lines = slices.Clone(c.Lines)
		if err := ch.Apply(c, v, map[string]int{"campaign:a": a, "campaign:b": b}); err != nil {
			t.Fatal(err)
		}
		p.Note(c, before)
		q, err := p.Quote(*c)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	code, shirt := "a", cart.Change{Add: []cart.Line{{SKU: "SHIRT", Quantity: 1}}}
	has := bag("SE", "", "")
	if q := change(&has, cart.Change{DiscountCode: &code, Add: shirt.Add}, 1, 1); len(q.Applied()) != 2 {
		t.Fatalf("got %+v", q.Applied())
	}
	if q := change(&has, shirt, 0, 0); len(q.Applied()) != 2 {
		t.Errorf("who has them: %+v", q.Applied())
	}
	late := bag("SE", "", "")
	if q := change(&late, cart.Change{DiscountCode: &code, Add: shirt.Add}, 0, 0); len(q.Applied()) != 0 || q.NoDiscount() != cart.UsedUp {
		t.Errorf("who comes late: %+v, %q", q.Applied(), q.NoDiscount())
	}
	if q := change(&late, shirt, 1, 0); len(q.Applied()) != 1 || q.NoDiscount() != "" {
		t.Errorf("when there is one again: %+v, %q", q.Applied(), q.NoDiscount())
	}
	has.UseUp("a")
	q, err := p.Quote(has)
	if err != nil {
		t.Fatal(err)
	}
	begun, over := has.Changes(q)
	if len(begun) != 0 || len(over) != 1 || over[0].ID != "a" || q.NoDiscount() != cart.UsedUp {
		t.Errorf("begun %+v, over %+v", begun, over)
	}
}

// Why a code takes nothing off is said in each language, with the amount where there is one,
// and tells nothing else of the campaign.
func TestCampaignProblems(t *testing.T) {
	p := campaigning(t, `{id: secret, code: A, percent: 10, minimum: {SEK: 123456}, uses: 77, from: 2026-01-01}`, "2026-07-01 12:00")
	q, err := p.Quote(bag("SE SHIRT", "A", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range i18n.Langs() {
		for _, why := range []cart.NoDiscount{
			cart.CodeWithdrawn, cart.NotYet, cart.Expired, cart.UsedUp, cart.NotHere, cart.NothingSold, cart.Minimum, cart.OnlyVouchers,
			cart.NothingFor, cart.TooFew, cart.OtherDelivery, cart.NothingOff,
		} {
			text := q.Why(i18n.Voice{Lang: l}, "sv-SE", "A", why)
			amount := strings.Contains(strings.ReplaceAll(text, "\u00a0", ""), "1234,56")
			if text == "" || strings.Contains(text, "{") || strings.Contains(text, "secret") || strings.Contains(text, "77") || amount != (why == cart.Minimum) {
				t.Errorf("%s: %s: %q", l, why, text)
			}
		}
	}
}
