package fakeklarna

import (
	"errors"
	"net/http"
	"slices"
)

// What Go tests and the JSON interface do with payment sessions.

// Sessions returns every payment session that was made since the last Reset,
// the newest first, also those that are complete or expired.
func (s *Server) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Session, 0, len(s.payments.Newest))
	for _, id := range slices.Backward(s.payments.Newest) {
		all = append(all, s.inspectSession(s.payments.Sessions[id]))
	}
	return all
}

// Session returns one payment session, also one that is complete or expired.
func (s *Server) Session(id string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.payments.Sessions[id]
	if p == nil {
		return Session{}, false
	}
	return s.inspectSession(p), true
}

// Pay does what a shopper's browser does with a payment session and returns
// what the shop's page is told. The error says that the session is unknown or
// expired or that the action is not possible; then nothing changed.
func (s *Server) Pay(sessionID string, a PaymentAction) (PaymentOutcome, error) {
	return s.applyPayment(sessionID, a)
}

func (s *Server) listSessions(*http.Request) (int, any) {
	return http.StatusOK, map[string][]Session{"sessions": s.Sessions()}
}

func (s *Server) oneSession(r *http.Request) (int, any) {
	if v, ok := s.Session(r.PathValue("id")); ok {
		return http.StatusOK, v
	}
	return refuse(http.StatusNotFound, "no_such_session", "there is no session "+r.PathValue("id"))
}

func (s *Server) actOnSession(r *http.Request) (int, any) {
	var a PaymentAction
	if err := readJSON(r, &a); err != nil {
		return refuse(http.StatusBadRequest, "bad_request", err.Error())
	}
	out, err := s.applyPayment(r.PathValue("id"), a)
	switch {
	case errors.Is(err, errNoSession):
		return refuse(http.StatusNotFound, "no_such_session", err.Error())
	case err != nil:
		return refuse(http.StatusBadRequest, "bad_request", err.Error())
	}
	return http.StatusOK, out
}
