package klarna

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/observe"
)

// Error is an answer of Klarna outside 2xx. It never holds the body, which may contain
// personal data.
type Error struct {
	Operation     string        // what was asked, such as "create kco order"
	Status        int           // HTTP status
	Code          string        // error_code, "" when the body was empty or not Klarna's JSON
	Messages      []string      // error_messages, for people; never branch on them
	CorrelationID string        // Klarna-Correlation-Id, to quote to Klarna's support
	RetryAfter    time.Duration // 0 when Klarna named none
}

// Codes a caller branches on.
const (
	// CodeSessionCompleted: the order of the payment session is placed.
	// Source: docs.klarna.com, Update the cart.
	CodeSessionCompleted = "SESSION_COMPLETED"
	// CodeRejected: Klarna does not approve the order.
	// Source: docs.klarna.com, Error codes and messages for Klarna Payments.
	CodeRejected = "REJECTED"
	// CodeInvalidOperation: the authorization is used already.
	// Source: docs.klarna.com, Error codes and messages for Klarna Payments.
	CodeInvalidOperation = "INVALID_OPERATION"
)

// personal is what looks like an e-mail address, a phone number, or a street with its number.
var personal = regexp.MustCompile(`[^\s"']+@[^\s"']+|\+?[0-9][0-9 ()/-]{6,}[0-9]|\p{Lu}[\p{L}.'-]+ [0-9]+[A-Za-z]?\b`)

// quoted is text in quotes, which may be what a person typed; field is what names a member, a number or a code.
var (
	quoted = regexp.MustCompile(`(^|[^\p{L}])("[^"]*"|'[^']*')`)
	field  = regexp.MustCompile(`^.([a-z0-9]*[_.\[][a-z0-9_.\[\]]*|[0-9.-]*|[A-Z_]*|[a-z]{2}-[A-Z]{2}).$`)
)

// withoutPeople are messages without what looks personal: an error's text goes to the log.
func withoutPeople(messages []string) []string {
	var plain []string
	for _, m := range messages {
		m = quoted.ReplaceAllStringFunc(m, func(found string) string {
			at := strings.IndexAny(found, `"'`)
			if field.MatchString(found[at:]) {
				return found
			}
			return found[:at+1] + "…" + found[at:at+1]
		})
		plain = append(plain, personal.ReplaceAllString(m, "…"))
	}
	return plain
}

// Error says operation, status, code, messages without what looks personal, and correlation ID.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: klarna answered %d", e.Operation, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if len(e.Messages) > 0 {
		fmt.Fprintf(&b, " %q", withoutPeople(e.Messages))
	}
	if e.CorrelationID != "" {
		fmt.Fprintf(&b, " (correlation ID %s)", e.CorrelationID)
	}
	return b.String()
}

// Call describes the call; see observe.CallError.
func (e *Error) Call() observe.FailedCall {
	return observe.FailedCall{Operation: e.Operation, Status: e.Status, Code: e.Code, CorrelationID: e.CorrelationID}
}

// Refused reports whether Klarna refused the request itself: a 4xx that is no lock or
// rate limit, nor a gateway's that does not take our credentials.
func (e *Error) Refused() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusUnauthorized && !lockedStatus(e.Status)
}

// CallError is a call without a usable answer: no connection, no answer in time, or a
// 2xx with a wrong body.
type CallError struct {
	Operation     string // what was asked
	Status        int    // HTTP status, 0 where there was no answer
	CorrelationID string // Klarna-Correlation-Id, "" where there was no answer
	Err           error  // why
}

// Error says operation and reason.
func (e *CallError) Error() string {
	if e.CorrelationID != "" {
		return fmt.Sprintf("%s: %v (correlation ID %s)", e.Operation, e.Err, e.CorrelationID)
	}
	return fmt.Sprintf("%s: %v", e.Operation, e.Err)
}

// Call describes the call; see observe.CallError.
func (e *CallError) Call() observe.FailedCall {
	return observe.FailedCall{Operation: e.Operation, Status: e.Status, CorrelationID: e.CorrelationID}
}

// Unwrap returns the reason.
func (e *CallError) Unwrap() error { return e.Err }
