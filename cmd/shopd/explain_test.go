package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		status     int
		want       []string // in the output of either kind
	}{
		{
			"a cart", `{"country":"SE","locale":"en-SE","lines":[{"sku":"MUG-1","quantity":5},{"sku":"JAM-1","quantity":1}],"discount_code":"fog10"}`, 0,
			[]string{
				`"order_amount": 83560`, `"reference": "MUG-1"`, "5 × 14900 − 0 = 74500", "74500 × 2500 / 12500 = 14900",
				"74500 + 12900 + -7450 + -1290 + 4900 = 83560",
				"campaign fog (FOG10): 8740 off the goods\n  25 %  74500 × 1000 / 10000 = 7450\n  6 %  12900 × 1000 / 10000 = 1290\n", "Klarna's rules are satisfied.",
			},
		},
		{
			"what GET /cart answers", `{"revision":3,"country":"NO","locale":"nb-NO","currency":"NOK","lines":[{"sku":"MUG-1","name":"x","quantity":1,"unit_price":1,"total_amount":1}],"unavailable":[{"sku":"OLD-1","name":"Old","quantity":2}],"discount_code":"","discount_problem":{"code":"withdrawn","message":"x"},"total_amount":1,"total_tax_amount":1}`, 0,
			[]string{`"order_amount": 21800`},
		},
		{
			"US", `{"country":"US","lines":[{"sku":"MUG-1","quantity":2}],"ship_to":{"country":"US","region":"CA"}}`, 0,
			[]string{"sales_tax", "of 7.25 %  3400 × 7250 / 100000 = 247, rounded half away from zero", "2800 + 600 + 247 = 3647", "0 + 0 + 247 = 247"},
		},
		{"more than a line takes", `{"lines":[{"sku":"CLK-1","quantity":1000}]}`, 1, []string{"line 1: lines[0].quantity: want a whole number from 1 to 99"}},
		{"none", `{"lines":[{"sku":"MUG-1","quantity":0}]}`, 1, []string{"line 1: lines[0].quantity: want a whole number from 1 to 99"}},
		{"less than none", `{"lines":[{"sku":"MUG-1","quantity":-1}]}`, 1, []string{"lines[0].quantity: want a whole number from 1 to 99"}},
		{"half of one", "{\"lines\":[\n{\"sku\":\"MUG-1\",\"quantity\":1},\n{\"sku\":\"JAM-1\",\"quantity\":1.5}]}", 1, []string{"line 3: lines[1].quantity: want a whole number from 1 to 99"}},
		{"a quantity in words", `{"lines":[{"sku":"MUG-1","quantity":"two"}]}`, 1, []string{"lines[0].quantity: want a whole number from 1 to 99"}},
		{"no quantity", `{"lines":[{"sku":"MUG-1"}]}`, 1, []string{"lines[0].quantity: is missing"}},
		{"an SKU that is a number", `{"lines":[{"sku":7,"quantity":1}]}`, 1, []string{`lines[0].sku: "7" is not in the catalogue`}},
		{"one SKU twice", `{"lines":[{"sku":"MUG-1","quantity":1},{"sku":"JAM-1","quantity":1},{"sku":"MUG-1","quantity":2}]}`, 1, []string{`lines[2].sku: "MUG-1" is in lines[0] already`}},
		{"not in the catalogue", `{"lines":[{"sku":"GONE-1","quantity":1}]}`, 1, []string{`lines[0].sku: "GONE-1" is not in the catalogue`}},
		{"unknown code", `{"lines":[{"sku":"MUG-1","quantity":1}],"discount_code":"NEVER"}`, 1, []string{`discount_code: "NEVER" is the code of no campaign`}},
		{"a code without effect", `{"lines":[{"sku":"GFT-1","quantity":1}],"discount_code":"FOG10"}`, 0, []string{"campaign fog (FOG10): nothing off: there are vouchers only, of which nothing is taken off", `"order_amount": 50000`}},
		{"unknown region", `{"country":"US","lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"region":"ZZ"}}`, 1, []string{`ship_to.region: "ZZ" is not a region of US whose tax is known`}},
		{"a region in words", `{"country":"US","lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"region":"California"}}`, 0, []string{"sales_tax"}},
		{"a postal code that is not delivered to", `{"lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"postal_code":"999 99"}}`, 1, []string{"the shop refuses this cart: nothing is delivered to this postal code"}},
		{"collected from there", `{"lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"postal_code":"99999"},"shipping_option":"collect"}`, 0, []string{`"order_amount": 14900`}},
		{"express", `{"lines":[{"sku":"MUG-1","quantity":1}],"shipping_option":"express"}`, 0, []string{`"order_amount": 27800`}},
		{"to another country", `{"lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"country":"DE"}}`, 0, []string{`"order_amount": 19800`, `"tax_rate": 1900`, `"purchase_country": "SE"`}},
		{"to a country where nothing is sold", `{"lines":[{"sku":"MUG-1","quantity":1}],"ship_to":{"country":"IS"}}`, 1, []string{`ship_to.country: nothing is delivered to "IS"; the countries are [SE NO DK FI DE AT NL GB US]`}},
		{"unknown way of delivery", `{"lines":[{"sku":"MUG-1","quantity":1}],"shipping_option":"drone"}`, 1, []string{`shipping_option: "drone" is not one of [mailboat express collect]`}},
		{"nothing", `{"lines":[]}`, 1, []string{"the shop refuses this cart: there is nothing to sell in the cart"}},
		{"no lines", `{}`, 1, []string{"lines: is missing"}},
		{"an array", `[]`, 1, []string{"line 1: the file: want an object"}},
		{"all that is wrong", `{"country":"XX","lines":[{"sku":"NO-1","quantity":1}],"discount_code":"NO"}`, 1, []string{"3 wrong:", `country: nothing is sold in "XX"`, `"NO-1"`, `"NO"`}},
		{"unknown member", `{"linez":[]}`, 1, []string{`line 1: linez: unknown member`}},
		{"a member twice", `{"lines":[],"lines":[]}`, 1, []string{`line 1: lines: stands twice`}},
		{"a member of a line", `{"lines":[{"sku":"MUG-1","quantity":1,"price":5}]}`, 1, []string{`lines[0].price: unknown member`}},
		{"two carts", `{"lines":[]} {}`, 1, []string{"line 1: did not find expected <document start>"}},
		{"unknown country", `{"country":"IS"}`, 1, []string{`country: nothing is sold in "IS"`}},
		{"locale of another country", `{"country":"NO","locale":"sv-SE"}`, 1, []string{"nb-NO"}},
		{"no object", `cart`, 1, []string{"line 1: the file: want an object"}},
		{"too large", strings.Repeat(" ", maxCartFile+1), 1, []string{"more than"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cart.json")
			if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if got := run(t.Context(), []string{"explain", file}, func(string) string { return "" }, &out, &out); got != tc.status {
				t.Errorf("got status %d, want %d", got, tc.status)
			}
			for _, text := range []string{"Go struct", "of type", "cannot unmarshal", "strconv"} {
				if strings.Contains(out.String(), text) {
					t.Errorf("the answer speaks Go: %s", out.String())
				}
			}
			if refused := strings.Contains(out.String(), "POST /checkout"); refused != (tc.status == 0) {
				t.Errorf("a request that is not sent is shown, or none: %t", refused)
			}
			for _, text := range tc.want {
				if !strings.Contains(out.String(), text) {
					t.Errorf("no %q in\n%s", text, out.String())
				}
			}
		})
	}
}

