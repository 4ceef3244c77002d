package callback_test

import (
	"net/http"
	"testing"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/tracetest"
)

// Klarna's calls are part of the trace that has made or changed what they are
// about: by the order of their address, or by the payment session of their body.
// Who does not know the address's secret joins nothing.
func TestTraces(t *testing.T) {
	tracing, c := tracetest.Tracing(t)
	w := newWorld(t)
	observer := observetest.With(t, observe.Options{Redis: w.redis.Client(), Tracing: tracing})
	callbacks := w.callbacks(w.carts)
	callbacks.Authorizations, callbacks.Observer = new(authorizations), observer
	w.handler = serve(callbacks)
	ctx, shopper := observer.Request(t.Context(), http.Header{}, observe.Traced)
	observer.Remember(ctx, "order-1")
	observer.Remember(ctx, "session-1")
	shopper.End(ctx, observe.Served{Method: "GET", Route: "/checkout", Status: 200})

	inner, route := w.handler, ""
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, span := observer.Request(r.Context(), r.Header, observe.Joining)
		inner.ServeHTTP(rw, r.WithContext(ctx))
		span.End(ctx, observe.Served{Method: "POST", Route: route, Status: 200})
	})
	const authorization = `{"authorization_token":"b4bd3423","session_id":"session-1"}`
	calls := []struct {
		route, path, body string
		joins             bool
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
		route = call.route
		w.call(call.path, call.body)
	}
	tracing.Stop(t.Context())
	spans := c.Spans()
	first := tracetest.Named(spans, "GET /checkout")[0]
	for _, call := range calls {
		got := tracetest.Named(spans, "POST "+call.route)
		if len(got) != 1 || (got[0].Trace == first.Trace && got[0].Parent == first.ID) != call.joins {
			t.Errorf("%s: got %+v, want part of the trace: %v", call.route, got, call.joins)
		}
	}
}
