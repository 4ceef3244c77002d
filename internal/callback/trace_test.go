package callback_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/tracetest"
)

// Klarna's calls are part of the trace that has made or changed what they are
// about: by the order of their address, or by the payment session of their body.
// Who does not know the address's secret joins nothing.
func TestTraces(t *testing.T) {
	tracing, c := tracetest.Tracing(t)
	w := newWorld(t, func(c *shop.Config) { c.Tracing = tracing })
	w.Callbacks.Observer = w.Observer
	ctx, shopper := w.Observer.Request(t.Context(), http.Header{}, observe.Traced)
	w.Observer.Remember(ctx, "order-1")
	w.Observer.Remember(ctx, "session-1")
	shopper.End(ctx, observe.Served{Method: "GET", Route: "/checkout", Status: 200})

	const authorization = `{"authorization_token":"b4bd3423","session_id":"session-1"}`
	calls := []struct {
		name, path, body string
		joins            bool
	}{
		{"push", w.path("push", "order-1"), "", true},
		{"notification", w.path("notification", "order-1"), "{}", true},
		{"validation", w.path("validation", "order-1"), "{}", true},
		{"address_update", w.path("address_update", "order-1"), "{}", true},
		{"authorization", w.authorizationPath(), authorization, true},
		{"of another order", w.path("push", "order-2"), "", false},
		{"of no order", w.path("push", ""), "", false},
		{"with a wrong token", "/klarna/guess/push?order_id=order-1", "", false},
		{"authorization with a wrong token", "/klarna/guess/authorization", authorization, false},
		{"authorization of another session", w.authorizationPath(), `{"authorization_token":"b4bd3423","session_id":"session-2"}`, false},
	}
	for _, call := range calls {
		w.call(call.path, call.body)
	}
	tracing.Stop(t.Context())
	spans := c.Spans()
	first := tracetest.Named(spans, "GET /checkout")[0]
	served := slices.DeleteFunc(spans, func(s tracetest.Span) bool { return !strings.HasPrefix(s.Name, "POST /klarna/{token}/") })
	if len(served) != len(calls) {
		t.Fatalf("%d callbacks have %d spans", len(calls), len(served))
	}
	for i, call := range calls {
		if got := served[i]; (got.Trace == first.Trace && got.Parent == first.ID) != call.joins {
			t.Errorf("%s: got %+v, want part of the trace: %v", call.name, got, call.joins)
		}
	}
}
