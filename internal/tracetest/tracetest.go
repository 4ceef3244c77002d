// Package tracetest is an OTLP collector on loopback for tests of traces.
package tracetest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/observe"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// Span is a span as it was sent. The IDs are raw bytes.
type Span struct {
	Trace, ID, Parent string // Parent "" = the first of its trace
	Name              string
	Kind              string            // SERVER, CLIENT or INTERNAL
	Failed            bool              // its status is an error
	Attributes        map[string]string // values as text
	Links             []string          // traces
	Start, End        time.Time
}

// Collector takes traces by OTLP over HTTP until the test ends.
type Collector struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	t      testing.TB
	mu     sync.Mutex
	spans  []Span
	text   strings.Builder
	header http.Header
}

// Tracing returns a Tracing that sends to a new collector.
func Tracing(t *testing.T) (*observe.Tracing, *Collector) {
	t.Helper()
	c := Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	tracing, err := observe.SetupTracing(t.Context(), os.Getenv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracing.Stop(context.Background()) })
	return tracing, c
}

// Start runs a collector.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{t: t}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("the collector was sent %s: %v", r.URL.Path, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header = r.Header.Clone()
	c.text.WriteString(prototext.Format(&request))
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, read(span))
			}
		}
	}
}

func read(span *otlp.Span) Span {
	s := Span{
		Trace: string(span.GetTraceId()), ID: string(span.GetSpanId()), Parent: string(span.GetParentSpanId()),
		Name: span.GetName(), Kind: strings.TrimPrefix(span.GetKind().String(), "SPAN_KIND_"),
		Failed: span.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR, Attributes: map[string]string{},
		Start: at(span.GetStartTimeUnixNano()), End: at(span.GetEndTimeUnixNano()),
	}
	for _, attribute := range span.GetAttributes() {
		value := attribute.GetValue()
		s.Attributes[attribute.GetKey()] = value.GetStringValue()
		if _, text := value.GetValue().(*common.AnyValue_StringValue); !text {
			_, s.Attributes[attribute.GetKey()], _ = strings.Cut(prototext.MarshalOptions{}.Format(value), ":")
		}
	}
	for _, link := range span.GetLinks() {
		s.Links = append(s.Links, string(link.GetTraceId()))
	}
	return s
}

func at(ns uint64) time.Time { return time.Unix(0, int64(ns)) } //nolint:gosec // as time.Time counts

// Spans returns the spans so far, in the order of their ends.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Text returns all spans so far in readable form.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// Header returns the header of the last request.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

// Await waits until spans of all these names are there, at most a minute. It returns all
// spans so far.
func (c *Collector) Await(names ...string) []Span {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		spans := c.Spans()
		missing := ""
		for _, name := range names {
			if len(Named(spans, name)) == 0 {
				missing = name
			}
		}
		if missing == "" {
			return spans
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("no span %q among:\n%s", missing, c.Text())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Named returns the spans with a name.
func Named(spans []Span, name string) []Span {
	var named []Span
	for _, span := range spans {
		if span.Name == name {
			named = append(named, span)
		}
	}
	return named
}
