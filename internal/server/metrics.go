package server

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
)

// Metrics is what /metrics shows. No label holds an ID.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	klarna   *prometheus.HistogramVec
	orders   *prometheus.CounterVec
	open     prometheus.Gauge
	called   *prometheus.CounterVec
	story    *prometheus.CounterVec
}

// NewMetrics returns metrics of the process, its requests, its calls to Klarna and the
// connections of rdb.
func NewMetrics(rdb redis.UniversalClient) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "shopd_request_duration_seconds", Help: "Requests by method, route pattern and status code.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 12},
		}, []string{"method", "route", "code"}),
		klarna: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "shopd_klarna_call_duration_seconds", Help: "Tries of calls to Klarna by operation and status code, 0 without an answer.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2, 4},
		}, []string{"operation", "code"}),
		orders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shopd_order_book_total", Help: "What the order book did, and with what result.",
		}, []string{"event", "result"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "shopd_order_book_unfinished", Help: "Orders that are not acknowledged, whose cart is not closed or whose risk is not decided, as the last round of the loop in this process saw them.",
		}),
	}
	m.called = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shopd_callbacks_total", Help: "Klarna's calls to us, and what they were answered.",
	}, []string{"callback", "result"})
	m.story = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shopd_story_entries_total", Help: "Calls and callbacks noted for the inspector: written, or dropped because Redis did not take them in time.",
	}, []string{"result"})
	m.registry.MustRegister(m.requests, m.klarna, m.orders, m.open, m.called, m.story, redisPool{rdb},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ObserveKlarna counts one try of a call; it is klarna.Config's Observe.
func (m *Metrics) ObserveKlarna(c klarna.Call) {
	m.klarna.WithLabelValues(c.Operation, strconv.Itoa(c.Status)).Observe(c.Duration.Seconds())
}

// ObserveOrder counts what the order book did; it is order.Book's Observe.
func (m *Metrics) ObserveOrder(e order.Event) {
	m.orders.WithLabelValues(e.Event, e.Result).Inc()
	if e.Event == order.EventRound {
		m.open.Set(float64(e.Open))
	}
}

// ObserveCallback counts a call of Klarna's by its name and result.
func (m *Metrics) ObserveCallback(callback, result string) {
	m.called.WithLabelValues(callback, result).Inc()
}

// ObserveStory counts entries of the story; it is inspect.Options' Observe.
func (m *Metrics) ObserveStory(result string, n int) {
	m.story.WithLabelValues(result).Add(float64(n))
}

// redisPool collects the state of a client's connection pool.
type redisPool struct{ rdb redis.UniversalClient }

var (
	poolConnections = prometheus.NewDesc("shopd_redis_pool_connections", "Connections to Redis.", []string{"state"}, nil)
	poolTimeouts    = prometheus.NewDesc("shopd_redis_pool_timeouts_total", "Waits for a connection that were given up.", nil, nil)
	poolMisses      = prometheus.NewDesc("shopd_redis_pool_misses_total", "Times that no free connection was found.", nil, nil)
)

// Describe implements prometheus.Collector.
func (redisPool) Describe(ch chan<- *prometheus.Desc) {
	ch <- poolConnections
	ch <- poolTimeouts
	ch <- poolMisses
}

// Collect implements prometheus.Collector.
func (p redisPool) Collect(ch chan<- prometheus.Metric) {
	s := p.rdb.PoolStats()
	ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(s.IdleConns), "idle")
	ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(s.TotalConns-s.IdleConns), "busy")
	ch <- prometheus.MustNewConstMetric(poolTimeouts, prometheus.CounterValue, float64(s.Timeouts))
	ch <- prometheus.MustNewConstMetric(poolMisses, prometheus.CounterValue, float64(s.Misses))
}
