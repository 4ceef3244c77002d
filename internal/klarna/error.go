package klarna

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// members are the names of what our requests hold: nothing else that Klarna quotes is logged, for it may be what a person typed.
var members = func() map[string]bool {
	known := map[string]bool{"order_lines": true, "billing_address": true, "shipping_address": true, "merchant_urls": true, "options": true}
	for _, of := range []any{Sale{}, OrderLine{}, Lines{}, Address{}, Customer{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(of)) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				known[name] = true
			}
		}
	}
	return known
}()

var index = regexp.MustCompile(`\[[0-9]+\]`)

// isMember reports whether a text is the path of a member, such as order_lines[0].tax_rate.
func isMember(text string) bool {
	for part := range strings.SplitSeq(index.ReplaceAllString(text, ""), ".") {
		if !members[part] {
			return false
		}
	}
	return true
}

// withoutPeople are messages without what looks personal: an error's text goes to the log.
func withoutPeople(messages []string) []string {
	var plain []string
	for _, m := range messages {
		plain = append(plain, personal.ReplaceAllString(withoutQuotes(m), "…"))
	}
	return plain
}

// withoutQuotes is a message without what is quoted in it, but members. What a person typed may have quotes of its own, so all
// from the first other quote to the last of the message is left out.
func withoutQuotes(m string) string {
	const marks = `"'`
	var plain strings.Builder
	for {
		at := strings.IndexAny(m, marks)
		if at < 0 {
			return plain.String() + m
		}
		before, _ := utf8.DecodeLastRuneInString(m[:at])
		plain.WriteString(m[:at+1])
		mark := m[at]
		if m = m[at+1:]; mark == '\'' && unicode.IsLetter(before) { // an apostrophe
			continue
		}
		text, rest, _ := strings.Cut(m, string(mark))
		if text != "" && !isMember(text) {
			plain.WriteString("…")
			if last := strings.LastIndexAny(m, marks); last >= 0 {
				plain.WriteString(m[last:])
			}
			return plain.String()
		}
		plain.WriteString(m[:len(m)-len(rest)])
		m = rest
	}
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
