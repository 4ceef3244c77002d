package kco

import (
	"time"

	"github.com/shopd/shopd/internal/redisconn"
)

// Events of LeftBehind, of LeftEvent.
const (
	LeftOrder = "order" // one order was looked at
	LeftSweep = "sweep" // Sweep has ended
)

// Results of events. A sweep is done, failed or elsewhere.
const (
	LeftAborted  = "aborted"
	LeftGone     = "gone"     // Klarna does not know it (any more)
	LeftReadOnly = "readonly" // Klarna does not abort it: it may be bought
	LeftExpired  = "expired"  // too old to be asked about
	LeftInUse    = "in_use"   // it is its cart's order after all
	LeftReserved = "reserved" // it may just be being bought: later
	LeftFailed   = "failed"   // Klarna or Redis did not answer: later
	LeftDone     = "done"
	LeftElse     = "elsewhere" // another process is at it
)

// LeftEvent is something that LeftBehind did, for metrics. It holds no ID.
type LeftEvent struct {
	Event, Result string
	Duration      time.Duration // of a sweep
}

// LeftResults are all results of an order.
func LeftResults() []string {
	return []string{LeftAborted, LeftGone, LeftReadOnly, LeftExpired, LeftInUse, LeftReserved, LeftFailed}
}

func (l *LeftBehind) observe(e LeftEvent) {
	if l.Observe != nil {
		l.Observe(e)
	}
}

// observeSweep tells how a sweep has ended.
func (l *LeftBehind) observeSweep(start time.Time, err error) {
	result := LeftDone
	if err != nil {
		result = LeftFailed
	}
	l.observe(LeftEvent{Event: LeftSweep, Result: result, Duration: time.Since(start)})
}

// Queues are what waits to be aborted, and to be asked about.
func Queues() []redisconn.Queue {
	return []redisconn.Queue{
		{Name: "left_behind_abort", Key: leftBehindKey, After: abortAfter},
		{Name: "left_behind_ask", Key: leftBehindAsk},
	}
}
