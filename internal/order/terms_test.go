package order_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
)

// bought is an order of lines that nothing has happened to.
func bought(terms order.Terms, country string, lines ...klarna.OrderLine) order.Order {
	o := order.Order{OrderID: "o", Status: ordermanagement.Authorized, PurchaseCountry: country, OrderLines: lines, Terms: terms}
	o.OrderAmount, o.OrderTaxAmount, _ = klarna.Sums(lines)
	o.OriginalOrderAmount, o.RemainingAuthorizedAmount = o.OrderAmount, o.OrderAmount
	return o
}

// captured is the order after a capture.
func captured(o order.Order, lines []klarna.OrderLine, amount money.Amount) order.Order {
	o.Captures = append(slices.Clip(o.Captures), ordermanagement.Capture{CapturedAmount: amount, OrderLines: lines})
	o.CapturedAmount += amount
	o.RemainingAuthorizedAmount -= amount
	return o
}

func refunded(o order.Order, lines []klarna.OrderLine, amount money.Amount) order.Order {
	o.Refunds = append(slices.Clip(o.Refunds), ordermanagement.Refund{RefundedAmount: amount, OrderLines: lines})
	o.RefundedAmount += amount
	return o
}

// names tell lines apart, also when some are gone: delivery may have several rates.
func names(lines []klarna.OrderLine) []string {
	var all []string
	for _, l := range lines {
		all = append(all, fmt.Sprint(l.Type, " ", l.Reference, " ", l.TaxRate))
	}
	return all
}

// keeping are the order's lines with other quantities of what does not follow.
func keeping(t *testing.T, o order.Order, keep []int64) []klarna.OrderLine {
	t.Helper()
	var lines []klarna.OrderLine
	for i, line := range o.OrderLines {
		switch line.Type { //nolint:exhaustive // the others have quantities
		case klarna.Discount, klarna.SalesTax, klarna.GiftCard, klarna.StoreCredit:
			lines = append(lines, line)
			continue
		}
		parts, _, err := order.Take([]klarna.OrderLine{line}, []int64{keep[i]})
		for j := range parts { // as the form does: a part of a part rounds twice
			parts[j].TotalTaxAmount, err = line.TaxRate.Tax().Included(parts[j].TotalAmount)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, parts...)
	}
	return lines
}

// ends is what the shopper pays in the end when he has some of an order, reached in
// several ways: changed lines, changed twice, captured in two parts, given back in two.
func ends(t *testing.T, o order.Order, random *rand.Rand, keep []int64) map[string]money.Amount {
	t.Helper()
	must := func(lines []klarna.OrderLine, amount money.Amount, err error) ([]klarna.OrderLine, money.Amount) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.TotalAmount != l.UnitPrice*money.Amount(l.Quantity)-l.TotalDiscountAmount || !l.TaxRate.Tax().Accepts(l.TotalAmount, l.TotalTaxAmount) {
				t.Fatalf("%+v is no line", l)
			}
		}
		return lines, amount
	}
	change := func(o order.Order, keep []int64) order.Order {
		t.Helper()
		lines, err := o.Recomputed(keeping(t, o, keep), o.Terms)
		if err != nil {
			t.Fatal(err)
		}
		must(lines, 0, nil)
		return bought(o.Terms, o.PurchaseCountry, lines...)
	}
	between := make([]int64, len(keep)) // more than keep, and not more than there is
	for i, line := range o.OrderLines {
		between[i] = keep[i] + random.Int64N(line.Quantity-keep[i]+1)
	}
	twice := change(o, between)
	byID := map[string]int64{}
	for i, id := range names(o.OrderLines) {
		byID[id] = keep[i]
	}
	last := make([]int64, len(twice.OrderLines))
	for i, id := range names(twice.OrderLines) {
		last[i] = byID[id]
	}

	// take takes quantities of lines by their IDs.
	take := func(left []klarna.OrderLine, by func([]int64) ([]klarna.OrderLine, money.Amount, error), quantities map[string]int64) ([]klarna.OrderLine, money.Amount) {
		t.Helper()
		list := make([]int64, len(left))
		for i, id := range names(left) {
			list[i] = min(quantities[id], left[i].Quantity)
		}
		return must(by(list))
	}
	first, second, back1, back2 := map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}
	for i, id := range names(o.OrderLines) {
		if kind := o.OrderLines[i].Type; kind == klarna.Discount || kind == klarna.SalesTax {
			continue // they follow, also where no goods are left
		}
		first[id] = random.Int64N(keep[i] + 1)
		second[id] = keep[i] - first[id]
		back1[id] = random.Int64N(o.OrderLines[i].Quantity - keep[i] + 1)
		back2[id] = o.OrderLines[i].Quantity - keep[i] - back1[id]
	}
	sent := o
	for _, part := range []map[string]int64{first, second} {
		lines, amount := take(sent.Uncaptured(), sent.TakeUncaptured, part)
		sent = captured(sent, lines, amount)
	}
	back := captured(o, o.OrderLines, o.OrderAmount)
	back.Status = ordermanagement.Captured
	for _, part := range []map[string]int64{back1, back2} {
		lines, amount := take(back.Refundable(), back.TakeRefundable, part)
		back = refunded(back, lines, amount)
	}
	return map[string]money.Amount{
		"changed": change(o, keep).OrderAmount, "changed twice": change(twice, last).OrderAmount,
		"captured": sent.CapturedAmount, "given back": back.CapturedAmount - back.RefundedAmount,
	}
}

