package fakeklarna

import (
	"encoding/json"
	"strings"
	"time"
)

const (
	jobAuthorization = "authorization callback" // ID: session; Detail: token
	jobPaymentPush   = "payments push"          // ID: order; Detail: session and address with a space between, see push

	// authorizationLimit is how long Klarna waits for the shop: 2 s for the
	// connection and 2 s for the answer.
	authorizationLimit = 4 * time.Second
	// authorizationTries is how often Klarna calls in total. The pauses are 1 s and 2 s.
	authorizationTries = 3
)

// sendAuthorization tells the shop of an authorization, and repeats until a 2xx. Source: docs.klarna.com, Authorization callback.
func (s *paymentsService) sendAuthorization(j job) {
	s.mu.Lock()
	url, forgot := "", s.forgot
	if p := s.held.Sessions[j.ID]; p != nil {
		url = p.urls().Authorization
	}
	s.mu.Unlock()
	if url == "" {
		return
	}
	answer := s.calls.send(outgoing{
		kind: "authorization", url: fillPayment(url, j.ID, ""), sessionID: j.ID, limit: authorizationLimit, forgot: forgot,
		body: struct {
			Token     string `json:"authorization_token"`
			SessionID string `json:"session_id"`
		}{j.Detail, j.ID},
	})
	if answer.status >= 200 && answer.status < 300 || j.Attempt+1 >= authorizationTries {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgot != forgot {
		return
	}
	j.Due = s.now().Add(time.Second << j.Attempt)
	j.Attempt++
	s.schedule(j)
}

// schedulePush schedules the push of an order. sessionID is "" for an order of a customer
// token. The caller holds s.mu.
func (s *paymentsService) schedulePush(orderID, sessionID string, content map[string]json.RawMessage) {
	if v := decodeSession(content); v.MerchantURLs != nil && v.MerchantURLs.Push != "" {
		to := sessionID + " " + fillPayment(v.MerchantURLs.Push, sessionID, orderID)
		s.om.schedulePush(jobPaymentPush, orderID, to)
	}
}

// push is the job that tells the merchant of a purchase.
func (s *paymentsService) push(j job) {
	sessionID, url, _ := strings.Cut(j.Detail, " ")
	s.om.push(j, sessionID, url)
}
