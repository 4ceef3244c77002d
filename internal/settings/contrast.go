package settings

import (
	"math"
	"strconv"
)

// Contrast is the contrast of two colours "#rrggbb" as WCAG 2.2 has it, 1 to 21.
func Contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(color string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(channels(color)[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// channels are red, green and blue of "#rrggbb", 0 to 255; of anything else zero.
func channels(color string) (rgb [3]uint64) {
	if len(color) != len("#rrggbb") {
		return rgb
	}
	for i := range rgb {
		rgb[i], _ = strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
	}
	return rgb
}
