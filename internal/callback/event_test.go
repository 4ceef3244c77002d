package callback_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/callback"
)

// Each callback is told with its order and cart, as far as they are known, and
// what it was answered; one without the token is not told.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	o := w.order(w.Cart(cartID))
	before := time.Now()
	for _, call := range []struct{ path, body string }{
		{w.path("validation", orderID), w.body(o)}, {w.path("address_update", orderID), w.body(change(o))},
		{w.path("validation", orderID), "{"}, {w.path("push", orderID), ""}, {w.path("push", "../order"), ""},
		{"/klarna/wrong/push?order_id=" + orderID, ""}, {w.path("push", "order"), ""},
	} {
		w.call(call.path, call.body)
	}
	want := []callback.Event{
		{Callback: "validation", Result: "ok", CartID: cartID, OrderID: orderID, Status: http.StatusOK},
		{Callback: "address_update", Result: "ok", CartID: cartID, OrderID: orderID, Status: http.StatusOK},
		{Callback: "validation", Result: "bad_request", OrderID: orderID, Status: http.StatusBadRequest},
		{Callback: "push", Result: "ok", OrderID: orderID, Status: http.StatusOK},
		{Callback: "push", Result: "bad_request", Status: http.StatusBadRequest},
		{Callback: "push", Result: "not_found", OrderID: "order", Status: http.StatusNotFound},
	}
	if diff := cmp.Diff(want, w.events, cmpopts.IgnoreFields(callback.Event{}, "Start", "Duration")); diff != "" {
		t.Errorf("told: %s", diff)
	}
	for _, e := range w.events {
		if e.Start.Before(before) || e.Start.After(time.Now()) || e.Duration <= 0 {
			t.Errorf("%s: began %s and took %s", e.Callback, e.Start, e.Duration)
		}
	}
}
