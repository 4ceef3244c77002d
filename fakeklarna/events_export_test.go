package fakeklarna

// EventTexts returns what was told of an order, as "lane: text".
func (s *Server) EventTexts(orderID string) []string {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	var texts []string
	for _, e := range s.state.events {
		if e.OrderID == orderID {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}
