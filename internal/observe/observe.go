// Package observe makes metrics, log records, the story of carts and orders, and
// trace spans. Code reports an event once, by one method of the Observer. That
// method makes everything that follows from the event.
//
// No metric has an ID as a label, and each label has a bounded set of values. No
// span, record or story entry holds an address, a query, a cookie, a token or text
// that a shopper typed.
package observe

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/story"
)

// Options of an Observer. None is required.
type Options struct {
	Redis   redis.UniversalClient // its commands are measured from now on
	Logger  *slog.Logger
	Story   Story
	Tracing *Tracing // nil: no traces
}

// Story takes the entries of the story; a *story.Log does.
type Story interface {
	Record(story.Entry) // never waits
	// Counts are how many entries were written and how many were dropped.
	Counts() (written, dropped int64)
}

// Observer takes the reports of one process. A nil *Observer does nothing. Safe for
// concurrent use.
type Observer struct {
	o       Options
	metrics metrics

	mu     sync.Mutex
	pushes map[*time.Time]struct{} // that are being worked on, by when it began
}

// New returns an observer. It fails when the commands of this kind of Redis client
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
		ob.metrics.MustRegister(fullness{o.Redis})
	}
	return ob, nil
}

// Metrics serves what Prometheus reads.
func (o *Observer) Metrics() http.Handler {
	return promhttp.HandlerFor(o.metrics, promhttp.HandlerOpts{})
}
