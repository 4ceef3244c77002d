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

// The newest calls are kept, up to this many and this many bytes of bodies.
const (
	keptRequests = 10_000
	keptBytes    = 64 << 20
)

// entry is a Request in the log.
type entry struct {
	Request
	started time.Time // real time
	dropped bool      // no longer in the log
}

// requestLog holds the newest calls, oldest first. Server.mu guards it.
type requestLog struct {
	entries []*entry
	bytes   int
}

// add puts a call that has just arrived at the log's end.
func (l *requestLog) add(e *entry) {
	l.entries = append(l.entries, e)
	l.grow(len(e.Request.Request))
}

// finish notes a call's answer.
func (l *requestLog) finish(e *entry, status int, response []byte) {
	e.Status, e.DurationMS = status, time.Since(e.started).Milliseconds()
	e.Response = asJSON(response)
	if !e.dropped {
		l.grow(len(e.Response))
	}
}

// grow counts bytes of bodies and drops the oldest calls when there are too many.
func (l *requestLog) grow(n int) {
	l.bytes += n
	for len(l.entries) > keptRequests || l.bytes > keptBytes && len(l.entries) > 1 {
		oldest := l.entries[0]
		oldest.dropped = true
		l.bytes -= len(oldest.Request.Request) + len(oldest.Response)
		l.entries = l.entries[1:]
	}
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

// clear forgets all calls.
func (l *requestLog) clear() {
	for _, e := range l.entries {
		e.dropped = true
	}
	*l = requestLog{}
}
