package fakeklarna

import (
	"net/http"
	"strings"
)

// What tests of Order Management reach of the inside.

type (
	Purchase = purchase
	Persona  = persona
)

// Authorize hands a purchase to Order Management, as Checkout and Payments do,
// and returns the order's ID.
func (s *Server) Authorize(p Purchase) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.OrderID = s.newID()
	s.authorize(p)
	return p.OrderID
}

// Acknowledged reports whether pushes have ended.
func (s *Server) Acknowledged(orderID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acknowledged(orderID)
}

// Waiting is how many jobs wait for their time.
func (s *Server) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.jobs)
}

// ManagedEvents returns what was told of an order's state.
func (s *Server) ManagedEvents(orderID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, e := range s.events {
		if e.OrderID == orderID && e.Lane == "state" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// ManagementCalls are method and path, below the order, of all operations.
func ManagementCalls() []string {
	var calls []string
	for _, e := range managementEndpoints {
		calls = append(calls, e.method+" "+strings.TrimPrefix(e.path, managedPath))
	}
	return calls
}

// Slowly calls, with an idempotency key, an operation that lets go of the fake
// until it is told how to answer, and returns the status and body answered.
func (s *Server) Slowly(key string, started chan<- struct{}, answer <-chan int) (int, string) {
	c := &apiCall{header: http.Header{"Klarna-Idempotency-Key": {key}}, forgot: s.forgot, scope: "POST /slow", path: "/slow"}
	s.mu.Lock()
	defer s.mu.Unlock()
	out, _ := onceByKey(func(s *Server, c *apiCall) (reply, *apiError) {
		s.mu.Unlock()
		defer s.mu.Lock()
		started <- struct{}{}
		status, ok := <-answer
		if !ok {
			panic("the operation panics")
		}
		if status >= http.StatusBadRequest {
			return reply{}, &apiError{status: status, code: "SLOW", message: "slow"}
		}
		return reply{status: status, body: []byte("done")}, nil
	})(s, c)
	return out.status, string(out.body)
}
