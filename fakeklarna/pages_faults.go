package fakeklarna

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// faultRow is one rule on a page.
type faultRow struct {
	ID         int
	Text, Left string
	OrderID    string
}

// faultsContent is the content of the page of rules.
type faultsContent struct {
	Rows    []faultRow
	Paths   []string
	Methods []string
	Kinds   []string // of callbacks
	Status  []statusChoice
}

type statusChoice struct {
	Code int
	Text string
}

var faultStatuses = []int{400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504}

func (s *pagesServer) faultsPage() page {
	c := faultsContent{Methods: []string{"GET", "POST", "PATCH", "PUT", "DELETE"}, Kinds: s.CallbackKinds}
	for _, f := range s.Faults() {
		c.Rows = append(c.Rows, rowOf(f))
	}
	for _, e := range s.endpoints {
		if pattern := patternOf(e.path); !slices.Contains(c.Paths, pattern) {
			c.Paths = append(c.Paths, pattern)
		}
	}
	for _, code := range faultStatuses {
		c.Status = append(c.Status, statusChoice{code, http.StatusText(code)})
	}
	return page{template: "faults.html", Title: "Faults", Section: "faults", Back: "faults", Content: c}
}

// patternOf returns an endpoint's path as a rule names it.
func patternOf(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}

func rowOf(f Fault) faultRow {
	left := fmt.Sprintf("%d hits left", f.Count)
	switch f.Count {
	case 1:
		left = "1 hit left"
	case -1:
		left = "any number of hits"
	}
	return faultRow{f.ID, f.sentence(), left, f.OrderID}
}

// clockContent is the content of the page of the clock.
type clockContent struct {
	Now, Real string
	Jobs      []jobRow
	More      int
}

type jobRow struct{ In, At, Kind, Path, Short string }

func (s *pagesServer) clockPage() page {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	c := clockContent{Now: now.UTC().Format("Monday 2 January 2006, 15:04:05"), Real: now.Add(-s.offset).UTC().Format("Monday 2 January 2006, 15:04:05")}
	jobs := slices.SortedStableFunc(slices.Values(s.jobs), func(a, b job) int { return a.Due.Compare(b.Due) })
	if len(jobs) > shownRows {
		jobs, c.More = jobs[:shownRows], len(jobs)-shownRows
	}
	for _, j := range jobs {
		c.Jobs = append(c.Jobs, jobRow{
			In: spanText(max(0, j.Due.Sub(now))), At: j.Due.UTC().Format("2 Jan 15:04:05"),
			Kind: strings.ReplaceAll(j.Kind, "_", " "), Path: "orders/" + j.ID, Short: short(j.ID),
		})
		if s.kp.held.Sessions[j.ID] != nil {
			c.Jobs[len(c.Jobs)-1].Path = "sessions/" + j.ID
		}
	}
	return page{template: "clock.html", Title: "Clock", Section: "clock", Back: "clock", Content: c}
}
