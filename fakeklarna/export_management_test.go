package fakeklarna

import (
	"net/http"
)

// What tests of Order Management reach of the inside.

type (
	Purchase = purchase
	Persona  = persona
)

// Authorize hands a purchase to Order Management, as Checkout and Payments do,
// and returns the order's ID.
func (s *Server) Authorize(p Purchase) string {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	p.OrderID = s.state.newID()
	s.om.authorize(p)
	return p.OrderID
}

// Acknowledged reports whether pushes have ended.
func (s *Server) Acknowledged(orderID string) bool {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return s.om.acknowledged(orderID)
}

// Waiting is how many jobs wait for their time.
func (s *Server) Waiting() int {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return len(s.state.jobs)
}

// ManagedEvents returns what was told of an order's state.
func (s *Server) ManagedEvents(orderID string) []string {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	var texts []string
	for _, e := range s.state.events {
		if e.OrderID == orderID && e.Lane == "state" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// ManagementCalls are method and path, below the order, of all operations.
func ManagementCalls() []string {
	var calls []string
	for _, e := range managedOperations {
		calls = append(calls, e.method+" "+e.path)
	}
	return calls
}

// Slowly calls, with an idempotency key, an operation that lets go of the fake
// until it is told how to answer, and returns the status and body answered.
func (s *Server) Slowly(key string, started chan<- struct{}, answer <-chan int) (int, string) {
	c := &apiCall{header: http.Header{"Klarna-Idempotency-Key": {key}}, forgot: s.state.forgot, scope: "POST /slow", path: "/slow"}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	out, _ := s.state.once(func(c *apiCall) (reply, *apiError) {
		s.state.mu.Unlock()
		defer s.state.mu.Lock()
		started <- struct{}{}
		status, ok := <-answer
		if !ok {
			panic("the operation panics")
		}
		if status >= http.StatusBadRequest {
			return reply{}, &apiError{status: status, code: "SLOW", message: "slow"}
		}
		return reply{status: status, body: []byte("done")}, nil
	})(c)
	return out.status, string(out.body)
}
