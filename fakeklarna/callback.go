package fakeklarna

import (
	"encoding/json"
	"time"
)

// Callback is one call of the fake to the merchant.
type Callback struct {
	Time       time.Time       `json:"time"` // by the fake's clock
	Type       string          `json:"type"` // member of merchant_urls, such as validation
	URL        string          `json:"url"`
	OrderID    string          `json:"order_id,omitempty"`
	SessionID  string          `json:"session_id,omitempty"`
	Status     int             `json:"status"` // 0: no answer
	DurationMS int64           `json:"duration_ms"`
	Request    json.RawMessage `json:"request"`
	Response   json.RawMessage `json:"response"`        // text that is not JSON is a JSON string
	Error      string          `json:"error,omitempty"` // why there was no answer, or why nothing was sent
}

// outgoing is a callback to be sent.
type outgoing struct {
	kind               string // as Callback.Type
	url                string // with the placeholders filled in
	orderID, sessionID string
	body               any // nil: an empty body
	limit              time.Duration
}

// merchantReply is what the merchant answered; status is 0 without an answer.
type merchantReply struct {
	status   int
	location string
	body     []byte
}

// callMerchant sends a callback, waits for the answer and records both. The
// caller does not hold s.mu.
func (s *Server) callMerchant(o outgoing) merchantReply { return merchantReply{} }
