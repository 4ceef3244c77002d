package checkout_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// draw makes orders by chance: the same for the same seed.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, 3))} }

func (d draw) some() bool { return d.IntN(3) == 0 }

func pick[T any](d draw, from ...T) T { return from[d.IntN(len(from))] }

// text is one of 0 or low to high characters, of more than one byte too.
func (d draw) text(low, high int) string {
	n := low + d.IntN(high-low+1)
	if d.some() {
		n = pick(d, low, high)
	}
	return strings.Repeat(pick(d, "a", "é", "本", "😀", "<"), n)
}

// line is one order line that fits: its tax is off by less than 2.
func (d draw) line(salesTax bool) map[string]any {
	quantity, price := int64(d.IntN(20)), int64(d.IntN(400_000))
	rate := pick[int64](d, 0, 0, 600, 1200, 1900, 2000, 2500, 2550, 10000, int64(d.IntN(10001)))
	kind := pick(d, "physical", "digital", "shipping_fee", "surcharge", "discount", "gift_card", "store_credit")
	if salesTax {
		rate = 0
	}
	if kind == "discount" {
		quantity, price = 1, -int64(d.IntN(1000))
	}
	discount := int64(0)
	if price > 0 && quantity > 0 && d.some() {
		discount = int64(d.IntN(int(price)))
	}
	total := quantity*price - discount
	line := map[string]any{"name": d.text(1, 255), "quantity": quantity, "unit_price": price, "tax_rate": rate,
		"total_amount": total, "total_tax_amount": d.tax(total, rate)}
	if discount > 0 || d.some() {
		line["total_discount_amount"] = discount
	}
	d.maybe(line, map[string]func() any{
		"type": func() any { return kind }, "reference": func() any { return d.text(0, 255) }, "quantity_unit": func() any { return d.text(1, 8) },
		"merchant_data": func() any { return d.text(0, 1024) }, "product_url": func() any { return d.text(0, 1024) },
		"product_identifiers": func() any { return map[string]any{"brand": d.text(0, 70), "size": d.text(0, 64)} },
		"shipping_attributes": func() any { return map[string]any{"weight": d.IntN(9000), "tags": []any{d.text(0, 9)}} },
		"subscription": func() any {
			return map[string]any{"interval": pick(d, "DAY", "WEEK", "MONTH", "YEAR"), "interval_count": 1 + d.IntN(12)}
		},
	})
	return line
}

// tax is one of the whole numbers that are at most 1 away from the exact tax.
func (d draw) tax(total, rate int64) int64 {
	exact := big.NewRat(total*rate, 10000+rate)
	near := new(big.Int).Div(exact.Num(), exact.Denom()).Int64() // not above
	var fit []int64
	for n := near - 1; n <= near+2; n++ {
		if off := new(big.Rat).Sub(new(big.Rat).SetInt64(n), exact); off.Abs(off).Cmp(big.NewRat(1, 1)) <= 0 {
			fit = append(fit, n)
		}
	}
	return pick(d, fit...)
}

// maybe puts some of the members in.
func (d draw) maybe(into map[string]any, values map[string]func() any) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if d.some() {
			into[name] = values[name]()
		}
	}
}

