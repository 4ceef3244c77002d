package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Fault is a rule that breaks calls of the API or, with Callback, callbacks. If several
// rules fit a call, all take effect. If two set the answer, the older one does.
type Fault struct {
	ID int `json:"id"` // chosen by the fake
	// Method, Path and OrderID choose the calls. An empty one fits every call. Path is
	// without the fake's base path; * is any one segment.
	Method  string `json:"method,omitempty"`
	Path    string `json:"path,omitempty"`
	OrderID string `json:"order_id,omitempty"` // in the call's path: a create has none
	// Callback is a member of merchant_urls, such as "push", or "*" for all. The rule then
	// hits these callbacks and no calls. It may have OrderID (also a session's ID), Count,
	// Probability, Delay, Jitter, Drop, Double and Reorder. The delay passes before the
	// callback is sent and its time limit starts.
	Callback string `json:"callback,omitempty"`
	// Count is how many calls the rule hits before it is removed: 0 means 1, -1 any number.
	// Probability is that of a hit, above 0 and up to 1; 0 means 1.
	Count       int     `json:"count"`
	Probability float64 `json:"probability,omitempty"`

	// Status answers instead of the API, which does not see the call. Without Body the body
	// is Klarna's for that status. Header is added.
	Status int               `json:"status,omitempty"`
	Body   FaultBody         `json:"body,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	// RateLimit is how many fitting calls per second pass. The others get Status, or 429 if
	// that is 0. Source: docs.klarna.com, Rate limits.
	RateLimit int `json:"rate_limit,omitempty"`
	// Delay and a random part of Jitter pass before the call is carried out, DelayAfter and
	// JitterAfter after it and before the answer. After 30 s a call gets 504, as from
	// Klarna.
	Delay       Duration `json:"delay,omitzero"`
	Jitter      Duration `json:"jitter,omitzero"`
	DelayAfter  Duration `json:"delay_after,omitzero"`
	JitterAfter Duration `json:"jitter_after,omitzero"`
	// Reset breaks the connection before the call is carried out, DropReply after it.
	// Truncate sends half of the answer, NotJSON a page of HTML.
	// Late breaks it at once and carries the call out after Delay and Jitter: it lands after
	// what its client, which got no answer, has sent since.
	Reset     bool `json:"reset,omitempty"`
	Late      bool `json:"late,omitempty"`
	DropReply bool `json:"drop_reply,omitempty"`
	Truncate  bool `json:"truncate,omitempty"`
	NotJSON   bool `json:"not_json,omitempty"`

	// Drop does not send a callback: for the fake it has no answer. Double sends it twice at
	// the same time; one answer counts. Reorder holds it until any other callback was
	// answered, at most 10 s.
	Drop    bool `json:"drop,omitempty"`
	Double  bool `json:"double,omitempty"`
	Reorder bool `json:"reorder,omitempty"`
}

// FaultBody is the body that a fault answers. In JSON it is a string, or any other JSON
// value, which is sent as it is.
type FaultBody string

// UnmarshalJSON reads a string's text, or the text of another value.
func (b *FaultBody) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(b))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return err
	}
	*b = FaultBody(compact.String())
	return nil
}

// Duration is a time.Duration that JSON shows as "120ms".
type Duration time.Duration

// MarshalText writes a duration as time.Duration.String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration takes.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// check returns what is wrong with a rule.
// kinds are the callbacks that it may name.
func (f *Fault) check(kinds []string) error {
	if err := f.checkTarget(kinds); err != nil {
		return err
	}
	switch {
	case !f.breaksCalls() && !f.Drop && !f.Double && !f.Reorder && f.Delay == 0 && f.Jitter == 0:
		return errors.New("the rule has no effect: give status, rate_limit, delay, jitter, delay_after, jitter_after, reset, late, drop_reply, truncate or not_json; drop, double or reorder for a callback")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status: %d is not from 200 to 599", f.Status)
	case f.RateLimit < 0:
		return fmt.Errorf("rate_limit: %d is not a number of calls per second", f.RateLimit)
	case f.Status == 0 && f.RateLimit == 0 && (f.Body != "" || len(f.Header) > 0):
		return errors.New("body and header need a status")
	case f.Count < -1:
		return fmt.Errorf("count: %d is neither a number of calls nor -1", f.Count)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability: %v is not from 0 to 1", f.Probability)
	case f.Path != "" && f.Path[0] != '/':
		return fmt.Errorf("path: %q does not start with a slash", f.Path)
	case min(f.Delay, f.Jitter, f.DelayAfter, f.JitterAfter) < 0:
		return errors.New("a delay or jitter is negative")
	case f.Late && f.Delay == 0 && f.Jitter == 0:
		return errors.New("late needs a delay or jitter: when the call is carried out")
	}
	return nil
}

// breaksCalls reports whether a rule has an effect that only calls can have.
func (f *Fault) breaksCalls() bool {
	return f.Status != 0 || f.RateLimit != 0 || f.DelayAfter != 0 || f.JitterAfter != 0 || f.Reset || f.Late || f.DropReply || f.Truncate || f.NotJSON
}

// methods are those that a client may use.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// checkTarget returns what is wrong with a rule about its target, calls or callbacks.
func (f *Fault) checkTarget(kinds []string) error {
	switch {
	case f.Method != "" && !slices.Contains(methods, strings.ToUpper(f.Method)):
		return fmt.Errorf("method: %q is none of %s", f.Method, strings.Join(methods, ", "))
	case f.Callback == "" && (f.Drop || f.Double || f.Reorder):
		return errors.New("drop, double and reorder need a callback")
	case f.Callback != "" && f.Callback != "*" && !slices.Contains(kinds, f.Callback):
		return fmt.Errorf("callback: %q is neither * nor one of %s", f.Callback, strings.Join(kinds, ", "))
	case f.Callback != "" && (f.breaksCalls() || f.Method != "" || f.Path != "" || f.Body != "" || len(f.Header) > 0):
		return errors.New("a rule for a callback has order_id, count, probability, delay, jitter, drop, double and reorder only")
	}
	return nil
}

// fits reports whether a rule is for a call.
func (f *Fault) fits(method, path, orderID string) bool {
	return f.Callback == "" && (f.Method == "" || strings.EqualFold(f.Method, method)) &&
		(f.OrderID == "" || f.OrderID == orderID) &&
		(f.Path == "" || PathFits(f.Path, path))
}

// PathFits reports whether a path is of a pattern, where * is any one segment.
func PathFits(pattern, path string) bool {
	want := strings.Split(strings.TrimSuffix(pattern, "/"), "/")
	got := strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(got) {
		return false
	}
	for i, segment := range want {
		if segment != "*" && segment != got[i] {
			return false
		}
	}
	return true
}

// damage is what the rules that fit do to one call or callback.
type damage struct {
	Before, after                             time.Duration
	answer                                    *Fault // has the status to answer with
	reset, late, dropReply, truncate, notJSON bool   // of a call
	Drop, Double, Reorder                     bool   // of a callback
	Names                                     []string
}

// strike applies the rules that fit a call. The caller holds s.Mu.
func (s *State) strike(method, path, orderID string) damage {
	var d damage
	for _, r := range s.hits(func(r *Rule) bool {
		return r.fits(method, path, orderID) && (r.RateLimit == 0 || r.tooFast(s.Time()))
	}) {
		d.add(&r.Fault, s.Chance)
	}
	return d
}

// hits returns the rules that fit and hit, and counts the hits. The caller holds s.Mu.
func (s *State) hits(fits func(*Rule) bool) []*Rule {
	var hit, kept []*Rule
	for _, r := range s.Rules {
		if !fits(r) || r.Probability > 0 && s.Chance.Float64() >= r.Probability {
			kept = append(kept, r)
			continue
		}
		hit = append(hit, r)
		if r.Count > 0 {
			r.Count--
		}
		if r.Count != 0 {
			kept = append(kept, r)
		}
	}
	s.Rules = kept
	return hit
}

// StrikeCallback applies the rules that fit a callback. The caller holds s.Mu.
func (s *State) StrikeCallback(kind, orderID, sessionID string) damage {
	var d damage
	for _, r := range s.hits(func(r *Rule) bool {
		return (r.Callback == "*" || r.Callback == kind) && (r.OrderID == "" || r.OrderID == orderID || r.OrderID == sessionID)
	}) {
		d.add(&r.Fault, s.Chance)
	}
	return d
}

func (d *damage) add(f *Fault, c *chance) {
	note := func(yes bool, name string) bool {
		if yes {
			d.Names = append(d.Names, name)
		}
		return yes
	}
	d.late = note(f.Late, "late") || d.late
	before, after := f.Delay.plus(f.Jitter, c), f.DelayAfter.plus(f.JitterAfter, c)
	d.Before += before
	d.after += after
	note(before > 0, "delay "+before.Round(time.Millisecond).String())
	note(after > 0, "delay_after "+after.Round(time.Millisecond).String())
	if note(f.Status != 0 && d.answer == nil, fmt.Sprintf("status %d", f.Status)) {
		d.answer = f
	}
	d.reset = note(f.Reset, "reset") || d.reset
	d.dropReply = note(f.DropReply, "drop_reply") || d.dropReply
	d.truncate = note(f.Truncate, "truncate") || d.truncate
	d.notJSON = note(f.NotJSON, "not_json") || d.notJSON
	d.Drop = note(f.Drop, "drop") || d.Drop
	d.Double = note(f.Double, "double") || d.Double
	d.Reorder = note(f.Reorder, "reorder") || d.Reorder
}

func (d Duration) plus(jitter Duration, c *chance) time.Duration {
	if jitter > 0 {
		d += Duration(c.Int64N(int64(jitter)))
	}
	return time.Duration(d)
}

// reply returns the answer of a rule with a status.
func (f *Fault) reply(out wire.Reply, correlationID string) wire.Reply {
	known := out
	out.Status, out.Header, out.Body = f.Status, map[string]string{}, []byte(f.Body)
	switch {
	case f.Status == http.StatusNoContent || f.Status == http.StatusNotModified:
		out.Body = nil
	case f.Body == "":
		out = wire.TypicalError(known.Path, f.Status).Reply(known, correlationID)
	case !json.Valid(out.Body):
		out.Header["Content-Type"] = "text/html"
	}
	maps.Copy(out.Header, f.Header)
	return out
}
