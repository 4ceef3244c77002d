package fakeklarna

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// engineConfig are the settings of a state.
type engineConfig struct {
	Username, Password string
	PublicURL          *url.URL // nil: the host of the request that came last
	Seed               uint64
	Chaos              float64
	MaxKept            int      // orders, and other things, of each API
	CallbackKinds      []string // that faults may name
	Logger             *slog.Logger
}

// engineState is the state of a fake, and what moves it: clock, jobs, faults, chaos, the
// record. It knows no API. What belongs to an API adds its own state with hold, and its
// operations with serve and perform, before the first call.
type engineState struct {
	engineConfig

	closed    chan struct{}
	close     sync.Once
	endpoints []endpoint
	performs  map[string]func(job) // by kind of job
	parts     []part

	mu      sync.Mutex // guards all that follows and all parts
	log     *record[Request]
	events  []Event
	jobs    []job
	faults  []*Fault
	faultID int
	chance  *chance
	answers keptAnswers // by idempotency key

	running  map[string]chan struct{} // calls with an idempotency key that run, closed when they end
	stirred  chan struct{}            // closed and made anew by stir
	forgot   chan struct{}            // closed and made anew by Reset
	jobTimer *time.Timer              // of the next job, nil before the first
	working  int                      // jobs that run
	rested   chan struct{}            // closed and made anew when a job has ended
	offset   time.Duration            // of the fake's clock from the real one
	origin   string                   // scheme://host of the request that came last
}

// newEngineState returns an empty state. It panics when Chaos is no probability.
func newEngineState(c engineConfig) *engineState {
	checkChaos(c.Chaos)
	s := &engineState{
		engineConfig: c, closed: make(chan struct{}), performs: map[string]func(job){},
		stirred: make(chan struct{}), rested: make(chan struct{}),
	}
	hold(s, "answers", &s.answers, func() keptAnswers { return keptAnswers{ByKey: map[string]keptAnswer{}} }, nil)
	hold(s, "jobs", &s.jobs, nothing, s.checkJobs)
	hold(s, "faults", &s.faults, nothing, s.checkFaults)
	hold(s, "fault_id", &s.faultID, func() int { return 0 }, nil)
	hold(s, "requests", &s.log, newRecord[Request], nil)
	hold(s, "events", &s.events, nothing, nil)
	hold(s, "chance", &s.chance, func() *chance { return newChance(c.Seed) }, nil)
	s.empty()
	return s
}

func nothing[T any]() []T { return nil }

// Close ends callbacks and the delays of calls that wait for a fault's time to
// pass: their connections are closed.
func (s *engineState) Close() { s.close.Do(func() { close(s.closed) }) }

// Reset empties the state and resets the clock. Waiting calls and callbacks end without an
// answer.
func (s *engineState) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.forgot)
	s.empty()
}

// empty makes the state of a new fake. The caller holds s.mu.
func (s *engineState) empty() {
	for _, p := range s.parts {
		p.empty()
	}
	s.running, s.offset = map[string]chan struct{}{}, 0
	s.forgot = make(chan struct{})
	s.stir()
}

// now returns the fake's time. The caller holds s.mu.
func (s *engineState) now() time.Time { return time.Now().Add(s.offset) }

// Now returns the time by the fake's clock.
func (s *engineState) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

const century = 100 * 365 * 24 * time.Hour

// Advance moves the clock forward. The error says that d is negative or the clock would be
// a century ahead.
func (s *engineState) Advance(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d < 0 {
		return errors.New("the clock moves forward only")
	}
	if d > century-s.offset {
		return errors.New("the clock would be more than a century ahead")
	}
	s.offset += d
	s.tell(Event{Lane: "clock", Text: "moved +" + spanText(d)})
	s.wakeJobs()
	return nil
}

var (
	// errLate: something did not end in time.
	errLate = errors.New("the time is over")
	// errEnded: what was waited for does not come any more.
	errEnded = errors.New("the fake was closed or reset")
)

// await releases s.mu until done is closed. The error is errLate or errEnded.
func (s *engineState) await(done <-chan struct{}, late <-chan time.Time) error {
	forgot := s.forgot
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-done:
		return nil
	case <-late:
		return errLate
	case <-forgot:
	case <-s.closed:
	}
	return errEnded
}

// cameFrom notes the address by which a request reached the fake.
func (s *engineState) cameFrom(r *http.Request) {
	s.mu.Lock()
	s.origin = origin(r)
	s.mu.Unlock()
}

// origin returns scheme://host by which a request reached the fake.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// publicURL returns the address under which browsers find the fake, without a
// slash at its end. The caller holds s.mu.
func (s *engineState) publicURL() string {
	if s.PublicURL != nil {
		return s.PublicURL.String()
	}
	return s.origin
}

// basePath returns the path below which the fake is mounted, "" for the root.
func (s *engineState) basePath() string {
	if s.PublicURL == nil {
		return ""
	}
	return s.PublicURL.Path
}

// Requests returns the calls of the API for an order since the last Reset, oldest first;
// all with an empty orderID.
func (s *engineState) Requests(orderID string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.of(orderID, "")
}
