package fakeklarna

import (
	"context"
	"time"
)

// What Go tests see of a fake, and do with it.

// Orders returns all orders of the checkout since the last Reset, newest first. It includes
// aborted, bought and expired ones.
func (s *Server) Orders() []Order { return s.kco.Orders() }

// Order returns one order, also one that is aborted, bought or expired.
func (s *Server) Order(id string) (Order, bool) { return s.kco.Order(id) }

// Shopper does what a shopper does in an order's iframe and returns what that
// shows then. Looking on does not wait for other actions. The error says that the
// order is unknown or expired, or that the action is not possible; with the latter
// nothing changed.
func (s *Server) Shopper(id string, a Action) (Outcome, error) { return s.kco.Shopper(id, a) }

// Managed returns an order as Order Management has it; false when it is not bought.
func (s *Server) Managed(orderID string) (ManagedOrder, bool) { return s.om.Managed(orderID) }

// Sessions returns every payment session that was made since the last Reset,
// the newest first, also those that are complete or expired.
func (s *Server) Sessions() []Session { return s.kp.Sessions() }

// Session returns one payment session, also one that is complete or expired.
func (s *Server) Session(id string) (Session, bool) { return s.kp.Session(id) }

// Pay does what a shopper's browser does with a payment session and returns what
// the library Klarna.Payments tells the shop's page. The error says that the
// session is unknown or expired or that the action is not possible; then nothing
// changed.
// Source: docs.klarna.com, Klarna Payments SDK reference.
func (s *Server) Pay(sessionID string, a PaymentAction) (PaymentOutcome, error) {
	return s.kp.Pay(sessionID, a)
}

// Requests returns the calls of the API for an order since the last Reset, oldest first;
// all with an empty orderID. The newest 10,000 are kept. A waiting call has status 0.
func (s *Server) Requests(orderID string) []Request { return s.state.Requests(orderID) }

// Callbacks returns the callbacks of an order since the last Reset, oldest first; all with
// an empty orderID. Those that were not sent have a Callback.Error. The newest 10,000 are
// kept.
func (s *Server) Callbacks(orderID string) []Callback { return s.calls.Callbacks(orderID, "") }

// AddFault adds a rule that breaks calls. It panics on a wrong rule.
func (s *Server) AddFault(f Fault) {
	if _, err := s.state.AddFault(f); err != nil {
		panic("fakeklarna: AddFault: " + err.Error())
	}
}

// Faults returns the active rules, oldest first, each with its remaining count.
func (s *Server) Faults() []Fault { return s.state.Faults() }

// ClearFaults removes all rules. Calls under way keep their faults.
func (s *Server) ClearFaults() { s.state.ClearFaults() }

// SetChaos changes Options.Chaos. A test may set it to 0 to see what is left after the
// faults. It panics when chaos is not from 0 to 1.
func (s *Server) SetChaos(chaos float64) { s.state.SetChaos(chaos) }

// Now returns the time by the fake's clock.
func (s *Server) Now() time.Time { return s.state.Now() }

// Advance moves the fake's clock forward. Otherwise the clock runs with real time. It
// panics when d is negative or the clock would be a century ahead.
//
// What is due then, such as a push, is not sent when Advance returns: it is sent by other
// goroutines at once, a repeat when the one before it was answered. Wait waits for that.
func (s *Server) Advance(d time.Duration) {
	if err := s.state.Advance(d); err != nil {
		panic("fakeklarna: Advance: " + err.Error())
	}
}

// Wait waits until nothing is left to do that is due by the fake's clock: each callback
// that a purchase or Advance made due is answered or given up, and so are its repeats that
// are due. What a fault delays it waits for. The error is that of ctx; a closed fake has
// nothing to do.
func (s *Server) Wait(ctx context.Context) error { return s.state.Wait(ctx) }

// Changed returns a channel that is closed at the next change of what a snapshot holds: a
// call, its answer, a callback, an action, a rule, a move of the clock.
func (s *Server) Changed() <-chan struct{} { return s.state.Changed() }

// Reset removes all orders, calls, callbacks and faults, and resets the clock. Waiting
// calls and callbacks end without an answer.
func (s *Server) Reset() { s.state.Reset() }

// Snapshot returns the fake's state as JSON: orders, clock, jobs, faults, the record and
// the state of the random sequence. It has tokens, but no Options.
func (s *Server) Snapshot() []byte { return s.state.Snapshot() }

// Restore replaces the fake's state by a snapshot, perhaps of another fake. The clock
// continues from the snapshot's time. Waiting calls end without an answer. After an error
// nothing has changed.
func (s *Server) Restore(text []byte) error { return s.state.Restore(text) }
