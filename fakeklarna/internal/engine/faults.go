package engine

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Rule is a fault that waits for calls.
type Rule struct {
	Fault
	Passed []time.Time `json:"passed,omitempty"` // when RateLimit let a call through in the last second, by the fake's clock
}

// AddFault adds a rule, with an ID.
func (s *State) AddFault(f Fault) (Fault, error) {
	if err := f.check(s.CallbackKinds); err != nil {
		return Fault{}, err
	}
	f.Count = cmp.Or(f.Count, 1)
	if f.RateLimit > 0 {
		f.Status = cmp.Or(f.Status, http.StatusTooManyRequests)
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.faultID++
	f.ID = s.faultID
	s.Rules = append(s.Rules, &Rule{Fault: f})
	s.Tell(Event{Lane: "fault", OrderID: f.OrderID, Text: f.Sentence()})
	return f, nil
}

// Faults returns the active rules, oldest first, each with its remaining count.
func (s *State) Faults() []Fault {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	all := make([]Fault, 0, len(s.Rules))
	for _, f := range s.Rules {
		all = append(all, f.Fault)
	}
	return all
}

// ClearFaults removes all rules. Calls under way keep their faults.
func (s *State) ClearFaults() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Rules = nil
	s.Tell(Event{Lane: "fault", Text: "all rules removed"})
}

// RemoveFault removes a rule; false: there is none with the ID. Calls under way keep their
// faults.
func (s *State) RemoveFault(id int) bool {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	i := slices.IndexFunc(s.Rules, func(r *Rule) bool { return r.ID == id })
	if i < 0 {
		return false
	}
	s.Tell(Event{Lane: "fault", OrderID: s.Rules[i].OrderID, Text: "removed: " + s.Rules[i].Sentence()})
	s.Rules = slices.Delete(s.Rules, i, i+1)
	return true
}

func (s *State) checkFaults(rules []*Rule) error {
	for _, f := range rules {
		if err := f.check(s.CallbackKinds); err != nil {
			return err
		}
	}
	return nil
}

// chaosFaults are the faults of Options.Chaos. A call gets one of them, all equally
// likely.
var chaosFaults = []Fault{
	{Delay: Duration(100 * time.Millisecond), Jitter: Duration(2 * time.Second)},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusServiceUnavailable},
	{Status: http.StatusTooManyRequests},
	{Reset: true},
	{Late: true, Delay: Duration(100 * time.Millisecond), Jitter: Duration(5 * time.Second)},
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

// unsettle applies Options.Chaos to a call. The caller holds s.Mu.
func (s *State) unsettle(d *damage) {
	if s.Chaos <= 0 || s.Chance.Float64() >= s.Chaos {
		return
	}
	d.Names = append(d.Names, "chaos")
	d.add(&chaosFaults[s.Chance.IntN(len(chaosFaults))], s.Chance)
}

// tooFast reports whether the calls per second of a rule are used up, and counts one that it
// lets through. The caller holds s.Mu.
func (r *Rule) tooFast(now time.Time) bool {
	r.Passed = slices.DeleteFunc(r.Passed, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if len(r.Passed) >= r.RateLimit {
		return true
	}
	r.Passed = append(r.Passed, now)
	return false
}
