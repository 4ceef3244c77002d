package money_test

import (
	"math"
	"testing"

	"github.com/shopd/shopd/internal/money"
)

func TestDecimal(t *testing.T) {
	for amount, want := range map[money.Amount]string{
		0: "0.00", 5: "0.05", -5: "-0.05", 115200: "1152.00", -115250: "-1152.50",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := amount.Decimal(); got != want {
			t.Errorf("%d: got %q, want %q", amount, got, want)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for _, tt := range []struct {
		text string
		want money.Amount // -1: not an amount
	}{
		{"1152", 115200}, {"1152.00", 115200}, {"1152,00", 115200}, {"1152,5", 115250},
		{"1 152", 115200}, {"1 152,00", 115200}, {"1\u00a0152,00\u00a0kr", 115200}, {"1\u202f152,00", 115200},
		{"1.152,00", 115200}, {"1.152", 115200}, {"1,152", 115200}, {"1,152.50", 115250}, {"1'152.50", 115250},
		{"1.152,00 kr.", 115200}, {"kr 1 152", 115200}, {"SEK 1152", 115200}, {"1152 sek", 115200},
		{"€13.90", 1390}, {"13,90 €", 1390}, {"£1,234,567.89", 123456789}, {"$6", 600},
		{"0", 0}, {"0.05", 5}, {"007", 700}, {"12.34", 1234}, {"  13.90  ", 1390},
		{"92233720368547758.07", math.MaxInt64},

		{"", -1}, {" ", -1}, {"kr", -1}, {"-5", -1}, {"+5", -1}, {"1152.", -1}, {".5", -1}, {"1.2345", -1},
		{"1,152,00", -1}, {"1.152,000", -1}, {"12 34", -1}, {"1.152.00", -1}, {"1.15.2", -1}, {"1152 kroner", -1},
		{"12e3", -1}, {"0x10", -1}, {"1152.000", -1}, {"SK-7F3K-92AB", -1}, {"١٢", -1},
		{"92233720368547758.08", -1}, {"99999999999999999999999", -1},
	} {
		got, ok := money.ParseDecimal(tt.text)
		if !ok {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.text, got, tt.want)
		}
	}
}

// What is written can be read.
func FuzzParseDecimal(f *testing.F) {
	f.Add(int64(115200))
	f.Fuzz(func(t *testing.T, n int64) {
		if n < 0 {
			n = ^n
		}
		if got, ok := money.ParseDecimal(money.Amount(n).Decimal()); !ok || got != money.Amount(n) {
			t.Errorf("%d: got %d, %v", n, got, ok)
		}
	})
}
