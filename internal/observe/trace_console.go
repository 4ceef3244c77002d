package observe

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// console prints traces for somebody who has no collector: each batch as trees,
// one span a line, with its start since that of the first and how long it took.
type console struct{ to io.Writer }

// consoleDelay lets a batch be printed after a second, unless another time is set.
func consoleDelay(getenv func(string) string) []sdk.BatchSpanProcessorOption {
	if getenv("OTEL_BSP_SCHEDULE_DELAY") != "" {
		return nil
	}
	return []sdk.BatchSpanProcessorOption{sdk.WithBatchTimeout(time.Second)}
}

// ExportSpans prints spans; one whose parent comes in a later batch stands beside it.
func (c *console) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	spans = slices.SortedStableFunc(slices.Values(spans), func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	known, children := map[trace.SpanID]bool{}, map[trace.SpanID][]sdk.ReadOnlySpan{}
	for _, span := range spans {
		known[span.SpanContext().SpanID()] = true
	}
	tops := map[trace.TraceID][]sdk.ReadOnlySpan{}
	for _, span := range spans {
		if parent := span.Parent().SpanID(); known[parent] {
			children[parent] = append(children[parent], span)
		} else {
			id := span.SpanContext().TraceID()
			tops[id] = append(tops[id], span)
		}
	}
	var text strings.Builder
	var print func(span sdk.ReadOnlySpan, from time.Time, depth int)
	print = func(span sdk.ReadOnlySpan, from time.Time, depth int) {
		writeLine(&text, span, from, depth)
		for _, child := range children[span.SpanContext().SpanID()] {
			print(child, from, depth+1)
		}
	}
	traces := slices.SortedFunc(maps.Keys(tops), func(a, b trace.TraceID) int {
		return tops[a][0].StartTime().Compare(tops[b][0].StartTime())
	})
	for _, id := range traces {
		fmt.Fprintf(&text, "trace %s\n", id)
		for _, span := range tops[id] {
			print(span, tops[id][0].StartTime(), 1)
		}
	}
	_, err := io.WriteString(c.to, text.String())
	return err
}

func writeLine(to *strings.Builder, span sdk.ReadOnlySpan, from time.Time, depth int) {
	milliseconds := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	fmt.Fprintf(to, "%12s %10s %s%s", "+"+milliseconds(span.StartTime().Sub(from)),
		milliseconds(span.EndTime().Sub(span.StartTime())), strings.Repeat("  ", depth), span.Name())
	if span.Parent().IsRemote() {
		fmt.Fprintf(to, " parent=%s", span.Parent().SpanID())
	}
	if span.Status().Code == codes.Error {
		to.WriteString(" FAILED")
	}
	for _, attr := range span.Attributes() {
		fmt.Fprintf(to, " %s=%s", attr.Key, attr.Value.String())
	}
	for _, link := range span.Links() {
		fmt.Fprintf(to, " link=%s", link.SpanContext.TraceID())
	}
	to.WriteByte('\n')
}

// Shutdown has nothing to end.
func (c *console) Shutdown(context.Context) error { return nil }
