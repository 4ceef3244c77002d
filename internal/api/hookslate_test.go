package api_test

import (
	"net/http"
	"testing"

	"github.com/shopd/shopd/internal/api"
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
