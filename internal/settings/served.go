package settings

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/contrast"
)

// Served are the files of a shop that pages link to. It never changes.
type Served struct {
	Hash  string            // of all of them
	Files map[string][]byte // by the name in their address
	// Logo, Icon, Look and Sheet are the names of the shop's picture, of the one beside the
	// titles of pages, of the style sheet with its colours and of its own. "": there is none.
	Logo, Icon, Look, Sheet string
	Icons                   []ServedIcon // smallest first
}

// ServedIcon is the name of a square picture in PNG, with how many pixels it has each way.
type ServedIcon struct {
	Name string
	Side int
}

// Those of a shop without one: --accent in web/static/tokens.css.
const (
	builtInAccent     = "#12509e"
	builtInAccentDark = "#8fc1f7"
)

// Served returns the files that pages link to.
func (s *Shop) Served() Served {
	v := Served{Files: map[string][]byte{}}
	add := func(name string, data []byte) string {
		v.Files[name] = data
		return name
	}
	if s.Look.Logo != nil {
		v.Logo = add("logo"+strings.ToLower(path.Ext(s.Look.Logo.Name)), s.Look.Logo.Data)
		v.Icon = v.Logo
	} else {
		v.Icon = add("icon.svg", initial(s.Name, s.Look.AccentLight))
	}
	for _, icon := range s.Look.Icons {
		v.Icons = append(v.Icons, ServedIcon{add(fmt.Sprintf("icon-%d.png", icon.Side), icon.Data), icon.Side})
	}
	if css := s.Look.css(); css != "" {
		v.Look = add("look.css", []byte(css))
	}
	if s.Look.Stylesheet != nil {
		v.Sheet = add("shop.css", s.Look.Stylesheet.Data)
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00%s", name, len(v.Files[name]), v.Files[name])
	}
	v.Hash = hex.EncodeToString(h.Sum(nil)[:8])
	return v
}

// initial is a picture of the first letter of a shop's name, for one without a logo.
func initial(name, accent string) []byte {
	if accent == "" {
		accent = builtInAccent
	}
	var letter strings.Builder
	first, _ := utf8.DecodeRuneInString(strings.ToUpper(name))
	_ = xml.EscapeText(&letter, []byte(string(first))) // a Builder takes everything
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="%s" d="M0 0h32v32H0z"/>`+
		`<text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" text-anchor="middle" fill="%s">%s</text></svg>`,
		accent, textOn(accent), letter.String())
}

// Accents are the colours of links and buttons with the colour of texts on them, on a light
// and on a dark ground, as "#rrggbb".
func (l Look) Accents() (light, onLight, dark, onDark string) {
	light, dark = cmp.Or(l.AccentLight, builtInAccent), cmp.Or(l.AccentDark, builtInAccentDark)
	return light, textOn(light), dark, textOn(dark)
}

// css are the tokens of web/static/tokens.css that the shop sets. Paper keeps ours.
func (l Look) css() string {
	var light, dark string
	if l.AccentLight != "" {
		light = tokens(l.AccentLight, mixed(l.AccentLight, "#000000"))
	}
	if l.AccentDark != "" {
		dark = tokens(l.AccentDark, mixed(l.AccentDark, "#ffffff"))
	}
	if l.Radius != nil {
		light += fmt.Sprintf("    --radius: %dpx;\n", *l.Radius)
	}
	var css strings.Builder
	if light != "" {
		css.WriteString("@media screen {\n  :root {\n" + light + "  }\n}\n")
	}
	if dark != "" {
		css.WriteString("@media screen and (prefers-color-scheme: dark) {\n  :root {\n" + dark + "  }\n}\n")
	}
	return css.String()
}

// tokens are the colours that follow from an accent.
func tokens(accent, strong string) string {
	on := textOn(accent)
	return fmt.Sprintf("    --accent: %s;\n    --accent-strong: %s;\n    --on-accent: %s;\n    --flag: %[1]s;\n    --on-flag: %[3]s;\n    --focus: %[1]s;\n", accent, strong, on)
}

// textOn is the colour of texts on a ground: white or nearly black, what is seen better.
func textOn(ground string) string {
	const white, black = "#ffffff", "#0b1b2d"
	if contrast.Ratio(ground, white) >= contrast.Ratio(ground, black) {
		return white
	}
	return black
}

// mixed is a colour "#rrggbb" with a quarter of another.
func mixed(color, other string) string {
	b := []byte("#")
	for i := 1; i < len(color); i += 2 {
		mine, _ := strconv.ParseUint(color[i:i+2], 16, 8)
		theirs, _ := strconv.ParseUint(other[i:i+2], 16, 8)
		b = fmt.Appendf(b, "%02x", (3*mine+theirs)/4)
	}
	return string(b)
}
