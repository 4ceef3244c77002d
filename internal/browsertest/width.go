package browsertest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-rod/rod/lib/proto"
)

// WideFont is a function that gives the document a font wider than hardly any machine's: DejaVu Sans, an eighth larger.
// The document keeps it until it is left.
const WideFont = `() => {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync('html { font-size: 112% !important } *:not(code, pre) { font-family: "DejaVu Sans", Verdana, sans-serif !important }');
	document.adoptedStyleSheets.push(sheet);
}`

// widths returns the narrowest screen of each layout, in CSS pixels: 320, the narrowest that counts (WCAG 2.2, 1.4.10),
// and where a media rule of the document begins or ends.
const widths = `() => {
	const found = new Set([320]);
	const read = (rules) => {
		for (const rule of rules) {
			for (const [, edge, px] of rule.media?.mediaText.matchAll(/(min|max)-width: ([\d.]+)px/g) ?? []) {
				found.add(edge === "min" ? Math.ceil(px) : Math.floor(px) + 1);
			}
			if (rule.cssRules) read(rule.cssRules);
		}
	};
	for (const sheet of document.styleSheets) read(sheet.cssRules);
	return JSON.stringify([...found].filter((width) => width >= 320).sort((a, b) => a - b));
}`

// beyond returns by how much the page is wider than the screen, and the elements that stick out; "" when it fits.
const beyond = `() => {
	const {scrollWidth, clientWidth} = document.documentElement;
	if (scrollWidth <= clientWidth) return "";
	const out = [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > clientWidth + 0.5);
	return (scrollWidth - clientWidth) + " px: " + out.slice(-3).map((e) => e.outerHTML.slice(0, 80)).join(" | ");
}`

// TooWide returns the screens on which the page in a wide font scrolls sideways; "" without one. It looks at the narrowest
// screen of each layout that the page's style sheets have.
func (p *Page) TooWide() string {
	p.t.Helper()
	var screens []int
	if err := json.Unmarshal([]byte(p.MustEval(widths).Str()), &screens); err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
	p.MustEval(WideFont)
	var found strings.Builder
	for _, width := range screens {
		p.resize(width)
		if out := p.MustEval(beyond).Str(); out != "" {
			fmt.Fprintf(&found, "%d px: %s\n", width, out)
		}
	}
	p.MustEval(`() => { document.adoptedStyleSheets.pop() }`)
	p.As(p.o)
	return found.String()
}

func (p *Page) resize(width int) {
	p.t.Helper()
	screen := proto.EmulationSetDeviceMetricsOverride{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: p.o.Phone}
	if err := screen.Call(p); err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
}
