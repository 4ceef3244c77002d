package observe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Queue is a list of the tasks of a loop.
type Queue struct {
	Name string // for metrics, of a bounded set
	// Length returns how many entries it has, and when the first is due, zero for none.
	Length func(context.Context) (n int64, due time.Time, err error)
}

// SortedQueue is a queue that a sorted set of Redis has, by milliseconds of Unix time. Its
// entries are due so long after that.
func SortedQueue(rdb redis.UniversalClient, name, key string, after time.Duration) Queue {
	return Queue{Name: name, Length: func(ctx context.Context) (n int64, due time.Time, err error) {
		var count *redis.IntCmd
		var first *redis.ZSliceCmd
		if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			count, first = p.ZCard(ctx, key), p.ZRangeWithScores(ctx, key, 0, 0)
			return nil
		}); err != nil {
			return 0, time.Time{}, fmt.Errorf("length of queue: %w", err)
		}
		if list := first.Val(); len(list) > 0 {
			due = time.UnixMilli(int64(list[0].Score)).Add(after)
		}
		return count.Val(), due, nil
	}}
}

// waitingTime is how long a scrape waits for Redis and the database.
const waitingTime = 500 * time.Millisecond

// waiting reads the lengths of the waiting lists at each scrape. All processes show the
// same. What cannot be read is not shown.
type waiting struct {
	database func(context.Context) error
	queues   []Queue
	unacked  Queue
	errors   prometheus.Counter
}

var (
	databaseUp    = prometheus.NewDesc("shopd_database_up", "1 if the database answers this process and takes writes, else 0.", nil, nil)
	queueEntries  = prometheus.NewDesc("shopd_queue_entries", "What the loops look after.", []string{"queue"}, nil)
	queueOverdue  = prometheus.NewDesc("shopd_queue_overdue_seconds", "For how long the entry that is due first has been due; 0 while none is.", []string{"queue"}, nil)
	unackedOrders = prometheus.NewDesc("shopd_unacknowledged_orders", "Orders of the book of which Klarna has not been told that we have them.", nil, nil)
	unackedOldest = prometheus.NewDesc("shopd_unacknowledged_oldest_seconds", "How long ago the oldest of them was bought; 0 without any.", nil, nil)
)

// Watch shows from now on whether the database is up, the lengths of queues, and of the
// orders of which Klarna does not know that we have them. It is called once.
func (o *Observer) Watch(database func(context.Context) error, unacknowledged Queue, queues ...Queue) {
	o.metrics.MustRegister(&waiting{database: database, queues: queues, unacked: unacknowledged, errors: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "shopd_queue_errors_total", Help: "Queues that could not be read at a scrape.",
	})})
}

// Describe implements prometheus.Collector.
func (s *waiting) Describe(ch chan<- *prometheus.Desc) {
	ch <- databaseUp
	ch <- queueEntries
	ch <- queueOverdue
	ch <- unackedOrders
	ch <- unackedOldest
	s.errors.Describe(ch)
}

// Collect implements prometheus.Collector. It asks all at once, so that a Redis that hangs
// takes nothing off what the database says, nor the other way round.
func (s *waiting) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), waitingTime)
	defer cancel()
	now := time.Now()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	var asking sync.WaitGroup
	ask := func(q Queue, entries, due *prometheus.Desc, labels ...string) {
		asking.Go(func() {
			n, first, err := q.Length(ctx)
			if err != nil {
				s.errors.Inc()
				return
			}
			gauge(entries, float64(n), labels...)
			gauge(due, secondsSince(first, now), labels...)
		})
	}
	for _, q := range s.queues {
		ask(q, queueEntries, queueOverdue, q.Name)
	}
	ask(s.unacked, unackedOrders, unackedOldest)
	up := 1.0
	if s.database(ctx) != nil {
		up = 0
	}
	gauge(databaseUp, up)
	asking.Wait()
	s.errors.Collect(ch)
}
