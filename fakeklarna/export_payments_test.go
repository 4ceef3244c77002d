package fakeklarna

// SessionEvents returns what was told of a session, each with its lane.
func (s *Server) SessionEvents(sessionID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, e := range s.events {
		if e.SessionID == sessionID {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}
