package static_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/until"
)

// openPage opens a page with shop.js.
func (s *shop) openPage(t *testing.T, p *browsertest.Page, path string) *checkoutPage {
	t.Helper()
	c := &checkoutPage{Page: p, t: t}
	c.Go(s.URL + path)
	c.MustEval(`() => import("/static/shop.js").then(() => { window.kept = true })`)
	return c
}

// Adding does not leave the page: count, toast, reading out.
func TestAdd(t *testing.T) {
	s := newShop(t)
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/shelf")
	c.press("MUG-1:minus") // 1 is the least
	c.press("MUG-1:plus")
	c.press("MUG-1:plus")
	if got, want := c.field("MUG-1:quantity"), "3"; got != want {
		t.Fatalf("field = %q, want %q", got, want)
	}
	c.MustElement("#add").MustClick()
	c.MustElement("#add").MustClick()
	c.Wait("both", `() => document.querySelector("[data-cart-count]").textContent === "9"`)
	const says = "Added: Thing MUG-1. 9 in your cart."
	if got, want := c.text(".toast"), says+"View cartClose"; got != want {
		t.Errorf("toast = %q, want %q", got, want)
	}
	if got := c.text("#live-status"); got != says {
		t.Errorf("read out = %q, want %q", got, says)
	}
	if !c.MustEval(`() => window.kept === true && document.activeElement.id === "add"`).Bool() {
		t.Error("the page was left, or the focus lost")
	}
	c.MustElementR(".toast button", "Close").MustClick()
	if c.MustHas(".toast") {
		t.Error("the closed toast is still there")
	}
	if got := s.quantity("MUG-1"); got != 8 {
		t.Errorf("cart = %d, want 8", got)
	}
}

