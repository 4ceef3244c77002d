package observe_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/tracetest"
)

// Each try of a call is a span with what Klarna's support asks for, and without
// what was sent or answered. Klarna is told of no trace.
func TestCalls(t *testing.T) {
	var tries atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Traceparent", "Tracestate", "Baggage", "B3"} {
			if got := r.Header.Get(name); got != "" {
				t.Errorf("Klarna was sent %s: %s", name, got)
			}
		}
		w.Header().Set("Klarna-Correlation-Id", "correlation")
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"error_messages":["lovelace@example.com"]}`)
			return
		}
		_, _ = io.WriteString(w, `{"email":"lovelace@example.com"}`)
	}))
	defer api.Close()
	c := tracetest.Start(t)
	tracing, _, err := setup(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	if err != nil {
		t.Fatal(err)
	}
	o := observetest.With(t, observe.Options{Tracing: tracing})
	client, err := klarna.NewClient(klarna.Config{BaseURL: api.URL, Username: "demo", Password: "hush", Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	call := func(ctx context.Context, path string) {
		_, _ = client.Do(ctx, klarna.Request{
			Operation: "update kco order", Method: "POST", Path: path, Retry: klarna.RetryReplace, Body: map[string]string{"email": "lovelace@example.com"},
		}, nil)
	}
	ctx, span := o.Request(t.Context(), http.Header{}, observe.Traced)
	call(ctx, "/checkout/v3/orders/order-1")
	api.Close()
	call(ctx, "/payments/v1/authorizations/lovelace-token/order")
	span.End(ctx, observe.Served{Method: "POST", Route: "/checkout/update", Status: 200})
	call(t.Context(), "/checkout/v3/orders/nobody-asked")
	tracing.Stop(t.Context())

	spans := c.Spans()
	request := tracetest.Named(spans, "POST /checkout/update")[0]
	var got []map[string]string
	for _, span := range tracetest.Named(spans, "klarna update kco order") {
		if span.Trace != request.Trace || span.Parent != request.ID || span.Kind != "CLIENT" || span.End.Before(span.Start) {
			t.Errorf("not part of the request: %+v", span)
		}
		got = append(got, span.Attributes)
	}
	const order, token = "/checkout/v3/orders/{order_id}", "/payments/v1/authorizations/{token}/order"
	want := []map[string]string{
		{"http.request.method": "POST", "url.template": order, "http.response.status_code": "500", "klarna.correlation_id": "correlation", "klarna.try": "1", "shopd.order_id": "order-1", "error.type": "500"},
		{"http.request.method": "POST", "url.template": order, "http.response.status_code": "200", "klarna.correlation_id": "correlation", "klarna.try": "2", "shopd.order_id": "order-1"},
	}
	if n := len(got); n < 3 {
		t.Fatalf("%d tries, want more than 2", n)
	}
	for i, attributes := range got[2:] {
		want = append(want, map[string]string{"http.request.method": "POST", "url.template": token, "klarna.try": attributes["klarna.try"], "error.type": "no answer"})
		if wantTry := string(rune('1' + i)); attributes["klarna.try"] != wantTry {
			t.Errorf("try %s, want %s", attributes["klarna.try"], wantTry)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if slices.ContainsFunc([]string{"lovelace", "hush", "nobody"}, func(s string) bool { return strings.Contains(c.Text(), s) }) {
		t.Errorf("sent:\n%s", c.Text())
	}
}
