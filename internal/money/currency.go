package money

import (
	"fmt"
	"strings"
)

// Currency is an ISO 4217 code in upper case: "SEK".
type Currency string

// ParseCurrency reads a code of three ASCII letters, in any case: Klarna echoes
// codes in either. Whether the code is one that somebody uses is not checked.
func ParseCurrency(s string) (Currency, error) {
	code := strings.ToUpper(s)
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", fmt.Errorf("currency %q: want three letters", s)
	}
	return Currency(code), nil
}
