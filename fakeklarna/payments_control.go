package fakeklarna

import (
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
