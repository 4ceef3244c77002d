package callback_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/story"
)

// Each callback is told with its order and cart, as far as they are known, and
// what it was answered; one without the token is not told.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	observer, told := observetest.New(t)
	callbacks := w.callbacks(w.carts)
	callbacks.Observer = observer
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
	want := []story.Entry{
		{Operation: "validation", Result: "ok", CartID: c.ID, OrderID: "order", Status: http.StatusOK},
		{Operation: "address_update", Result: "ok", CartID: c.ID, OrderID: "order", Status: http.StatusOK},
		{Operation: "validation", Result: "bad_request", OrderID: "order", Status: http.StatusBadRequest},
		{Operation: "push", Result: "ok", OrderID: "order", Status: http.StatusOK},
		{Operation: "push", Result: "bad_request", Status: http.StatusBadRequest},
		{Operation: "push", Result: "not_found", OrderID: "order", Status: http.StatusNotFound},
	}
	for i := range want {
		want[i].Kind, want[i].Method, want[i].Path = story.FromKlarna, "POST", "/klarna/{token}/"+want[i].Operation
	}
	events := told.Entries()
	if diff := cmp.Diff(want, events, cmpopts.IgnoreFields(story.Entry{}, "At", "Duration")); diff != "" {
		t.Errorf("told: %s", diff)
	}
	for _, e := range events {
		if e.At.Before(before) || e.At.After(time.Now()) || e.Duration <= 0 {
			t.Errorf("%s: began %s and took %s", e.Operation, e.At, e.Duration)
		}
	}
}