// Scripts that count what shoppers do are told what, on the document, and nothing else.
func TestMeasureEvents(t *testing.T) {
	s := newShop(t)
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/shelf")
	c.MustEval(`() => {
		window.told = [];
		for (const what of ["shopd:add", "shopd:checkout"]) document.addEventListener(what, ({ type, detail }) => told.push([type, detail]));
		document.querySelector("main").insertAdjacentHTML("beforeend", '<a id="pay" href="/checkout"><span>Pay</span></a>');
		document.getElementById("pay").addEventListener("click", (event) => event.preventDefault());
	}`)
	c.press("MUG-1:plus")
	c.MustElement("#add").MustClick()
	c.Wait("the goods", `() => told.length === 1`)
	c.MustElement("#pay span").MustClick()
	c.MustElement("h1").MustClick()
	want := `[["shopd:add",{"sku":"MUG-1","quantity":2}],["shopd:checkout",null]]`
	if got := c.MustEval(`() => JSON.stringify(told)`).Str(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestAddRefused(t *testing.T) {
	s := newShop(t)
	s.stock["MUG-1"] = 2
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/shelf")
	c.Expect("422")
	c.MustElement("#add").MustClick()
	c.Wait("the note in the form", `() => document.querySelector("form [data-note]")?.textContent.startsWith("Only 2 left: Thing MUG-1.")`)
	if c.MustHas(".toast") {
		t.Error("an error is a toast")
	}
}

func TestAddOffline(t *testing.T) {
	s := newShop(t)
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/shelf")
	c.Expect("ERR_INTERNET_DISCONNECTED")
	c.Offline(true)
	c.MustElement("#add").MustClick()
	c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	c.Offline(false)
	c.MustElementR("[data-note=problem] button", "Try again").MustClick()
	c.Wait("the toast", `() => document.querySelector(".toast") && !document.querySelector("[data-note=problem]")`)
	if got := s.quantity("MUG-1"); got != 3 {
		t.Errorf("cart = %d, want 3", got)
	}
}

// What was added is added, also where the page cannot learn then which cart it has made: nothing offers to add it again.
func TestAddFirst(t *testing.T) {
	s := newShop(t)
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/shelf?new")
	c.MustEval(`() => {
		window.told = 0;
		document.addEventListener("shopd:add", () => told++);
		const real = fetch;
		window.fetch = async (to, how) => {
			if (to === "/cart") throw new TypeError("no network any more");
			return real(to, how);
		};
	}`)
	c.MustElement("#add").MustClick()
	c.Wait("the event", `() => told === 1`)
	if got := c.text(".toast p") + c.text("[data-note=problem]"); got != "Added: Thing MUG-1. 4 in your cart." {
		t.Errorf("the page says %q", got)
	}
}

// An open checkout follows what is done on another page, also on the one that made the cart.
func TestOtherPagesTellTheCheckout(t *testing.T) {
	for _, tt := range []struct{ path, control string }{{"/shelf", "#add"}, {"/shelf?new", "#add"}, {"/cart", "[data-key='MUG-1:plus']"}} {
		t.Run(tt.path, func(t *testing.T) {
			s := newShop(t)
			checkout := s.open(t, "")
			page := s.openPage(t, checkout.Tab(), tt.path)
			page.MustActivate()
			page.MustElement(tt.control).MustClick()
			checkout.Wait("the checkout to follow", `() => document.querySelector('[data-key="MUG-1:quantity"]').value === "3"`)
			checkout.settled()
			if got, want := checkout.calls(), "suspend resume"; got != want {
				t.Errorf("iframe = %q, want %q", got, want)
			}
		})
	}
}

// A toast goes after 6 s, but not while the pointer or the focus is in it.
func TestToastTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := browsertest.Open(t, browsertest.Options{})
	p.MustEvalOnNewDocument(`const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms === 6000 ? 600 : ms)`)
	c := s.openPage(t, p, "/shelf")
	c.MustElement("#add").MustClick()
	c.MustElement(".toast a").MustFocus()
	time.Sleep(time.Second)
	if !c.MustHas(".toast") {
		t.Fatal("the toast went with the focus in it")
	}
	c.MustElement("#add").MustFocus()
	c.WaitFor(5*time.Second, "the toast to go", `() => !document.querySelector(".toast")`)
}

// The cart page's steppers, Remove and code work without leaving the page.
func TestCartPage(t *testing.T) {
	s := newShop(t)
	s.next(func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
		time.Sleep(300 * time.Millisecond)
		s.apply(u)
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	})
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
	c.MustElement("[data-key='MUG-1:plus']").MustFocus()
	for range 3 {
		c.Keyboard.MustType(input.Enter)
	}
	if got, want := c.field("MUG-1:quantity"), "5"; got != want {
		t.Errorf("field at once = %q, want %q", got, want)
	}
	c.Wait("the new total", `() => document.querySelector("dl [data-total]").dataset.amount === "92300"`)
	if got, want := c.focused(), "MUG-1:plus"; got != want {
		t.Errorf("focus = %q, want %q", got, want)
	}
	if got, want := c.text("[data-cart-count]"), "6"; got != want {
		t.Errorf("count = %q, want %q", got, want)
	}
	c.Wait("the reading", `() => document.getElementById("live-status").textContent === "Total 923 kr, 6 items."`)
	c.click("JAM-1:plus", 2)
	c.click("MUG-1:minus", 1)
	c.Wait("both lines", `() => document.querySelector("dl [data-total]").dataset.amount === "103200"`)
	c.press("JAM-1:remove")
	c.Wait("the Undo of the server", `() => document.activeElement.dataset.key === "undo"`)
	if got := s.quantity("JAM-1"); got != 0 {
		t.Errorf("cart = %d, want 0", got)
	}
	if diff := cmp.Diff([]string{" MUG-1=5", " JAM-1=3", " MUG-1=4", " JAM-1=0"}, s.seen()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if !c.MustEval(`() => window.kept === true`).Bool() {
		t.Error("the page was left")
	}
}

// What was changed on the cart page is sent when it is left, each form of it, with one under way.
func TestCartPageLeft(t *testing.T) {
	for more := range 2 { // clicks while the first form is under way
		t.Run(strconv.Itoa(more), func(t *testing.T) {
			s := newShop(t)
			s.next(func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
				s.apply(u)
				time.Sleep(2 * time.Second)
				http.Redirect(w, r, "/cart", http.StatusSeeOther)
			})
			c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
			c.click("MUG-1:plus", 1)
			c.click("JAM-1:plus", 1)
			until.Holds(t, "the first form to arrive", func() bool { return s.quantity("MUG-1") == 3 })
			c.click("MUG-1:plus", more)
			c.MustEval(`() => { location.href = "/elsewhere" }`)
			until.Holds(t, "the cart to have all", func() bool { return s.quantity("MUG-1") == 3+more && s.quantity("JAM-1") == 2 })
		})
	}
}

