// Package inspect keeps the story of carts and their orders: each call to
// Klarna and each of Klarna's calls to us, for 7 days. It never keeps a shopper
// waiting: entries go through a bounded queue and are dropped when it is full.
// They hold no personal data, token or body.
package inspect

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/klarna"
)

// Limits of what is kept.
const (
	Lifetime = 7 * 24 * time.Hour // of an entry
	// PerStory is how many entries a cart or an order has at most; the newest
	// are kept.
	PerStory = 200
	// queueSize is how many entries wait to be written before more are dropped.
	queueSize = 4096
	maxText   = 64 // bytes of a code, ID or result from outside
)

// Kind says who called whom.
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
	// Result is of a callback what it was answered, of a call Klarna's error
	// code or why there was no answer; "" = all is well.
	Result string        `json:"result,omitempty"`
	Facts  []klarna.Fact `json:"facts,omitempty"`
}

// Results of entries, of Options.Observe.
const (
	Written = "written"
	Dropped = "dropped" // the queue was full, or Redis away when the process ended
)

// Options of a Log. Redis and Logger are required.
type Options struct {
	Redis  redis.UniversalClient
	Logger *slog.Logger
	// Observe counts entries by Written and Dropped; it may be nil.
	Observe func(result string, n int)
	// QueueSize is for tests; 0 is the default.
	QueueSize int
}

// Log takes entries and writes them beside the requests. Safe for concurrent use.
type Log struct {
	o      Options
	queue  chan Entry
	origin string // of the entries' IDs: this process
	number atomic.Int64
}

// New returns a log. Nothing is written before Run.
func New(o Options) *Log {
	if o.Observe == nil {
		o.Observe = func(string, int) {}
	}
	return &Log{o: o, queue: make(chan Entry, cmp.Or(o.QueueSize, queueSize)), origin: rand.Text()[:12]}
}

// Record takes an entry; its ID is set here. It never waits.
func (l *Log) Record(e Entry) {
	if e.CartID == "" && e.OrderID == "" {
		return
	}
	e.ID = l.origin + strconv.FormatInt(l.number.Add(1), 36)
	select {
	case l.queue <- e:
	default:
		l.o.Observe(Dropped, 1)
	}
}

// Call takes one try of a call to Klarna, for klarna.Config's Observe.
func (l *Log) Call(c klarna.Call) {
	if c.Subject.Quiet {
		return
	}
	l.Record(Entry{
		At: c.Start, Kind: ToKlarna, CartID: c.Subject.CartID, OrderID: c.OrderID,
		Operation: c.Operation, Method: c.Method, Path: c.Path, Status: c.Status, Duration: c.Duration, Try: c.Try,
		CorrelationID: short(c.CorrelationID), Result: problem(c.Err), Facts: c.Facts,
	})
}

// problem says why a call failed, without the words of the error: those may
// repeat what was sent.
func problem(err error) string {
	apiErr, answered := errors.AsType[*klarna.Error](err)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, types := errors.AsType[*json.UnmarshalTypeError](err)
	fault, network := errors.AsType[net.Error](err)
	switch {
	case err == nil:
		return ""
	case answered:
		return short(apiErr.Code)
	case syntax, types:
		return "unreadable answer"
	case errors.Is(err, context.DeadlineExceeded), network && fault.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "given up"
	}
	return "connection failed"
}

func short(text string) string { return text[:min(len(text), maxText)] }
