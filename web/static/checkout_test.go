package static_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Answers other than the good one.

// status answers with a status and a JSON body, after storing the change or not.
func status(code int, stored bool, body string) reply {
	return func(s *shop, w http.ResponseWriter, _ *http.Request, u update) {
		if stored {
			s.apply(u)
		}
		s.mu.Lock()
		revision, summary := s.revision, s.summary(true)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.NewReplacer("REVISION", fmt.Sprint(revision), "SUMMARY", fmt.Sprintf("%q", summary)).Replace(body))
	}
}

// saved is the 503 of a change that is stored but not at Klarna.
var saved = status(503, true, `{"error":{"code":"klarna_unavailable","message":"m","request_id":"7Q2K"},"cart_revision":REVISION,"summary_html":SUMMARY}`)

// after waits before it answers, or until the browser is gone.
func after(d time.Duration, next reply) reply {
	return func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
		select {
		case <-time.After(d):
			next(s, w, r, u)
		case <-r.Context().Done():
		}
	}
}

// storedThen stores at once and answers later: what Klarna's slow answers look like.
func storedThen(d time.Duration) reply {
	return func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
		s.apply(u)
		after(d, func(s *shop, w http.ResponseWriter, _ *http.Request, _ update) { s.answer(w, nil) })(s, w, r, u)
	}
}

// reset ends the connection inside the answer's first line; before it, Chromium would send the request again.
func reset(_ *shop, w http.ResponseWriter, _ *http.Request, _ update) {
	if conn, buffer, err := w.(http.Hijacker).Hijack(); err == nil {
		_, _ = buffer.WriteString("HTTP/1.1 2")
		_ = buffer.Flush()
		conn.Close()
	}
}

func truncated(s *shop, w http.ResponseWriter, _ *http.Request, u update) {
	s.apply(u)
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"order_id":"order-1","order_am`)
}

func never(_ *shop, _ http.ResponseWriter, r *http.Request, _ update) { <-r.Context().Done() }

// replaced answers with a new order and its snippet.
func replaced(s *shop, w http.ResponseWriter, _ *http.Request, u update) {
	s.apply(u)
	s.mu.Lock()
	s.order = "order-2"
	s.mu.Unlock()
	s.answer(w, map[string]any{"replaced": true, "html_snippet": strings.ReplaceAll(stub("second"), ` nonce="`+nonce+`"`, "") +
		`<noscript><iframe src="/no-such-page"></iframe></noscript>`})
}