// A cart page that is kept for the way back goes on with no form when it is shown again: all were sent when it was left,
// and the cart may be another by then.
func TestCartPageKept(t *testing.T) {
	for _, late := range []bool{false, true} { // the first form is answered when the page is shown again, or before
		t.Run(strconv.FormatBool(late), func(t *testing.T) {
			s := newShop(t)
			answer := make(chan struct{})
			s.next(func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
				s.apply(u)
				<-answer
				http.Redirect(w, r, "/cart", http.StatusSeeOther)
			})
			c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
			c.click("MUG-1:plus", 1)
			c.click("JAM-1:plus", 1)
			until.Holds(t, "the first form to arrive", func() bool { return s.quantity("MUG-1") == 3 })
			c.MustEval(`() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))`)
			until.Holds(t, "all forms to arrive", func() bool { return s.quantity("JAM-1") == 2 && len(s.seen()) == 3 })
			s.change("JAM-1", 9)
			if late {
				c.MustEval(`() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
				close(answer)
			} else {
				close(answer)
				c.Wait("the answer", `() => document.querySelector('[data-key="JAM-1:quantity"]').value === "9"`)
				c.MustEval(`() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
			}
			c.Wait("the cart as it is now", `() => document.querySelector('[data-key="JAM-1:quantity"]').value === "9" && document.querySelector("[data-status]").textContent !== "Updating…"`)
			if got := s.seen(); len(got) != 3 || s.quantity("JAM-1") != 9 {
				t.Errorf("forms: %q, the cart has %d", got, s.quantity("JAM-1"))
			}
		})
	}
}

// A failure on the cart page is said, and made up for.
func TestCartPageFailure(t *testing.T) {
	s := newShop(t)
	s.next(status(503, false, `<html>`))
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
	c.Expect("503")
	c.press("MUG-1:plus")
	c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	if got, want := c.field("MUG-1:quantity"), "3"; got != want {
		t.Errorf("field = %q, want %q", got, want)
	}
	c.MustElementR("[data-note=problem] button", "Try again").MustClick()
	c.Wait("the new total", `() => document.querySelector("dl [data-total]").dataset.amount === "62500" && !document.querySelector("[data-note=problem]")`)
}

// What had no answer on a cart page is not said again when it is left: another tab may have been answered since, which the
// page follows.
func TestCartPageOtherTab(t *testing.T) {
	s := newShop(t)
	a := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
	b := s.openIn(t, a.Tab(), "")
	s.next(status(503, false, `<html>`))
	a.Expect("503")
	a.MustActivate()
	a.press("MUG-1:plus")
	a.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	b.MustActivate()
	b.press("MUG-1:minus")
	b.settled()
	a.Wait("the page to follow", `() => document.querySelector('[data-key="MUG-1:quantity"]').value === "1" && !document.querySelector("[data-note=problem], main[data-state]")`)
	before := len(s.seen())
	a.MustActivate()
	a.MustEval(`() => { location.href = "/elsewhere" }`)
	a.Wait("the other page", `() => document.querySelector("h1")?.textContent === "Elsewhere"`)
	time.Sleep(300 * time.Millisecond) // a form would come now
	if got := s.seen()[before:]; len(got) > 0 || s.quantity("MUG-1") != 1 {
		t.Errorf("sent %q, the cart has %d", got, s.quantity("MUG-1"))
	}
}

// In another tab the shopper has chosen another country or language: all of the page is in it then.
func TestCartPageOtherMarket(t *testing.T) {
	s := newShop(t)
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
	s.mu.Lock()
	s.country, s.locale = "NO", "nb-NO"
	s.mu.Unlock()
	s.change("MUG-1", 4)
	c.MustEval(`(revision) => new BroadcastChannel("shopd-cart-c0ffee").postMessage({ revision })`, s.now())
	c.Wait("the page in the other language", `() => document.documentElement.lang === "nb-NO" && document.querySelector('[data-key="MUG-1:quantity"]').value === "4"`)
}

// A cart page that hears of its own change before it has the answer asks for nothing, and is at rest with the answer.
func TestCartPageHearsItself(t *testing.T) {
	s := newShop(t)
	answer := make(chan struct{})
	s.next(func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
		s.apply(u)
		<-answer
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	})
	c := s.openPage(t, browsertest.Open(t, browsertest.Options{}), "/cart")
	c.press("MUG-1:plus")
	until.Holds(t, "the form to arrive", func() bool { return s.quantity("MUG-1") == 3 })
	c.MustEval(`async (revision) => {
		const real = fetch;
		window.asked = 0;
		window.fetch = (...request) => { asked++; return real(...request) };
		new BroadcastChannel("shopd-cart-c0ffee").postMessage({ revision });
		await new Promise((heard) => setTimeout(heard, 100));
	}`, s.now())
	close(answer)
	c.Wait("the page to rest", `() => document.querySelector("dl [data-total]").dataset.amount === "62500" && !document.querySelector("main[data-state]")`)
	if got := c.MustEval(`() => asked`).Int(); got != 0 {
		t.Errorf("the page asked %d times more", got)
	}
}
