package observe

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/shopd/shopd/internal/build"
	"github.com/shopd/shopd/internal/db"
)

// metrics are the metrics of an observer. docs/monitoring.md explains each.
type metrics struct {
	*prometheus.Registry
	requests, lockWaits, calls, roundTimes, hooks, webhooks *prometheus.HistogramVec

	failures, callRetries, callbacks, syncs, replacements, book, placed, amount,
	shed, flagged, commands, rounds, bulkItems, leftBehind, mended, deliveries, reloads *prometheus.CounterVec

	inFlight     prometheus.Gauge
	cartRetries  prometheus.Counter
	finished     *prometheus.GaugeVec
	webhookOff   *prometheus.GaugeVec
	reloadFailed prometheus.Gauge
}

// newMetrics registers all metrics except those of Redis.
func newMetrics() metrics {
	m := metrics{
		Registry:     prometheus.NewRegistry(),
		inFlight:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "shopd_requests_in_flight", Help: "Requests that are being served."}),
		cartRetries:  prometheus.NewCounter(prometheus.CounterOpts{Name: "shopd_cart_retries_total", Help: "Changes of a cart that were made anew because somebody else was faster."}),
		finished:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "shopd_round_finished_timestamp_seconds", Help: "When this process last finished a round without a failure, or was started."}, []string{"loop"}),
		webhookOff:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "shopd_webhook_off", Help: "1 for an endpoint of webhooks that is switched off, else 0."}, []string{"endpoint"}),
		reloadFailed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "shopd_reload_failed", Help: "1 if secrets, staff and keys could not be read again the last time, else 0."}),
	}
	m.MustRegister(m.reloadFailed, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.inFlight, m.cartRetries, m.finished, m.webhookOff)
	is := build.Read()
	m.gauge("shopd_build_info", "Always 1: which shopd this is.",
		prometheus.Labels{"version": is.Version, "commit": is.Commit, "schema": strconv.FormatInt(db.Schema(), 10), "go_version": is.Go}, func() float64 { return 1 })

	m.requests = m.histograms("shopd_request_duration_seconds", "Requests by method, route pattern and status code.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 12}, "method", "route", "code")
	m.lockWaits = m.histograms("shopd_session_lock_wait_seconds", "Waits for a session's lock: taken, busy (given up), failed (Redis).",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 6}, "result")
	m.calls = m.histograms("shopd_klarna_call_duration_seconds", "Tries of calls to Klarna by operation and status code, 0 without an answer.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2, 4}, "operation", "code")
	m.hooks = m.histograms("shopd_hook_duration_seconds", "Questions to the merchant's server, and what came of them.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3}, "hook", "result")
	m.roundTimes = m.histograms("shopd_round_duration_seconds", "Duration of the rounds that this process did.",
		[]float64{.001, .005, .025, .1, .5, 1, 5, 15, 50}, "loop")

	m.shed = m.counters("shopd_requests_shed_total", "Requests that were sent away with a 503 because too many were being served, by lane.", "lane")
	m.failures = m.counters("shopd_failures_total", "Shoppers' requests that were answered with an error, by route pattern and the error's code.", "route", "code")
	m.callRetries = m.counters("shopd_klarna_retries_total", "Tries of calls to Klarna after the first.", "operation")
	m.callbacks = m.counters("shopd_callbacks_total", "Klarna's calls to us, and what they were answered.", "callback", "result")
	m.syncs = m.counters("shopd_syncs_total", "Runs that brought a cart's order or payment session in sync, by how they started and ended.", "product", "mode", "result")
	m.replacements = m.counters("shopd_sync_replacements_total", "Orders and payment sessions that were given up for a new one, and why.", "product", "reason")
	m.book = m.counters("shopd_order_book_total", "What the order book did, and with what result.", "event", "result")
	m.placed = m.counters("shopd_orders_placed_total", "Orders that came into the book.", "product", "country", "currency")
	m.amount = m.counters("shopd_orders_placed_minor_units_total", "Their amounts, in minor units of the currency.", "country", "currency")
	m.flagged = m.counters("shopd_orders_flagged_total", "Orders that the merchant should look at, and why.", "flag")
	m.commands = m.counters("shopd_commands_total", "After-sales commands by action and result.", "action", "result")
	m.rounds = m.counters("shopd_rounds_total", "Rounds of the loops: done, failed, or elsewhere because another process was at it.", "loop", "result")
	m.bulkItems = m.counters("shopd_bulk_items_total", "Orders of bulk captures that were tried: done, refused, or pending where Klarna has not answered.", "result")
	m.leftBehind = m.counters("shopd_left_behind_total", "Looks at an order that was left behind, and what came of it.", "result")
	m.mended = m.counters("shopd_late_updates_total", "Looks at an order or payment session on which an update without an answer may have landed late, and what came of it.", "result")
	m.deliveries = m.counters("shopd_deliveries_total", "Tries to deliver an event, by receiver and what came of it.", "receiver", "result")
	m.reloads = m.counters("shopd_reloads_total", "Times that secrets, staff and keys were read again: done or failed.", "result")
	m.webhooks = m.histograms("shopd_webhook_duration_seconds", "Calls of the merchant's endpoints by what they answered.",
		[]float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 15}, "endpoint", "result")
	m.showZeros()
	return m
}

