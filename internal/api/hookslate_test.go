package api_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/settings"
)

// The merchant's server is away when a form is opened, and answers when another page is: what the
// basket comes to by that is a revision of its own, which the open form follows. Its first answer is
// none, nor is that about lines of a call: no form has shown the basket without it.
func TestDeliveryHookAnswersLate(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, nil)
	c := calls(w)
	is := func(reference string, revision, amount int64) {
		t.Helper()
		if now := c.want(c.call("GET", "/checkout_sessions/"+reference, ""), 200, "").Session; now.Revision != revision || now.OrderAmount != amount {
			t.Errorf("%s: revision %d and %d, want %d and %d", reference, now.Revision, now.OrderAmount, revision, amount)
		}
	}
	m.does(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) })
	made := c.want(c.put("late", basket(tent)), 201, "").Session
	b := w.Browser()
	open(w, b, made)
	is("late", 1, made.OrderAmount)
	m.says(fromHook)
	load(w, b, "late")
	is("late", 2, 249900+5000)
	if got := b.Get("/checkout/s/late/state"); got.StatusCode != 200 || got.Text != `{"revision":2}` {
		t.Errorf("the open form is told %d %s", got.StatusCode, got.Text)
	}
	if got := c.raw("PUT", "/checkout_sessions/late", basket(tent), "If-Match", `"1"`); got.StatusCode != 412 {
		t.Errorf("a change to what was read before: %d", got.StatusCode)
	}
	load(w, b, "late")
	is("late", 2, 249900+5000)

	made = c.want(c.put("early", basket(tent)), 201, "").Session
	early := w.Browser()
	_, id := open(w, early, made)
	is("early", 1, 249900+5000)
	m.says(`{"delivery_options": [{"id": "bud", "name": "Bud", "price": 7000, "tax_rate": 2500}]}`)
	c.want(c.put("early", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`)), 200, "")
	load(w, early, "early")
	is("early", 2, 250900+7000)
	w.Buy(id)
	if o := w.Place(id); o.OrderAmount != 250900+7000 {
		t.Errorf("bought for %d", o.OrderAmount)
	}
	c.want(c.put("early", basket(tent)), 409, api.CodeComplete)
}

// It is so too in the merchant's own page, and where both pages are opened at once: the form is shown while the other page
// waits for the answer.
func TestDeliveryHookAnswersTwoPages(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) { s.Embed, s.Hooks.Delivery.Timeout = []string{pageOrigin}, time.Minute })
	c := calls(w)
	away := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) }
	m.does(away)
	made := c.want(c.put("after", basket(tent, held)), 201, "").Session
	page(w, "", with(made)).is(t, 200, "")
	m.says(fromHook)
	if later := page(w, "", with(made)).is(t, 200, ""); later.Revision != 2 || later.OrderAmount != 249900+5000 {
		t.Errorf("a page that is opened later shows revision %d and %d", later.Revision, later.OrderAmount)
	}

	made = c.want(c.put("at-once", basket(tent, held)), 201, "").Session
	var asked atomic.Int64
	waits, answer := make(chan struct{}), make(chan struct{})
	m.does(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			away(w, r)
			return
		}
		close(waits)
		<-answer
		_, _ = io.WriteString(w, fromHook)
	})
	slow := make(chan embedded)
	go func() { slow <- page(w, "", with(made)) }()
	<-waits
	first := page(w, "", with(made)).is(t, 200, "")
	close(answer)
	if second := (<-slow).is(t, 200, ""); first.Revision != 1 || second.Revision != 2 || second.OrderAmount != 249900+5000 || first.OrderAmount == second.OrderAmount {
		t.Errorf("the first page shows revision %d and %d, the second %d and %d", first.Revision, first.OrderAmount, second.Revision, second.OrderAmount)
	}
	if state := page(w, "/state", with(made, `"seen": 1`)).is(t, 200, ""); state.Revision != 2 {
		t.Errorf("the first page is told revision %d", state.Revision)
	}
}
