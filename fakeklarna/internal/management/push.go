package management

import (
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// pushFor is how long pushes are repeated. Source: docs.kustom.co, Confirm purchase.
const pushFor = 48 * time.Hour

// pushAfter returns the time from the first push of an order to its n-th
// repeat. Source: docs.kustom.co, Confirm purchase.
func pushAfter(n int) time.Duration {
	first := []time.Duration{0, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 60 * time.Minute}
	if last := len(first) - 1; n > last {
		return first[last] + time.Duration(n-last)*4*time.Hour
	}
	return first[n]
}

// SchedulePush schedules the first push of an order, a job of a kind that calls push. The
// caller holds s.mu.
func (s *Service) SchedulePush(kind, orderID, detail string) {
	s.Schedule(engine.Job{Due: s.Time().Add(s.pushDelay), Kind: kind, ID: orderID, Detail: detail})
}

// Push tells the merchant that an order was bought, and repeats until the order is
// acknowledged. The answer does not count. The next push is due by the clock, but never
// before this one was answered. An empty url is none. Payments works the same: its
// documentation has no other times, and no body.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls.push).
func (s *Service) Push(j engine.Job, sessionID, url string) {
	s.Mu.Lock()
	call := callback.Call{Kind: "push", OrderID: j.ID, SessionID: sessionID, URL: url, Forgot: s.Forgot}
	over := url == "" || s.acknowledged(j.ID)
	s.Mu.Unlock()
	if over {
		return
	}

	s.calls.Send(call)

	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.Forgot != call.Forgot || pushAfter(j.Attempt+1) > pushFor || s.acknowledged(j.ID) {
		return
	}
	j.Due = j.Due.Add(pushAfter(j.Attempt+1) - pushAfter(j.Attempt))
	j.Attempt++
	s.Schedule(j)
}
