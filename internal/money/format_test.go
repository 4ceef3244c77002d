package money_test

import (
	"math"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/money"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		locale   string
		currency money.Currency
		amount   money.Amount
		want     string // _ stands for a no-break space
		exact    string
	}{
		{"sv-SE", "SEK", 129500, "1_295_kr", "1_295,00_kr"},
		{"sv-SE", "SEK", 19853, "198,53_kr", "198,53_kr"},
		{"sv-SE", "SEK", 19850, "198,50_kr", "198,50_kr"},
		{"sv-SE", "SEK", -14900, "−149_kr", "−149,00_kr"},
		{"sv-SE", "SEK", 0, "0_kr", "0,00_kr"},
		{"en-SE", "SEK", 115200, "1_152_kr", "1_152,00_kr"},
		{"en-SE", "SEK", -1490, "−14,90_kr", "−14,90_kr"},
		{"nb-NO", "NOK", 121900, "1_219_kr", "1_219,00_kr"},
		{"en-NO", "NOK", 121900, "1_219_kr", "1_219,00_kr"},
		{"nb-NO", "NOK", -121905, "−1_219,05_kr", "−1_219,05_kr"},
		{"da-DK", "DKK", 129500, "1.295_kr.", "1.295,00_kr."},
		{"da-DK", "DKK", -9950, "−99,50_kr.", "−99,50_kr."},
		{"en-DK", "DKK", 129500, "1.295_kr.", "1.295,00_kr."},
		{"fi-FI", "EUR", 129500, "1_295,00_€", "1_295,00_€"},
		{"sv-FI", "EUR", 1390, "13,90_€", "13,90_€"},
		{"en-FI", "EUR", -1390, "−13,90_€", "−13,90_€"},
		{"de-DE", "EUR", 129500, "1.295,00_€", "1.295,00_€"},
		{"de-DE", "EUR", -490, "−4,90_€", "−4,90_€"},
		{"en-DE", "EUR", 490, "4,90_€", "4,90_€"},
		{"de-AT", "EUR", 129500, "€_1.295,00", "€_1.295,00"},
		{"en-AT", "EUR", -490, "−€_4,90", "−€_4,90"},
		{"nl-NL", "EUR", 129500, "€_1.295,00", "€_1.295,00"},
		{"nl-NL", "EUR", -490, "€_−4,90", "€_−4,90"},
		{"en-NL", "EUR", 5, "€_0,05", "€_0,05"},
		{"en-GB", "GBP", 129500, "£1,295.00", "£1,295.00"},
		{"en-GB", "GBP", -395, "−£3.95", "−£3.95"},
		{"en-US", "USD", 1400, "$14.00", "$14.00"},
		{"en-US", "USD", 123456789, "$1,234,567.89", "$1,234,567.89"},
		{"en-GB", "JPY", 1295, "JP¥1,295", "JP¥1,295"},
		{"sv-SE", "SEK", math.MinInt64, "−92_233_720_368_547_758,08_kr", "−92_233_720_368_547_758,08_kr"},
		{"en-GB", "QQQ", -1205, "−12.05_QQQ", "−12.05_QQQ"},
		{"en-GB", "QQQ", math.MinInt64, "−92233720368547758.08_QQQ", "−92233720368547758.08_QQQ"},
		{"", "EUR", 1205, "€12.05", "€12.05"},
	}
	for _, tt := range tests {
		t.Run(tt.locale+" "+tt.exact, func(t *testing.T) {
			if got := mark(money.Format(tt.amount, tt.currency, tt.locale)); got != tt.want {
				t.Errorf("Format(%d) = %q, want %q", tt.amount, got, tt.want)
			}
			if got := mark(money.FormatExact(tt.amount, tt.currency, tt.locale)); got != tt.exact {
				t.Errorf("FormatExact(%d) = %q, want %q", tt.amount, got, tt.exact)
			}
		})
	}
}

// mark makes no-break spaces visible; an ordinary space stays one and fails.
func mark(s string) string { return strings.ReplaceAll(s, "\u00a0", "_") }
