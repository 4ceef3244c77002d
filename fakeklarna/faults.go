package fakeklarna

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

// AddFault adds a rule, with an ID.
func (s *engineState) AddFault(f Fault) (Fault, error) {
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faultID++
	f.ID = s.faultID
	s.faults = append(s.faults, new(f))
	s.tell(Event{Lane: "fault", OrderID: f.OrderID, Text: f.sentence()})
	return f, nil
}

// Faults returns the active rules, oldest first, each with its remaining count.
func (s *engineState) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		all = append(all, *f)
	}
	return all
}

// ClearFaults removes all rules. Calls under way keep their faults.
func (s *engineState) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.tell(Event{Lane: "fault", Text: "all rules removed"})
}

// RemoveFault removes a rule; false: there is none with the ID. Calls under way keep their
// faults.
func (s *engineState) RemoveFault(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	s.tell(Event{Lane: "fault", OrderID: s.faults[i].OrderID, Text: "removed: " + s.faults[i].sentence()})
	s.faults = slices.Delete(s.faults, i, i+1)
	return true
}

func (s *engineState) checkFaults(faults []*Fault) error {
	for _, f := range faults {
		if err := f.check(s.CallbackKinds); err != nil {
			return err
		}
	}
	return nil
}
