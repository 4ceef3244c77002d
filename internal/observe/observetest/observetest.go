// Package observetest makes observers for tests and reads their records.
package observetest

import (
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/story"
)

// Story keeps the entries of a story. Safe for concurrent use.
type Story struct {
	mu      sync.Mutex
	entries []story.Entry
}

// Record implements observe.Story.
func (s *Story) Record(e story.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
}

// Counts implements observe.Story.
func (s *Story) Counts() (written, dropped int64) { return 0, 0 }

// Entries returns the entries of all reported calls and callbacks.
func (s *Story) Entries() []story.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]story.Entry(nil), s.entries...)
}

// New returns an observer without Redis, and its story.
func New(t testing.TB) (*observe.Observer, *Story) {
	t.Helper()
	told := new(Story)
	return With(t, observe.Options{Story: told}), told
}

// With returns an observer with the given options.
func With(t testing.TB, options observe.Options) *observe.Observer {
	t.Helper()
	o, err := observe.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Metrics returns the metrics in Prometheus' text format.
func Metrics(o *observe.Observer) string {
	rec := httptest.NewRecorder()
	o.Metrics().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text, _ := io.ReadAll(rec.Body)
	return string(text)
}

// Counted returns the series of a metric that are not 0, by their labels:
// `event="place",result="foreign"`.
func Counted(t testing.TB, o *observe.Observer, name string) map[string]int {
	t.Helper()
	counted := map[string]int{}
	for line := range strings.Lines(Metrics(o)) {
		series, of := strings.CutPrefix(line, name+"{")
		if !of {
			continue
		}
		labels, value, _ := strings.Cut(series, "} ")
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			counted[labels] = int(n)
		}
	}
	return counted
}