// A click changes cart, iframe, summary, and what is read out.
func TestChange(t *testing.T) {
	s := newShop(t)
	s.next(after(400*time.Millisecond, good))
	c := s.open(t, `{times: {updated: 600}}`)
	c.MustEval(`() => {
		window.says = [];
		new MutationObserver(() => { const text = document.getElementById("live-status").textContent; if (text) says.push(text) })
			.observe(document.getElementById("live-status"), { childList: true });
		window.frameNode = document.querySelector("#kco .frame");
	}`)
	c.press("MUG-1:plus")
	if got := c.field("MUG-1:quantity"); got != "3" {
		t.Errorf("field right after the click = %q, want 3", got)
	}
	if got, want := c.calls(), "suspend"; got != want {
		t.Errorf("iframe right after the click = %q, want %q", got, want)
	}
	if got, want := c.MustEval(`() => klarna.calls[0].argument`).Str(), `{"autoResume":{"enabled":false}}`; got != want {
		t.Errorf("suspend(%s), want %s", got, want)
	}
	if got := c.MustEval(`() => document.getElementById("order-summary").dataset.state`).Str(); got != "updating" {
		t.Errorf("state = %q, want updating", got)
	}
	if !c.MustEval(`() => document.querySelector("[data-sku=MUG-1]").hasAttribute("data-pending")`).Bool() {
		t.Error("the line is not marked as pending")
	}
	c.Wait("the spinner", `() => document.querySelector("[data-status] .spin") && document.querySelector("[data-status]").textContent === "Updating…"`)
	c.settled()
	if got, want := c.text("[data-status]"), "Updated"; got != want {
		t.Errorf("status = %q, want %q", got, want)
	}
	if !c.MustEval(`() => document.querySelector("dl [data-total]").classList.contains("flash")`).Bool() {
		t.Error("the new total does not flash")
	}
	if got, want := c.text("[data-total]"), "625 kr|625 kr"; got != want {
		t.Errorf("totals = %q, want %q", got, want)
	}
	if got, want := c.text("[data-region=count]"), "4 items"; got != want {
		t.Errorf("count = %q, want %q", got, want)
	}
	if got, want := c.calls(), "suspend resume"; got != want {
		t.Errorf("iframe = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"order-1 MUG-1=3"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
	if !c.MustEval(`() => document.querySelector("#kco .frame") === frameNode`).Bool() {
		t.Error("the iframe's node is another one")
	}
	c.Wait("the status to go", `() => document.querySelector("[data-status]").textContent === ""`)
	c.Wait("the flash to end", `() => !document.querySelector(".flash")`)
	c.press("MUG-1:minus")
	c.settled()
	c.Wait("the second reading", `() => says.length === 2`)
	if diff := cmp.Diff("Total 625 kr, 4 items.|Total 476 kr, 3 items.", c.MustEval(`() => says.join("|")`).Str()); diff != "" {
		t.Errorf("read out (-want +got):\n%s", diff)
	}
}

// Whatever the shop answers, the iframe is let go, the page says so, and Try again makes up for it.
func TestFailures(t *testing.T) {
	const notSaved, isSaved = "The shop cannot be reached. Check your connection.Try again", "Saved, not confirmed. Nothing has been charged.Try again"
	for _, tt := range []struct {
		name  string
		reply reply
		note  string
		again string // what Try again sends
	}{
		{"500", status(500, false, `{"error":{"code":"internal","message":"m","request_id":"r"}}`), notSaved, "order-1 MUG-1=3"},
		{"502 with HTML", status(502, false, `<html>bad gateway</html>`), notSaved, "order-1 MUG-1=3"},
		{"503, the change is stored", saved, isSaved, "order-1"},
		{"503, the session is busy", status(503, true, `{"error":{"code":"busy","message":"m","request_id":"r"},"cart_revision":REVISION,"summary_html":SUMMARY}`), isSaved, "order-1"},
		{"503, the cart may be being bought", status(503, true, `{"error":{"code":"purchase_running","message":"m","request_id":"r"},"cart_revision":REVISION,"summary_html":SUMMARY}`),
			"A payment is under way. Your change is saved.Try again", "order-1"},
		{"200 without JSON", status(200, true, `<html>log in to this network</html>`), notSaved, "order-1 MUG-1=3"},
		{"200 with other JSON", status(200, true, `{"order_id":7}`), notSaved, "order-1 MUG-1=3"},
		{"200 with null", status(200, true, `null`), notSaved, "order-1 MUG-1=3"},
		{"200 replaced without a snippet", status(200, true, `{"order_id":"o","order_amount":1,"purchase_country":"SE","locale":"en-SE","cart_revision":8,"summary_html":"","replaced":true}`), notSaved, "order-1 MUG-1=3"},
		{"truncated", truncated, notSaved, "order-1 MUG-1=3"},
		{"reset", reset, notSaved, "order-1 MUG-1=3"},
		{"404 with HTML", status(404, false, `<html>`), notSaved, "order-1 MUG-1=3"},
		{"403 without an error code", status(403, false, `{}`), notSaved, "order-1 MUG-1=3"},
		{"409 to another site", status(409, false, `{"redirect":"https://example.com/checkout"}`), notSaved, "order-1 MUG-1=3"},
		{"409 to another site without a scheme", status(409, false, `{"redirect":"//example.com/checkout"}`), notSaved, "order-1 MUG-1=3"},
		{"409 to a script", status(409, false, `{"redirect":"javascript:alert(1)"}`), notSaved, "order-1 MUG-1=3"},
		{"no answer", never, isSaved, "order-1 MUG-1=3"},
		{"an answer after the limit", after(1500*time.Millisecond, good), isSaved, "order-1 MUG-1=3"},
		{"stored, and an answer after the limit", storedThen(1500 * time.Millisecond), isSaved, "order-1 MUG-1=3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.next(tt.reply)
			c := s.open(t, quick)
			c.Expect("Failed to load resource")
			c.press("MUG-1:plus")
			c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
			c.settled()
			if got := c.text("[data-note=problem]"); got != tt.note {
				t.Errorf("note = %q, want %q", got, tt.note)
			}
			if got := c.text("#live-alert"); got == "" || !strings.HasPrefix(tt.note, got) {
				t.Errorf("read out = %q", got)
			}
			if got := c.MustEval(`() => document.getElementById("order-summary").dataset.state`).Str(); got != "unconfirmed" {
				t.Errorf("state = %q, want unconfirmed", got)
			}
			if got, want := c.text("[data-unconfirmed]"), "not confirmed"; got != want {
				t.Errorf("mark = %q, want %q", got, want)
			}
			if got := c.field("MUG-1:quantity"); got != "3" {
				t.Errorf("field = %q, want the shopper's 3", got)
			}
			c.MustElementR("[data-note=problem] button", "Try again").MustClick()
			c.Wait("the note to go", `() => !document.querySelector("[data-note=problem]")`)
			c.settled()
			if diff := cmp.Diff([]string{"order-1 MUG-1=3", tt.again}, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if got, want := c.calls(), "suspend resume suspend resume"; got != want {
				t.Errorf("iframe = %q, want %q", got, want)
			}
			if got := c.longestHold(); got > 1400*time.Millisecond+late {
				t.Errorf("held for %s", got)
			}
			if got, want := c.text("dl [data-total]"), "625 kr"; got != want {
				t.Errorf("total = %q, want %q", got, want)
			}
			if got := c.focused(); got == "body" {
				t.Error("the focus is lost")
			}
		})
	}
}

// tooMany refuses a change for so many seconds.
func tooMany(seconds string) reply {
	return func(s *shop, w http.ResponseWriter, r *http.Request, u update) {
		w.Header().Set("Retry-After", seconds)
		status(http.StatusTooManyRequests, false, `{"error":{"code":"too_many_requests","message":"m","request_id":"r"}}`)(s, w, r, u)
	}
}

// A change above the limit is not lost: the iframe is free meanwhile, what the shopper
// changes then joins it, and both are sent by themselves when the shop takes them again.
func TestTooManyChanges(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.next(tooMany("60"), tooMany("1"))
	c := s.open(t, quick)
	c.Expect("Failed to load resource")
	c.press("MUG-1:plus")
	c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	c.settled()
	if got, want := c.text("[data-note=problem]"), "Too many. It tries again by itself.Try again"; got != want {
		t.Errorf("note = %q, want %q", got, want)
	}
	if got, want := c.calls(), "suspend resume"; got != want {
		t.Errorf("iframe = %q, want %q", got, want)
	}
	if got := c.field("MUG-1:quantity"); got != "3" {
		t.Errorf("field = %q, want the shopper's 3", got)
	}
	c.press("JAM-1:plus")
	c.Wait("the note to go by itself", `() => !document.querySelector("[data-note=problem]")`)
	c.settled()
	if diff := cmp.Diff([]string{"order-1 MUG-1=3", "order-1 JAM-1=2 MUG-1=3", "order-1 JAM-1=2 MUG-1=3"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
	if got, want := c.calls(), "suspend resume suspend resume suspend resume"; got != want {
		t.Errorf("iframe = %q, want %q", got, want)
	}
	if got, want := s.quantity("MUG-1")+s.quantity("JAM-1"), 5; got != want {
		t.Errorf("the cart has %d things, want %d", got, want)
	}
}

// Who pays meanwhile pays what the form showed: the change is not sent into the purchase.
func TestTooManyThenPaid(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.next(tooMany("1"))
	c := s.open(t, quick)
	c.Expect("Failed to load resource")
	c.press("MUG-1:plus")
	c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	c.MustEval(`() => klarna.on.redirect_initiated(true)`)
	time.Sleep(2 * time.Second) // a second after it would have been sent
	if diff := cmp.Diff([]string{"order-1 MUG-1=3"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

// What no server can cause: the browser itself fails.
func TestBrowserFailures(t *testing.T) {
	for _, tt := range []struct{ name, breaks, mends string }{
		{"offline", "", ""},
		{"fetch never settles, not even when aborted", `() => { window.fetch = () => new Promise(() => {}) }`, ""},
		{"fetch throws", `() => { window.fetch = () => { throw new Error("broken") } }`, ""},
		{"the summary cannot be replaced", `() => { window.mend = DOMParser.prototype.parseFromString; DOMParser.prototype.parseFromString = () => { throw new Error("broken") } }`,
			`() => { DOMParser.prototype.parseFromString = mend }`},
		{"the summary is gone", `() => { document.getElementById("order-summary").querySelector("[data-region=totals]").remove() }`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c := s.open(t, quick)
			c.Expect("ERR_INTERNET_DISCONNECTED")
			if tt.breaks == "" {
				c.Offline(true)
			} else {
				c.MustEval(`() => { window.realFetch = window.fetch }`)
				c.MustEval(tt.breaks)
			}
			c.press("MUG-1:plus")
			c.settled()
			if got, want := c.calls(), "suspend resume"; got != want {
				t.Errorf("iframe = %q, want %q", got, want)
			}
			if got := c.longestHold(); got > 1400*time.Millisecond+late {
				t.Errorf("held for %s", got)
			}
			c.Offline(false)
			c.MustEval(`() => { window.fetch = window.realFetch ?? window.fetch }`)
			if tt.mends != "" {
				c.MustEval(tt.mends)
			}
			c.press("MUG-1:plus")
			c.settled()
			if got := s.quantity("MUG-1"); got != 4 {
				t.Errorf("cart = %d, want 4", got)
			}
		})
	}
}
