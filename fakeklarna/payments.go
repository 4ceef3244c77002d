package fakeklarna

import "net/http"

// The Klarna Payments API, version 1, and the customer token API.
// Source: docs.klarna.com, Klarna Payments API reference, Customer Token API reference.

const (
	sessionsPath      = "/payments/v1/sessions"
	authorizationPath = "/payments/v1/authorizations/{authorization_token}"
	tokensPath        = "/customer-token/v1/tokens/{token}"
)

var paymentsEndpoints = []endpoint{
	{http.MethodPost, sessionsPath, (*Server).createSession},
	{http.MethodGet, sessionsPath + "/{session_id}", (*Server).readSession},
	{http.MethodPost, sessionsPath + "/{session_id}", (*Server).updateSession},
	{http.MethodPost, authorizationPath + "/order", ofSession((*Server).placeOrder)},
	{http.MethodDelete, authorizationPath, ofSession((*Server).deleteAuthorization)},
	{http.MethodPost, authorizationPath + "/customer-token", ofSession((*Server).createToken)},
	{http.MethodGet, tokensPath, ofSession((*Server).readToken)},
	{http.MethodPost, tokensPath + "/order", ofSession(onceByKey((*Server).chargeToken))},
	{http.MethodPatch, tokensPath + "/status", ofSession((*Server).changeToken)},
}

// ofSession notes the session of the path's token, for the record.
func ofSession(do func(*Server, *apiCall) (reply, *apiError)) func(*Server, *apiCall) (reply, *apiError) {
	return func(s *Server, c *apiCall) (reply, *apiError) {
		out, err := do(s, c)
		if a := s.payments.Authorizations[c.ids["authorization_token"]]; a != nil {
			out.sessionID = a.SessionID
		}
		if t := s.payments.Tokens[c.ids["token"]]; t != nil {
			out.sessionID = t.SessionID
		}
		return out, err
	}
}

// answered is an answer with a body.
// Source: recorded answers of the Klarna Payments API (Content-Type).
func answered(v any) reply {
	return reply{
		status: http.StatusOK, body: mustJSON(v),
		header: map[string]string{"Content-Type": "application/json;charset=utf-8"},
	}
}

// createSession makes a session. Source: docs.klarna.com, Initiate a payment.
func (s *Server) createSession(c *apiCall) (reply, *apiError) {
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	content, bad := s.mergePayment(sessionRules, nil, sent)
	if err := bad.err(); err != nil {
		return reply{}, err
	}
	p := &session{ID: s.newID(), Content: content, Typed: map[string]string{}, Started: s.now()}
	v := decodeSession(content)
	p.ClientToken = s.newClientToken(p.ID, &v)
	s.makeRoomSession()
	s.payments.Sessions[p.ID] = p
	s.payments.Newest = append(s.payments.Newest, p.ID)
	out := answered(struct {
		SessionID   string            `json:"session_id"`
		ClientToken string            `json:"client_token"`
		Categories  []PaymentCategory `json:"payment_method_categories"`
	}{p.ID, p.ClientToken, s.categoriesOf(&v)})
	out.sessionID = p.ID
	return out, nil
}

// readSession returns a session.
// Source: docs.klarna.com, Check the details of a payment session.
func (s *Server) readSession(c *apiCall) (reply, *apiError) {
	p, err := s.liveSession(c.ids["session_id"])
	if err != nil {
		return reply{}, errInvalidSession
	}
	out := answered(s.renderSession(p))
	out.orderID = p.OrderID
	return out, nil
}

// updateSession replaces the sent members. The session keeps its token. But an order must
// agree with both the authorized content and the current one.
// Source: docs.klarna.com, Update the cart.
func (s *Server) updateSession(c *apiCall) (reply, *apiError) {
	p, gone := s.liveSession(c.ids["session_id"])
	switch {
	case gone != nil:
		return reply{}, errInvalidSession
	case p.OrderID != "":
		return reply{}, errSessionCompleted
	}
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	content, bad := s.mergePayment(sessionRules, p.Content, sent)
	if err := bad.err(); err != nil {
		return reply{}, err
	}
	s.changeSession(p, content)
	return reply{status: http.StatusNoContent}, nil
}

// deleteAuthorization gives an authorization back.
// Source: docs.klarna.com, Cancel an authorization.
func (s *Server) deleteAuthorization(c *apiCall) (reply, *apiError) {
	token := c.ids["authorization_token"]
	p, a, err := s.usable(token)
	switch {
	case err == errSessionCompleted, err == errConsumed:
		return reply{}, &apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: "Authorization cannot be deleted"}
	case err != nil:
		return reply{}, err
	}
	before := s.sessionState(p)
	a.Deleted = true
	s.tellSession(p, before)
	return reply{status: http.StatusNoContent}, nil
}
