package observe

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"
)

// elsewhere is a round that another process is at.
const elsewhere Result = "elsewhere"

// Loop is one of those that run beside the requests.
type Loop string

// The loops.
const (
	LoopReconcile  Loop = "reconcile"
	LoopLeftBehind Loop = "left_behind"
	LoopBulk       Loop = "bulk" // of bulk captures that this process has begun; it is not measured
)

// failedRounds are the records of rounds that failed.
var failedRounds = map[Loop]string{
	LoopReconcile: "reconcile orders", LoopLeftBehind: "left-behind orders", LoopBulk: "bulk captures",
}

// Round is told that a round of a loop begins. What is done with the context that
// it returns is about the round. done must be called; an error is logged unless
// ctx has ended, which ends the loop.
func (o *Observer) Round(ctx context.Context, loop Loop) (round context.Context, done func(error)) {
	round, start := About(ctx, Subject{Loop: loop, RoundID: rand.Text()[:8]}), time.Now()
	return round, func(err error) {
		if o == nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			o.o.Logger.WarnContext(round, failedRounds[loop], "error", err)
		}
		if loop == LoopBulk {
			return
		}
		o.metrics.roundTimes.WithLabelValues(string(loop)).Observe(time.Since(start).Seconds())
		if err != nil {
			o.metrics.rounds.WithLabelValues(string(loop), string(ResultFailed)).Inc()
			return
		}
		o.metrics.rounds.WithLabelValues(string(loop), string(ResultDone)).Inc()
		o.metrics.finished.WithLabelValues(string(loop)).SetToCurrentTime()
	}
}

// Elsewhere is told that a round is not done: another process is at it.
func (o *Observer) Elsewhere(loop Loop) {
	if o != nil {
		o.metrics.rounds.WithLabelValues(string(loop), string(elsewhere)).Inc()
	}
}

// Work is what a loop does about one order, or session of Klarna Payments.
type Work string

// The work of the loops.
const (
	WorkReservation Work = "reservation"       // asks about a purchase that may have been made
	WorkLeftBehind  Work = "left_behind"       // asks about an order that was given up
	WorkUnfinished  Work = "unfinished"        // goes on with an order of the book
	WorkAuthorized  Work = "authorization"     // goes on with an authorization; BookAuthorization counts its orders
	WorkAbort       Work = "abort left behind" // aborts an order that was given up
	WorkBulkItem    Work = "bulk capture"      // captures an order of many
)

// Item is told that a loop has found an order or a session for which something is
// to be done that no request has asked for: what is done with in is about it, and
// a trace of its own, linked to the one that has made or changed it at Klarna. A
// round that finds nothing has no trace. done must be called; err is Klarna or
// Redis not answering.
func (o *Observer) Item(ctx context.Context, work Work, s Subject) (in context.Context, done func(result Result, err error)) {
	in = About(ctx, s)
	if o == nil {
		return in, func(Result, error) {}
	}
	in, span := o.o.Tracing.root(in, "loop "+string(work))
	o.Link(in, cmp.Or(s.OrderID, s.SessionID))
	return in, func(result Result, err error) {
		span.end(err)
		switch work {
		case WorkAuthorized:
		case WorkAbort:
			o.metrics.leftBehind.WithLabelValues(string(result)).Inc()
		case WorkBulkItem:
			o.metrics.bulkItems.WithLabelValues(string(result)).Inc()
		default:
			o.metrics.book.WithLabelValues(string(work), string(result)).Inc()
		}
	}
}
