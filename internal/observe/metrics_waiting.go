package observe

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopd/shopd/internal/redisconn"
)

// waitingTime is how long a scrape waits for Redis.
const waitingTime = 500 * time.Millisecond

// waiting reads the lengths of the waiting lists from Redis at each scrape. All
// processes show the same. It takes two round trips; when they fail it shows nothing.
type waiting struct {
	o      Options
	errors prometheus.Counter
}

var (
	queueEntries  = prometheus.NewDesc("shopd_queue_entries", "What the loops look after, in Redis.", []string{"queue"}, nil)
	queueOverdue  = prometheus.NewDesc("shopd_queue_overdue_seconds", "For how long the entry that is due first has been due; 0 while none is.", []string{"queue"}, nil)
	unackedOrders = prometheus.NewDesc("shopd_unacknowledged_orders", "Orders of the book of which Klarna has not been told that we have them.", nil, nil)
	unackedOldest = prometheus.NewDesc("shopd_unacknowledged_oldest_seconds", "How long ago the oldest of them was bought; 0 without any.", nil, nil)
)

func newWaiting(o Options) *waiting {
	return &waiting{o: o, errors: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "shopd_queue_errors_total", Help: "Scrapes that Redis did not tell what waits.",
	})}
}

// Describe implements prometheus.Collector.
func (s *waiting) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueEntries
	ch <- queueOverdue
	ch <- unackedOrders
	ch <- unackedOldest
	s.errors.Describe(ch)
}

// Collect implements prometheus.Collector.
func (s *waiting) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), waitingTime)
	defer cancel()
	if err := s.collect(ctx, ch); err != nil {
		s.errors.Inc()
	}
	s.errors.Collect(ch)
}

func (s *waiting) collect(ctx context.Context, ch chan<- prometheus.Metric) error {
	lengths, err := redisconn.Lengths(ctx, s.o.Redis, s.o.Queues)
	if err != nil {
		return err
	}
	unacked, oldest, err := s.o.Unacknowledged(ctx, s.o.Redis)
	if err != nil {
		return err
	}
	now := time.Now()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, l := range lengths {
		gauge(queueEntries, float64(l.Entries), l.Name)
		gauge(queueOverdue, secondsSince(l.Due, now), l.Name)
	}
	gauge(unackedOrders, float64(unacked))
	gauge(unackedOldest, secondsSince(oldest, now))
	return nil
}
