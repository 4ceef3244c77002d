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
	// RetryUnsent tries again only when no connection was made: then Klarna has not acted.
	// It is for writes that must not be repeated and have no idempotency key, such as
	// creating an order.
	RetryUnsent Retry = iota
	// RetryRead tries again after a lost answer, 429 and 5xx.
	RetryRead
	// RetryKeyed is RetryRead for a write with an idempotency key: Klarna acts on it once.
	// It also tries again after 409: Klarna still works on another try with this key.
	// Source: docs.klarna.com, Escalation and retry policy.
	RetryKeyed
	// RetryReplace is RetryRead for a write that replaces state, such as updating a KCO
	// order: repeating it is harmless. Klarna locks an order while its callbacks run, so
	// after 409, 423 and 429 it tries again for as long as the context allows.
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

// gatewayStatus: a gateway has lost what works on the call, or waits for it no longer.
func gatewayStatus(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// again reports whether there is another try after try n (from 1), which ended with err.
// sent is whether a connection was made.
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

// pause waits before try n+1, for a random part of a doubling time, or as long as Klarna
// asked for. It waits at most backoffLimit. It returns false when ctx has no time for
// another try.
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

// RetryAfter reads a Retry-After header, in seconds or as a date. It returns 0 for a
// missing or wrong one.
func RetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
