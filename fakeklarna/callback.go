package fakeklarna

import (
	"encoding/json"
	"net/http"
	"net/netip"
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

// callbackKinds are all callbacks, by their names in merchant_urls.
var callbackKinds = []string{"validation", "address_update", "shipping_option_update", "country_change", "push", "notification", "authorization"}

// callbackSender sends callbacks and records them.
type callbackSender struct {
	*engineState
	hosts     []string // that are called, besides this machine
	transport http.RoundTripper

	// Guarded by the state's lock.
	callbacks *record[Callback]
	sent      chan struct{} // closed and made anew when a callback was answered
}

// newCallbackSender returns a sender; a nil transport is the network.
func newCallbackSender(s *engineState, hosts []string, transport http.RoundTripper) *callbackSender {
	if transport == nil {
		transport = merchantTransport()
	}
	c := &callbackSender{engineState: s, hosts: hosts, transport: transport, sent: make(chan struct{})}
	hold(s, "callbacks", &c.callbacks, newRecord[Callback], nil)
	return c
}

// outgoing is a callback to be sent.
type outgoing struct {
	kind               string // as Callback.Type
	url                string // with the placeholders filled in
	orderID, sessionID string
	body               any             // nil: an empty body
	limit              time.Duration   // for the answer, callbackLimit when 0
	forgot             <-chan struct{} // engineState.forgot at the event that caused the callback; nil: now
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

// Callbacks returns the callbacks of an order and a session, oldest first; an empty ID is
// any.
func (s *callbackSender) Callbacks(orderID, sessionID string) []Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callbacks.of(orderID, sessionID)
}

// mayCall reports whether callbacks are sent to a host.
func (s *callbackSender) mayCall(host string) bool {
	return isLoopback(strings.ToLower(host)) ||
		slices.ContainsFunc(s.hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// unsent returns why a callback is not sent, "" if it is.
func (s *callbackSender) unsent(o outgoing) string {
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

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