// order is an order that Klarna takes.
func (d draw) order() map[string]any {
	o := faketest.CaseA()
	market := pick(d, "SE SEK sv-SE", "no NOK nb-NO", "FI EUR sv", "DK DKK da-DK", "GB GBP en-GB", "DE EUR de-DE", "NL EUR nl-NL", "AT EUR de-AT",
		"CH CHF it-CH", "ES EUR es-ES", "FR EUR fr-FR", "BE EUR nl-BE", "PL PLN pl-PL", "GL dkk en-US", "SE EUR xx-YY-zz", "US USD en-US")
	var country, currency, locale string
	_, _ = fmt.Sscan(market, &country, &currency, &locale)
	o["purchase_country"], o["purchase_currency"], o["locale"] = country, currency, locale
	us := country == "US"
	var lines []any
	for {
		lines = nil
		for range d.IntN(6) {
			lines = append(lines, d.line(us))
		}
		if us {
			tax := d.IntN(5000)
			lines = append(lines, map[string]any{"type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": tax, "tax_rate": 0,
				"total_amount": int64(tax), "total_tax_amount": int64(0)})
		}
		if sumUp(o, lines, us) {
			break
		}
	}
	d.maybe(o, map[string]func() any{
		"merchant_reference2": func() any { return d.text(0, 255) }, "merchant_data": func() any { return d.text(0, 6000) },
		"billing_address": func() any {
			return map[string]any{"given_name": d.text(0, 30), "country": country, "email": "a@b.example"}
		},
		"shipping_address": func() any { return map[string]any{"city": d.text(0, 30)} },
		"customer":         func() any { return map[string]any{"type": pick(d, "person", "organization"), "vat_id": d.text(0, 20)} },
		"options": func() any {
			return map[string]any{"auto_capture": d.some(), "color_link": "#00ff7F", "shipping_details": d.text(0, 255),
				"additional_checkboxes": []any{map[string]any{"id": "a", "text": d.text(0, 1000), "checked": d.some(), "required": d.some()}}}
		},
		"gui":                      func() any { return map[string]any{"options": []any{"minimal_confirmation"}} },
		"shipping_countries":       func() any { return []any{"SE", "no"} },
		"shipping_options":         func() any { return []any{deliveryOption()} },
		"external_payment_methods": func() any { return []any{provider()} },
		"external_checkouts":       func() any { return []any{provider()} },
		"attachment":               func() any { return map[string]any{"content_type": d.text(0, 40), "body": d.text(0, 40)} },
		"recurring":                func() any { return d.some() },
		"tags":                     func() any { return []any{d.text(0, 9)} },
		"discount_lines":           func() any { return []any{discountLine()} },
		"unknown":                  func() any { return map[string]any{"a": nil} },
	})
	if d.some() {
		faketest.With(o, "merchant_urls.validation", "https://a.example/"+strings.Repeat("v", d.IntN(1900)), "merchant_urls.unknown", 1)
	}
	return o
}

// sumUp puts lines and their sums into an order; it fails when a sum would be
// below nothing.
func sumUp(o map[string]any, lines []any, us bool) bool {
	var amount, tax int64
	for _, v := range lines {
		line := v.(map[string]any)
		amount += line["total_amount"].(int64)
		tax += line["total_tax_amount"].(int64)
		if us && line["type"] == "sales_tax" {
			tax = line["total_amount"].(int64) // the one line that counts, and the last
		}
	}
	if lines == nil {
		lines = []any{}
	}
	o["order_lines"], o["order_amount"], o["order_tax_amount"] = lines, amount, tax
	return amount >= 0 && tax >= 0
}

// FuzzValidOrders: orders that fit the rules are accepted, by create and by update,
// and answered as they were sent.
func FuzzValidOrders(f *testing.F) {
	for _, seed := range validSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		call := faketest.NewCaller(t)
		content := newDraw(seed).order()
		created := call.Do("POST", faketest.OrdersPath, faketest.Text(content))
		if created.Status != 201 {
			t.Fatalf("create: got %d %s for %s", created.Status, created.Body, faketest.Text(content))
		}
		shows := []any{"order_amount", content["order_amount"], "order_tax_amount", content["order_tax_amount"],
			"purchase_country", strings.ToLower(content["purchase_country"].(string)), "unknown", faketest.Gone{}}
		for i, v := range content["order_lines"].([]any) {
			for name, value := range v.(map[string]any) {
				if value != "" { // an empty text is as none
					shows = append(shows, fmt.Sprintf("order_lines[%d].%s", i, name), value)
				}
			}
		}
		wantShown(t, created.Body, shows)
		another := newDraw(seed + 1<<32).order()
		id := created.Order(t).OrderID
		if updated := call.Do("POST", faketest.OrdersPath+"/"+id, faketest.Text(another)); updated.Status != 200 {
			t.Fatalf("update: got %d %s for %s", updated.Status, updated.Body, faketest.Text(another))
		}
		read := call.Do("GET", faketest.OrdersPath+"/"+id, "")
		wantShown(t, read.Body, []any{"order_amount", another["order_amount"], "order_tax_amount", another["order_tax_amount"]})
	})
}
