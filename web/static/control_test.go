package static_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
)

// The focus stays where it was while the summary is replaced under it, five times.
func TestFocusStays(t *testing.T) {
	s := newShop(t)
	c := s.open(t, "")
	c.MustElement("[data-key='JAM-1:plus']").MustFocus()
	before := c.MustElement("[data-key='JAM-1:plus']").MustShape().Box()
	for range 5 {
		c.Keyboard.MustType(input.Enter)
		c.settled()
		if got, want := c.focused(), "JAM-1:plus"; got != want {
			t.Fatalf("focus = %q, want %q", got, want)
		}
	}
	if diff := cmp.Diff(before, c.MustElement("[data-key='JAM-1:plus']").MustShape().Box()); diff != "" {
		t.Errorf("the button moved (-before +after):\n%s", diff)
	}
	if got := s.quantity("JAM-1"); got != 6 {
		t.Errorf("cart = %d, want 6", got)
	}
}

// What is being typed keeps its text and caret while an older answer arrives.
func TestTypedTextStays(t *testing.T) {
	s := newShop(t)
	s.next(after(300*time.Millisecond, good))
	c := s.open(t, `{pause: 5000}`)
	c.press("JAM-1:plus")
	c.MustEval(`() => {
		const field = document.querySelector("[data-key='MUG-1:quantity']");
		field.focus();
		field.select();
	}`)
	c.MustInsertText("12")
	c.MustEval(`() => document.activeElement.setSelectionRange(1, 1)`)
	c.settled()
	if got, want := c.MustEval(`() => [document.activeElement.dataset.key, document.activeElement.value, document.activeElement.selectionStart].join(" ")`).Str(),
		"MUG-1:quantity 12 1"; got != want {
		t.Errorf("field = %q, want %q", got, want)
	}
	if got := s.quantity("MUG-1"); got != 2 {
		t.Errorf("cart = %d: what is still being typed was sent", got)
	}
	c.Keyboard.MustType(input.Enter)
	c.settled()
	if got := s.quantity("MUG-1"); got != 12 {
		t.Errorf("cart = %d, want 12", got)
	}
	if got, want := c.focused(), "MUG-1:quantity"; got != want {
		t.Errorf("focus = %q, want %q", got, want)
	}
}

