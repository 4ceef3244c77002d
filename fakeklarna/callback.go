package fakeklarna

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The calls of the fake to the merchant.
// Source: docs.kustom.co, Server side callbacks.

// Callback is one call of the fake to the merchant.
type Callback struct {
	Time       time.Time       `json:"time"` // of sending, by the fake's clock
	Type       string          `json:"type"` // member of merchant_urls, such as validation
	URL        string          `json:"url"`
	OrderID    string          `json:"order_id,omitempty"`
	SessionID  string          `json:"session_id,omitempty"`
	Status     int             `json:"status"` // 0: no answer, or none yet
	DurationMS int64           `json:"duration_ms"`
	Request    json.RawMessage `json:"request"`          // null: an empty body
	Response   json.RawMessage `json:"response"`         // text that is not JSON is a JSON string
	Error      string          `json:"error,omitempty"`  // why there was no answer, or why nothing was sent
	Faults     []string        `json:"faults,omitempty"` // what rules did to this callback
}

// outgoing is a callback to be sent.
type outgoing struct {
	kind               string // as Callback.Type
	url                string // with the placeholders filled in
	orderID, sessionID string
	body               any             // nil: an empty body
	limit              time.Duration   // for the answer, callbackLimit when 0
	forgot             <-chan struct{} // Server.forgot at the event that caused the callback; nil: now
}

// merchantReply is what the merchant answered; status is 0 without an answer.
type merchantReply struct {
	status   int
	location string // absolute
	body     []byte
}

// redirects reports whether the answer sends the browser elsewhere.
// Source: docs.kustom.co, Server side callbacks.
func (r merchantReply) redirects() bool {
	return r.location != "" && slices.Contains([]int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect}, r.status)
}

// Callbacks returns the callbacks of an order since the last Reset, oldest first; all with
// an empty orderID. Those that were not sent have a Callback.Error. The newest 10,000 are
// kept.
func (s *Server) Callbacks(orderID string) []Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callbacks.of(orderID, "")
}

func (s *Server) listCallbacks(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	return http.StatusOK, map[string][]Callback{"callbacks": s.callbacks.of(q.Get("order_id"), q.Get("session_id"))}
}

// mayCall reports whether callbacks are sent to a host.
func (s *Server) mayCall(host string) bool {
	return isLoopback(strings.ToLower(host)) ||
		slices.ContainsFunc(s.o.CallbackHosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// unsent returns why a callback is not sent, "" if it is.
func (s *Server) unsent(o outgoing) string {
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" {
		return "not sent: this is no URL"
	}
	if !s.mayCall(u.Hostname()) {
		return "not sent: " + u.Hostname() + " is neither this machine nor one of the callback hosts"
	}
	return ""
}

func (c Callback) size() int                        { return len(c.Request) + len(c.Response) }
func (c Callback) ids() (orderID, sessionID string) { return c.OrderID, c.SessionID }
