package i18n

import "time"

// dates are the date formats of the languages.
var dates = map[Lang]string{
	English: "2 January 2006", Swedish: "2006-01-02", Norwegian: "02.01.2006", Danish: "02.01.2006",
	Finnish: "2.1.2006", German: "02.01.2006", Dutch: "02-01-2006",
}

// Date returns the date of a time in its own zone, in the format of the language:
// "6 April 2026", "06.04.2026".
func Date(l Lang, t time.Time) string {
	layout, ok := dates[l]
	if !ok {
		layout = dates[English]
	}
	return t.Format(layout)
}
