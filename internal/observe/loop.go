package observe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/shopd/shopd/internal/redisconn"
)

// elsewhere is the result of a round that another process does.
const elsewhere Result = "elsewhere"

// Loop is a loop that runs beside the requests.
type Loop string

// The loops.
const (
	LoopReconcile  Loop = "reconcile"
	LoopLeftBehind Loop = "left_behind"
	LoopMend       Loop = "mend"
	LoopErase      Loop = "erase"
	LoopBulk       Loop = "bulk" // bulk captures that this process has begun; not measured
)

// failedRounds are the log messages of failed rounds.
var failedRounds = map[Loop]string{
	LoopReconcile: "reconcile orders", LoopLeftBehind: "left-behind orders", LoopMend: "mend what landed late", LoopErase: "erase personal data", LoopBulk: "bulk captures",
}

// Round reports that a round of a loop begins. Work in the round uses the returned
// context. The caller must call done. An error is logged, unless ctx has ended; one that is
// redisconn.ErrElsewhere is none.
func (o *Observer) Round(ctx context.Context, loop Loop) (round context.Context, done func(error)) {
	round, start := About(ctx, Subject{Loop: loop, RoundID: rand.Text()[:8]}), time.Now()
	return round, func(err error) {
		if o == nil {
			return
		}
		if errors.Is(err, redisconn.ErrElsewhere) {
			o.metrics.rounds.WithLabelValues(string(loop), string(elsewhere)).Inc()
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

// Work is a task of a loop for one order or Klarna Payments session.
type Work string

// The work of the loops.
const (
	WorkReservation Work = "reservation"       // asks Klarna whether a purchase was made
	WorkLeftBehind  Work = "left_behind"       // asks Klarna about an order that was given up
	WorkUnfinished  Work = "unfinished"        // continues an order of the book
	WorkAuthorized  Work = "authorization"     // continues an authorization; BookAuthorization counts its orders
	WorkAbort       Work = "abort left behind" // aborts an order that was given up
	WorkMend        Work = "mend"              // looks at a copy on which an update may have landed late
	WorkBulkItem    Work = "bulk capture"      // captures an order of many
)

// Item reports that a loop begins work on an order or session. The work uses the
// returned context and is a trace of its own. That trace is linked to the request that
// last changed the order or session at Klarna. The caller must call done; err is a
// fault of Klarna or Redis.
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
		case WorkMend:
			o.metrics.mended.WithLabelValues(string(result)).Inc()
		case WorkBulkItem:
			o.metrics.bulkItems.WithLabelValues(string(result)).Inc()
		default:
			o.metrics.book.WithLabelValues(string(work), string(result)).Inc()
		}
	}
}
