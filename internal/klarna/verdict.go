package klarna

import (
	"errors"
	"net/http"
)

// Verdict is what a call about Klarna's copy of a cart came to, whichever product
// keeps the copy: an order of KCO, or a session of Klarna Payments.
type Verdict string

// The verdicts. VerdictOf knows the last five; what an answer in 2xx says of the
// copy is the product's to judge.
const (
	Agrees   Verdict = "agrees"     // the copy is open and says what is wanted
	Differs  Verdict = "differs"    // it is open and says something else
	Bought   Verdict = "bought"     // it is bought: nothing of it changes any more
	Ended    Verdict = "ended"      // it is neither open nor bought
	Gone     Verdict = "gone"       // 404: there is none (any more)
	Refused  Verdict = "refused"    // another 4xx: Klarna judged what was asked of it
	Locked   Verdict = "locked"     // 409, 423 or 429, to the last try
	Failed   Verdict = "failed"     // 5xx
	NoAnswer Verdict = "unanswered" // no answer of use
)

// VerdictOf is the verdict of a call that ended with err, Agrees without one.
func VerdictOf(err error) Verdict {
	switch status := Status(err); {
	case err == nil:
		return Agrees
	case status == http.StatusNotFound:
		return Gone
	case lockedStatus(status):
		return Locked
	case status >= http.StatusInternalServerError:
		return Failed
	case status >= http.StatusBadRequest:
		return Refused
	}
	return NoAnswer
}

// Status is the HTTP status with which Klarna answered outside 2xx, 0 when err is
// no such answer.
func Status(err error) int {
	if apiErr, answered := errors.AsType[*Error](err); answered {
		return apiErr.Status
	}
	return 0
}

// Code is the error_code with which Klarna answered outside 2xx, "" when err is no
// such answer, or one without a code, as gateways give.
func Code(err error) string {
	if apiErr, answered := errors.AsType[*Error](err); answered {
		return apiErr.Code
	}
	return ""
}

// IsRefused reports whether Klarna judged what was asked of it, and refused it: a
// 4xx, but no lock or rate limit, which say nothing about the request.
func IsRefused(err error) bool {
	apiErr, answered := errors.AsType[*Error](err)
	return answered && apiErr.Refused()
}
