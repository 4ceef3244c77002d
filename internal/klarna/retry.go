package klarna

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retry says which failures of a call may be tried again.
type Retry int

const (
	// RetryUnsent tries again only when no connection was made, so that the
	// request cannot have been acted on. For writes that are neither
	// repeatable nor carry an idempotency key, such as creating an order.
	RetryUnsent Retry = iota
	// RetryRead tries again after a lost answer, 429 and 5xx.
	RetryRead
	// RetryKeyed is RetryRead for a write with an idempotency key: Klarna acts
	// on it once, however often it comes. 409 is tried again too: another try
	// with this key is being worked on. Source: docs.klarna.com, Escalation and
	// retry policy.
	RetryKeyed
	// RetryReplace is RetryRead for a write that replaces state, such as
	// updating a KCO order: repeating it is harmless. Klarna locks an order
	// while its callbacks run, so 409, 423 and 429 are asked again for as
	// long as the context allows.
	RetryReplace
)

const (
	maxTries     = 3
	tryTimeout   = 4 * time.Second
	backoffBase  = 100 * time.Millisecond
	backoffLimit = time.Second
)

func lockedStatus(status int) bool {
	return status == http.StatusConflict || status == http.StatusLocked || status == http.StatusTooManyRequests
}

// again reports whether the policy allows one more try after err, the outcome
// of try number n (from 1). sent is whether a connection was made.
func (p Retry) again(err error, n int, sent bool) bool {
	apiErr, answered := errors.AsType[*Error](err)
	switch {
	case p == RetryReplace && answered && lockedStatus(apiErr.Status):
		return true
	case n >= maxTries:
		return false
	case !answered && !sent:
		return true
	case p == RetryUnsent:
		return false
	case !answered:
		return true
	}
	return apiErr.Status >= 500 || apiErr.Status == http.StatusTooManyRequests ||
		p == RetryKeyed && apiErr.Status == http.StatusConflict
}

// pause waits before try n+1: full jitter over a doubling base, or what
// Klarna asked for, never longer than backoffLimit and never past the
// context's end. It reports false when there is no time for another try.
func pause(ctx context.Context, n int, retryAfter time.Duration) bool {
	wait := min(backoffBase<<min(n-1, 4), backoffLimit) // the limit is reached by then
	wait = rand.N(wait) + time.Millisecond              //nolint:gosec // jitter, not a secret
	if retryAfter > 0 {
		wait = min(retryAfter, backoffLimit)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// parseRetryAfter reads a Retry-After header, in seconds or as a date; 0 when
// there is none to be understood.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
