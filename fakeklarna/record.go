package fakeklarna

import (
	"encoding/json"
	"time"
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
	size() int // of both bodies, bytes
	ids() (orderID, sessionID string)
}

func (c Request) size() int                        { return len(c.Request) + len(c.Response) }
func (c Request) ids() (orderID, sessionID string) { return c.OrderID, c.SessionID }

// record holds the newest entries, oldest first. Server.mu guards it.
type record[T recorded] struct {
	entries []*entry[T]
	bytes   int
}

func newRecord[T recorded]() *record[T] { return &record[T]{} }

// entry is one call or callback.
type entry[T recorded] struct {
	told    T
	began   time.Time  // real time
	in      *record[T] // also after a reset, when it counts no more
	dropped bool       // no longer in the record
}

// add puts an entry at the record's end.
func (l *record[T]) add(told T) *entry[T] {
	e := &entry[T]{told: told, began: time.Now(), in: l}
	l.entries = append(l.entries, e)
	l.grow(told.size())
	return e
}

// answered counts the answer to an entry.
func (e *entry[T]) answered(response []byte) {
	if !e.dropped {
		e.in.grow(len(response))
	}
}

// grow counts bytes of bodies and drops the oldest entries when there are too many.
func (l *record[T]) grow(n int) {
	l.bytes += n
	for len(l.entries) > keptRequests || l.bytes > keptBytes && len(l.entries) > 1 {
		oldest := l.entries[0]
		oldest.dropped = true
		l.bytes -= oldest.told.size()
		l.entries = l.entries[1:]
	}
}

// of returns what concerns an order and a session; an empty ID is any.
func (l *record[T]) of(orderID, sessionID string) []T {
	found := []T{}
	for _, e := range l.entries {
		order, session := e.told.ids()
		if (orderID == "" || order == orderID) && (sessionID == "" || session == sessionID) {
			found = append(found, e.told)
		}
	}
	return found
}

// MarshalJSON shows what is in the record, oldest first.
func (l *record[T]) MarshalJSON() ([]byte, error) { return mustJSON(l.of("", "")), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *record[T]) UnmarshalJSON(text []byte) error {
	var all []T
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, told := range all {
		l.add(told)
	}
	return nil
}
