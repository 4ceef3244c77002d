package static_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// schemes reads the colours of tokens.css: the light ones, and the dark ones
// laid over them.
func schemes(t *testing.T) map[string]map[string]string {
	t.Helper()
	content, err := os.ReadFile("tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(content), "prefers-color-scheme: dark")
	if !found {
		t.Fatal("tokens.css has no dark scheme")
	}
	all := map[string]map[string]string{"light": {}, "dark": {}}
	color := regexp.MustCompile(`--([\w-]+): (#[0-9a-f]{6});`)
	for _, m := range color.FindAllStringSubmatch(light, -1) {
		all["light"][m[1]], all["dark"][m[1]] = m[2], m[2]
	}
	for _, m := range color.FindAllStringSubmatch(dark, -1) {
		all["dark"][m[1]] = m[2]
	}
	return all
}

// luminance is that of WCAG 2.2 for a colour "#rrggbb".
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	if len(color) != 7 {
		t.Fatalf("no colour %q", color)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
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

func ratio(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// Every pairing that the style sheets use: 4.5 for text, 3 for edges and focus.
func TestContrast(t *testing.T) {
	pairs := []struct {
		least       float64
		foregrounds string
		backgrounds string
	}{
		{4.5, "ink muted accent accent-strong", "bg surface info-bg"},
		{4.5, "ink muted", "sunken"},
		{4.5, "ink", "danger-bg warn-bg ok-bg flash"},
		{4.5, "danger", "bg surface danger-bg"},
		{4.5, "warn", "surface warn-bg"},
		{4.5, "ok", "bg surface ok-bg"},
		{4.5, "on-accent", "accent accent-strong"},
		{4.5, "on-flag", "flag"},
		{4.5, "on-band", "band"},
		{3, "edge", "bg surface sunken"},
		{3, "focus", "bg surface info-bg"},
		{3, "focus-band", "band"},
	}
	for scheme, colors := range schemes(t) {
		t.Run(scheme, func(t *testing.T) {
			for _, pair := range pairs {
				for foreground := range strings.FieldsSeq(pair.foregrounds) {
					for background := range strings.FieldsSeq(pair.backgrounds) {
						if got := ratio(t, colors[foreground], colors[background]); got < pair.least {
							t.Errorf("%s on %s: %.2f, want %.1f", foreground, background, got, pair.least)
						}
					}
				}
			}
		})
	}
}

func TestRatio(t *testing.T) {
	if got := ratio(t, "#ffffff", "#000000"); got != 21 {
		t.Errorf("white on black is %v, want 21", got)
	}
}
