package settings_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/contrast"
	"github.com/shopd/shopd/internal/settings"
)

// Whatever accent can be read on the pages, what stands on it can be read too.
func TestTextOnAccents(t *testing.T) {
	token := regexp.MustCompile(`--([\w-]+): (#[0-9a-f]{6});`)
	random := rand.New(rand.NewPCG(1, 2)) // the same colours in every run
	seen := map[string]int{}
	for range 20_000 {
		accent := fmt.Sprintf("#%06x", random.IntN(1<<24))
		for scheme, look := range map[string]settings.Look{"light": {AccentLight: accent}, "dark": {AccentDark: accent}} {
			fits := true
			for _, ground := range contrast.Grounds[scheme] {
				fits = fits && contrast.Ratio(accent, ground) >= contrast.Text
			}
			if !fits {
				continue
			}
			seen[scheme]++
			served := (&settings.Shop{Name: "A", Look: look}).Served()
			colors := map[string]string{}
			for _, m := range token.FindAllStringSubmatch(string(served.Files[served.Look]), -1) {
				colors[m[1]] = m[2]
			}
			for _, ground := range append([]string{colors["accent-strong"]}, contrast.Grounds[scheme]...) {
				text := colors["on-accent"]
				if ground != colors["accent-strong"] {
					text = colors["accent-strong"]
				}
				if got := contrast.Ratio(text, ground); got < contrast.Text {
					t.Fatalf("%s, %s: %s on %s is %.2f", scheme, accent, text, ground, got)
				}
			}
			if got := contrast.Ratio(colors["on-accent"], colors["accent"]); colors["accent"] != accent || got < contrast.Text {
				t.Fatalf("%s: %v has %.2f on %s", scheme, colors, got, accent)
			}
		}
	}
	if seen["light"] < 1000 || seen["dark"] < 1000 {
		t.Errorf("seen %v", seen)
	}
}

// The address changes with each file, and only then.
func TestServedHash(t *testing.T) {
	shop := settings.Shop{Name: "Åsa", Look: settings.Look{AccentLight: "#0b5d3b"}}
	hashes := map[string]bool{shop.Served().Hash: true}
	if again := shop.Served().Hash; !hashes[again] {
		t.Error("the same shop has another hash")
	}
	for _, change := range []func(*settings.Shop){
		func(s *settings.Shop) { s.Look.Radius = new(0) },
		func(s *settings.Shop) { s.Look.AccentDark = "#6fd3a4" },
		func(s *settings.Shop) { s.Look.Stylesheet = &settings.File{Name: "a.css", Data: []byte("a{}")} },
		func(s *settings.Shop) { s.Look.Logo = &settings.File{Name: "a.SVG", Data: []byte("<svg/>")} },
	} {
		other := shop
		change(&other)
		if hash := other.Served().Hash; hashes[hash] {
			t.Error("another shop has the same hash")
		} else {
			hashes[hash] = true
		}
	}
	if icon := string(shop.Served().Files["icon.svg"]); !strings.Contains(icon, ">Å</text>") || !strings.Contains(icon, "#0b5d3b") {
		t.Errorf("icon %s", icon)
	}
}
