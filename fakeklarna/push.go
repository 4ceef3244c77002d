package fakeklarna

import "time"

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

// schedulePush schedules the first push of an order, a job of a kind that calls push. The
// caller holds s.mu.
func (s *managementService) schedulePush(kind, orderID, detail string) {
	s.schedule(job{Due: s.now().Add(s.pushDelay), Kind: kind, ID: orderID, Detail: detail})
}

// push tells the merchant that an order was bought, and repeats until the order is
// acknowledged. The answer does not count. The next push is due by the clock, but never
// before this one was answered. An empty url is none. Payments works the same: its
// documentation has no other times, and no body.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls.push).
func (s *managementService) push(j job, sessionID, url string) {
	s.mu.Lock()
	call := outgoing{kind: "push", orderID: j.ID, sessionID: sessionID, url: url, forgot: s.forgot}
	over := url == "" || s.acknowledged(j.ID)
	s.mu.Unlock()
	if over {
		return
	}

	s.calls.send(call)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgot != call.forgot || pushAfter(j.Attempt+1) > pushFor || s.acknowledged(j.ID) {
		return
	}
	j.Due = j.Due.Add(pushAfter(j.Attempt+1) - pushAfter(j.Attempt))
	j.Attempt++
	s.schedule(j)
}