// What follows goods, worked out by hand; each way to the same goods comes to it.
func TestTerms(t *testing.T) {
	percent := func(hundredths int32, vouchers ...string) order.Terms {
		return order.Terms{Campaigns: []campaign.Used{{Reference: "OFF", Rule: campaign.Rule{Percent: hundredths}}}, Vouchers: vouchers}
	}
	off := func(amount money.Amount, rate klarna.Rate) klarna.OrderLine {
		return line(klarna.Discount, "OFF", 1, amount, amount, rate)
	}
	goods := func(sku string, quantity int64, price money.Amount, rate klarna.Rate) klarna.OrderLine {
		return line(klarna.Physical, sku, quantity, price, price*money.Amount(quantity), rate)
	}
	boat := func(price money.Amount, rate klarna.Rate) klarna.OrderLine {
		return line(klarna.ShippingFee, "boat", 1, price, price, rate)
	}
	tax := func(amount money.Amount) klarna.OrderLine { return line(klarna.SalesTax, "", 1, amount, amount, 0) }
	us := func(rate money.TaxRate, t order.Terms) order.Terms { t.SalesTax = &rate; return t }
	for _, tc := range []struct {
		name  string
		terms order.Terms
		lines []klarna.OrderLine
		keep  []int64
		want  money.Amount
	}{
		{"4 mugs with 25 %, 1 stays: 149.00 − 37.25 + 49.00", percent(2500), []klarna.OrderLine{goods("MUG", 4, 14900, 2500), off(-14900, 2500), boat(4900, 2500)}, []int64{1, 1, 1}, 16075},
		{"3 stay", percent(2500), []klarna.OrderLine{goods("MUG", 4, 14900, 2500), off(-14900, 2500), boat(4900, 2500)}, []int64{3, 1, 1}, 44700 - 11175 + 4900},
		{"a percentage that does not come out even: 3.33 − 0.83", percent(2500), []klarna.OrderLine{goods("PIN", 3, 333, 2500), off(-250, 2500), boat(490, 2500)}, []int64{1, 1, 1}, 333 - 83 + 490},
		{"6.66 − 1.67", percent(2500), []klarna.OrderLine{goods("PIN", 3, 333, 2500), off(-250, 2500), boat(490, 2500)}, []int64{2, 1, 1}, 666 - 167 + 490},
		{"delivery alone has no discount", percent(2500), []klarna.OrderLine{goods("PIN", 3, 333, 2500), off(-250, 2500), boat(490, 2500)}, []int64{0, 1, 1}, 490},
		{"the discount of the rate that leaves", percent(1000), []klarna.OrderLine{goods("MUG", 1, 14900, 2500), goods("BOOK", 2, 22900, 600), off(-1490, 2500), off(-4580, 600), boat(4900, 2500)}, []int64{1, 0, 1, 1, 1}, 14900 - 1490 + 4900},
		{"half of that", percent(1000), []klarna.OrderLine{goods("MUG", 1, 14900, 2500), goods("BOOK", 2, 22900, 600), off(-1490, 2500), off(-4580, 600), boat(4900, 2500)}, []int64{0, 1, 1, 1, 1}, 22900 - 2290 + 4900},
		{"a voucher of the same rate leaves, and had no discount", percent(2500, "GIFT"), []klarna.OrderLine{goods("MUG", 2, 1400, 0), goods("GIFT", 1, 5000, 0), off(-700, 0), boat(600, 0)}, []int64{2, 0, 1, 1}, 2800 - 700 + 600},
		{"the goods leave, the voucher stays", percent(2500, "GIFT"), []klarna.OrderLine{goods("MUG", 2, 1400, 0), goods("GIFT", 1, 5000, 0), off(-700, 0), boat(600, 0)}, []int64{1, 1, 1, 0}, 1400 + 5000 - 350},
		{"an amount stays as long as the goods are worth it", percent(0), []klarna.OrderLine{goods("MUG", 2, 14900, 2500), off(-10000, 2500), boat(4900, 2500)}, []int64{1, 1, 1}, 14900 - 10000 + 4900},
		{"and is never more than they are", percent(0), []klarna.OrderLine{goods("MUG", 2, 14900, 2500), off(-20000, 2500), boat(4900, 2500)}, []int64{1, 1, 1}, 4900},
		{"of a campaign that nobody knows: in proportion", order.Terms{}, []klarna.OrderLine{goods("MUG", 4, 14900, 2500), off(-10000, 2500), boat(4900, 2500)}, []int64{1, 1, 1}, 14900 - 2500 + 4900},
		{"all stays", percent(2500), []klarna.OrderLine{goods("MUG", 4, 14900, 2500), off(-14900, 2500), boat(4900, 2500)}, []int64{4, 1, 1}, 49600},
		{"New York, 4 %: of 9.99 and 6.00", us(4000, order.Terms{}), []klarna.OrderLine{goods("TEN", 3, 999, 0), boat(600, 0), tax(144)}, []int64{1, 1, 1}, 999 + 600 + 64},
		{"of 6.00", us(4000, order.Terms{}), []klarna.OrderLine{goods("TEN", 3, 999, 0), boat(600, 0), tax(144)}, []int64{0, 1, 1}, 624},
		{"New Jersey, 6.625 % of 2 × 149.99 − 25 %", us(6625, percent(2500)), []klarna.OrderLine{goods("ODD", 10, 14999, 0), off(-37498, 0), boat(600, 0), tax(7492)}, []int64{2, 1, 0, 1}, 29998 - 7500 + 1490}, // 14.904…
		{"delivery without tax", us(4000, order.Terms{UntaxedDelivery: true}), []klarna.OrderLine{goods("TEN", 3, 999, 0), boat(600, 0), tax(120)}, []int64{1, 1, 1}, 999 + 600 + 40},
		{"Oregon", us(0, order.Terms{}), []klarna.OrderLine{goods("TEN", 3, 999, 0), boat(600, 0), tax(0)}, []int64{1, 1, 1}, 1599},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := bought(tc.terms, "SE", tc.lines...)
			for seed := range uint64(20) {
				for way, got := range ends(t, o, rand.New(rand.NewPCG(seed, 6)), tc.keep) {
					if got != tc.want {
						t.Errorf("%s: %d, want %d", way, got, tc.want)
					}
				}
			}
		})
	}
}

