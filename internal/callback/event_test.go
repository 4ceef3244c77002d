package callback_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/order"
)

// Each callback is told with its order and cart, as far as they are known, and
// what it was answered; one without the token is not told.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var events []callback.Event
	callbacks := w.callbacks(w.carts)
	callbacks.Observe = func(e callback.Event) { events = append(events, e) }
	w.handler = serve(callbacks)
	c := w.cart("order", nil)
	o := w.order(c)
	before := time.Now()
	for _, call := range []struct{ path, body string }{
		{w.path("validation", "order"), w.body(o)}, {w.path("address_update", "order"), w.body(change(o))},
		{w.path("validation", "order"), "{"}, {w.path("push", "order"), ""}, {w.path("push", "../order"), ""}, {"/klarna/wrong/push?order_id=order", ""},
	} {
		w.call(call.path, call.body)
	}
	w.book.err = order.ErrUnknown
	w.call(w.path("push", "order"), "")
	want := []callback.Event{
		{Callback: "validation", Result: "ok", CartID: c.ID, OrderID: "order", Status: http.StatusOK},
		{Callback: "address_update", Result: "ok", CartID: c.ID, OrderID: "order", Status: http.StatusOK},
		{Callback: "validation", Result: "bad_request", OrderID: "order", Status: http.StatusBadRequest},
		{Callback: "push", Result: "ok", OrderID: "order", Status: http.StatusOK},
		{Callback: "push", Result: "bad_request", Status: http.StatusBadRequest},
		{Callback: "push", Result: "not_found", OrderID: "order", Status: http.StatusNotFound},
	}
	if diff := cmp.Diff(want, events, cmpopts.IgnoreFields(callback.Event{}, "Start", "Duration")); diff != "" {
		t.Errorf("told: %s", diff)
	}
	for _, e := range events {
		if e.Start.Before(before) || e.Start.After(time.Now()) || e.Duration <= 0 {
			t.Errorf("%s: began %s and took %s", e.Callback, e.Start, e.Duration)
		}
	}
}
