package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Nothing jumps and, where the shopper wants it so, nothing moves while an update is under way.
func TestNothingMoves(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	for _, tt := range []struct {
		name string
		o    browsertest.Options
	}{
		{"wide", browsertest.Options{ReducedMotion: true}},
		{"phone", browsertest.Options{Phone: true, ReducedMotion: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := d.shopper(t, tt.o)
			s.fill("MUG-1", "JAM-1")
			s.openCheckout()
			if tt.o.Phone {
				if got := s.MustElement(".ord").MustProperty("open").Bool(); got {
					t.Error("the order is open at first on a phone")
				}
				s.click(".ord summary")
			}
			s.pointOf(`[data-key="JAM-1:plus"]`) // in view
			s.MustEval(`() => {
				window.seen = {places: new Set(), moving: new Set(), states: new Set()};
				const look = () => {
					const {x, y, width, height} = document.querySelector('[data-key="JAM-1:plus"]').getBoundingClientRect();
					seen.places.add([x, y, width, height].join(" "));
					for (const a of document.getAnimations()) seen.moving.add((a.animationName ?? a.transitionProperty) + " of " + a.effect.target.outerHTML);
					seen.states.add(document.querySelector("[data-status]").textContent);
					requestAnimationFrame(look);
				};
				look();
			}`)
			d.fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", OrderID: s.orderID(), DelayAfter: fakeklarna.Duration(600 * time.Millisecond)})
			s.pressFast("JAM-1:plus", 3)
			s.settled()
			s.Wait("it to be over", `() => document.querySelector("[data-status]").textContent === "" && seen.states.has("Updated")`)
			var seen struct{ Places, Moving, States []string }
			s.read(&seen, `() => JSON.stringify(Object.fromEntries(Object.entries(window.seen).map(([name, set]) => [name, [...set]])))`)
			if len(seen.Places) != 1 {
				t.Errorf("plus was at %q, want one place", seen.Places)
			}
			if len(seen.Moving) > 0 {
				t.Errorf("moving although that is not wanted: %q", seen.Moving)
			}
			if !slices.Contains(seen.States, "Updating…") {
				t.Errorf("status = %q", seen.States)
			}
			if !s.MustEval(`() => scrollX === 0 && held.length === 1`).Bool() {
				t.Error("scrolled, or the iframe was not held once")
			}
		})
	}
}

// Nothing is wider than the screen of a small phone, in the languages with the longest words; TestLooks does it in English.
func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"de-DE", "fi-FI"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{}) // each tour buys the last of something
			s := d.shopper(t, browsertest.Options{Phone: true, Width: 320, Height: 640, AcceptLanguage: language})
			s.tour(s.narrow)
		})
	}
}

// narrow demands that nothing of the open page is wider than the screen, also unfolded and with more space in its texts.
func (s *shopper) narrow(place string) {
	s.t.Helper()
	for _, open := range []string{"", "#market-panel", ".ord"} {
		if open != "" {
			s.MustEval(`(open) => document.querySelectorAll(open).forEach((details) => { details.open = !details.open })`, open)
		}
		var wide []string
		s.read(&wide, tooWide)
		if len(wide) > 0 {
			s.t.Errorf("%s %s: wider than the screen, or cut off: %s", place, open, strings.Join(wide, ", "))
		}
	}
	s.MustEval(`(spacing) => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(spacing);
		document.adoptedStyleSheets.push(sheet);
	}`, spacing)
	var wide []string
	s.read(&wide, tooWide)
	if len(wide) > 0 {
		s.t.Errorf("%s, with more space in its texts: wider than the screen, or cut off: %s", place, strings.Join(wide, ", "))
	}
	if s.MustHas(kco) {
		if got, err := s.inFrame(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`); err != nil || got.Int() > 0 {
			s.t.Errorf("%s: the iframe is %d px too wide (%v)", place, got.Int(), err)
		}
	}
}

// spacing is the space in texts that a reader may want. Source: WCAG 2.2, 1.4.12 Text Spacing.
const spacing = `* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }`

// tooWide lists what is wider than the page, and whose text does not fit its box. The rows of categories and of orders scroll.
const tooWide = `() => {
	const wide = [];
	const {scrollWidth, clientWidth} = document.documentElement;
	if (scrollWidth > clientWidth) wide.push("page " + scrollWidth);
	for (const element of document.body.querySelectorAll("*")) {
		if (element.closest(".cats, .sort, .visually-hidden, .skip, svg, select") || !element.checkVisibility()) continue;
		const {left, right, width} = element.getBoundingClientRect();
		const cut = getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
		if (width && (left < -0.5 || right > clientWidth + 0.5 || cut)) wide.push(element.outerHTML.slice(0, 80));
	}
	return JSON.stringify(wide);
}`

// tooSmall lists controls below size × size CSS pixels and links below 24 × 24. What hides under a label counts as it.
const tooSmall = `(size) => {
	const small = [];
	for (const element of document.querySelectorAll("a, button, input:not([type=hidden]), select, summary, [tabindex='0']")) {
		if (!element.checkVisibility() || element.closest(".visually-hidden, .skip, [inert]")) continue;
		const inSentence = element.matches("p a:not(.btn)") && !element.closest("footer");
		if (inSentence) continue;
		const {width, height} = (element.closest("label") ?? element).getBoundingClientRect();
		const least = element.matches("a:not(.btn)") ? 24 : size;
		if (width < least - 0.5 || height < least - 0.5) small.push(Math.round(width) + " × " + Math.round(height) + " " + element.outerHTML.slice(0, 90));
	}
	return small;
}`
