package fakeklarna

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
)

// For Go tests and the JSON interface below /fake/.

// Orders returns all orders since the last Reset, newest first. It includes aborted,
// bought and expired ones.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Order, 0, len(s.newest))
	for _, o := range slices.Backward(s.newest) {
		all = append(all, s.inspect(o))
	}
	return all
}

// Order returns one order, also one that is aborted, bought or expired.
func (s *Server) Order(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil {
		return Order{}, false
	}
	return s.inspect(o), true
}

// Requests returns the calls of the API for an order since the last Reset, oldest first;
// all with an empty orderID. The newest 10,000 are kept. A waiting call has status 0.
func (s *Server) Requests(orderID string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.of(orderID, "")
}

// AddFault adds a rule that breaks calls. It panics on a wrong rule.
func (s *Server) AddFault(f Fault) {
	if _, err := s.addFault(f); err != nil {
		panic("fakeklarna: AddFault: " + err.Error())
	}
}

func (s *Server) addFault(f Fault) (Fault, error) {
	if err := f.check(); err != nil {
		return Fault{}, err
	}
	f.Count = cmp.Or(f.Count, 1)
	if f.RateLimit > 0 {
		f.Status = cmp.Or(f.Status, http.StatusTooManyRequests)
		header := map[string]string{"Retry-After": "1"}
		maps.Copy(header, f.Header)
		f.Header = header
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faultID++
	f.ID = s.faultID
	s.faults = append(s.faults, new(f))
	s.tell(Event{Lane: "fault", OrderID: f.OrderID, Text: f.sentence()})
	return f, nil
}

// Faults returns the active rules, oldest first, each with its remaining count.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		all = append(all, *f)
	}
	return all
}

// ClearFaults removes all rules. Calls under way keep their faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.tell(Event{Lane: "fault", Text: "all rules removed"})
}

// Now returns the time by the fake's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the fake's clock forward. Otherwise the clock runs with real time. It
// panics when d is negative or the clock would be a century ahead.
func (s *Server) Advance(d time.Duration) {
	if err := s.advance(d); err != nil {
		panic("fakeklarna: Advance: " + err.Error())
	}
}

const century = 100 * 365 * 24 * time.Hour

func (s *Server) advance(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d < 0 {
		return errors.New("the clock moves forward only")
	}
	if d > century-s.offset {
		return errors.New("the clock would be more than a century ahead")
	}
	s.offset += d
	s.tell(Event{Lane: "clock", Text: "moved +" + spanText(d)})
	s.wakeJobs()
	return nil
}

// Reset removes all orders, calls, callbacks and faults, and resets the clock. Waiting
// calls and callbacks end without an answer.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.forgot)
	s.empty()
}

// empty makes the state of a new fake. The caller holds s.mu.
func (s *Server) empty() {
	s.log.clear()
	s.callbacks.clear()
	s.orders, s.newest = map[string]*order{}, nil
	s.payments = newPaymentState()
	s.events, s.jobs = nil, nil
	s.managed, s.running = map[string]*managedOrder{}, map[string]chan struct{}{}
	s.answers = keptAnswers{ByKey: map[string]keptAnswer{}}
	s.faults, s.faultID, s.offset = nil, 0, 0
	s.chance = newChance(s.o.Seed)
	s.stir()
	s.forgot = make(chan struct{})
}