// A typed quantity counts after a pause, by Enter and on leaving the field.
func TestTyping(t *testing.T) {
	const key = "MUG-1:quantity"
	for _, tt := range []struct {
		name, text string
		pause      int
		end        func(c *checkoutPage)
		note       string
		field      string
		want       []string
	}{
		{"a pause", "5", 100, func(*checkoutPage) {}, "", "5", []string{"order-1 MUG-1=5"}},
		{"Enter", "5", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "", "5", []string{"order-1 MUG-1=5"}},
		{"leaving", " 5 ", 9000, func(c *checkoutPage) { c.MustElement("h1").MustClick() }, "", "5", []string{"order-1 MUG-1=5"}},
		{"the same", "2", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "", "2", nil},
		{"none", "0", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "Removed: Thing MUG-1.UndoClose", "gone", []string{"order-1 MUG-1=0"}},
		{"a word", "abc", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "Enter a whole number from 0 to 99.", "abc", nil},
		{"a word, while it is typed", "abc", 100, func(*checkoutPage) {}, "", "abc", nil},
		{"nothing", "", 9000, func(c *checkoutPage) { c.MustElement("h1").MustClick() }, "Enter a whole number from 0 to 99.", "", nil},
		{"half", "1.5", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "Enter a whole number from 0 to 99.", "1.5", nil},
		{"negative", "-1", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "Enter a whole number from 0 to 99.", "-1", nil},
		{"too many", "500", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "99 is the most.Close", "99", []string{"order-1 MUG-1=99"}},
		{"the most", "99", 9000, func(c *checkoutPage) { c.Keyboard.MustType(input.Enter) }, "", "99", []string{"order-1 MUG-1=99"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c := s.open(t, fmt.Sprintf(`{pause: %d}`, tt.pause))
			c.MustEval(`(key) => { const field = document.querySelector('[data-key="' + key + '"]'); field.focus(); field.select() }`, key)
			if tt.text == "" {
				c.Keyboard.MustType(input.Backspace)
			}
			c.MustInsertText(tt.text)
			tt.end(c)
			time.Sleep(300 * time.Millisecond)
			c.settled()
			if got := c.text("[data-messages] .note"); got != tt.note {
				t.Errorf("note = %q, want %q", got, tt.note)
			}
			if got := c.field(key); got != tt.field {
				t.Errorf("field = %q, want %q", got, tt.field)
			}
			if diff := cmp.Diff(tt.want, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if tt.want != nil || tt.note == "" {
				return
			}
			field := c.MustElement("[data-key='" + key + "']")
			if field.MustAttribute("aria-invalid") == nil || !c.MustHas("#"+*field.MustAttribute("aria-describedby")) {
				t.Error("the field is not marked as wrong with the note as its description")
			}
			c.press("JAM-1:plus") // an answer arrives: the mistake stays to be seen
			c.settled()
			if got := c.field(key); got != tt.field {
				t.Errorf("field after another answer = %q, want %q", got, tt.field)
			}
			c.press("MUG-1:plus")
			c.settled()
			if got := s.quantity("MUG-1"); got != 3 {
				t.Errorf("cart = %d, want 3", got)
			}
			if got := c.text("[data-messages] .note"); got != "" {
				t.Errorf("note = %q, want none", got)
			}
		})
	}
}

// At the most there can be, plus says why and keeps the focus.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name      string
		have, max int
		key, note string
		want      []string
	}{
		{"99", 99, 99, "MUG-1:plus", "99 is the most.Close", nil},
		{"the stock", 3, 3, "MUG-1:plus", "Only 3 left.Close", nil},
		{"less than is in the cart: plus", 3, 2, "MUG-1:plus", "Only 2 left.Close", nil},
		{"less than is in the cart: minus", 5, 2, "MUG-1:minus", "Only 2 left.Close", []string{"order-1 MUG-1=2"}},
		{"sold out: plus", 2, 0, "MUG-1:plus", "Sold out: Thing MUG-1. Remove it to continue.", nil},
		{"sold out: minus", 2, 0, "MUG-1:minus", "Sold out: Thing MUG-1. Remove it to continue.", nil},
		{"sold out: the last one", 1, 0, "MUG-1:minus", "Removed: Thing MUG-1.UndoClose", []string{"order-1 MUG-1=0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.lines["MUG-1"], s.stock["MUG-1"] = tt.have, tt.max
			c := s.open(t, "")
			c.press(tt.key)
			c.settled()
			if got := c.text("[data-messages] .note"); got != tt.note {
				t.Errorf("note = %q, want %q", got, tt.note)
			}
			if got := c.focused(); tt.want == nil && got != tt.key {
				t.Errorf("focus = %q, want %q", got, tt.key)
			}
			if diff := cmp.Diff(tt.want, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("more typed than there is", func(t *testing.T) {
		s := newShop(t)
		s.stock["MUG-1"] = 3
		c := s.open(t, "")
		c.MustElement("[data-key='MUG-1:quantity']").MustSelectAllText().MustInput("50").MustType(input.Enter)
		c.settled()
		if got, want := c.text("[data-messages] .note"), "Only 3 left.Close"; got != want {
			t.Errorf("note = %q, want %q", got, want)
		}
		if got := s.quantity("MUG-1"); got != 3 {
			t.Errorf("cart = %d, want 3", got)
		}
	})
}

// Remove, and Undo with what it was.
func TestUndo(t *testing.T) {
	for _, key := range []string{"JAM-1:remove", "JAM-1:minus"} {
		t.Run(key, func(t *testing.T) {
			s := newShop(t)
			c := s.open(t, "")
			c.MustElement("[data-key='" + key + "']").MustFocus()
			c.Keyboard.MustType(input.Enter)
			if got, want := c.focused(), "undo"; got != want {
				t.Fatalf("focus = %q, want %q", got, want)
			}
			if got, want := c.MustEval(`() => document.querySelector("[data-sku=JAM-1]").dataset.pending`).Str(), "removed"; got != want {
				t.Errorf("line pending = %q, want %q", got, want)
			}
			c.settled()
			if got, want := c.focused(), "undo"; got != want {
				t.Errorf("focus after the answer = %q, want %q", got, want)
			}
			if got := c.field("JAM-1:quantity"); got != "gone" {
				t.Errorf("the removed line still has a field: %q", got)
			}
			c.Keyboard.MustType(input.Enter)
			c.settled()
			if got := s.quantity("JAM-1"); got != 1 {
				t.Errorf("cart = %d, want 1", got)
			}
			if got := c.text("[data-messages] .note"); got != "" {
				t.Errorf("note = %q, want none", got)
			}
			if got := c.focused(); got == "body" {
				t.Error("the focus is lost")
			}
		})
	}
}

// A slow answer is said to be slow; nothing is read out meanwhile.
func TestSlow(t *testing.T) {
	s := newShop(t)
	s.next(after(900*time.Millisecond, good))
	c := s.open(t, brisk)
	c.press("MUG-1:plus")
	c.Wait("C1", `() => document.querySelector("[data-status]").textContent === "Updating…"`)
	c.Wait("C1b", `() => document.querySelector("[data-status]").textContent === "Still updating."`)
	if got := c.text("#live-status"); got != "" {
		t.Errorf("read out %q while updating", got)
	}
	c.settled()
	c.Wait("the reading", `() => document.getElementById("live-status").textContent === "Total 625 kr, 4 items."`)
}

// However many changes and answers there are, the spinner comes 300 ms after the first one and one sentence is read out
// at the end; while something is being typed it waits.
func TestOneSentence(t *testing.T) {
	s := newShop(t)
	s.next(after(600*time.Millisecond, good))
	c := s.open(t, `{times: {readOut: 1500}}`)
	c.MustEval(`() => {
		window.says = [];
		const status = document.getElementById("live-status");
		new MutationObserver(() => status.textContent && says.push(status.textContent)).observe(status, { childList: true });
	}`)
	for range 3 {
		c.click("MUG-1:plus", 1)
		time.Sleep(130 * time.Millisecond)
	}
	if !c.MustHas("[data-status] .spin") {
		t.Error("no spinner although something is on its way for 390 ms")
	}
	c.settled()
	c.press("MUG-1:plus") // before the last total was read out
	c.settled()
	code := c.MustElement("[data-key='discount:code']").MustFocus()
	for range 10 {
		code.MustInput("F")
		time.Sleep(50 * time.Millisecond)
	}
	if got := c.MustEval(`() => says.join("|")`).Str(); got != "" {
		t.Errorf("read out while typing: %q", got)
	}
	c.Wait("the reading", `() => says.length > 0`)
	time.Sleep(1600 * time.Millisecond)
	if got, want := c.MustEval(`() => says.join("|")`).Str(), "Total 1072 kr, 7 items."; got != want {
		t.Errorf("read out %q, want %q", got, want)
	}
}

// On a phone the summary is folded at first, before any script file has come, and unfolds when the screen becomes wide.
func TestFold(t *testing.T) {
	p := &pages{t: t, n: 2}
	base := p.serve()
	for _, tt := range []struct {
		name string
		o    browsertest.Options
		open bool
	}{{"phone", browsertest.Options{Phone: true}, false}, {"wide", browsertest.Options{}, true}} {
		t.Run(tt.name, func(t *testing.T) {
			c := &checkoutPage{browsertest.Open(t, tt.o), t}
			c.Go(base + "/checkout")
			open := `() => document.querySelector("details[data-collapse]").open`
			if got := c.MustEval(open).Bool(); got != tt.open {
				t.Errorf("open = %t, want %t", got, tt.open)
			}
			c.MustSetViewport(1200, 800, 1, false)
			c.Wait("the summary to be open", open)
		})
	}
}
