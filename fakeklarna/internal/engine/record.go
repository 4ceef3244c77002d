package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Request is one call of the API that the fake received. Headers are not
// kept, so neither are credentials.
type Request struct {
	Time          time.Time       `json:"time"` // of arrival, by the fake's clock
	Method        string          `json:"method"`
	Path          string          `json:"path"`   // without the base path
	Status        int             `json:"status"` // 0: not answered yet, or never
	OrderID       string          `json:"order_id,omitempty"`
	SessionID     string          `json:"session_id,omitempty"` // of Klarna Payments
	CorrelationID string          `json:"correlation_id"`
	DurationMS    int64           `json:"duration_ms"`
	Request       json.RawMessage `json:"request"`          // the body; text that is not JSON is a JSON string
	Response      json.RawMessage `json:"response"`         // the body that was meant, whatever a fault made of it
	Faults        []string        `json:"faults,omitempty"` // what rules did to this call
}

// The newest calls and the newest callbacks are kept, up to this many and this
// many bytes of bodies each.
const (
	keptRequests = 10_000
	keptBytes    = 64 << 20
)

// recorded is a Request or a Callback.
type recorded interface {
	Size() int // of both bodies, bytes
	IDs() (orderID, sessionID string)
}

// Size is that of both bodies, in bytes.
func (c Request) Size() int { return len(c.Request) + len(c.Response) }

// IDs are those that it concerns.
func (c Request) IDs() (orderID, sessionID string) { return c.OrderID, c.SessionID }

// Record holds the newest entries, oldest first. The state's lock guards it.
type Record[T recorded] struct {
	Entries []*entry[T]
	bytes   int
}

// NewRecord returns an empty record.
func NewRecord[T recorded]() *Record[T] { return &Record[T]{} }

// entry is one call or callback.
type entry[T recorded] struct {
	Told    T
	Began   time.Time  // real time
	in      *Record[T] // also after a reset, when it counts no more
	dropped bool       // no longer in the record
}

// Add puts an entry at the record's end. began is the real time of what it tells: what the call
// changes, it changes within its duration from then.
func (l *Record[T]) Add(began time.Time, told T) *entry[T] {
	e := &entry[T]{Told: told, Began: began, in: l}
	l.Entries = append(l.Entries, e)
	l.grow(told.Size())
	return e
}

// Answered counts the answer to an entry.
func (e *entry[T]) Answered(response []byte) {
	if !e.dropped {
		e.in.grow(len(response))
	}
}

// grow counts bytes of bodies and drops the oldest entries when there are too many.
func (l *Record[T]) grow(n int) {
	l.bytes += n
	for len(l.Entries) > keptRequests || l.bytes > keptBytes && len(l.Entries) > 1 {
		oldest := l.Entries[0]
		oldest.dropped = true
		l.bytes -= oldest.Told.Size()
		l.Entries = l.Entries[1:]
	}
}

// Of returns what concerns an order and a session; an empty ID is any.
func (l *Record[T]) Of(orderID, sessionID string) []T {
	found := []T{}
	for _, e := range l.Entries {
		order, session := e.Told.IDs()
		if (orderID == "" || order == orderID) && (sessionID == "" || session == sessionID) {
			found = append(found, e.Told)
		}
	}
	return found
}

// MarshalJSON shows what is in the record, oldest first.
func (l *Record[T]) MarshalJSON() ([]byte, error) { return wire.MustJSON(l.Of("", "")), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Record[T]) UnmarshalJSON(text []byte) error {
	var all []T
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, told := range all {
		l.Add(time.Now(), told)
	}
	return nil
}

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

// Tell notes an event and wakes the watching pages. The caller holds s.Mu.
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

// Stir wakes the watching pages after a visible change. The caller holds s.Mu.
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
