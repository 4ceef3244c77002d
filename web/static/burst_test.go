package static_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/until"
)

// Fast clicks are one request, and a second one for those that came while it was in flight.
func TestBurst(t *testing.T) {
	for _, tt := range []struct {
		name string
		play string // in the page; click(key) is at hand
		want []string
	}{
		{"five at once", `for (let i = 0; i < 5; i++) click("MUG-1:plus")`, []string{"order-1 MUG-1=7"}},
		{"five within the collect window", `for (let i = 0; i < 5; i++) { click("MUG-1:plus"); await sleep(20) }`, []string{"order-1 MUG-1=7"}},
		{"three, and two while they are in flight", `for (let i = 0; i < 3; i++) click("MUG-1:plus"); await sleep(200); click("MUG-1:plus"); await sleep(20); click("MUG-1:plus")`,
			[]string{"order-1 MUG-1=5", "order-1 MUG-1=7"}},
		{"two lines, back and forth", `click("MUG-1:plus"); click("JAM-1:plus"); click("MUG-1:minus"); click("JAM-1:plus")`, []string{"order-1 JAM-1=3 MUG-1=2"}},
		{"quantity and code", `click("MUG-1:plus"); const field = document.querySelector("[data-key='discount:code']"); field.value = " FOG10 "; click("discount:apply")`,
			[]string{"order-1 MUG-1=3 code=FOG10"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, c := play(t, tt.play)
			c.settled()
			if diff := cmp.Diff(tt.want, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if got, want := c.calls(), "suspend resume"; got != want {
				t.Errorf("iframe = %q, want %q", got, want)
			}
			if s.most != 1 {
				t.Errorf("%d updates at once, want 1", s.most)
			}
		})
	}
}

// play opens a page and clicks in it as the script says. A machine that was too busy to click in time says nothing about
// the page: then it is played again.
func play(t *testing.T, script string) (*shop, *checkoutPage) {
	t.Helper()
	for {
		s := newShop(t)
		s.next(storedThen(300 * time.Millisecond))
		c := s.open(t, "")
		late := c.MustEval(`async () => {
			const click = (key) => document.querySelector('[data-key="' + key + '"]').click();
			let planned = 0;
			const start = performance.now();
			const sleep = (ms) => new Promise((done) => setTimeout(done, (planned += ms) - (performance.now() - start)));
			` + script + `
			return performance.now() - start - planned;
		}`).Num()
		if late < 15 {
			return s, c
		}
		t.Logf("played %.0f ms too late, once more", late)
		c.settled()
	}
}

// Whatever is clicked when, and however the shop answers: in the end the cart, the page and the last click agree, the
// iframe was held once at a time and is free, and there was never more than one request.
func TestRandomInterleavings(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for run := range 8 {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(run)))
			s := newShop(t)
			pause := func(most int) time.Duration { return time.Duration(random.IntN(most)) * time.Millisecond }
			for range 40 {
				before, after500 := pause(80), pause(80)
				s.next([]reply{
					after(before, storedThen(after500)), after(before, storedThen(after500)), after(before, storedThen(after500)),
					after(before, good), saved, truncated, reset, never,
					func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
						s.apply(u)
						status(500, false, `{}`)(s, w, r, u)
					},
				}[random.IntN(9)])
			}
			c := s.open(t, `{limits: {collect: 40, timeout: 500, resumeAfter: 750, neverLonger: 1000}}`)
			c.Expect("Failed to load resource")
			c.MustEval(`() => {
				const send = window.fetch;
				let requests = 0;
				window.mostRequests = 0;
				window.fetch = (...args) => {
					mostRequests = Math.max(mostRequests, ++requests);
					return send(...args).finally(() => requests--);
				};
			}`)
			for range 6 {
				for range 1 + random.IntN(9) {
					key := []string{"MUG-1:plus", "MUG-1:plus", "MUG-1:minus", "JAM-1:plus"}[random.IntN(4)]
					if key == "MUG-1:minus" && c.field("MUG-1:quantity") == "1" {
						continue // its line would go
					}
					c.click(key, 1)
					time.Sleep(pause(60))
				}
				time.Sleep(pause(400))
			}
			mug, jam := c.field("MUG-1:quantity"), c.field("JAM-1:quantity")
			s.mu.Lock()
			s.replies = nil
			s.mu.Unlock()
			c.settled()
			c.MustEval(`() => queue.change()`) // the next touch, whichever it is
			c.settled()
			if got, want := fmt.Sprint(s.quantity("MUG-1"), " ", s.quantity("JAM-1")), mug+" "+jam; got != want {
				t.Errorf("cart = %s, last clicked %s", got, want)
			}
			if got, want := c.field("MUG-1:quantity")+" "+c.field("JAM-1:quantity"), mug+" "+jam; got != want {
				t.Errorf("page shows %s, last clicked %s", got, want)
			}
			if got := c.longestHold(); got > 400*time.Millisecond+late {
				t.Errorf("held for %s", got)
			}
			if got := c.MustEval(`() => mostRequests`).Int(); got != 1 {
				t.Errorf("%d requests at once, want 1", got)
			}
		})
	}
}

