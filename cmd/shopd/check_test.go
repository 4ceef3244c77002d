package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checked runs check on files, without a catalogue where its name is "", and returns its status and what it printed.
func checked(t *testing.T, shop, goods string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	args := []string{"check", "-shop", shop}
	if goods != "" {
		args = append(args, "-catalog", goods)
	}
	status := run(t.Context(), args, func(string) string { return "" }, &out, &out)
	return status, out.String()
}

// The example is taken without a warning, and each of its markets has a request.
func TestCheckExample(t *testing.T) {
	status, out := checked(t, "../../examples/shop/shop.yaml", "../../examples/shop/catalog.yaml")
	if status != 0 || strings.Contains(out, "warning") {
		t.Errorf("status %d", status)
	}
	for _, text := range []string{
		"=== SE ===", "=== FI ===", "=== US ===", `"terms": "https://shop.example/terms"`, `"cancellation_terms": "https://shop.example/returns"`,
		`"name": "Ombud: Kiosken"`, `"id": "pickup_point:p2"`, `"shipping_method": "PickUpStore"`, `"name": "UPS"`, `"type": "sales_tax"`, `"tax_rate": 2550`, "39800 + 950 + 1790 + 1900 + 3222 = 47662",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
	if n := strings.Count(out, "Klarna's rules are satisfied."); n != 3 {
		t.Errorf("%d markets satisfy Klarna's rules, want 3", n)
	}
}

func TestCheck(t *testing.T) {
	const (
		head  = "name: A\ncontact: {email: a@b.example}\npages: {terms: https://a.example/terms}\nmarkets:\n"
		se    = "- {country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25}, delivery: [{id: a, name: A, price: 0}]}\n"
		no    = "- {country: NO, currency: NOK, locales: [nb-NO], tax: {standard: 25}}\n"
		alone = "storefront: false\n"
		goods = "language: sv\nproducts: [{sku: A, category: c, name: A, tax_class: standard, stock: 1, prices: {SEK: 100}}]\n"
	)
	for _, tc := range []struct {
		name, shop, goods string
		status            int
		want              []string
	}{
		{"good", head + se, goods, 0, []string{"=== SE ===", "order_amount        200 + 0 = 200"}},
		{"both wrong", head + se + "a: 1\n", goods + "b: 1\n", 1, []string{"shop file: 1 wrong:\nline 6: a: unknown member", "catalogue: 1 wrong:\nline 3: b: unknown member"}},
		{"an unknown text", head + se + "texts: {a.b: c}\n", goods, 0, []string{"warning: line 6: texts.a.b: the shop has no text with this key"}},
		{"a market without prices", head + se + no, goods, 0, []string{"warning: market NO: nothing is sold there, no product has a price in NOK"}},
		{"names in another language", head + strings.Replace(se, "[sv-SE]", "[sv-SE, fi-SE]", 1), strings.Replace(goods, "stock: 1, prices: {SEK: 100}}", "stock: 1, prices: {SEK: 100}}, {sku: B, category: c, name: {sv: B, fi: B}, tax_class: standard, stock: 1, prices: {SEK: 100}}, {sku: C, category: c, name: {en: C, fi: C}, tax_class: standard, stock: 1, prices: {SEK: 100}}", 1), 0, []string{
			`warning: market SE: C has no name in "sv", so its shoppers read the one in "en"`, `warning: market SE: A has no name in "fi", so its shoppers read the one in "sv"`,
		}},
		{"no market with prices", head + no, goods, 1, []string{"nothing can be bought: no product has a price in the currency of a market"}},
		{"a class without a rate", head + se, strings.Replace(goods, "standard", "food", 1), 0, []string{`warning: market SE: tax class "food" has no rate, so A has the standard one`}},
		{"no delivery", head + strings.Replace(se, ", delivery: [{id: a, name: A, price: 0}]", "", 1), goods, 1, []string{
			"warning: market SE: there is no way of delivery", "a sample cart of market SE: the shop refuses this cart: nothing is delivered to this country now",
		}},
		{"options of variants", head + se + "texts: {option.fit: Passform, option.size: Mått, option.lenght: Längd}\n", "language: sv\nproducts: [{id: j, category: c, name: J, tax_class: standard, options: [size, fit, sleeve], prices: {SEK: 100}, variants: [{sku: J-1, size: S, fit: slim, sleeve: long, stock: 1}]}]\n", 0, []string{
			`warning: j has the option "sleeve", and there is no text option.sleeve: the pages call it by that name`, `warning: texts.option.lenght: no product has the option "lenght"`,
			`"name": "J, S, slim, long"`,
		}},
		{"sessions alone", alone + head + se + no, "", 0, []string{
			"=== SE ===\nno product has a price in SEK and a way of delivery: here is sold what a checkout session says", "=== NO ===",
		}},
		{"sessions alone, and goods for one market", alone + head + se + no, goods, 0, []string{"order_amount        200 + 0 = 200", "=== NO ===\nno product has a price in NOK"}},
		{"sessions alone, which say how they are delivered", alone + head + strings.Replace(se, ", delivery: [{id: a, name: A, price: 0}]", "", 1), goods, 0, []string{
			"warning: market SE: there is no way of delivery, so nothing that is shipped can be bought but by a checkout session that brings its own", "=== SE ===\nno product has a price in SEK and a way of delivery",
		}},
		{"sessions alone, and a mistake", alone + head + se + "a: 1\n", "", 1, []string{"shop file: 1 wrong:\nline 7: a: unknown member"}},
		{"no catalogue", head + se, "", 1, []string{"-catalog (SHOPD_CATALOG) is missing"}},
		{"neither, and a mistake", head + se + "a: 1\n", "", 1, []string{"shop file: 1 wrong:\nline 6: a: unknown member"}},
		{"no shop file", "", goods, 1, []string{"-shop (SHOPD_SHOP): "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			shop, catalogue := filepath.Join(dir, "shop.yaml"), filepath.Join(dir, "catalog.yaml")
			for path, text := range map[string]string{shop: tc.shop, catalogue: tc.goods} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tc.goods == "" {
				catalogue = ""
			}
			status, out := checked(t, shop, catalogue)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			for _, text := range tc.want {
				if !strings.Contains(out, text) {
					t.Errorf("no %q in\n%s", text, out)
				}
			}
		})
	}
}

// A cart is explained by the shop of -shop.
func TestExplainShop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cart.yaml")
	if err := os.WriteFile(file, []byte("country: US\nlines:\n- {sku: TENT-2, quantity: 2}\nship_to: {region: NJ}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	args := []string{"explain", "-shop", "../../examples/shop/shop.yaml", "-catalog", "../../examples/shop/catalog.yaml", file}
	if status := run(t.Context(), args, func(string) string { return "" }, &out, &out); status != 0 || !strings.Contains(out.String(), "89800 + 3900 + 6208 = 99908") {
		t.Errorf("status %d\n%s", status, out.String())
	}
}
