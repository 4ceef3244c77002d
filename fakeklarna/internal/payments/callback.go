package payments

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

const (
	jobAuthorization = "authorization callback" // ID: session; Detail: token
	jobPush          = "payments push"          // ID: order; Detail: session and address with a space between, see push

	// authorizationLimit is how long Klarna waits for the shop: 2 s for the
	// connection and 2 s for the answer.
	authorizationLimit = 4 * time.Second
	// authorizationTries is how often Klarna calls in total. The pauses are 1 s and 2 s.
	authorizationTries = 3
)

// sendAuthorization tells the shop of an authorization, and repeats until a 2xx. Source: docs.klarna.com, Authorization callback.
func (s *Service) sendAuthorization(j *engine.Job) {
	s.Mu.Lock()
	url, forgot := "", s.Forgot
	if p := s.Kept.Sessions[j.ID]; p != nil {
		url = p.urls().Authorization
	}
	s.Mu.Unlock()
	if url == "" {
		return
	}
	answer := s.calls.Send(callback.Call{
		Kind: "authorization", URL: fill(url, j.ID, ""), SessionID: j.ID, Limit: authorizationLimit, Forgot: forgot,
		Body: struct {
			Token     string `json:"authorization_token"`
			SessionID string `json:"session_id"`
		}{j.Detail, j.ID},
	})
	if answer.Status >= 200 && answer.Status < 300 || j.Attempt+1 >= authorizationTries {
		return
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Repeat(j, s.Time().Add(time.Second<<j.Attempt), j.Attempt+1)
}

// schedulePush schedules the push of an order. sessionID is "" for an order of a customer
// token. The caller holds s.Mu.
func (s *Service) schedulePush(orderID, sessionID string, content map[string]json.RawMessage) {
	if v := decode(content); v.MerchantURLs != nil && v.MerchantURLs.Push != "" {
		to := sessionID + " " + fill(v.MerchantURLs.Push, sessionID, orderID)
		s.om.SchedulePush(jobPush, orderID, to)
	}
}

// push is the job that tells the merchant of a purchase.
func (s *Service) push(j *engine.Job) {
	sessionID, url, _ := strings.Cut(j.Detail, " ")
	s.om.Push(j, sessionID, url)
}
