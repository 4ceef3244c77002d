// Package payments is the Klarna Payments API, version 1, with its sessions, and the customer
// token API.
// Source: docs.klarna.com, Klarna Payments API reference, Customer Token API reference.
package payments

import (
	"net/http"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const (
	sessionsPath      = "/payments/v1/sessions"
	authorizationPath = "/payments/v1/authorizations/{authorization_token}"
	tokensPath        = "/customer-token/v1/tokens/{token}"
)

// Service is both APIs with their sessions.
type Service struct {
	*engine.State
	MerchantName string
	calls        *callback.Sender
	om           *management.Service

	Kept kept
}

// New adds the APIs to a state. What is bought goes to om.
func New(s *engine.State, calls *callback.Sender, om *management.Service, merchantName string) *Service {
	p := &Service{State: s, MerchantName: merchantName, calls: calls, om: om}
	engine.Hold(s, "payments", &p.Kept, newKept, kept.check)
	s.Serve(http.MethodPost, sessionsPath, p.createSession)
	s.Serve(http.MethodGet, sessionsPath+"/{session_id}", p.readSession)
	s.Serve(http.MethodPost, sessionsPath+"/{session_id}", p.updateSession)
	s.Serve(http.MethodPost, authorizationPath+"/order", p.ofSession(p.placeOrder))
	s.Serve(http.MethodDelete, authorizationPath, p.ofSession(p.deleteAuthorization))
	s.Serve(http.MethodPost, authorizationPath+"/customer-token", p.ofSession(p.createToken))
	s.Serve(http.MethodGet, tokensPath, p.ofSession(p.readToken))
	s.Serve(http.MethodPost, tokensPath+"/order", p.ofSession(s.Once(p.chargeToken)))
	s.Serve(http.MethodPatch, tokensPath+"/status", p.ofSession(p.changeToken))
	s.Perform(jobAuthorization, p.sendAuthorization)
	s.Perform(jobPush, p.push)
	return p
}

// ofSession notes the session of the path's token, for the record.
func (s *Service) ofSession(do engine.Operation) engine.Operation {
	return func(c *engine.Call) (wire.Reply, *wire.Error) {
		out, err := do(c)
		if a := s.Kept.Authorizations[c.IDs["authorization_token"]]; a != nil {
			out.SessionID = a.SessionID
		}
		if t := s.Kept.Tokens[c.IDs["token"]]; t != nil {
			out.SessionID = t.SessionID
		}
		return out, err
	}
}

// answered is an answer with a body.
// Source: recorded answers of the Klarna Payments API (Content-Type).
func answered(v any) wire.Reply {
	return wire.Reply{
		Status: http.StatusOK, Body: wire.MustJSON(v),
		Header: map[string]string{"Content-Type": "application/json;charset=utf-8"},
	}
}

// plain is an answer of the customer token API, without a character set.
// Source: recorded answers.
func plain(v any) wire.Reply { return wire.Reply{Status: http.StatusOK, Body: wire.MustJSON(v)} }

// createSession makes a session. Source: docs.klarna.com, Initiate a payment.
func (s *Service) createSession(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, bad := s.merge(sessionRules, nil, sent)
	if err := bad.Err(); err != nil {
		return wire.Reply{}, err
	}
	p := &Stored{ID: s.NewID(), Content: content, Typed: map[string]string{}, Started: s.Time()}
	v := decode(content)
	p.ClientToken = s.newClientToken(p.ID, &v)
	s.makeRoomSession()
	s.Kept.Sessions[p.ID] = p
	s.Kept.Newest = append(s.Kept.Newest, p.ID)
	out := answered(struct {
		SessionID   string     `json:"session_id"`
		ClientToken string     `json:"client_token"`
		Categories  []Category `json:"payment_method_categories"`
	}{p.ID, p.ClientToken, s.categoriesOf(&v)})
	out.SessionID = p.ID
	return out, nil
}

// readSession returns a session.
// Source: docs.klarna.com, Check the details of a payment session.
func (s *Service) readSession(c *engine.Call) (wire.Reply, *wire.Error) {
	p, err := s.Live(c.IDs["session_id"])
	if err != nil {
		return wire.Reply{}, errInvalidSession
	}
	out := answered(s.render(p))
	out.OrderID = p.OrderID
	return out, nil
}

// updateSession replaces the sent members. The session keeps its token. But an order must
// agree with both the authorized content and the current one.
// Source: docs.klarna.com, Update the cart.
func (s *Service) updateSession(c *engine.Call) (wire.Reply, *wire.Error) {
	p, gone := s.Live(c.IDs["session_id"])
	switch {
	case gone != nil:
		return wire.Reply{}, errInvalidSession
	case p.OrderID != "":
		return wire.Reply{}, errSessionCompleted
	}
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, bad := s.merge(sessionRules, p.Content, sent)
	if err := bad.Err(); err != nil {
		return wire.Reply{}, err
	}
	s.change(p, content)
	return wire.Reply{Status: http.StatusNoContent}, nil
}

// deleteAuthorization gives an authorization back.
// Source: docs.klarna.com, Cancel an authorization.
func (s *Service) deleteAuthorization(c *engine.Call) (wire.Reply, *wire.Error) {
	token := c.IDs["authorization_token"]
	p, a, err := s.usable(token)
	switch {
	case err == errSessionCompleted, err == errConsumed:
		return wire.Reply{}, &wire.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Authorization cannot be deleted"}
	case err != nil:
		return wire.Reply{}, err
	}
	before := s.sessionState(p)
	a.Deleted = true
	s.tellState(p, before)
	return wire.Reply{Status: http.StatusNoContent}, nil
}
