package server

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/session"
)

// Metrics is what /metrics shows; docs/monitoring.md explains each. No label holds an
// ID, and every label's values are of a bounded set. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
	failures *prometheus.CounterVec
	lockWait *prometheus.HistogramVec
	retries  prometheus.Counter

	klarna        *prometheus.HistogramVec
	klarnaRetries *prometheus.CounterVec
	syncs         *prometheus.CounterVec
	replacements  *prometheus.CounterVec
	called        *prometheus.CounterVec
	leftBehind    *prometheus.CounterVec

	orders    *prometheus.CounterVec
	placed    *prometheus.CounterVec
	amount    *prometheus.CounterVec
	flagged   *prometheus.CounterVec
	commands  *prometheus.CounterVec
	bulkItems *prometheus.CounterVec

	rounds   *prometheus.CounterVec
	roundFor *prometheus.HistogramVec
	roundEnd *prometheus.GaugeVec

	story *prometheus.CounterVec
}

// The loops, as their rounds are labelled.
const (
	loopReconcile  = "reconcile"
	loopLeftBehind = "left_behind"
)

// NewMetrics returns metrics of the process, its requests, its calls to Klarna, of
// rdb, which it watches from now on, and of what waits there.
func NewMetrics(rdb redis.UniversalClient) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.ofRequests()
	m.ofKlarna()
	m.ofOrders()
	m.ofLoops(time.Now())
	m.story = m.counters("shopd_story_entries_total", "Calls and callbacks noted for the inspector: written, or dropped because Redis did not take them in time.", "result")
	m.story.WithLabelValues(inspect.Dropped)

	commands := newRedisHook()
	rdb.AddHook(commands)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "shopd_build_info", Help: "Always 1: which shopd this is.",
		ConstLabels: prometheus.Labels{"version": buildVersion(), "go_version": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, redisPool{rdb}, commands, newWaiting(rdb),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (m *Metrics) ofRequests() {
	m.requests = m.histograms("shopd_request_duration_seconds", "Requests by method, route pattern and status code.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 12}, "method", "route", "code")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "shopd_requests_in_flight", Help: "Requests that are being served."})
	m.failures = m.counters("shopd_failures_total", "Shoppers' requests that were answered with an error, by route pattern and the error's code.", "route", "code")
	m.lockWait = m.histograms("shopd_session_lock_wait_seconds", "Waits for a session's lock: taken, busy (given up), failed (Redis).",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 6}, "result")
	m.retries = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "shopd_cart_retries_total", Help: "Changes of a cart that were made anew because somebody else was faster.",
	})
	m.registry.MustRegister(m.inFlight, m.retries)
	for _, result := range []string{session.LockTaken, session.LockBusy, session.LockFailed} {
		m.lockWait.WithLabelValues(result)
	}
}

func (m *Metrics) ofKlarna() {
	m.klarna = m.histograms("shopd_klarna_call_duration_seconds", "Tries of calls to Klarna by operation and status code, 0 without an answer.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2, 4}, "operation", "code")
	m.klarnaRetries = m.counters("shopd_klarna_retries_total", "Tries of calls to Klarna after the first.", "operation")
	m.syncs = m.counters("shopd_syncs_total", "Runs that brought a cart's order or payment session in sync, by how they started and ended.", "product", "mode", "result")
	m.replacements = m.counters("shopd_sync_replacements_total", "Orders and payment sessions that were given up for a new one, and why.", "product", "reason")
	m.called = m.counters("shopd_callbacks_total", "Klarna's calls to us, and what they were answered.", "callback", "result")
	m.leftBehind = m.counters("shopd_left_behind_total", "Looks at an order that was left behind, and what came of it.", "result")
	for _, product := range []string{ProductKCO, ProductPayments} {
		for _, mode := range []cartsync.Mode{cartsync.Load, cartsync.Change, cartsync.Repair} {
			for _, result := range cartsync.Results() {
				m.syncs.WithLabelValues(product, mode.String(), result)
			}
		}
		for _, reason := range cartsync.Replacements() {
			m.replacements.WithLabelValues(product, string(reason))
		}
	}
	for _, result := range kco.LeftResults() {
		m.leftBehind.WithLabelValues(result)
	}
}

func (m *Metrics) ofOrders() {
	m.orders = m.counters("shopd_order_book_total", "What the order book did, and with what result.", "event", "result")
	m.placed = m.counters("shopd_orders_placed_total", "Orders that came into the book.", "product", "country", "currency")
	m.amount = m.counters("shopd_orders_placed_minor_units_total", "Their amounts, in minor units of the currency.", "country", "currency")
	m.flagged = m.counters("shopd_orders_flagged_total", "Orders that the merchant should look at, and why.", "flag")
	m.commands = m.counters("shopd_commands_total", "After-sales commands by action and result.", "action", "result")
	m.bulkItems = m.counters("shopd_bulk_items_total", "Orders of bulk captures that were tried: done, refused, or pending where Klarna has not answered.", "result")
	for _, flag := range []order.Flag{order.NotCurrent, order.Oversold, order.NoCart} {
		m.flagged.WithLabelValues(string(flag))
	}
	for _, result := range []string{string(order.Done), string(order.Refused), order.ResultPending} {
		m.bulkItems.WithLabelValues(result)
	}
	// What alerts count from zero.
	for _, event := range []string{order.EventPlace, order.EventRefresh, order.EventReservation, order.EventLeftBehind, order.EventAuthorization} {
		m.orders.WithLabelValues(event, order.ResultForeign)
	}
}

func (m *Metrics) ofLoops(now time.Time) {
	m.rounds = m.counters("shopd_rounds_total", "Rounds of the loops: done, failed, or elsewhere because another process was at it.", "loop", "result")
	m.roundFor = m.histograms("shopd_round_duration_seconds", "Duration of the rounds that this process did.",
		[]float64{.001, .005, .025, .1, .5, 1, 5, 15, 50}, "loop")
	m.roundEnd = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shopd_round_finished_timestamp_seconds",
		Help: "When this process last finished a round without a failure, or was started.",
	}, []string{"loop"})
	m.registry.MustRegister(m.roundEnd)
	for _, loop := range []string{loopReconcile, loopLeftBehind} {
		for _, result := range []string{order.ResultDone, order.ResultFailed, order.ResultElsewhere} {
			m.rounds.WithLabelValues(loop, result)
		}
		m.roundEnd.WithLabelValues(loop).Set(float64(now.Unix()))
	}
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// WatchPushes shows how many pushes and notifications the process is working on, and
// for how long on the oldest, as running tells. It may be called once.
func (m *Metrics) WatchPushes(running func() (n int, oldest time.Time)) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "shopd_pushes_running", Help: "Pushes and notifications that are being worked on, also after their answer.",
		}, func() float64 {
			n, _ := running()
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "shopd_pushes_oldest_seconds", Help: "For how long the oldest of them has been worked on; 0 without any.",
		}, func() float64 {
			_, oldest := running()
			return secondsSince(oldest, time.Now())
		}))
}

// secondsSince is how long ago t was at now, 0 for no time or one to come.
func secondsSince(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
