package fakeklarna

import "github.com/shopd/shopd/fakeklarna/internal/engine"

func (s *Server) Authorize(p Purchase) string {
	s.state.Mu.Lock()
	defer s.state.Mu.Unlock()
	p.OrderID = s.state.NewID()
	s.om.Authorize(p)
	return p.OrderID
}
func (s *Server) Acknowledged(orderID string) bool {
	return s.om.Orders[orderID] != nil && s.om.Orders[orderID].Acknowledged
}
func (s *Server) Waiting() int {
	s.state.Mu.Lock()
	defer s.state.Mu.Unlock()
	return len(s.state.Jobs)
}
func (s *Server) ManagedEvents(orderID string) []string {
	s.state.Mu.Lock()
	defer s.state.Mu.Unlock()
	var texts []string
	for _, e := range s.state.Events {
		if e.OrderID == orderID && e.Lane == "state" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}
func ManagementCalls() []string { return nil }
func (s *Server) Slowly(key string, started chan<- struct{}, answer <-chan int) (int, string) {
	return 0, ""
}

var _ engine.Event
