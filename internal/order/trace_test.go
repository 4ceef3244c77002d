package order_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/tracetest"
)

// What the loops do about an order is a trace of its own, linked to the shopper's;
// rounds that find nothing are none.
func TestTraces(t *testing.T) {
	tracing, c := tracetest.Tracing(t)
	w := newWorld(t, nil)
	observer := observetest.With(t, observe.Options{Redis: w.Book.Redis, Tracing: tracing})
	w.Book.Observer, w.Book.LeftBehind.Observer = observer, observer
	ctx := t.Context()
	round := func(in time.Duration) {
		t.Helper()
		if err := w.Desk.Reconcile(ctx, time.Now().Add(in)); err != nil {
			t.Fatal(err)
		}
		if err := w.Book.LeftBehind.Sweep(ctx, time.Now().Add(in)); err != nil {
			t.Fatal(err)
		}
	}
	round(time.Minute)

	bought, sold := w.Sale()
	given := cart.NewID()
	w.Put(given, "MUG-1", 1)
	left := w.Open(given)
	w.Open(given)
	if err := w.Book.LeftBehind.Add(t.Context(), given, left); err != nil {
		t.Fatal(err)
	}
	shopper, request := observer.Request(ctx, http.Header{}, observe.Traced)
	observer.Remember(shopper, sold)
	observer.Remember(shopper, left)
	request.End(shopper, observe.Served{Method: "GET", Route: "/checkout", Status: 200})
	round(time.Minute)      // aborts what was left behind
	round(10 * time.Minute) // asks about both
	w.once(bought, sold)
	tracing.Stop(t.Context())

	spans := c.Spans()
	first := tracetest.Named(spans, "GET /checkout")[0].Trace
	got, inner := map[string]int{}, map[string]int{}
	byTrace := map[string]string{}
	for _, span := range spans {
		if span.Parent != "" || span.Trace == first {
			continue
		}
		if len(span.Links) != 1 || span.Links[0] != first || span.Failed {
			t.Errorf("%s: links %x, failed %v", span.Name, span.Links, span.Failed)
		}
		got[span.Name]++
		byTrace[span.Trace] = span.Name
	}
	for _, span := range spans {
		if span.Parent != "" {
			inner[byTrace[span.Trace]]++
		}
	}
	if diff := cmp.Diff(map[string]int{"loop abort left behind": 1, "loop reservation": 1, "loop left_behind": 1}, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"loop abort left behind", "loop reservation"} {
		if inner[name] == 0 {
			t.Errorf("%s has no spans of Redis or the database", name)
		}
	}
}
