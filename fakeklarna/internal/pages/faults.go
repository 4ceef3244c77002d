package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
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

func (s *Server) faultsPage() page {
	c := faultsContent{Methods: []string{"GET", "POST", "PATCH", "PUT", "DELETE"}, Kinds: s.CallbackKinds, Paths: s.Patterns()}
	for _, f := range s.Faults() {
		c.Rows = append(c.Rows, rowOf(f))
	}
	for _, code := range faultStatuses {
		c.Status = append(c.Status, statusChoice{code, http.StatusText(code)})
	}
	return page{template: "faults.html", Title: "Faults", Section: "faults", Back: "faults", Content: c}
}

func rowOf(f engine.Fault) faultRow {
	left := fmt.Sprintf("%d hits left", f.Count)
	switch f.Count {
	case 1:
		left = "1 hit left"
	case -1:
		left = "any number of hits"
	}
	return faultRow{f.ID, f.Sentence(), left, f.OrderID}
}

// clockContent is the content of the page of the clock.
type clockContent struct {
	Now, Real string
	Jobs      []jobRow
	More      int
}

type jobRow struct{ In, At, Kind, Path, Short string }

func (s *Server) clockPage() page {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	now := s.Time()
	c := clockContent{Now: now.UTC().Format("Monday 2 January 2006, 15:04:05"), Real: now.Add(-s.Offset).UTC().Format("Monday 2 January 2006, 15:04:05")}
	jobs := slices.SortedStableFunc(slices.Values(s.Jobs), func(a, b *engine.Job) int { return a.Due.Compare(b.Due) })
	if len(jobs) > shownRows {
		jobs, c.More = jobs[:shownRows], len(jobs)-shownRows
	}
	for _, j := range jobs {
		c.Jobs = append(c.Jobs, jobRow{
			In: engine.SpanText(max(0, j.Due.Sub(now))), At: j.Due.UTC().Format("2 Jan 15:04:05"),
			Kind: strings.ReplaceAll(j.Kind, "_", " "), Path: "orders/" + j.ID, Short: engine.Short(j.ID),
		})
		if s.kp.Kept.Sessions[j.ID] != nil {
			c.Jobs[len(c.Jobs)-1].Path = "sessions/" + j.ID
		}
	}
	return page{template: "clock.html", Title: "Clock", Section: "clock", Back: "clock", Content: c}
}
