package engine

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// chaosFaults are the faults of Options.Chaos. A call gets one of them, all equally
// likely.
var chaosFaults = []Fault{
	{Delay: Duration(100 * time.Millisecond), Jitter: Duration(2 * time.Second)},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusServiceUnavailable},
	{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
	{Reset: true},
	{DropReply: true},
	{Truncate: true},
}

// SetChaos changes Options.Chaos. It panics when chaos is not from 0 to 1.
func (s *State) SetChaos(chaos float64) {
	checkChaos(chaos)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Chaos = chaos
}

func checkChaos(chaos float64) {
	if !(chaos >= 0 && chaos <= 1) {
		panic(fmt.Sprintf("fakeklarna: Chaos must be from 0 to 1, not %v", chaos))
	}
}

// unsettle applies Options.Chaos to a call. The caller holds s.mu.
func (s *State) unsettle(d *damage) {
	if s.Chaos <= 0 || s.Chance.Float64() >= s.Chaos {
		return
	}
	d.Names = append(d.Names, "chaos")
	d.add(&chaosFaults[s.Chance.IntN(len(chaosFaults))], s.Chance)
}

// tooFast reports whether a rule's calls per second are used up. It counts the fitting
// calls of the last second that the rule did not refuse. The caller holds s.mu.
func (s *State) tooFast(f *Fault) bool {
	n, now := 0, s.Time()
	for _, e := range slices.Backward(s.Log.Entries) {
		if now.Sub(e.Told.Time) >= time.Second {
			break
		}
		if e.Told.Status != f.Status && f.fits(e.Told.Method, e.Told.Path, e.Told.OrderID) {
			n++
		}
	}
	return n >= f.RateLimit
}
