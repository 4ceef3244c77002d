package browsertest

import (
	"fmt"
	"strings"

	"github.com/go-rod/rod/lib/proto"
)

// widths are the screens of [Page.TooWide], in CSS pixels: the narrowest that counts (WCAG 2.2, 1.4.10), and those at
// which layouts change.
var widths = []int{320, 360, 420, 600, 640, 700, 768, 900, 1024, 1280}

// WideFont is a function that gives the document a font wider than hardly any machine's: DejaVu Sans, an eighth larger.
// The document keeps it until it is left.
const WideFont = `() => {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync('html { font-size: 112% !important } *:not(code, pre) { font-family: "DejaVu Sans", Verdana, sans-serif !important }');
	document.adoptedStyleSheets.push(sheet);
}`

// beyond returns by how much the page is wider than the screen, and the elements that stick out; "" when it fits.
const beyond = `() => {
	const {scrollWidth, clientWidth} = document.documentElement;
	if (scrollWidth <= clientWidth) return "";
	const out = [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > clientWidth + 0.5);
	return (scrollWidth - clientWidth) + " px: " + out.slice(-3).map((e) => e.outerHTML.slice(0, 80)).join(" | ");
}`

// TooWide returns the screens, from phone to desk, on which the page in a wide font scrolls sideways; "" without one.
// The page keeps the font until it is left.
func (p *Page) TooWide() string {
	p.t.Helper()
	p.MustEval(WideFont)
	var found strings.Builder
	for _, width := range widths {
		p.resize(width)
		if out := p.MustEval(beyond).Str(); out != "" {
			fmt.Fprintf(&found, "%d px: %s\n", width, out)
		}
	}
	if err := p.emulate(); err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
	return found.String()
}

func (p *Page) resize(width int) {
	p.t.Helper()
	screen := proto.EmulationSetDeviceMetricsOverride{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: p.o.Phone}
	if err := screen.Call(p); err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
}