// Whatever a cart with a code sold, in any market: all ways to some of its goods come to
// one sum, and changed lines are lines that Klarna takes.
func TestTwoWaysToOneEnd(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 6))
	everywhere := func(amount money.Amount) map[money.Currency]money.Amount {
		return map[money.Currency]money.Amount{"SEK": 10 * amount, "NOK": 10 * amount, "EUR": amount, "GBP": amount, "USD": amount}
	}
	pricers := make([]*cart.Pricer, 4)
	for i, byThemselves := range [][]*campaign.Campaign{
		nil,
		{{ID: "some", Percent: 700, SKUs: []string{"MUG-1", "BOK-1", "GFT-1"}}, {ID: "pots", Percent: 3300, Categories: []string{"kitchen"}}},
		{{ID: "cash", Amount: everywhere(1234)}},
		{{ID: "three", Buy: 3, Pay: 2}, {ID: "books", Buy: 2, Pay: 1, Categories: []string{"reading"}}},
	} {
		v := campaigning(append(byThemselves, skerry.Version().Shop.Campaigns...)...)
		v.Shop.Campaigns = append(v.Shop.Campaigns, &campaign.Campaign{ID: "kitchen", Code: "KITCHEN", Percent: 1700, Categories: []string{"kitchen", "pantry"}},
			&campaign.Campaign{ID: "off", Code: "OFF", Amount: everywhere(777)}, &campaign.Campaign{ID: "five", Code: "FIVE", Buy: 5, Pay: 4})
		pricers[i] = &cart.Pricer{Published: publish.Fixed(v), PublicURL: "https://shop.example"}
	}
	skus := []string{"MUG-1", "BOK-1", "JAM-1", "EBK-1", "GFT-1", "SLT-1", "BOK-3", "POT-1"}
	places := []string{"SE", "NO", "DE", "AT", "GB", "US NJ", "US MN", "US OR", "FI 22100"}
	for round := range 3000 {
		pricer := pricers[random.IntN(len(pricers))]
		country, rest := places[random.IntN(len(places))], ""
		country, rest = country[:2], country[2:]
		c := cart.Contents{Country: country, Locale: "en-" + country, DiscountCode: []string{"FOG10", "LANTERN25", "KITCHEN", "OFF", "FIVE", ""}[random.IntN(6)]}
		if rest != "" {
			c.ShipTo = &cart.ShipTo{Region: rest[1:], PostalCode: rest[1:]}
		}
		for _, i := range random.Perm(len(skus))[:1+random.IntN(4)] {
			c.Lines = append(c.Lines, cart.Line{SKU: skus[i], Quantity: 1 + random.IntN(7)})
		}
		q, err := pricer.Quote(c)
		if err != nil {
			t.Fatal(err)
		}
		o := bought(order.Terms{}, country, q.OrderLines...)
		if country == "US" {
			o.ShippingAddress = klarna.Address{Country: "US", Region: rest[1:]}
		}
		o.Terms = order.TermsOf(pricer.Published.Now(), o, q.Used())
		if diff := cmp.Diff(q.Used(), o.Terms.Campaigns); diff != "" {
			t.Fatalf("round %d: the lines do not come out by the rules: %s", round, diff)
		}
		if (o.Terms.SalesTax != nil) != (country == "US") {
			t.Fatalf("round %d: %+v of %+v", round, o.Terms, o.OrderLines)
		}
		keep, some := make([]int64, len(o.OrderLines)), false
		for i, l := range o.OrderLines {
			keep[i] = random.Int64N(l.Quantity + 1)
			some = some || keep[i] > 0 && l.Type == klarna.Physical
		}
		if !some {
			continue
		}
		all := ends(t, o, random, keep)
		if slices.ContainsFunc(q.Used(), func(u campaign.Used) bool { return u.Shared }) {
			// In proportion to what was in proportion already: it rounds twice.
			if twice := all["changed twice"] - all["changed"]; twice > 3 || twice < -3 {
				t.Fatalf("round %d: changed twice comes to %d more", round, twice)
			}
			delete(all, "changed twice")
		}
		for way, got := range all {
			if got != all["changed"] {
				t.Fatalf("round %d: %s comes to %d: %v\n%v\n%+v", round, way, got, all, keep, o.OrderLines)
			}
		}
	}
}

