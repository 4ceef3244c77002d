package cartsync

import (
	"errors"

	"github.com/shopd/shopd/internal/klarna"
)

// Results of Event.
const (
	ResultNothingToSend   = "nothing_to_send" // the copy said what the cart says
	ResultUpdated         = "updated"
	ResultCreated         = "created"  // there was no copy
	ResultReplaced        = "replaced" // by a new copy; Event.Replaced says why
	ResultEmpty           = "empty"
	ResultComplete        = "complete"
	ResultBought          = "bought"
	ResultPurchaseRunning = "purchase_running"
	ResultNothingToRepair = "nothing_to_repair"
	ResultRefused         = "refused"
	ResultUnavailable     = "unavailable"
)

// Event is one Sync, for metrics. It holds no ID.
type Event struct {
	Mode     Mode
	Result   string
	Replaced klarna.Verdict // as in Ending
}

// Results are all that an Event may have.
func Results() []string {
	return []string{
		ResultNothingToSend, ResultUpdated, ResultCreated, ResultReplaced, ResultEmpty, ResultComplete, ResultBought,
		ResultPurchaseRunning, ResultNothingToRepair, ResultRefused, ResultUnavailable,
	}
}

// Replacements are all reasons that an Event may have.
func Replacements() []klarna.Verdict {
	return []klarna.Verdict{klarna.Gone, klarna.Ended, klarna.Refused, klarna.Locked, klarna.Failed, klarna.NoAnswer}
}

// Event is what metrics are told of a Sync that has ended with err.
func (e Ending) Event(mode Mode, err error) Event {
	return Event{Mode: mode, Result: e.result(err), Replaced: e.Replaced}
}

func (e Ending) result(err error) string {
	switch {
	case errors.Is(err, ErrPurchaseRunning):
		return ResultPurchaseRunning
	case errors.Is(err, ErrNothingToRepair):
		return ResultNothingToRepair
	case errors.Is(err, ErrRefused):
		return ResultRefused
	case err != nil:
		return ResultUnavailable
	case e.Outcome == Empty:
		return ResultEmpty
	case e.Outcome == Complete:
		return ResultComplete
	case e.Outcome == Bought:
		return ResultBought
	case e.Created && e.Replaced != "":
		return ResultReplaced
	case e.Created:
		return ResultCreated
	case e.Updated:
		return ResultUpdated
	}
	return ResultNothingToSend
}
