package cart_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// The price of delivery follows what the goods weigh and what they cost after discounts; a
// way that is not offered for them is none, and the default is the cheapest that is left.
func TestDeliveryByWeightAndAmount(t *testing.T) {
	const file = `{name: A, contact: {email: a@b.example}, pages: {terms: "https://a.example"}, campaigns: [{id: ten, code: TEN, percent: 10}], markets: [{country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25}, delivery: [
		{id: agent, name: Ombud, price: 4900, free_from: 90000},
		{id: home, name: Hem, price: [{up_to: 1000, price: 3900}, {up_to: 5000, price: 9900}]}]}]}`
	const goods = `{products: [
		{sku: LIGHT, category: c, name: L, tax_class: standard, stock: 1, weight: 400, prices: {SEK: 10000}},
		{sku: HEAVY, category: c, name: H, tax_class: standard, stock: 1, weight: 4700, prices: {SEK: 50000}},
		{sku: FILE, category: c, name: F, tax_class: standard, digital: true, prices: {SEK: 90000}}]}`
	v, err := publish.Read(1, settings.Source{File: []byte(file)}, []byte(goods))
	if err != nil {
		t.Fatal(err)
	}
	p := &cart.Pricer{Published: publish.Fixed(v), PublicURL: "https://shop.example"}
	of := func(sku string, quantity int) []cart.Line { return []cart.Line{{SKU: sku, Quantity: quantity}} }
	for _, tc := range []struct {
		name, chosen, code string
		lines              []cart.Line
		want               string // the options, the chosen one marked
	}{
		{"light", "", "", of("LIGHT", 1), "agent 4900, *home 3900"},
		{"between", "", "", of("HEAVY", 1), "*agent 4900, home 9900"},
		{"heavy", "home", "", append(of("LIGHT", 1), of("HEAVY", 1)...), "*agent 4900"},
		{"free, and so the default", "", "", of("LIGHT", 9), "*agent 0, home 9900"},
		{"chosen all the same", "home", "", of("LIGHT", 9), "agent 0, *home 9900"},
		{"a discount goes off first", "", "TEN", of("LIGHT", 9), "*agent 4900, home 9900"},
		{"files count for the amount and weigh nothing", "", "", append(of("FILE", 1), of("LIGHT", 1)...), "*agent 0, home 3900"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, err := p.Quote(cart.Contents{Country: "SE", Locale: "sv-SE", ShippingOption: tc.chosen, DiscountCode: tc.code, Lines: tc.lines})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range q.Options {
				mark := ""
				if o.ID == q.Shown() {
					mark = "*"
				}
				got = append(got, fmt.Sprintf("%s%s %d", mark, o.ID, o.Price))
			}
			if got := strings.Join(got, ", "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
