package money

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/bojanz/currency"
)

// Format returns an amount as the shop shows it in a locale. A whole amount of kroner or
// kronor has no decimals ("1 295 kr"). Other amounts have all decimals ("€13.90"). Spaces
// are no-break spaces, and the minus sign is U+2212.
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

// recent is a cache of formatted amounts: pages show the same prices again and again, and
// formatting is slow. Each amount has one place, where it replaces another.
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
	// CLDR has a minus sign in Swedish, Norwegian and Finnish, and a hyphen in the other
	// languages. We use one sign for all.
	return strings.ReplaceAll(f.Format(amount), "-", "−")
}
