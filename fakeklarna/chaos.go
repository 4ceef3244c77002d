package fakeklarna

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
func (s *engineState) SetChaos(chaos float64) {
	checkChaos(chaos)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Chaos = chaos
}

func checkChaos(chaos float64) {
	if !(chaos >= 0 && chaos <= 1) {
		panic(fmt.Sprintf("fakeklarna: Chaos must be from 0 to 1, not %v", chaos))
	}
}

// unsettle applies Options.Chaos to a call. The caller holds s.mu.
func (s *engineState) unsettle(d *damage) {
	if s.Chaos <= 0 || s.chance.Float64() >= s.Chaos {
		return
	}
	d.names = append(d.names, "chaos")
	d.add(&chaosFaults[s.chance.IntN(len(chaosFaults))], s.chance)
}

// tooFast reports whether a rule's calls per second are used up. It counts the fitting
// calls of the last second that the rule did not refuse. The caller holds s.mu.
func (s *engineState) tooFast(f *Fault) bool {
	n, now := 0, s.now()
	for _, e := range slices.Backward(s.log.entries) {
		if now.Sub(e.told.Time) >= time.Second {
			break
		}
		if e.told.Status != f.Status && f.fits(e.told.Method, e.told.Path, e.told.OrderID) {
			n++
		}
	}
	return n >= f.RateLimit
}
