package observe

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// registry is where metrics are registered when they are made.
type registry struct{ *prometheus.Registry }

// newRegistry returns one with the metrics of the process.
func newRegistry() registry {
	r := registry{prometheus.NewRegistry()}
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	r.gauge("shopd_build_info", "Always 1: which shopd this is.",
		prometheus.Labels{"version": version, "go_version": runtime.Version()}, func() float64 { return 1 })
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func (r registry) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.MustRegister(c)
	return c
}

func (r registry) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(h)
	return h
}

// gauge shows a gauge whose value is read when it is shown.
func (r registry) gauge(name, help string, labels prometheus.Labels, read func() float64) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// counter shows a counter whose value is read when it is shown.
func (r registry) counter(name, help string, labels prometheus.Labels, read func() float64) {
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// other is the label of what is none of the values known.
const other = "other"

// statuses are the HTTP status codes as labels, so that none is made per request.
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

// secondsSince is how long ago t was at now, 0 for no time or one to come.
func secondsSince(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
