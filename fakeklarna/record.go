package fakeklarna

import (
	"encoding/json"
	"slices"
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

// recorded is an entry of a record: its bodies count, and it knows when it is
// no longer in the record.
type recorded interface {
	size() int // of both bodies, bytes
	drop()
	isDropped() bool
}

// entryState is the part of an entry that the record needs.
type entryState struct{ dropped bool }

func (e *entryState) drop()           { e.dropped = true }
func (e *entryState) isDropped() bool { return e.dropped }

// record holds the newest entries, oldest first. Server.mu guards it.
type record[E recorded] struct {
	entries []E
	bytes   int
}

// add puts an entry at the record's end.
func (l *record[E]) add(e E) {
	l.entries = append(l.entries, e)
	l.grow(e.size())
}

// answered counts the answer that an entry has got.
func (l *record[E]) answered(e E, response []byte) {
	if !e.isDropped() {
		l.grow(len(response))
	}
}

// grow counts bytes of bodies and drops the oldest entries when there are too many.
func (l *record[E]) grow(n int) {
	l.bytes += n
	for len(l.entries) > keptRequests || l.bytes > keptBytes && len(l.entries) > 1 {
		oldest := l.entries[0]
		oldest.drop()
		l.bytes -= oldest.size()
		l.entries = l.entries[1:]
	}
}

// clear forgets all entries.
func (l *record[E]) clear() {
	for _, e := range l.entries {
		e.drop()
	}
	*l = record[E]{}
}

// entry is a Request in the log.
type entry struct {
	Request
	entryState

	started time.Time // real time
}

func (e *entry) size() int { return len(e.Request.Request) + len(e.Response) }

// requestLog is the record of calls.
type requestLog struct{ record[*entry] }

// finish notes a call's answer.
func (l *requestLog) finish(e *entry, status int, response []byte) {
	e.Status, e.DurationMS = status, time.Since(e.started).Milliseconds()
	e.Response = asJSON(response)
	l.answered(e, e.Response)
}

// of returns the calls that concern an order, or all when orderID is empty.
func (l *requestLog) of(orderID string) []Request {
	found := []Request{}
	for _, e := range l.entries {
		if orderID == "" || e.OrderID == orderID {
			call := e.Request
			call.Faults = slices.Clone(call.Faults)
			found = append(found, call)
		}
	}
	return found
}

// asJSON returns a body as JSON: as it is, or as a string when it is not JSON;
// nil when it is empty.
func asJSON(body []byte) json.RawMessage {
	switch {
	case len(body) == 0:
		return nil
	case json.Valid(body):
		return body
	}
	return mustJSON(string(body))
}
