// Package contrast has the rule for colours of text: enough contrast to be read, as WCAG 2.2
// defines it (AA).
package contrast

import (
	"math"
	"regexp"
	"strconv"
)

// Least contrast: of text, and of edges and marks.
const (
	Text = 4.5
	Edge = 3.0
)

// Grounds are the grounds of links and buttons in the two colour schemes of the pages: page,
// surface, note. The style sheet has the same ones.
var Grounds = map[string][]string{
	"light": {"#f3f6f7", "#ffffff", "#e3edf9"},
	"dark":  {"#0d1722", "#152333", "#13304f"},
}

var color = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// IsColor reports whether a text is a colour such as "#0b5d3b".
func IsColor(text string) bool { return color.MatchString(text) }

// Ratio returns the contrast of two colours, 1 to 21; 0 if one is none.
func Ratio(a, b string) float64 {
	if !IsColor(a) || !IsColor(b) {
		return 0
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(color string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
