package callback_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/story"
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
	want := []story.Entry{
		{Operation: "validation", Result: "ok", CartID: cartID, OrderID: orderID, Status: http.StatusOK},
		{Operation: "address_update", Result: "ok", CartID: cartID, OrderID: orderID, Status: http.StatusOK},
		{Operation: "validation", Result: "bad_request", OrderID: orderID, Status: http.StatusBadRequest},
		{Operation: "push", Result: "ok", OrderID: orderID, Status: http.StatusOK},
		{Operation: "push", Result: "bad_request", Status: http.StatusBadRequest},
		{Operation: "push", Result: "not_found", OrderID: "order", Status: http.StatusNotFound},
	}
	for i := range want {
		want[i].Kind, want[i].Method, want[i].Path = story.FromKlarna, "POST", "/klarna/{token}/"+want[i].Operation
	}
	if diff := cmp.Diff(want, w.events, cmpopts.IgnoreFields(story.Entry{}, "At", "Duration")); diff != "" {
		t.Errorf("told: %s", diff)
	}
	for _, e := range w.events {
		if e.At.Before(before) || e.At.After(time.Now()) || e.Duration <= 0 {
			t.Errorf("%s: began %s and took %s", e.Operation, e.At, e.Duration)
		}
	}
}
