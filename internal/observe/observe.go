// Package observe is told once where something happens: metrics, records of the
// log, the story of carts and orders, and spans of traces follow from it. There is
// a method per happening, and what follows stands together there.
//
// No metric has an ID among its labels, and every label's values are of a bounded
// set. No span, record or entry of the story holds an address, a query, a cookie,
// a token or anything that a shopper typed.
package observe

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/story"
)

// Options of an Observer. None is required.
type Options struct {
	Redis   redis.UniversalClient // watched from now on, which is before it is used
	Logger  *slog.Logger
	Story   Story
	Tracing *Tracing // nil: no traces
	// Queues are what waits in Redis, and Unacknowledged tells of orders that are not
	// acknowledged. They are asked when metrics are read.
	Queues         []redisconn.Queue
	Unacknowledged func(context.Context, redis.UniversalClient) (n int64, oldest time.Time, err error)
}

// Story takes the entries of the story; a *story.Log does.
type Story interface {
	Record(story.Entry) // never waits
	// Counts are how many entries were written and how many were dropped.
	Counts() (written, dropped int64)
}

// Observer is told what happens in a process. A nil *Observer does nothing. Safe
// for concurrent use.
type Observer struct {
	o       Options
	metrics metrics

	mu     sync.Mutex
	pushes map[*time.Time]struct{} // that are being worked on, by when it began
}

// New returns an observer. The error says that commands of such a Redis client
// cannot be traced.
func New(o Options) (*Observer, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redis != nil {
		if err := o.Tracing.useRedis(o.Redis); err != nil {
			return nil, err
		}
	}
	ob := &Observer{o: o, metrics: newMetrics(), pushes: map[*time.Time]struct{}{}}
	ob.showPushes()
	ob.showStory()
	if o.Redis != nil {
		o.Redis.AddHook(newRedisHook(ob.metrics))
		ob.metrics.showPool(o.Redis)
		if o.Unacknowledged != nil {
			ob.metrics.MustRegister(newWaiting(o))
		}
	}
	return ob, nil
}

// Metrics serves what Prometheus reads.
func (o *Observer) Metrics() http.Handler {
	return promhttp.HandlerFor(o.metrics, promhttp.HandlerOpts{})
}
