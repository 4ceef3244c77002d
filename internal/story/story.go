// Package story keeps the story of carts and their orders for 7 days: each call to
// Klarna and each call from Klarna. No shopper waits for it: entries go through a
// bounded queue and are dropped when it is full. They hold no personal data, token or
// body.
package story

import (
	"cmp"
	"crypto/rand"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limits of what is kept.
const (
	Lifetime = 7 * 24 * time.Hour // of an entry
	// PerStory is how many entries a cart or an order has at most; the newest
	// are kept.
	PerStory = 200
	// storyBytes is how much they take about, where they are large: those of a cart with many lines. As
	// many as fewest are kept.
	storyBytes = 32 << 10
	fewest     = 20
	// queueSize is how many entries wait to be written before more are dropped.
	queueSize = 4096
)

// Kind is the direction of a call.
type Kind string

// The kinds.
const (
	ToKlarna   Kind = "call"     // one try of a call to Klarna
	FromKlarna Kind = "callback" // a call of Klarna's
)

// Entry is one thing that happened.
type Entry struct {
	ID            string        `json:"id"` // unique
	At            time.Time     `json:"at"` // when it began
	Kind          Kind          `json:"kind"`
	CartID        string        `json:"cart_id,omitempty"`
	OrderID       string        `json:"order_id,omitempty"`
	Operation     string        `json:"operation"` // "update kco order"; of a callback its name
	Method        string        `json:"method"`
	Path          string        `json:"path"`             // the pattern, without IDs and tokens
	Status        int           `json:"status,omitempty"` // HTTP; 0 = no answer
	Duration      time.Duration `json:"duration"`         // ns
	Try           int           `json:"try,omitempty"`    // of a call, from 1
	CorrelationID string        `json:"correlation_id,omitempty"`
	// Result is our answer to a callback. For a call it is Klarna's error code, or the
	// reason why there was no answer; "" = success.
	Result string `json:"result,omitempty"`
	Facts  []Fact `json:"facts,omitempty"`
}

// Fact is a member of an order with its value. Neither is ever personal data, a
// token or a URL.
type Fact struct {
	Name  string `json:"n"` // "order_amount", "quantity MUG-1"
	Value string `json:"v"`
}

// Number is a fact that is a whole number.
func Number[T ~int | ~int32 | ~int64](name string, n T) Fact {
	return Fact{Name: name, Value: strconv.FormatInt(int64(n), 10)}
}

// Options of a Log. Redis and Logger are required.
type Options struct {
	Redis  redis.UniversalClient
	Logger *slog.Logger
	// QueueSize is for tests; 0 is the default.
	QueueSize int
}

// Log takes entries and writes them in the background. Safe for concurrent use.
type Log struct {
	o                Options
	queue            chan Entry
	origin           string // of the entries' IDs: this process
	number           atomic.Int64
	written, dropped atomic.Int64
}

// New returns a log. Nothing is written before Run.
func New(o Options) *Log {
	return &Log{o: o, queue: make(chan Entry, cmp.Or(o.QueueSize, queueSize)), origin: rand.Text()[:12]}
}

// Record takes an entry and sets its ID. It never waits. It ignores an entry without
// cart and order.
func (l *Log) Record(e Entry) {
	if e.CartID == "" && e.OrderID == "" {
		return
	}
	e.ID = l.origin + strconv.FormatInt(l.number.Add(1), 36)
	select {
	case l.queue <- e:
	default:
		l.dropped.Add(1)
	}
}

// Counts returns how many entries were written and how many dropped. An entry is dropped
// when the queue is full, or when Redis is away as the process ends.
func (l *Log) Counts() (written, dropped int64) { return l.written.Load(), l.dropped.Load() }
