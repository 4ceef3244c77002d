package static_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/contrast"
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

// Every pairing that the style sheets use: 4.5 for text, 3 for edges and focus.
func TestContrast(t *testing.T) {
	pairs := []struct {
		least       float64
		foregrounds string
		backgrounds string
	}{
		{contrast.Text, "ink muted accent accent-strong", "bg surface info-bg"},
		{contrast.Text, "ink muted", "sunken"},
		{contrast.Text, "ink", "danger-bg warn-bg ok-bg flash"},
		{contrast.Text, "danger", "bg surface danger-bg"},
		{contrast.Text, "warn", "surface warn-bg"},
		{contrast.Text, "ok", "bg surface ok-bg"},
		{contrast.Text, "on-accent", "accent accent-strong"},
		{contrast.Text, "on-flag", "flag"},
		{contrast.Text, "on-band", "band"},
		{contrast.Edge, "edge", "bg surface sunken"},
		{contrast.Edge, "focus", "bg surface info-bg"},
		{contrast.Edge, "focus-band", "band"},
	}
	for scheme, colors := range schemes(t) {
		t.Run(scheme, func(t *testing.T) {
			// A shop's own accent is held against these.
			if got := []string{colors["bg"], colors["surface"], colors["info-bg"]}; !slices.Equal(got, contrast.Grounds[scheme]) {
				t.Errorf("grounds %v, want %v", got, contrast.Grounds[scheme])
			}
			for _, pair := range pairs {
				for foreground := range strings.FieldsSeq(pair.foregrounds) {
					for background := range strings.FieldsSeq(pair.backgrounds) {
						if got := contrast.Ratio(colors[foreground], colors[background]); got < pair.least {
							t.Errorf("%s on %s: %.2f, want %.1f", foreground, background, got, pair.least)
						}
					}
				}
			}
		})
	}
}

func TestRatio(t *testing.T) {
	if got := contrast.Ratio("#ffffff", "#000000"); got != 21 {
		t.Errorf("white on black is %v, want 21", got)
	}
}