// A change in one tab shows in the other; neither answers the other's answer.
func TestTabs(t *testing.T) {
	s := newShop(t)
	a := s.open(t, "")
	b := s.openIn(t, a.Tab(), "")
	if got := s.seen(); got != nil {
		t.Errorf("updates after opening both = %q, want none", got)
	}
	b.MustActivate()
	b.press("MUG-1:plus")
	b.settled()
	a.Wait("the other tab to follow", `() => document.querySelector('[data-key="MUG-1:quantity"]').value === "3"`)
	a.settled()
	if got, want := a.text("[data-note=other-tab]"), "Changed in another tab. This is the latest.Close"; got != want {
		t.Errorf("note = %q, want %q", got, want)
	}
	if got := b.text("[data-note=other-tab]"); got != "" {
		t.Errorf("the tab that made the change says %q", got)
	}
	if got, want := a.calls(), "suspend resume"; got != want {
		t.Errorf("the other tab's iframe = %q, want %q", got, want)
	}
	time.Sleep(500 * time.Millisecond) // an echo would come now
	if diff := cmp.Diff([]string{"order-1 MUG-1=3", "order-1"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}

	t.Run("a page made with a later cart", func(t *testing.T) {
		s.change("JAM-1", 4)
		shelf := a.Tab()
		shelf.Go(s.URL + "/shelf")
		shelf.MustEval(`() => import("/static/shop.js").then(() => true)`)
		for _, c := range []*checkoutPage{a, b} {
			c.Wait("the checkout to follow", `() => document.querySelector('[data-key="JAM-1:quantity"]').value === "4"`)
		}
	})
	t.Run("a page made with the same cart", func(t *testing.T) {
		before := len(s.seen())
		shelf := a.Tab()
		shelf.Go(s.URL + "/shelf")
		shelf.MustEval(`() => import("/static/shop.js").then(() => true)`)
		time.Sleep(400 * time.Millisecond)
		if got := s.seen()[before:]; len(got) > 0 {
			t.Errorf("updates = %q, want none", got)
		}
	})
	t.Run("what had no answer does not undo what the other tab was told since", func(t *testing.T) {
		before := len(s.seen())
		s.next(status(503, true, `broken`))
		a.Expect("Failed to load resource")
		a.MustActivate()
		a.press("MUG-1:plus")
		a.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
		b.MustActivate()
		b.press("MUG-1:minus")
		b.settled()
		a.Wait("the other tab to follow", `() => document.querySelector('[data-key="MUG-1:quantity"]').value === "2" && document.querySelector("[data-note=other-tab]")`)
		a.settled()
		b.settled()
		if got := s.quantity("MUG-1"); got != 2 {
			t.Errorf("cart = %d, want 2", got)
		}
		if diff := cmp.Diff([]string{"order-1 MUG-1=4", "order-1 MUG-1=2", "order-1"}, s.seen()[before:]); diff != "" {
			t.Errorf("updates of both tabs (-want +got):\n%s", diff)
		}
	})
	t.Run("its own change comes back by another page before its answer", func(t *testing.T) {
		before := len(s.seen())
		s.next(storedThen(600 * time.Millisecond))
		a.MustActivate()
		a.press("JAM-1:plus")
		time.Sleep(250 * time.Millisecond)
		a.MustEval(`() => new BroadcastChannel("shopd-cart-c0ffee").postMessage({ revision: ` + fmt.Sprint(s.now()) + ` })`)
		a.settled()
		time.Sleep(300 * time.Millisecond)
		b.settled()
		if diff := cmp.Diff([]string{"order-1 JAM-1=5", "order-1"}, s.seen()[before:]); diff != "" {
			t.Errorf("updates of both tabs (-want +got):\n%s", diff)
		}
	})
}

// Back from another page by the back/forward cache: what is shown is fetched anew.
func TestBackForwardCache(t *testing.T) {
	s := newShop(t)
	s.next(status(500, false, `{}`))
	c := s.openIn(t, browsertest.Open(t, browsertest.Options{Whole: true}), "")
	c.Expect("Failed to load resource")
	c.press("JAM-1:plus") // not taken when the page is left: it is not sent days later
	c.settled()
	c.MustEval(`() => { window.kept = true }`)
	c.MustElement("a[href='/elsewhere']").MustClick()
	c.Wait("the other page", `() => document.querySelector("h1")?.textContent === "Elsewhere"`)
	s.change("MUG-1", 9)
	other := c.Tab() // says so, which must not throw the page out of the cache
	other.Go(s.URL + "/shelf")
	other.MustEval(`() => import("/static/shop.js").then(() => true)`)
	c.MustEval(`() => history.back()`)
	c.Wait("the page", `() => window.queue`)
	if !c.MustEval(`() => window.kept === true`).Bool() {
		t.Fatal("the page did not come from the back/forward cache")
	}
	c.Wait("the new quantity", `() => document.querySelector('[data-key="MUG-1:quantity"]').value === "9"`)
	c.settled()
	if diff := cmp.Diff([]string{"order-1 JAM-1=2", "order-1"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
	if got, want := c.calls(), "suspend resume suspend resume"; got != want {
		t.Errorf("iframe = %q, want %q", got, want)
	}
}

// A click just before a link is followed still reaches the shop.
func TestLeaveAtOnce(t *testing.T) {
	s := newShop(t)
	c := s.open(t, "")
	c.MustEval(`() => { document.querySelector('[data-key="MUG-1:plus"]').click(); document.querySelector("a[href='/elsewhere']").click() }`)
	c.Wait("the other page", `() => document.querySelector("h1")?.textContent === "Elsewhere"`)
	until.Holds(t, "the cart to have it", func() bool { return s.quantity("MUG-1") == 3 })
}

// Also where the one before it is under way, whose answer nobody will be there to read.
func TestLeaveUnderWay(t *testing.T) {
	s := newShop(t)
	s.next(storedThen(2 * time.Second))
	c := s.open(t, "")
	c.press("MUG-1:plus")
	until.Holds(t, "the first one to arrive", func() bool { return s.quantity("MUG-1") == 3 })
	c.MustEval(`() => { document.querySelector('[data-key="MUG-1:plus"]').click(); document.querySelector("a[href='/elsewhere']").click() }`)
	c.Wait("the other page", `() => document.querySelector("h1")?.textContent === "Elsewhere"`)
	until.Holds(t, "the cart to have both", func() bool { return s.quantity("MUG-1") == 4 })
}
