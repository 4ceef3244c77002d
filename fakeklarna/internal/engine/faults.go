package engine

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"
)

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
	s.Rules = append(s.Rules, new(f))
	s.Tell(Event{Lane: "fault", OrderID: f.OrderID, Text: f.Sentence()})
	return f, nil
}

// Faults returns the active rules, oldest first, each with its remaining count.
func (s *State) Faults() []Fault {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	all := make([]Fault, 0, len(s.Rules))
	for _, f := range s.Rules {
		all = append(all, *f)
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
	i := slices.IndexFunc(s.Rules, func(f *Fault) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	s.Tell(Event{Lane: "fault", OrderID: s.Rules[i].OrderID, Text: "removed: " + s.Rules[i].Sentence()})
	s.Rules = slices.Delete(s.Rules, i, i+1)
	return true
}

func (s *State) checkFaults(faults []*Fault) error {
	for _, f := range faults {
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

// tooFast reports whether a rule's calls per second are used up. It counts the fitting
// calls of the last second that the rule did not refuse. The caller holds s.Mu.
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