// Of a cart for which nothing is to be paid nothing is sent.
func TestExplainFree(t *testing.T) {
	products, shop := filepath.Join(t.TempDir(), "catalog.json"), filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(shop, []byte(`{name: A, contact: {email: a@b.example}, pages: {terms: "https://a.example/terms"}, campaigns: [{id: all, code: ALL, percent: 100}],
		markets: [{country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25, book: 6}, delivery: [{id: post, name: Post, price: 4900}, {id: collect, name: Hämta, price: 0, collect: true}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(products, []byte(`{"currencies": ["SEK"], "products": [
		{"sku": "MUG-1", "category": "things", "name": {"en": "Mug"}, "stock": 4, "tax_class": "standard", "prices": {"SEK": 14900}},
		{"sku": "EBK-1", "category": "things", "name": {"en": "E-book"}, "digital": true, "tax_class": "book", "prices": {"SEK": 9900}}
	]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cart string
		free bool
		want string
	}{
		"collected":       {`{"lines":[{"sku":"MUG-1","quantity":2}],"discount_code":"ALL","shipping_option":"collect"}`, true, "29800 + -29800 + 0 = 0"},
		"digital":         {`{"lines":[{"sku":"EBK-1","quantity":1}],"discount_code":"ALL"}`, true, "9900 + -9900 = 0"},
		"delivered":       {`{"lines":[{"sku":"MUG-1","quantity":2}],"discount_code":"ALL"}`, false, `"order_amount": 4900`},
		"without a code":  {`{"lines":[{"sku":"EBK-1","quantity":1}]}`, false, `"order_amount": 9900`},
		"in another code": {`{"lines":[{"sku":"EBK-1","quantity":1}],"discount_code":"all"}`, true, "order_tax_amount"},
	} {
		file := filepath.Join(t.TempDir(), "cart.json")
		if err := os.WriteFile(file, []byte(tc.cart), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if got := run(t.Context(), []string{"explain", "-shop", shop, "-catalog", products, file}, func(string) string { return "" }, &out, &out); got != 0 {
			t.Errorf("%s: got status %d", name, got)
		}
		text := out.String()
		if strings.Contains(text, "nothing is sent to Klarna") != tc.free || strings.Contains(text, "POST /checkout") == tc.free || !strings.Contains(text, tc.want) {
			t.Errorf("%s: got\n%s", name, text)
		}
	}
}

// Where delivery is taxed as the goods are, it is said how its price is split.
func TestExplainDelivery(t *testing.T) {
	dir := t.TempDir()
	shop, file := filepath.Join(dir, "shop.yaml"), filepath.Join(dir, "cart.json")
	for name, text := range map[string]string{
		shop: `{name: A, contact: {email: a@b.example}, pages: {terms: "https://a.example/terms"},
			markets: [{country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25, food: 6}, delivery_tax: goods, delivery: [{id: post, name: Post, price: 4900}]}]}`,
		file: `{"lines":[{"sku":"SOUP-1","quantity":3},{"sku":"SHELL-S-GREEN","quantity":1}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if got := run(t.Context(), []string{"explain", "-shop", shop, "-catalog", "../../examples/shop/catalog.yaml", file}, func(string) string { return "" }, &out, &out); got != 0 {
		t.Fatalf("got status %d: %s", got, out.String())
	}
	const want = "delivery post: 4900, in the proportion of the goods of each tax rate, so that the parts sum to it\n  6 %  4900 × 26700 / 226600 = 577\n  25 %  4900 × 199900 / 226600 = 4323\n"
	if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "26700 + 199900 + 577 + 4323 = 231500") {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

// Of each campaign it is said what it takes off, or why nothing; a used one is named in no
// other line.
func TestExplainCampaigns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cart.json")
	if err := os.WriteFile(file, []byte(`{"country":"SE","lines":[{"sku":"SOUP-1","quantity":3},{"sku":"SHELL-S-GREEN","quantity":1}],"discount_code":"hundra"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	shop := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(shop, []byte(`{name: A, contact: {email: a@b.example}, pages: {terms: "https://a.example/terms"}, campaigns: [
		{id: hundra, code: HUNDRA, amount: {SEK: 10000}, minimum: {SEK: 50000}}, {id: frakt, code: FRAKTFRITT, free_delivery: [post]}, {id: tre-for-tva, buy: 3, pay: 2, skus: [SOUP-1]},
		{id: one, percent: 1, skus: [SOUP-1]}, {id: old, percent: 1, until: 2020-01-31}, {id: new, percent: 1, from: 2999-02-01}, {id: most, percent: 1, minimum: {SEK: 999999}}, {id: cups, percent: 1, skus: [CUP-1, CUP-9]}],
		markets: [{country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25, food: 6}, delivery: [{id: post, name: Post, price: 4900}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	args := []string{"-shop", shop, "-catalog", "../../examples/shop/catalog.yaml"}
	if got := run(t.Context(), append(append([]string{"explain"}, args...), file), func(string) string { return "" }, &out, &out); got != 0 {
		t.Fatalf("got status %d: %s", got, out.String())
	}
	for _, line := range []string{
		"campaign hundra (HUNDRA): 10000 off the goods\n  6 %  10000 × 17800 / 217700 = 818\n  25 %  10000 × 199900 / 217700 = 9182", "campaign frakt (FRAKTFRITT): nothing off: the cart does not have its code", "campaign tre-for-tva: 8900 off the goods\n  6 %  the cheapest pieces of 26700 = 8900",
		"campaign one: nothing off: another one that applies by itself takes as much off, or more", "campaign old: nothing off: it was over after 2020-01-31",
		"campaign new: nothing off: it begins on 2999-02-01", "campaign most: nothing off: the goods must cost at least 999999", "campaign cups: nothing off: nothing in the cart is what it is for",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
	out.Reset()
	if got := run(t.Context(), append([]string{"check"}, args...), func(string) string { return "" }, &out, &out); got != 0 || !strings.Contains(out.String(), `warning: campaign cups: the catalogue has no SKU "CUP-9"`) || strings.Contains(out.String(), `"CUP-1"`+"\n") {
		t.Errorf("check: status %d\n%s", got, out.String())
	}
}
