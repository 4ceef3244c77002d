package observe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/redistest"
)

// What traces cost a request that does what a checkout page with an unchanged cart
// does: the session's lock, four commands to Redis, one call to Klarna. Redis and
// Klarna are as fast as they can be, so the shares are the largest that there are.
func BenchmarkRequest(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer sink.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer api.Close()
	for _, bb := range []struct {
		name      string
		variables map[string]string
	}{
		{"off", nil},
		{"sampled=1%", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": sink.URL, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}},
		{"sampled=100%", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": sink.URL}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			rdb := redistest.Start(b)
			tracing, _, err := setup(b, bb.variables)
			if err != nil {
				b.Fatal(err)
			}
			o := observetest.With(b, observe.Options{Redis: rdb, Tracing: tracing})
			client, err := klarna.NewClient(klarna.Config{BaseURL: api.URL, Password: "key", Observer: o})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				ctx, serving := o.Request(b.Context(), http.Header{}, observe.Traced)
				locking, wait := o.LockWait(ctx)
				rdb.SetNX(locking, "lock", "1", 0)
				wait.End(observe.LockTaken)
				for range 4 {
					rdb.Get(ctx, "cart")
				}
				_, _ = client.Do(ctx, klarna.Request{Operation: "read kco order", Method: "GET", Path: "/checkout/v3/orders/1"}, nil)
				o.Sync(ctx, observe.Sync{Product: observe.KCO, Mode: "load", Result: observe.SyncNothing, Revision: 1, OrderID: "1"})
				serving.End(ctx, observe.Served{Method: "GET", Route: "/checkout", Status: 200})
			}
		})
	}
}
