package management

import (
	"net/http"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// How an order of Order Management gets from state to state.

// authorizationDays is how long an order may be captured, maxAuthorization how long with
// extensions.
// Source: docs.klarna.com, Extended authorization expiration.
const (
	authorizationDays = 28
	maxAuthorization  = 180
)

// overrideTime is how long a merchant may capture a rejected order.
// Source: docs.klarna.com, Pending orders.
const overrideTime = 4 * time.Hour

// midnightAfter returns the start of the UTC day that is some days after t.
// Source: recorded answers (expires_at).
func midnightAfter(t time.Time, days int) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
}

// settle makes the changes that are due by now, in their sequence. The caller holds s.Mu.
func (s *Service) settle(m *Stored) {
	passed := func(t time.Time) bool { return !s.Time().Before(t) }
	v := &m.View
	if v.FraudStatus == FraudPending && v.Status == StatusAuthorized && passed(m.DecideAt) {
		s.decide(m)
	}
	if v.FraudStatus == FraudRejected && v.Status == StatusAuthorized && passed(m.DecideAt.Add(overrideTime)) {
		s.setStatus(m, StatusCancelled)
	}
	if v.isOpen() && v.RemainingAuthorizedAmount > 0 && passed(m.Expires) {
		s.setStatus(m, StatusExpired)
	}
}

// isOpen reports whether the status allows captures.
func (v *Order) isOpen() bool {
	return v.Status == StatusAuthorized || v.Status == StatusPartCaptured
}

// restate updates sums and status of an order. The caller holds s.Mu.
// Source: docs.klarna.com, Order Management API reference; recorded answers. A
// cancelled order keeps its remaining_authorized_amount, as recorded.
func (s *Service) restate(m *Stored) {
	v := &m.View
	v.CapturedAmount, v.RefundedAmount = 0, 0
	for i := range v.Captures {
		v.CapturedAmount += v.Captures[i].CapturedAmount
	}
	for i := range v.Refunds {
		v.RefundedAmount += v.Refunds[i].RefundedAmount
	}
	v.RemainingAuthorizedAmount = v.OrderAmount - v.CapturedAmount
	if m.Released {
		v.RemainingAuthorizedAmount = 0
	}
	s.setStatus(m, s.statusOf(v))
}

func (s *Service) statusOf(v *Order) string {
	switch {
	case v.Status == StatusCancelled || v.Status == StatusExpired || v.Status == StatusClosed:
		return v.Status
	case len(v.Captures) == 0:
		return StatusAuthorized
	case v.RemainingAuthorizedAmount > 0:
		return StatusPartCaptured
	case s.CloseRefunded && v.RefundedAmount == v.CapturedAmount:
		return StatusClosed
	}
	return StatusCaptured
}

func (s *Service) setStatus(m *Stored, status string) {
	if before := m.View.Status; before != status {
		m.View.Status = status
		s.tellOf(m, "status %s → %s", before, status)
	}
}

// decide ends the fraud check and schedules the notification. The caller holds s.Mu.
// Source: docs.klarna.com, Pending orders.
func (s *Service) decide(m *Stored) {
	event := "FRAUD_RISK_REJECTED"
	m.View.FraudStatus = FraudRejected
	if m.Accept {
		event = "FRAUD_RISK_ACCEPTED"
		m.View.FraudStatus = FraudAccepted
	}
	s.tellOf(m, "fraud_status PENDING → %s", m.View.FraudStatus)
	if m.NotificationURL != "" {
		s.Schedule(engine.Job{Due: m.DecideAt, Kind: "notification", ID: m.View.OrderID, Detail: event})
	}
	s.captureAtOnce(m)
}

// decision is the job that ends an order's fraud check on time.
func (s *Service) decision(j *engine.Job) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Find(j.ID)
}

// Notifications are repeated until the answer is 200, this often and this long.
// Source: docs.klarna.com, Pending orders.
const (
	notifyEvery = 10 * time.Minute
	notifyFor   = 24 * time.Hour
)

// notify is the job that tells the merchant the result of a fraud check. The next one is
// due by the clock, but never before this one was answered.
func (s *Service) notify(j *engine.Job) {
	s.Mu.Lock()
	m := s.Orders[j.ID]
	if m == nil {
		s.Mu.Unlock()
		return // the fake was reset
	}
	call := callback.Call{
		Kind: "notification", URL: m.NotificationURL, OrderID: j.ID, SessionID: m.SessionID, Forgot: s.Forgot,
		Body: struct {
			OrderID   string `json:"order_id"`
			EventType string `json:"event_type"`
		}{j.ID, j.Detail},
	}
	s.Mu.Unlock()

	got := s.calls.Send(call)

	s.Mu.Lock()
	defer s.Mu.Unlock()
	next := j.Due.Add(notifyEvery)
	if got.Status != http.StatusOK && next.Sub(m.DecideAt) <= notifyFor {
		s.Repeat(j, next, j.Attempt+1)
	}
}

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
// caller holds s.Mu.
func (s *Service) SchedulePush(kind, orderID, detail string) {
	s.Schedule(engine.Job{Due: s.Time().Add(s.PushDelay), Kind: kind, ID: orderID, Detail: detail})
}

// Push tells the merchant that an order was bought, and repeats until the order is
// acknowledged. The answer does not count. The next push is due by the clock, but never
// before this one was answered. An empty url is none. Payments works the same: its
// documentation has no other times, and no body.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls.push).
func (s *Service) Push(j *engine.Job, sessionID, url string) {
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
	if pushAfter(j.Attempt+1) > pushFor || s.acknowledged(j.ID) {
		return
	}
	s.Repeat(j, j.Due.Add(pushAfter(j.Attempt+1)-pushAfter(j.Attempt)), j.Attempt+1)
}