// showZeros makes the series that alerts count from zero: of one that begins with 1 they
// would not see the first.
func (m metrics) showZeros() {
	products, loops := labels(KCO, Payments), labels(LoopReconcile, LoopLeftBehind, LoopMend, LoopErase)
	zero(m.shed.MetricVec, labels(LaneShoppers, LanePurchases, LaneCallbacks, LaneMerchant))
	zero(m.lockWaits.MetricVec, labels(LockTaken, LockBusy, LockFailed))
	zero(m.syncs.MetricVec, products, labels("load", "change", "repair", "free", "push"), labels(
		SyncNothing, SyncUpdated, SyncCreated, SyncReplaced, SyncEmpty, SyncFree, SyncComplete, SyncBought,
		SyncPurchaseRunning, SyncNothingToRepair, SyncRefused, SyncUnavailable))
	zero(m.replacements.MetricVec, products, labels("gone", "ended", "refused", "locked", "failed", "unanswered"))
	zero(m.book.MetricVec, append(labels(BookPlace, BookRefresh, BookAuthorization), labels(WorkReservation, WorkLeftBehind)...), labels(ResultForeign))
	zero(m.flagged.MetricVec, labels("not_current", "oversold", "no_cart", "duplicate_number", "withdrawal_requested"))
	zero(m.rounds.MetricVec, loops, labels(ResultDone, ResultFailed, elsewhere))
	zero(m.bulkItems.MetricVec, labels(ResultDone, ResultRefused, ResultPending))
	zero(m.leftBehind.MetricVec, labels(ResultAborted, ResultGone, ResultReadOnly, ResultExpired, ResultInUse, ResultReserved, ResultFailed))
	zero(m.mended.MetricVec, labels(ResultDone, ResultMended, ResultGone, ResultReserved, ResultRefused, ResultFailed))
	m.showDeliveries("mail")
	zero(m.reloads.MetricVec, labels(ResultDone, ResultFailed))
	zero(m.hooks.MetricVec, labels(HookDelivery, HookValidate), labels(HookAnswered, HookBadAnswer, HookNoAnswer, HookNotAsked))
	for _, loop := range loops {
		m.finished.WithLabelValues(loop).SetToCurrentTime()
	}
}

func labels[T ~string](values ...T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

// zero makes a series for each combination of label values: one list for each label.
func zero(v *prometheus.MetricVec, values ...[]string) {
	rows := [][]string{nil}
	for _, further := range values {
		var longer [][]string
		for _, row := range rows {
			for _, value := range further {
				longer = append(longer, append(slices.Clip(row), value))
			}
		}
		rows = longer
	}
	for _, row := range rows {
		if _, err := v.GetMetricWithLabelValues(row...); err != nil {
			panic(err)
		}
	}
}

func (m metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.MustRegister(c)
	return c
}

func (m metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.MustRegister(h)
	return h
}

// gauge shows a gauge whose value is read when it is shown.
func (m metrics) gauge(name, help string, labels prometheus.Labels, read func() float64) {
	m.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// counter shows a counter whose value is read when it is shown.
func (m metrics) counter(name, help string, labels prometheus.Labels, read func() float64) {
	m.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// other is the label for any value that is not known.
const other = "other"

// statuses are the HTTP status codes as labels, so that no request makes one.
var statuses = func() (texts [600]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	return texts
}()

func statusLabel(status int) string {
	if status < 0 || status >= len(statuses) {
		return other
	}
	return statuses[status]
}

// secondsSince is how long ago t was at now. It is 0 for no time, and for one to come.
func secondsSince(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
