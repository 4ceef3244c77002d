package fakeklarna

import "net/http"

// The Klarna Payments API, version 1, and the customer token API.
// Source: docs.klarna.com, Klarna Payments API reference, Customer Token API reference.

const (
	sessionsPath      = "/payments/v1/sessions"
	authorizationPath = "/payments/v1/authorizations/{authorization_token}"
	tokensPath        = "/customer-token/v1/tokens/{token}"
)

// paymentsService is the Klarna Payments API and the customer token API, with their
// sessions.
type paymentsService struct {
	*engineState
	merchantName string
	calls        *callbackSender
	om           *managementService

	held paymentState
}

// newPaymentsService adds the APIs to a state. What is bought goes to om.
func newPaymentsService(s *engineState, calls *callbackSender, om *managementService, merchantName string) *paymentsService {
	p := &paymentsService{engineState: s, merchantName: merchantName, calls: calls, om: om}
	hold(s, "payments", &p.held, newPaymentState, paymentState.check)
	s.serve(
		endpoint{http.MethodPost, sessionsPath, p.createSession},
		endpoint{http.MethodGet, sessionsPath + "/{session_id}", p.readSession},
		endpoint{http.MethodPost, sessionsPath + "/{session_id}", p.updateSession},
		endpoint{http.MethodPost, authorizationPath + "/order", p.ofSession(p.placeOrder)},
		endpoint{http.MethodDelete, authorizationPath, p.ofSession(p.deleteAuthorization)},
		endpoint{http.MethodPost, authorizationPath + "/customer-token", p.ofSession(p.createToken)},
		endpoint{http.MethodGet, tokensPath, p.ofSession(p.readToken)},
		endpoint{http.MethodPost, tokensPath + "/order", p.ofSession(s.once(p.chargeToken))},
		endpoint{http.MethodPatch, tokensPath + "/status", p.ofSession(p.changeToken)},
	)
	s.perform(jobAuthorization, p.sendAuthorization)
	s.perform(jobPaymentPush, p.push)
	return p
}

// ofSession notes the session of the path's token, for the record.
func (s *paymentsService) ofSession(do operation) operation {
	return func(c *apiCall) (reply, *apiError) {
		out, err := do(c)
		if a := s.held.Authorizations[c.ids["authorization_token"]]; a != nil {
			out.sessionID = a.SessionID
		}
		if t := s.held.Tokens[c.ids["token"]]; t != nil {
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
func (s *paymentsService) createSession(c *apiCall) (reply, *apiError) {
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
	s.held.Sessions[p.ID] = p
	s.held.Newest = append(s.held.Newest, p.ID)
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
func (s *paymentsService) readSession(c *apiCall) (reply, *apiError) {
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
func (s *paymentsService) updateSession(c *apiCall) (reply, *apiError) {
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
func (s *paymentsService) deleteAuthorization(c *apiCall) (reply, *apiError) {
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
