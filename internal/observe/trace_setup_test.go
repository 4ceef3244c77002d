package observe_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/tracetest"
)

// setup is SetupTracing in a process with these variables, and what it writes.
func setup(t testing.TB, variables map[string]string) (*observe.Tracing, *shoptest.Log, error) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value) // the SDK looks there itself
	}
	out := new(shoptest.Log)
	tracing, err := observe.SetupTracing(t.Context(), func(name string) string { return variables[name] },
		slog.New(slog.NewTextHandler(out, nil)))
	t.Cleanup(func() { tracing.Stop(context.Background()) })
	return tracing, out, err
}

// Which variables make traces.
func TestSetup(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for _, tt := range []struct {
		name      string
		variables map[string]string
		on        bool
		err       string // part of it
	}{
		{"nothing", nil, false, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, true, ""},
		{"an endpoint of traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint + "/v1/traces"}, true, ""},
		{"OTLP, where it goes by default", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{"none, with an endpoint", map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, false, ""},
		{"disabled", map[string]string{"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "otlp"}, false, ""},
		{"disabled, whatever else", map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"}, false, ""},
		{"not disabled", map[string]string{"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{"metrics only", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint}, false, ""},
		{"another exporter", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `OTEL_TRACES_EXPORTER: "zipkin" is none of: otlp, none`},
		{"none beside another", map[string]string{"OTEL_TRACES_EXPORTER": "none,otlp"}, false, `"none" is none of`},
		{"gRPC", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, `"grpc" is none of: http/protobuf, http/json`},
		{"gRPC for traces", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, false, `"grpc" is none of`},
		{"gRPC, but not for traces", map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
		}, true, ""},
		{"an endpoint without scheme", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, false, "OTEL_EXPORTER_OTLP_ENDPOINT must be http(s)"},
		{"both at fault", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "ENDPOINT must be http(s)://host[:port], perhaps with a path\nOTEL_EXPORTER_OTLP_PROTOCOL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tracing, _, err := setup(t, tt.variables)
			if (tracing != nil) != tt.on {
				t.Errorf("on = %v, want %v", tracing != nil, tt.on)
			}
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error = %v, want %q", err, tt.err)
			}
		})
	}
}

// What goes to a collector: who sends it, and the headers that are set.
func TestOTLP(t *testing.T) {
	c := tracetest.Start(t)
	tracing, _, err := setup(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush", "OTEL_BSP_SCHEDULE_DELAY": "10",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=other", "OTEL_SERVICE_NAME": "the-shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	_, done := observetest.With(t, observe.Options{Tracing: tracing}).Item(t.Context(), "test", observe.Subject{})
	done("", nil)
	c.Await("loop test")
	if got := c.Header().Get("Api-Key"); got != "hush" {
		t.Errorf("header = %q", got)
	}
	for _, want := range []string{"the-shop", "deployment.environment.name", "service.instance.id"} {
		if !strings.Contains(c.Text(), want) {
			t.Errorf("%q is not in what was sent:\n%s", want, c.Text())
		}
	}
}

// Without a name of its own the service is shopd.
func TestServiceName(t *testing.T) {
	c := tracetest.Start(t)
	tracing, _, err := setup(t, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/v1/traces"})
	if err != nil {
		t.Fatal(err)
	}
	_, done := observetest.With(t, observe.Options{Tracing: tracing}).Item(t.Context(), "test", observe.Subject{})
	done("", errors.New("lovelace@example.com"))
	tracing.Stop(t.Context()) // sends what waits, long before the 5 s are over
	spans := c.Spans()
	if len(spans) != 1 || !spans[0].Failed || !strings.Contains(c.Text(), `"shopd"`) {
		t.Errorf("sent at the end:\n%s", c.Text())
	}
	if strings.Contains(c.Text(), "lovelace@") {
		t.Errorf("the text of an error was sent:\n%s", c.Text())
	}
}

// The variables of the sampler hold.
func TestSampler(t *testing.T) {
	c := tracetest.Start(t)
	tracing, _, err := setup(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0",
	})
	if err != nil {
		t.Fatal(err)
	}
	o := observetest.With(t, observe.Options{Tracing: tracing})
	ctx, span := o.Request(t.Context(), http.Header{}, observe.Traced)
	o.Sync(ctx, observe.Sync{Revision: 1, OrderID: "order", Changed: "order"}) // has no Redis, and asks for none
	o.Link(ctx, "order")
	span.End(ctx, observe.Served{Method: "GET", Route: "/", Status: 200})
	tracing.Stop(t.Context())
	if got := c.Spans(); len(got) != 0 {
		t.Errorf("sent %d spans, want none", len(got))
	}
}

// A collector that is away is logged once, and the end does not wait for it.
func TestCollectorAway(t *testing.T) {
	tracing, log, err := setup(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "20", "OTEL_BSP_SCHEDULE_DELAY": "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	o := observetest.With(t, observe.Options{Tracing: tracing})
	deadline := time.Now().Add(20 * time.Second)
	for failed := 0; failed < 100; failed++ { // 0.5 s at least: further sendings fail too
		_, done := o.Item(t.Context(), "test", observe.Subject{})
		done("", nil)
		time.Sleep(5 * time.Millisecond)
		if log.String() == "" {
			if failed = 0; time.Now().After(deadline) {
				t.Fatal("nothing was logged")
			}
		}
	}
	stopping := time.Now()
	tracing.Stop(t.Context())
	if took := time.Since(stopping); took > 15*time.Second {
		t.Errorf("the end took %s", took)
	}
	if got := strings.Count(log.String(), "msg=traces"); got != 1 {
		t.Errorf("logged %d times:\n%s", got, log)
	}
}

// An unknown propagator is ignored, with a word.
func TestPropagators(t *testing.T) {
	const named = "0af7651916cd43dd8448eb211c80319c"
	for _, tt := range []struct {
		name, propagators string
		links, logged     bool
	}{
		{"by default", "", true, false},
		{"W3C's", "tracecontext", true, false},
		{"another one too", "b3,tracecontext", true, true},
		{"another one", "b3", false, true},
		{"none", "none", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tracetest.Start(t)
			tracing, log, err := setup(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_PROPAGATORS": tt.propagators})
			if err != nil {
				t.Fatal(err)
			}
			ctx, span := observetest.With(t, observe.Options{Tracing: tracing}).Request(t.Context(), http.Header{
				"Traceparent": {"00-" + named + "-b7ad6b7169203331-00"}, "Tracestate": {"who=lovelace"}, "Baggage": {"who=lovelace"},
			}, observe.Traced)
			span.End(ctx, observe.Served{Method: "GET", Route: "/", Status: 200})
			tracing.Stop(t.Context())
			spans := c.Spans()
			if len(spans) != 1 { // although the header says that its trace is not sampled
				t.Fatalf("%d spans:\n%s", len(spans), c.Text())
			}
			var links []string
			if tt.links {
				links = []string{"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c"}
			}
			if diff := cmp.Diff(links, spans[0].Links); diff != "" || spans[0].Parent != "" || spans[0].Trace == links0(links) {
				t.Errorf("parent %x, links: %s", spans[0].Parent, diff)
			}
			if strings.Contains(c.Text(), "lovelace") {
				t.Errorf("what the browser says was sent:\n%s", c.Text())
			}
			if got := strings.Contains(log.String(), "OTEL_PROPAGATORS"); got != tt.logged {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

func links0(links []string) string {
	if len(links) == 0 {
		return ""
	}
	return links[0]
}
