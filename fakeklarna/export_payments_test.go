package fakeklarna

// SessionEvents returns what was told of a session, each with its lane.
func (s *Server) SessionEvents(sessionID string) []string {
	s.state.Mu.Lock()
	defer s.state.Mu.Unlock()
	var texts []string
	for _, e := range s.state.Events {
		if e.SessionID == sessionID {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}
