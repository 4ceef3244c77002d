package static_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/browsertest"
)

// slowPage is one to which the browser is on its way for two seconds.
func (s *shop) slowPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.slow++
	s.mu.Unlock()
	select {
	case <-time.After(2 * time.Second):
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Slow</title><link rel="icon" href="data:,"><h1>Slow</h1>`)
	case <-r.Context().Done():
	}
}

// state answers what the page of a checkout session asks.
func (s *shop) state(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	over := s.over
	s.looks++
	to := fmt.Sprintf("/slow?look=%d", s.looks) // within 3 s Chromium takes the same address for the same navigation
	s.mu.Unlock()
	if over {
		writeJSON(w, http.StatusConflict, map[string]string{"redirect": to})
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"revision": 1})
}

// A page that is on its way elsewhere is not sent there anew by what its looks find meanwhile: on a slow network it would
// never arrive.
func TestLeavesOnce(t *testing.T) {
	navigate := status(http.StatusConflict, false, `{"redirect":"/slow"}`)
	for _, tt := range []struct {
		name, play string
		replies    []reply
	}{
		{name: "by a look", play: `() => {}`},
		{name: "by an answer", play: `() => queue.change()`, replies: []reply{navigate}},
		{name: "by Klarna's form", play: `() => { klarna.on.redirect_initiated(true); location.assign("/slow") }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.basket = true
			s.next(tt.replies...)
			c := s.open(t, `{look: 200}`)
			c.Expect("409")
			s.mu.Lock()
			s.over = true
			s.mu.Unlock()
			c.MustEval(tt.play)
			c.Wait("the slow page", `() => document.title === "Slow"`)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.slow != 1 {
				t.Errorf("%d times on the way", s.slow)
			}
		})
	}
}

// A page that comes back looks again.
func TestLeavesAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.basket = true
	c := &checkoutPage{browsertest.Open(t, browsertest.Options{}), t}
	c.Go(s.URL + "/checkout")
	c.MustEval(`async () => {
		const { Follow } = await import("/static/follow.js");
		window.did = [];
		window.away = false;
		window.follow = new Follow({
			revision: 1,
			look: async () => { did.push("look"); return () => did.push("leave") },
			note: async () => true,
		}, { follow: () => did.push("follow"), left: () => away }, 1e9);
		window.look = async () => { document.dispatchEvent(new Event("visibilitychange")); await new Promise((done) => setTimeout(done, 20)) };
	}`)
	if got := c.MustEval(`async () => {
		away = true; // by itself, and it stays after all
		await look();
		away = false;
		await look();
		await look();
		dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
		await look();
		follow.stop();
		await look();
		return did.join(" ");
	}`).Str(); got != "look look leave look leave" {
		t.Errorf("it did: %s", got)
	}
}
