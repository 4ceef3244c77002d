package money

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Decimal returns an amount of a currency with two decimals, for programs: "1152.00",
// "-0.05".
func (a Amount) Decimal() string {
	sign, m := "", magnitude(int64(a))
	if a < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%d.%02d", sign, m/100, m%100)
}

// typed is an amount, perhaps with a currency before or after it. It may have groups of
// three digits, the first of which does not begin with 0, and one or two decimals.
var typed = regexp.MustCompile(`^(?i:(kr\.?|[a-z]{3}|[€£$])? ?)(\d+|[1-9]\d{0,2}(?:[ .,']\d{3})+)(?:([.,])(\d{1,2}))?(?i: ?(kr\.?|[a-z]{3}|[€£$])?)$`)

// ParseDecimal reads an amount of a currency with two decimals, as people type it in any
// of our languages: "1152", "1 152,00", "1.152,5 kr", "€1,152.00". A single separator
// before three digits groups them: "1.152" is 1152. No group begins with 0, so "0.001" has
// three decimals and is no amount. It is false for any other text, also for amounts below
// 0.
func ParseDecimal(text string) (Amount, bool) {
	text = strings.Join(strings.Fields(text), " ") // no-break and thin spaces too
	m := typed.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	whole, separator, decimals := m[2], m[3], m[4]
	if m[1] != "" && m[5] != "" {
		return 0, false // two currencies
	}
	groups := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, whole)
	if groups != "" && (strings.Trim(groups, groups[:1]) != "" || groups[:1] == separator) {
		return 0, false // two kinds of separators, or one for both
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, whole) + (decimals + "00")[:2]
	n, err := strconv.ParseInt(digits, 10, 64)
	return Amount(n), err == nil
}
