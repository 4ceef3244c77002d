package fakeklarna

import (
	"encoding/json"
	"time"
)

// Event is something that happened, other than a call of the API or a callback: an action
// of the shopper, a change, a move of the clock, a new fault.
type Event struct {
	Time      time.Time       `json:"time"` // by the fake's clock
	Lane      string          `json:"lane"` // shopper, state, clock or fault
	OrderID   string          `json:"order_id,omitempty"`
	SessionID string          `json:"session_id,omitempty"`
	Text      string          `json:"text"`              // such as "status AUTHORIZED → CAPTURED"
	Details   json.RawMessage `json:"details,omitempty"` // such as what the shopper typed
}

// keptEvents is how many of the newest events are kept.
const keptEvents = 50_000

// tell notes an event and wakes the watching pages. The caller holds s.mu.
func (s *engineState) tell(e Event) {
	e.Time = s.now()
	s.events = append(s.events, e)
	if len(s.events) > keptEvents {
		s.events = s.events[len(s.events)-keptEvents:]
	}
	s.stir()
}

// stir wakes the watching pages after a visible change. The caller holds s.mu.
func (s *engineState) stir() {
	close(s.stirred)
	s.stirred = make(chan struct{})
}
