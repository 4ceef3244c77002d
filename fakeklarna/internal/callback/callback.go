// Package callback calls the merchant and records what it answers.
package callback

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
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
	Error      string          `json:"error,omitempty"`  // why there was no answer, why nothing was sent, or why the answer was not taken
	Faults     []string        `json:"faults,omitempty"` // what rules did to this callback
}

// Kinds are all callbacks, by their names in merchant_urls.
var Kinds = []string{"validation", "address_update", "shipping_option_update", "country_change", "push", "notification", "authorization", "upsell", "upsell_validation"}

// Sender sends callbacks and records them.
type Sender struct {
	*engine.State
	hosts     []string // that are called, besides this machine
	transport http.RoundTripper

	// Guarded by the state's lock.
	Record *engine.Record[Callback]
	sent   chan struct{} // closed and made anew when a callback was answered
}

// New returns a sender; a nil transport is the network.
func New(s *engine.State, hosts []string, transport http.RoundTripper) *Sender {
	if transport == nil {
		transport = merchantTransport()
	}
	c := &Sender{State: s, hosts: hosts, transport: transport, sent: make(chan struct{})}
	engine.Hold(s, "callbacks", &c.Record, engine.NewRecord[Callback], nil)
	return c
}

// Call is a callback to be sent.
type Call struct {
	Kind               string // as Callback.Type
	URL                string // with the placeholders filled in
	OrderID, SessionID string
	Body               any             // nil: an empty body
	Limit              time.Duration   // for the answer, callbackLimit when 0
	Forgot             <-chan struct{} // State.Forgot at the event that caused the callback; nil: now
}

// Answer is what the merchant answered; status is 0 without an answer.
type Answer struct {
	Status   int
	Location string // absolute
	Body     []byte

	told *Callback // in the record, guarded by the state's lock; nil without an answer
}

var redirects = []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect}

// Redirects reports whether the answer sends the browser elsewhere.
// Source: docs.kustom.co, Server side callbacks.
func (r Answer) Redirects() bool { return r.Location != "" && slices.Contains(redirects, r.Status) }

// NotOK says what is wrong with a status that had to be 200.
func (r Answer) NotOK() error {
	if r.Location == "" && slices.Contains(redirects, r.Status) {
		return fmt.Errorf("%d without Location", r.Status)
	}
	return fmt.Errorf("%d is not 200", r.Status)
}

// NotTaken records why an answer has no effect, or not its own: Klarna's shoppers are told
// nothing of it, and a merchant who has answered sees no fault. The caller holds s.Mu.
func (s *Sender) NotTaken(r Answer, why error) {
	if r.told != nil {
		r.told.Error = "answer not taken: " + why.Error()
		s.Stir()
	}
}

// Callbacks returns the callbacks of an order and a session, oldest first; an empty ID is
// any.
func (s *Sender) Callbacks(orderID, sessionID string) []Callback {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.Record.Of(orderID, sessionID)
}

// MayCall reports whether callbacks are sent to a host.
func (s *Sender) MayCall(host string) bool {
	return IsLoopback(strings.ToLower(host)) ||
		slices.ContainsFunc(s.hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// unsent returns why a callback is not sent, "" if it is.
func (s *Sender) unsent(o Call) string {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" {
		return "not sent: this is no URL"
	}
	if !s.MayCall(u.Hostname()) {
		return "not sent: " + u.Hostname() + " is neither this machine nor one of the callback hosts"
	}
	return ""
}

// Size is that of both bodies, in bytes.
func (c Callback) Size() int { return len(c.Request) + len(c.Response) }

// IDs are those that it concerns.
func (c Callback) IDs() (orderID, sessionID string) { return c.OrderID, c.SessionID }

// IsLoopback reports whether a host, in lower case, is this machine.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
