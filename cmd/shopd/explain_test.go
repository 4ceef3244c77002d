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
				"74500 + 12900 + -7450 + -1290 + 4900 = 83560", "Klarna's rules are satisfied.",
			},
		},
		{
			"what GET /cart answers", `{"revision":3,"country":"NO","locale":"nb-NO","currency":"NOK","lines":[{"sku":"MUG-1","name":"x","quantity":1,"unit_price":1,"total_amount":1}],"discount_code":"","total_amount":1,"total_tax_amount":1}`, 0,
			[]string{`"order_amount": 21800`},
		},
		{
			"US", `{"country":"US","lines":[{"sku":"MUG-1","quantity":2}],"ship_to":{"country":"US","region":"CA"}}`, 0,
			[]string{"sales_tax", "2800 + 600 + 247 = 3647", "0 + 0 + 247 = 247"},
		},
		{"too much", `{"lines":[{"sku":"CLK-1","quantity":1000}]}`, 1, []string{"order_lines[0].total_amount: is 499500000, at most 100000000"}},
		{"not in the catalogue", `{"lines":[{"sku":"GONE-1","quantity":1}]}`, 1, []string{"GONE-1 is left out", "no order would be made"}},
		{"unknown member", `{"linez":[]}`, 1, []string{`unknown field "linez"`}},
		{"unknown country", `{"country":"IS"}`, 1, []string{`"IS" is not served`}},
		{"locale of another country", `{"country":"NO","locale":"sv-SE"}`, 1, []string{"nb-NO"}},
		{"no JSON", `cart`, 1, []string{"invalid character"}},
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
			for _, text := range tc.want {
				if !strings.Contains(out.String(), text) {
					t.Errorf("no %q in\n%s", text, out.String())
				}
			}
		})
	}
}