// Goods that are added to an order get the campaign's percentage, whatever their rate.
func TestTermsOfAddedGoods(t *testing.T) {
	o := bought(order.Terms{Campaigns: []campaign.Used{{Reference: "OFF", Rule: campaign.Rule{Percent: 1000}}}}, "SE",
		line(klarna.Physical, "MUG", 1, 14900, 14900, 2500), line(klarna.Discount, "OFF", 1, -1490, -1490, 2500), line(klarna.ShippingFee, "boat", 1, 4900, 4900, 2500))
	lines, err := o.Recomputed(append(o.OrderLines[:3:3], line(klarna.Physical, "BOOK", 1, 22900, 22900, 600), line(klarna.Physical, "CUP", 1, 1000, 1000, 2500)), o.Terms)
	if err != nil {
		t.Fatal(err)
	}
	want := "MUG 14900 2980, OFF -1590 -318, OFF -2290 -130, boat 4900 980, BOOK 22900 1296, CUP 1000 200, "
	got := ""
	for _, l := range lines {
		got += fmt.Sprint(l.Reference, " ", l.TotalAmount, " ", l.TotalTaxAmount, ", ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The order goes to another state after a part was captured: that part keeps its tax.
func TestTermsOfAnotherState(t *testing.T) {
	ny := money.TaxRate(4000)
	o := bought(order.Terms{SalesTax: &ny}, "US",
		line(klarna.Physical, "TEN", 3, 999, 2997, 0), line(klarna.ShippingFee, "boat", 1, 600, 600, 0), line(klarna.SalesTax, "", 1, 144, 144, 0))
	for _, tc := range []struct {
		state    string
		captured []int64
		tax      money.Amount
	}{
		{"OR", nil, 0},
		{"NJ", nil, 238},                   // 6.625 % of 35.97 is 2.383
		{"D.C.", nil, 216},                 // 6 %: 2.1582
		{"OR", []int64{1, 1, 1}, 64},       // 4 % of 15.99
		{"NJ", []int64{1, 1, 1}, 64 + 132}, // and 2.383 − 1.0593, each rounded
		{"NY", []int64{1, 0, 1}, 144},
		{"nowhere", nil, 144},
	} {
		o := o
		if tc.captured != nil {
			lines, amount, err := o.TakeUncaptured(tc.captured)
			if err != nil {
				t.Fatal(err)
			}
			o = captured(o, lines, amount)
			o.Status = ordermanagement.PartCaptured
		}
		lines, err := o.Recomputed(o.OrderLines, o.Terms.At(skerry.Version().Markets, o, klarna.Address{Country: "US", Region: tc.state}))
		if err != nil || len(lines) != 3 || lines[2].TotalAmount != tc.tax {
			t.Errorf("%s after %v: %+v, %v, want %d", tc.state, tc.captured, lines, err, tc.tax)
		}
	}
}
