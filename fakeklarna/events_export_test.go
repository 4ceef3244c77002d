package fakeklarna

// EventTexts returns what was told of an order, as "lane: text".
func (s *Server) EventTexts(orderID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, e := range s.events {
		if e.OrderID == orderID {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}
