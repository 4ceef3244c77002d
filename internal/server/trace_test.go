package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/tracetest"
)

// traced gives a server an observer with traces.
func traced(t *testing.T, tracing *observe.Tracing) func(*server.Options) {
	return func(o *server.Options) {
		o.Observer = observetest.With(t, observe.Options{Logger: o.Logger, Tracing: tracing})
	}
}

// A request is a span by its method and route, and nothing of its address, its
// headers or a panic's words is in it.
func TestTraces(t *testing.T) {
	tracing, c := tracetest.Tracing(t)
	s, log := newServer(t, traced(t, tracing))
	h := s.Handler()
	for _, request := range []string{
		"GET /products/MUG-1?email=hush", "GET /nowhere/hush", "GET /panic", "GET /late-panic", "POST /klarna/hush/push",
		"GET /healthz", "GET /readyz", "GET /static/x", "BREW /products/MUG-1",
	} {
		method, path, _ := strings.Cut(request, " ")
		get(h, method, path, "", "User-Agent", "hush", "Cookie", "shopd=hush", "Referer", "https://shop.example/hush")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the abort was swallowed")
			}
		}()
		get(h, "GET", "/abort", "")
	}()
	tracing.Stop(t.Context())
	var got []string
	for _, span := range c.Spans() {
		result := span.Attributes["http.response.status_code"]
		if span.Failed {
			result += " failed " + span.Attributes["error.type"]
		}
		got = append(got, span.Name+" "+result)
		if len(span.Attributes["shopd.request_id"]) != 8 || span.Kind != "SERVER" {
			t.Errorf("%s: %+v", span.Name, span)
		}
	}
	slices.Sort(got)
	want := []string{
		"GET /abort  failed aborted", "GET /late-panic 200", "GET /panic 500 failed 500", "GET /products/{sku} 200",
		"GET none 404", "POST /klarna/{token}/push 200", "other none 405",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := c.Text(); strings.Contains(text, "hush") || strings.Contains(text, "secret cause") || strings.Contains(text, "192.0.2.1") {
		t.Errorf("sent:\n%s", text)
	}
	for line := range strings.Lines(log.String()) {
		// Klarna's calls get theirs where they are served, which calls does not do.
		if strings.Contains(line, "msg=request") && !strings.Contains(line, " trace_id=") && !strings.Contains(line, "/klarna/") {
			t.Errorf("the log does not name the trace: %s", line)
		}
	}
}

// A server without traces has none of their cost.
func TestNoTraces(t *testing.T) {
	tracing, _ := tracetest.Tracing(t)
	off, log := newServer(t, nil)
	on, _ := newServer(t, traced(t, tracing))
	allocations := func(h http.Handler) int {
		return int(testing.AllocsPerRun(200, func() { get(h, "GET", "/products/MUG-1", "") }))
	}
	// Health checks are not traced: what they cost more with traces would be paid for nothing.
	health := func(h http.Handler) int {
		return int(testing.AllocsPerRun(200, func() { get(h, "GET", "/healthz", "") }))
	}
	if a, b := health(off.Handler()), health(on.Handler()); a != b {
		t.Errorf("a health check allocates %d times without traces, %d with them", a, b)
	}
	if a, b := allocations(off.Handler()), allocations(on.Handler()); a >= b {
		t.Errorf("a request allocates %d times without traces, %d with them: the measure sees nothing", a, b)
	}
	if strings.Contains(log.String(), "trace_id") {
		t.Error("logs name a trace")
	}
}
