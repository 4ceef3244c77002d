package money

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/bojanz/currency"
)

// Format writes an amount as the shop shows it to shoppers of a locale: kroner
// and kronor without decimals when the amount is whole ("1 295 kr"), every
// other currency with all of its decimals ("€13.90"). Spaces inside are no-break
// spaces, the minus sign is a real one (U+2212).
func Format(a Amount, c Currency, locale string) string {
	switch c {
	case "SEK", "NOK", "DKK":
		if a%100 == 0 {
			return format(a, c, locale, 0)
		}
	}
	return FormatExact(a, c, locale)
}

// FormatExact is Format with all decimals of the currency, whole or not:
// "198,53 kr", "49,00 kr". An unknown currency is shown as "12.34 XTS".
func FormatExact(a Amount, c Currency, locale string) string {
	return format(a, c, locale, currency.DefaultDigits)
}

// shown is how an amount is shown.
type shown struct {
	amount    Amount
	currency  Currency
	locale    string
	minDigits uint8
}

// formatted is an amount with its text.
type formatted struct {
	shown

	text string
}

// recent remembers amounts that were formatted: a page shows the same prices
// to everybody, and the rules of a locale cost more than all else of a line.
// An amount has one place, where it takes that of another.
var (
	recent     [2048]atomic.Pointer[formatted]
	recentSeed = maphash.MakeSeed()
)

func format(a Amount, c Currency, locale string, minDigits uint8) string {
	s := shown{a, c, locale, minDigits}
	place := &recent[maphash.Comparable(recentSeed, s)%uint64(len(recent))]
	if known := place.Load(); known != nil && known.shown == s {
		return known.text
	}
	text := s.format()
	place.Store(&formatted{s, text})
	return text
}

func (s shown) format() string {
	a, c := s.amount, s.currency
	amount, err := currency.NewAmountFromInt64(int64(a), string(c))
	if err != nil {
		sign, m := "", magnitude(int64(a))
		if a < 0 {
			sign = "−"
		}
		return fmt.Sprintf("%s%d.%02d\u00a0%s", sign, m/100, m%100, c)
	}
	f := currency.NewFormatter(currency.NewLocale(s.locale))
	f.MinDigits = s.minDigits
	// CLDR has a real minus in Swedish, Norwegian and Finnish, a hyphen in the
	// other languages; one page shows one sign.
	return strings.ReplaceAll(f.Format(amount), "-", "−")
}
