package form

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/money"
)

// Space joins what must not be torn apart.
const Space = "\u00a0"

// OneLine reports whether a text can stand in one line and be sent: UTF-8 without control
// characters.
func OneLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// Amount writes an amount with two decimals, without its currency:
// "1 103.00", "−49.00".
func Amount(a money.Amount) string {
	sign, digits := "", strconv.FormatInt(int64(a), 10)
	if a < 0 {
		sign, digits = "−", digits[1:]
	}
	digits = strings.Repeat("0", max(0, 3-len(digits))) + digits
	whole, part := digits[:len(digits)-2], digits[len(digits)-2:]
	return sign + grouped(whole) + "." + part
}

// grouped writes digits in threes.
func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + Space + digits[i:]
	}
	return digits
}

// Money is Amount with the currency: "1 103.00 SEK".
func Money(a money.Amount, c money.Currency) string { return Amount(a) + Space + string(c) }

// Day writes a day in the time's own zone: "18 Dec 2026".
func Day(t time.Time) string { return t.Format("2" + Space + "Jan" + Space + "2006") }

// Clock writes a time of day in the time's own zone: "14:02 CET".
func Clock(t time.Time) string { return t.Format("15:04" + Space + "MST") }

// Count writes a number of things: "1 line", "100 000 orders".
func Count[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(strconv.FormatInt(int64(n), 10)) + " " + thing + "s"
}

// UpperFirst makes the beginning of a sentence.
func UpperFirst(s string) string { return first(s, unicode.ToUpper) }

// LowerFirst makes a text part of a sentence.
func LowerFirst(s string) string { return first(s, unicode.ToLower) }

func first(s string, to func(rune) rune) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(to(r)) + s[size:]
}

// Shortened is what was typed as far as a message has room for it.
func Shortened(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return `"` + string(runes[:40]) + `…"`
	}
	return `"` + text + `"`
}
