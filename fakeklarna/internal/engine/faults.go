package engine

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

// AddFault adds a rule, with an ID.
func (s *State) AddFault(f Fault) (Fault, error) {
	if err := f.check(s.CallbackKinds); err != nil {
		return Fault{}, err
	}
	f.Count = cmp.Or(f.Count, 1)
	if f.RateLimit > 0 {
		f.Status = cmp.Or(f.Status, http.StatusTooManyRequests)
		header := map[string]string{"Retry-After": "1"}
		maps.Copy(header, f.Header)
		f.Header = header
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
