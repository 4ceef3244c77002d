package observe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type requestMetrics struct {
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	failures  *prometheus.CounterVec
	lockWait  *prometheus.HistogramVec
	retries   prometheus.Counter
}

func newRequestMetrics(r registry) requestMetrics {
	m := requestMetrics{
		durations: r.histograms("shopd_request_duration_seconds", "Requests by method, route pattern and status code.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 12}, "method", "route", "code"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "shopd_requests_in_flight", Help: "Requests that are being served."}),
		failures: r.counters("shopd_failures_total", "Shoppers' requests that were answered with an error, by route pattern and the error's code.", "route", "code"),
		lockWait: r.histograms("shopd_session_lock_wait_seconds", "Waits for a session's lock: taken, busy (given up), failed (Redis).",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 6}, "result"),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "shopd_cart_retries_total", Help: "Changes of a cart that were made anew because somebody else was faster.",
		}),
	}
	r.MustRegister(m.inFlight, m.retries)
	for _, result := range []Lock{LockTaken, LockBusy, LockFailed} {
		m.lockWait.WithLabelValues(string(result))
	}
	return m
}

// Kind says which part a request has in traces.
type Kind int

// The kinds.
const (
	Traced   Kind = iota // a trace of its own
	Joining              // of Klarna's: Join says which trace it is part of
	Untraced             // a health check or an asset, which would drown the others; their records are of level DEBUG
)

// Serving is a request that is being served.
type Serving struct {
	o     *Observer
	start time.Time
	span  *requestSpan // nil without traces
}

// Request is told of a request that begins to be served; End must be called. The
// trace that the request names as its own is not believed, see requestSpan.
func (o *Observer) Request(ctx context.Context, header http.Header, kind Kind) (context.Context, Serving) {
	if o == nil {
		return ctx, Serving{}
	}
	s := Serving{o: o, start: time.Now()}
	o.requests.inFlight.Inc()
	if o.o.Tracing != nil && kind != Untraced {
		ctx, s.span = o.o.Tracing.request(ctx, header, s.start, kind == Joining)
	}
	return ctx, s
}

// Served is how a request came out.
type Served struct {
	Method, Route string // of bounded sets; the route is a pattern, "" for none
	Status        int    // 0: it was cut off
	Bytes         int
	Kind          Kind
}

// End logs and measures the request, and ends its span. The path itself, its query
// and the client's address are not kept: they may hold tokens or personal data.
func (s Serving) End(ctx context.Context, served Served) {
	if s.o == nil {
		return
	}
	s.o.requests.inFlight.Dec()
	served.Route = routeLabel(served.Route)
	if served.Status != 0 {
		took := time.Since(s.start)
		s.o.requests.durations.WithLabelValues(served.Method, served.Route, statusLabel(served.Status)).Observe(took.Seconds())
		level := slog.LevelInfo
		if served.Kind == Untraced {
			level = slog.LevelDebug
		}
		s.o.o.Logger.LogAttrs(ctx, level, "request",
			slog.String("method", served.Method), slog.String("route", served.Route), slog.Int("status", served.Status),
			slog.Int("bytes", served.Bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	}
	if s.span != nil {
		s.span.end(ctx, served)
	}
}

func routeLabel(route string) string {
	if route == "" {
		return "none"
	}
	return route
}

// Failure is told of a shopper's request that is answered with an error, by the
// pattern of its route and the error's code. err is what is ours to mend, nil for
// none.
func (o *Observer) Failure(ctx context.Context, route, code string, err error) {
	if o == nil {
		return
	}
	o.requests.failures.WithLabelValues(routeLabel(route), code).Inc()
	if err != nil {
		o.o.Logger.ErrorContext(ctx, "request failed", "code", code, "error", err)
	}
}

// CartRetry is told of a change of a cart that is made anew, because somebody else
// was faster.
func (o *Observer) CartRetry() {
	if o != nil {
		o.requests.retries.Inc()
	}
}

// Lock is how a wait for a session's lock came out.
type Lock string

// The results of waits.
const (
	LockTaken  Lock = "taken"
	LockBusy   Lock = "busy"   // given up
	LockFailed Lock = "failed" // Redis
)

// Waiting is a wait for a session's lock.
type Waiting struct {
	o     *Observer
	start time.Time
	span  span
}

// LockWait is told that a request waits for its session's lock; End must be called.
// Whatever commands are sent with polling, a trace shows one wait.
func (o *Observer) LockWait(ctx context.Context) (polling context.Context, w Waiting) {
	if o == nil {
		return ctx, Waiting{}
	}
	w = Waiting{o: o, start: time.Now()}
	polling, w.span = o.o.Tracing.whole(ctx, "session lock")
	return polling, w
}

// errNotTaken fails the span of a wait in vain.
var errNotTaken = errors.New("the lock was not taken")

// End is told how the wait came out.
func (w Waiting) End(result Lock) {
	if w.o == nil {
		return
	}
	w.o.requests.lockWait.WithLabelValues(string(result)).Observe(time.Since(w.start).Seconds())
	if result == LockTaken {
		w.span.end(nil)
	} else {
		w.span.end(errNotTaken)
	}
}
