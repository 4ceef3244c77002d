// Package engine is the state of a fake and what moves it: clock, jobs, faults, chaos,
// snapshots, and the record of calls. It serves the operations of the APIs and knows none.
package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config are the settings of a state.
type Config struct {
	Username, Password string
	PublicURL          *url.URL // nil: the host of the request that came last
	Seed               uint64
	Chaos              float64
	MaxKept            int      // orders, and other things, of each API
	CallbackKinds      []string // that faults may name
	Logger             *slog.Logger
}

// State is the state of a fake, and what moves it: clock, jobs, faults, chaos, the
// record. It knows no API. What belongs to an API adds its own state with hold, and its
// operations with serve and perform, before the first call.
type State struct {
	Config

	Closed    chan struct{}
	close     sync.Once
	endpoints []endpoint
	performs  map[string]func(*Job) // by kind of job
	parts     []part

	Mu      sync.Mutex // guards all that follows and all parts
	Log     *Record[Request]
	Events  []Event
	Jobs    []*Job
	Rules   []*Rule
	faultID int
	Chance  *chance
	answers keptAnswers // by idempotency key

	running  map[string]chan struct{} // calls with an idempotency key that run, closed when they end
	stirred  chan struct{}            // closed and made anew by stir
	Forgot   chan struct{}            // closed and made anew by Reset
	jobTimer *time.Timer              // of the next job, nil before the first
	working  int                      // jobs that run
	rested   chan struct{}            // closed and made anew when a job has ended
	Offset   time.Duration            // of the fake's clock from the real one
	origin   string                   // scheme://host of the request that came last
}

// New returns an empty state. It panics when Chaos is no probability.
func New(c Config) *State {
	checkChaos(c.Chaos)
	s := &State{
		Config: c, Closed: make(chan struct{}), performs: map[string]func(*Job){},
		stirred: make(chan struct{}), rested: make(chan struct{}),
	}
	Hold(s, "answers", &s.answers, func() keptAnswers { return keptAnswers{ByKey: map[string]keptAnswer{}} }, nil)
	Hold(s, "jobs", &s.Jobs, nothing, s.checkJobs)
	Hold(s, "faults", &s.Rules, nothing, s.checkFaults)
	Hold(s, "fault_id", &s.faultID, func() int { return 0 }, nil)
	Hold(s, "requests", &s.Log, NewRecord[Request], nil)
	Hold(s, "events", &s.Events, nothing, nil)
	Hold(s, "chance", &s.Chance, func() *chance { return newChance(c.Seed) }, nil)
	s.empty()
	return s
}

func nothing[T any]() []T { return nil }

// Close ends callbacks and the delays of calls that wait for a fault's time to
// pass: their connections are closed.
func (s *State) Close() { s.close.Do(func() { close(s.Closed) }) }

// IsClosed reports whether the fake was closed.
func (s *State) IsClosed() bool {
	select {
	case <-s.Closed:
		return true
	default:
		return false
	}
}

// Reset empties the state and resets the clock. Waiting calls and callbacks end without an
// answer.
func (s *State) Reset() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	close(s.Forgot)
	s.empty()
}

// empty makes the state of a new fake. The caller holds s.Mu.
func (s *State) empty() {
	for _, p := range s.parts {
		p.empty()
	}
	s.running, s.Offset = map[string]chan struct{}{}, 0
	s.Forgot = make(chan struct{})
	s.Stir()
}

// Time returns the fake's time. The caller holds s.Mu.
func (s *State) Time() time.Time { return time.Now().Add(s.Offset) }

// Now returns the time by the fake's clock.
func (s *State) Now() time.Time {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.Time()
}

const century = 100 * 365 * 24 * time.Hour

// Advance moves the clock forward. The error says that d is negative or the clock would be
// a century ahead.
func (s *State) Advance(d time.Duration) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if d < 0 {
		return errors.New("the clock moves forward only")
	}
	if d > century-s.Offset {
		return errors.New("the clock would be more than a century ahead")
	}
	s.Offset += d
	s.Tell(Event{Lane: "clock", Text: "moved +" + SpanText(d)})
	s.wakeJobs()
	return nil
}

var (
	// ErrLate: something did not end in time.
	ErrLate = errors.New("the time is over")
	// ErrEnded: what was waited for does not come any more.
	ErrEnded = errors.New("the fake was closed or reset")
)

// Await releases s.Mu until done is closed. The error is ErrLate or ErrEnded.
func (s *State) Await(done <-chan struct{}, late <-chan time.Time) error {
	forgot := s.Forgot
	s.Mu.Unlock()
	defer s.Mu.Lock()
	select {
	case <-done:
		return nil
	case <-late:
		return ErrLate
	case <-forgot:
	case <-s.Closed:
	}
	return ErrEnded
}

// CameFrom notes the address by which a request reached the fake.
func (s *State) CameFrom(r *http.Request) {
	s.Mu.Lock()
	s.origin = cmp.Or(origin(r), s.origin)
	s.Mu.Unlock()
}

// origin returns scheme://host by which a request reached the fake: where it came in when a
// client of HTTP/1.0 named no host, and "" without a connection.
func origin(r *http.Request) string {
	host := r.Host
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		host = local.String()
	}
	switch {
	case host == "":
		return ""
	case r.TLS != nil:
		return "https://" + host
	}
	return "http://" + host
}

// calledAt returns the address by which a caller knows the fake, without a slash at its end. A
// proxy before it, which passes the host of the public URL on, may have ended TLS and taken a
// base path away; whoever comes around it used the request's own host and path.
func (s *State) calledAt(r *http.Request) string {
	if s.PublicURL != nil && strings.EqualFold(s.PublicURL.Host, r.Host) {
		return s.PublicURL.String()
	}
	mount := "" // what http.StripPrefix took away
	if at := strings.Index(r.RequestURI, r.URL.EscapedPath()); at > 0 && r.RequestURI[0] == '/' {
		mount = r.RequestURI[:at]
	}
	return origin(r) + mount
}

// BaseURL returns the address under which browsers find the fake, without a
// slash at its end. The caller holds s.Mu.
func (s *State) BaseURL() string {
	if s.PublicURL != nil {
		return s.PublicURL.String()
	}
	return s.origin
}

// BasePath returns the path below which the fake is mounted, "" for the root.
func (s *State) BasePath() string {
	if s.PublicURL == nil {
		return ""
	}
	return s.PublicURL.Path
}

// Requests returns the calls of the API for an order since the last Reset, oldest first;
// all with an empty orderID.
func (s *State) Requests(orderID string) []Request {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.Log.Of(orderID, "")
}
