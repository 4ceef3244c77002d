package observe

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Kind says how a request is traced.
type Kind int

// The kinds.
const (
	Traced   Kind = iota // a trace of its own
	Joining              // from Klarna: Join chooses the trace
	Untraced             // a health check or an asset; logged at level DEBUG
)

// Serving is a request under way.
type Serving struct {
	o     *Observer
	start time.Time
	span  *requestSpan // nil without traces
	heard *heard
}

// Request reports that a request begins. The caller must call End. The trace that the
// request names as its own is not believed, see Tracing.request.
func (o *Observer) Request(ctx context.Context, header http.Header, kind Kind) (context.Context, Serving) {
	if o == nil {
		return ctx, Serving{}
	}
	s := Serving{o: o, start: time.Now(), heard: new(heard)}
	ctx = About(ctx, Subject{heard: s.heard})
	o.metrics.inFlight.Inc()
	if o.o.Tracing != nil && kind != Untraced {
		ctx, s.span = o.o.Tracing.request(ctx, header, s.start, kind == Joining)
	}
	return ctx, s
}

// Served is how a request ended.
type Served struct {
	Method, Route string // of bounded sets; the route is a pattern, "" for none
	Status        int    // 0: it was cut off
	Bytes         int
	Kind          Kind
}

// End logs and measures the request, and ends its span. It keeps neither path, query
// nor client address: they may hold tokens or personal data.
func (s Serving) End(ctx context.Context, served Served) {
	if s.o == nil {
		return
	}
	s.o.metrics.inFlight.Dec()
	served.Route = cmp.Or(served.Route, noRoute)
	if served.Status != 0 {
		took := time.Since(s.start)
		s.o.metrics.requests.WithLabelValues(served.Method, served.Route, statusLabel(served.Status)).Observe(took.Seconds())
		level := slog.LevelInfo
		if served.Kind == Untraced {
			level = slog.LevelDebug
		}
		s.o.o.Logger.LogAttrs(ctx, level, "request", append([]slog.Attr{
			slog.String("method", served.Method), slog.String("route", served.Route), slog.Int("status", served.Status),
			slog.Int("bytes", served.Bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		}, s.heard.attrs()...)...)
	}
	if s.span != nil {
		s.span.end(ctx, served)
	}
}

// Lane is a kind of requests that share places.
type Lane string

// The lanes.
const (
	LaneShoppers  Lane = "shoppers"
	LanePurchases Lane = "purchases" // under way: placing, confirmation
	LaneCallbacks Lane = "callbacks" // Klarna's
	LaneMerchant  Lane = "merchant"  // API and back office
)

// Shed reports that a request was sent away, because its lane was full.
func (o *Observer) Shed(l Lane) {
	if o != nil {
		o.metrics.shed.WithLabelValues(string(l)).Inc()
	}
}

// noRoute is the label of a request without a route.
const noRoute = "none"

// Failure reports that a shopper's request is answered with an error. route is the
// pattern of the route, code that of the error. err is a fault of ours, else nil.
func (o *Observer) Failure(ctx context.Context, route, code string, err error) {
	if o == nil {
		return
	}
	o.metrics.failures.WithLabelValues(cmp.Or(route, noRoute), code).Inc()
	hear(ctx, words{code: code})
	if err != nil {
		o.o.Logger.ErrorContext(ctx, "request failed", "code", code, "error", err)
	}
}

// CartRetry reports that a change of a cart is tried again, because another change was
// faster.
func (o *Observer) CartRetry() {
	if o != nil {
		o.metrics.cartRetries.Inc()
	}
}

// Lock is the result of a wait for a session's lock.
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

// LockWait reports that a request waits for its session's lock. The caller must call
// End. Commands sent with polling have no spans: a trace shows one wait.
func (o *Observer) LockWait(ctx context.Context) (polling context.Context, w Waiting) {
	if o == nil {
		return ctx, Waiting{}
	}
	w = Waiting{o: o, start: time.Now()}
	polling, w.span = o.o.Tracing.whole(ctx, "session lock")
	return polling, w
}

// errNotTaken marks the span of a wait that ended without the lock.
var errNotTaken = errors.New("the lock was not taken")

// End reports the result of the wait.
func (w Waiting) End(result Lock) {
	if w.o == nil {
		return
	}
	w.o.metrics.lockWaits.WithLabelValues(string(result)).Observe(time.Since(w.start).Seconds())
	if result == LockTaken {
		w.span.end(nil)
	} else {
		w.span.end(errNotTaken)
	}
}
