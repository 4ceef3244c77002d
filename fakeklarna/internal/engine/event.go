package engine

import (
	"encoding/json"
	"fmt"
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

// Tell notes an event and wakes the watching pages. The caller holds s.mu.
func (s *State) Tell(e Event) {
	e.Time = s.Time()
	s.Events = append(s.Events, e)
	if len(s.Events) > keptEvents {
		s.Events = s.Events[len(s.Events)-keptEvents:]
	}
	s.Stir()
}

// Changed returns the channel that the next visible change closes.
func (s *State) Changed() <-chan struct{} {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.stirred
}

// Stir wakes the watching pages after a visible change. The caller holds s.mu.
func (s *State) Stir() {
	close(s.stirred)
	s.stirred = make(chan struct{})
}

// SpanText returns a time span in the largest fitting units, such as "47 h 12 min".
func SpanText(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	minutes := int64(d.Round(time.Minute) / time.Minute)
	switch h, m := minutes/60, minutes%60; {
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	case h < 96:
		return fmt.Sprintf("%d h %d min", h, m)
	default:
		return fmt.Sprintf("%d days", h/24)
	}
}

// Short returns the start of an ID, for people.
func Short(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[:8]
}
