package fakeklarna

import (
	"fmt"
	"time"
)

// stamp formats a time as Klarna does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// stampMillis formats a time as Order Management does.
func stampMillis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func setDefault(s *string, text string) {
	if *s == "" {
		*s = text
	}
}

// amountText returns an amount for events. All our currencies have two decimals.
func amountText(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
