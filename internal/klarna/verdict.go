package klarna

import (
	"errors"
	"net/http"
)

// Verdict is the result of a call about Klarna's copy of a cart. The copy is an order of
// KCO or a session of Klarna Payments.
type Verdict string

// The verdicts. VerdictOf returns Agrees and the last six. Each product judges its own
// 2xx answers.
const (
	Agrees   Verdict = "agrees"     // the copy is open and says what is wanted
	Differs  Verdict = "differs"    // it is open and says something else
	Bought   Verdict = "bought"     // it is bought and does not change any more
	Ended    Verdict = "ended"      // it is neither open nor bought
	Gone     Verdict = "gone"       // 404: there is none (any more)
	Unasked  Verdict = "unasked"    // 401: a gateway does not take our credentials, and says nothing of the copy
	Refused  Verdict = "refused"    // another 4xx: Klarna refused the request
	Locked   Verdict = "locked"     // 409, 423 or 429, to the last try
	Failed   Verdict = "failed"     // 5xx
	NoAnswer Verdict = "unanswered" // no usable answer
)

// VerdictOf returns the verdict of a call that ended with err, Agrees for nil.
func VerdictOf(err error) Verdict {
	switch status := Status(err); {
	case err == nil:
		return Agrees
	case status == http.StatusNotFound:
		return Gone
	case status == http.StatusUnauthorized:
		return Unasked
	case lockedStatus(status):
		return Locked
	case status >= http.StatusInternalServerError:
		return Failed
	case status >= http.StatusBadRequest:
		return Refused
	}
	return NoAnswer
}

// Status returns the HTTP status of an answer outside 2xx, 0 when err is none.
func Status(err error) int {
	if apiErr, answered := errors.AsType[*Error](err); answered {
		return apiErr.Status
	}
	return 0
}

// Code returns the error_code of an answer outside 2xx, "" when err is none or has none.
func Code(err error) string {
	if apiErr, answered := errors.AsType[*Error](err); answered {
		return apiErr.Code
	}
	return ""
}

// IsRefused reports whether err is an *Error that says Refused.
func IsRefused(err error) bool {
	apiErr, answered := errors.AsType[*Error](err)
	return answered && apiErr.Refused()
}
