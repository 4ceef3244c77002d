package fakeklarna

// EventTexts returns what was told of an order, as "lane: text".
func (s *Server) EventTexts(orderID string) []string {
	s.state.Mu.Lock()
	defer s.state.Mu.Unlock()
	var texts []string
	for _, e := range s.state.Events {
		if e.OrderID == orderID {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}
