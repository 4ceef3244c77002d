package frontend

import (
	"math"
	"regexp"
	"strconv"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
)

// palette has the merchant's colours that are readable on the iframe's ground. For a
// missing name the iframe keeps its own colour.
type palette map[string]string

// The iframe's grounds, as in frame.css.
var grounds = map[string]string{"light": "#ffffff", "dark": "#1b1b20"}

// Least contrasts. Source: WCAG 2.2, 1.4.3 and 1.4.11.
const (
	textContrast = 4.5
	edgeContrast = 3
)

// palettesOf returns the merchant's colours for the light and the dark iframe, without
// those that are hard to see.
// Source: docs.kustom.co, Create order (options.color_…).
func palettesOf(o *checkout.OrderOptions) map[string]palette {
	palettes := map[string]palette{}
	for scheme, ground := range grounds {
		p := palette{}
		keep := func(name, color string, least float64) {
			if color != "" && contrast(color, ground) >= least {
				p[name] = color
			}
		}
		keep("link", o.ColorLink, textContrast)
		keep("header", o.ColorHeader, textContrast)
		keep("checkbox", o.ColorCheckbox, edgeContrast)
		keep("button", o.ColorButton, edgeContrast)
		if button := p["button"]; button != "" {
			p["button-text"] = readableOn(button, o.ColorButtonText)
		}
		palettes[scheme] = p
	}
	return palettes
}

// readableOn returns the wanted text colour if it is readable on the ground, else black or
// white.
func readableOn(ground, wanted string) string {
	if wanted != "" && contrast(wanted, ground) >= textContrast {
		return wanted
	}
	if contrast("#ffffff", ground) >= textContrast {
		return "#ffffff"
	}
	return "#000000"
}

// contrast returns the contrast ratio, 1 to 21, of two colours "#rrggbb".
// Source: WCAG 2.2, contrast ratio.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(color string) float64 {
	rgb, _ := strconv.ParseUint(color[1:], 16, 32) // was checked
	channel := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

var pixels = regexp.MustCompile(`^(\d{1,2})(px)?$`)

// radiusOf returns the merchant's radius of borders in pixels, at most 24; -1 for
// the iframe's own.
// Source: docs.kustom.co, Create order (options.radius_border).
func radiusOf(o *checkout.OrderOptions) int {
	m := pixels.FindStringSubmatch(o.RadiusBorder)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1]) // two digits
	return min(n, 24)
}
