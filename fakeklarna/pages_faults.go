package fakeklarna

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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
	c := faultsContent{Methods: []string{"GET", "POST", "PATCH", "PUT", "DELETE"}, Kinds: callbackKinds}
	for _, f := range s.Faults() {
		c.Rows = append(c.Rows, rowOf(f))
	}
	for _, e := range endpoints {
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

// sentence says what a rule does: "The next 2 POST calls to
// /checkout/v3/orders/* are answered 500."
func (f *Fault) sentence() string {
	one := f.Count == 1 || f.Count == -1
	words := []string{"The next"}
	switch {
	case f.Count == -1:
		words = []string{"Every"}
	case !one:
		words = append(words, strconv.Itoa(f.Count))
	}
	if kind := cmp.Or(f.Method, f.Callback); kind != "" && kind != "*" {
		words = append(words, kind)
	}
	noun := "call"
	if f.Callback != "" {
		noun = "callback"
	}
	if !one {
		noun += "s"
	}
	words = append(words, noun)
	if f.Path != "" {
		words = append(words, "to", f.Path)
	}
	if f.OrderID != "" {
		words = append(words, "of order", short(f.OrderID))
	}
	if f.RateLimit > 0 {
		words = append(words, "beyond", strconv.Itoa(f.RateLimit), "a second")
	}
	if f.Probability > 0 && f.Probability < 1 {
		words = append(words, "with a chance of", strconv.FormatFloat(f.Probability*100, 'f', -1, 64), "%")
	}
	return strings.Join(append(words, joined(f.effects(one))), " ") + "."
}

// effects returns the effects of a rule as predicates, for one call or several.
func (f *Fault) effects(one bool) []string {
	var out []string
	add := func(yes bool, singular, plural string) {
		if yes && one {
			out = append(out, singular)
		} else if yes {
			out = append(out, plural)
		}
	}
	before, after := lapse(f.Delay, f.Jitter), lapse(f.DelayAfter, f.JitterAfter)
	add(before != "", "waits "+before+" first", "wait "+before+" first")
	add(f.Status != 0, fmt.Sprintf("is answered %d", f.Status), fmt.Sprintf("are answered %d", f.Status))
	add(f.Reset, "has its connection reset", "have their connections reset")
	add(after != "", "is stored, then waits "+after+" for its answer", "are stored, then wait "+after+" for their answers")
	add(f.DropReply, "is stored, then loses its answer", "are stored, then lose their answers")
	add(f.Truncate, "gets half of its answer", "get half of their answers")
	add(f.NotJSON, "gets a page of HTML", "get a page of HTML")
	add(f.Drop, "is not sent", "are not sent")
	add(f.Double, "is sent twice", "are sent twice")
	add(f.Reorder, "waits until another one was sent", "wait until another one was sent")
	return out
}

func lapse(d, jitter Duration) string {
	switch {
	case d == 0 && jitter == 0:
		return ""
	case jitter == 0:
		return lapseText(d)
	}
	return lapseText(d) + " to " + lapseText(d+jitter)
}

// lapseText returns a fault's delay, with a space before the unit if there is only one.
func lapseText(d Duration) string {
	text := time.Duration(d).String()
	number := strings.TrimRight(text, "hmsµn")
	if strings.ContainsAny(number, "hms") {
		return text
	}
	return number + " " + text[len(number):]
}

func joined(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// RemoveFault removes a rule; false: there is none with the ID. Calls under way keep their
// faults.
func (s *Server) RemoveFault(id int) bool {
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

// clockContent is the content of the page of the clock.
type clockContent struct {
	Now, Real string
	Jobs      []jobRow
	More      int
}

type jobRow struct{ In, At, Kind, Path, Short string }

func (s *Server) clockPage() page {
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
		if s.payments.Sessions[j.ID] != nil {
			c.Jobs[len(c.Jobs)-1].Path = "sessions/" + j.ID
		}
	}
	return page{template: "clock.html", Title: "Clock", Section: "clock", Back: "clock", Content: c}
}
