package observe

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopd/shopd/internal/story"
)

// Call is one try of a call to Klarna. It holds neither body nor token.
type Call struct {
	Operation     string // of a bounded set: "update kco order"
	Method        string
	Path          string // its pattern: "/checkout/v3/orders/{order_id}"
	Status        int    // 0 when there was no answer
	Try           int    // from 1
	Start         time.Time
	Duration      time.Duration
	CorrelationID string
	Err           error
	OrderID       string       // of path or answer; "" when there is none
	Facts         []story.Fact // from the answer, else from the request
}

// Call reports a try that is over. Each failed try is logged, also when another try
// follows. The caller reports how the whole call ended.
func (o *Observer) Call(ctx context.Context, c Call) {
	if o == nil {
		return
	}
	o.metrics.calls.WithLabelValues(c.Operation, statusLabel(c.Status)).Observe(c.Duration.Seconds())
	if c.Try > 1 {
		o.metrics.callRetries.WithLabelValues(c.Operation).Inc()
	}
	about := subjectOf(ctx)
	if c.Err != nil {
		attrs := append([]slog.Attr{
			slog.String("operation", c.Operation), slog.Int("klarna_status", c.Status), slog.Int("try", c.Try),
			slog.Int64("duration_ms", c.Duration.Milliseconds()),
		}, present(slog.String("correlation_id", c.CorrelationID), slog.String("order_id", c.OrderID), slog.String("cart_id", about.CartID))...)
		o.o.Logger.LogAttrs(ctx, c.level(), "klarna call failed", append(attrs, slog.Any("error", c.Err))...)
	}
	if o.o.Story != nil && !about.Quiet {
		o.o.Story.Record(story.Entry{
			At: c.Start, Kind: story.ToKlarna, CartID: about.CartID, OrderID: c.OrderID,
			Operation: c.Operation, Method: c.Method, Path: c.Path, Status: c.Status, Duration: c.Duration, Try: c.Try,
			CorrelationID: short(c.CorrelationID), Result: problem(c.Err), Facts: c.Facts,
		})
	}
	o.o.Tracing.call(ctx, c)
}

// level returns the log level of a failed try. A 4xx is an ordinary answer, which the
// caller handles, unless it is about our credentials or rate.
func (c Call) level() slog.Level {
	if c.Status < http.StatusBadRequest || c.Status >= http.StatusInternalServerError ||
		c.Status == http.StatusUnauthorized || c.Status == http.StatusTooManyRequests {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// problem says why a call failed. It leaves out the text of the error, which may repeat
// what was sent.
func problem(err error) string {
	failed, _ := errors.AsType[CallError](err)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, types := errors.AsType[*json.UnmarshalTypeError](err)
	fault, network := errors.AsType[net.Error](err)
	switch {
	case err == nil:
		return ""
	case failed != nil && failed.Call().Status/100 > 2:
		return short(failed.Call().Code)
	case syntax, types:
		return "unreadable answer"
	case errors.Is(err, context.DeadlineExceeded), network && fault.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "given up"
	}
	return "connection failed"
}

// maxText is the longest text that is taken from an answer, in bytes.
const maxText = 64

func short(text string) string { return text[:min(len(text), maxText)] }

// Callback is one of Klarna's calls to us. It holds no personal data.
type Callback struct {
	Name, Result    string // of bounded sets
	Path            string // its pattern: "/klarna/{token}/push"
	CartID, OrderID string // as far as they are known
	Status          int    // of the answer
	Start           time.Time
	Duration        time.Duration
	Facts           []story.Fact
}

// Callback reports a call from Klarna that has been answered.
func (o *Observer) Callback(ctx context.Context, c Callback) {
	if o == nil {
		return
	}
	hear(ctx, words{callback: c.Name, result: c.Result, cartID: c.CartID, orderID: c.OrderID})
	o.metrics.callbacks.WithLabelValues(c.Name, c.Result).Inc()
	if o.o.Story != nil {
		o.o.Story.Record(story.Entry{
			At: c.Start, Kind: story.FromKlarna, CartID: c.CartID, OrderID: c.OrderID, Operation: c.Name,
			Method: http.MethodPost, Path: c.Path, Status: c.Status, Duration: c.Duration, Result: c.Result, Facts: c.Facts,
		})
	}
}

// Push reports that work on a push or notification begins. The work ends with done.
func (o *Observer) Push() (done func()) {
	if o == nil {
		return func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	o.pushes[&began] = struct{}{}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.pushes, &began)
	}
}

func (o *Observer) showPushes() {
	o.metrics.gauge("shopd_pushes_running", "Pushes and notifications that are being worked on, also after their answer.", nil, func() float64 {
		o.mu.Lock()
		defer o.mu.Unlock()
		return float64(len(o.pushes))
	})
	o.metrics.gauge("shopd_pushes_oldest_seconds", "For how long the oldest of them has been worked on; 0 without any.", nil, func() float64 {
		o.mu.Lock()
		defer o.mu.Unlock()
		now, oldest := time.Now(), 0.0
		for began := range o.pushes {
			oldest = max(oldest, secondsSince(*began, now))
		}
		return oldest
	})
}

// showStory counts the story entries that were written, and those dropped.
func (o *Observer) showStory() {
	if o.o.Story == nil {
		return
	}
	const name = "shopd_story_entries_total"
	const help = "Calls and callbacks noted for the inspector: written, or dropped because Redis did not take them in time."
	o.metrics.counter(name, help, prometheus.Labels{"result": "written"}, func() float64 { n, _ := o.o.Story.Counts(); return float64(n) })
	o.metrics.counter(name, help, prometheus.Labels{"result": "dropped"}, func() float64 { _, n := o.o.Story.Counts(); return float64(n) })
}
