package insync

import (
	"errors"
	"net/http"

	"github.com/shopd/shopd/internal/klarna"
)

// Results of runs, of Event.
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

// Why a copy was given up, of Event.
const (
	ReplacedGone       = "gone"       // Klarna answered that there is none (404)
	ReplacedEnded      = "ended"      // neither open nor bought
	ReplacedRefused    = "refused"    // another 4xx
	ReplacedLocked     = "locked"     // 409, 423 or 429, to the last try
	ReplacedFailed     = "failed"     // 5xx
	ReplacedUnanswered = "unanswered" // no answer of use
)

// Event is one run of Sync, for metrics. It holds no ID.
type Event struct {
	Mode   Mode
	Result string
	// Replaced is why the cart's copy was given up, "" where it was not; also
	// where no new one could be made.
	Replaced string
}

// Results and Replacements are all that an Event may have.
func Results() []string {
	return []string{
		ResultNothingToSend, ResultUpdated, ResultCreated, ResultReplaced, ResultEmpty, ResultComplete, ResultBought,
		ResultPurchaseRunning, ResultNothingToRepair, ResultRefused, ResultUnavailable,
	}
}

// Replacements are all reasons that an Event may have.
func Replacements() []string {
	return []string{ReplacedGone, ReplacedEnded, ReplacedRefused, ReplacedLocked, ReplacedFailed, ReplacedUnanswered}
}

// String is the mode's name: load, change or repair.
func (m Mode) String() string { return [...]string{"load", "change", "repair"}[m] }

// observe tells of the run, which has ended with err.
func (r *Run) observe(mode Mode, err error) {
	if r.Observe != nil {
		r.Observe(Event{Mode: mode, Result: r.resultOf(err), Replaced: r.replaced})
	}
}

func (r *Run) resultOf(err error) string {
	switch {
	case errors.Is(err, ErrPurchaseRunning):
		return ResultPurchaseRunning
	case errors.Is(err, ErrNothingToRepair):
		return ResultNothingToRepair
	case errors.Is(err, ErrRefused):
		return ResultRefused
	case err != nil:
		return ResultUnavailable
	}
	switch {
	case r.Outcome == Empty:
		return ResultEmpty
	case r.Outcome == Complete:
		return ResultComplete
	case r.Outcome == Bought:
		return ResultBought
	case r.created && r.replaced != "":
		return ResultReplaced
	case r.created:
		return ResultCreated
	case r.Updated:
		return ResultUpdated
	}
	return ResultNothingToSend
}

// reason is why a copy is replaced.
func (c Cause) reason() string {
	switch status := StatusOf(c.Err); {
	case status == http.StatusNotFound:
		return ReplacedGone
	case klarna.HasCode(c.Err, klarna.CodeSessionCompleted):
		return ReplacedEnded
	case status == http.StatusConflict, status == http.StatusLocked, status == http.StatusTooManyRequests:
		return ReplacedLocked
	case status >= http.StatusInternalServerError:
		return ReplacedFailed
	case status >= http.StatusBadRequest:
		return ReplacedRefused
	case errors.Is(c.Err, ErrEnded):
		return ReplacedEnded
	}
	return ReplacedUnanswered
}
