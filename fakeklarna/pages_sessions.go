package fakeklarna

import (
	"net/url"
	"slices"
	"strings"
)

// sessionRow is one session of Klarna Payments, as its calls have told of it.
type sessionRow struct {
	ID, Country, Amount, Last, Changed, Stamp string
	OrderID, OrderShort                       string
	Calls                                     int
}

type sessionsContent struct {
	Rows []sessionRow
	More int
}

// sessionsPage lists the sessions whose calls are kept, the newest first.
func (s *Server) sessionsPage() page {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := map[string][]*Request{}
	var ids []string
	for _, e := range slices.Backward(s.log.entries) {
		if e.SessionID == "" {
			continue
		}
		if calls[e.SessionID] == nil {
			ids = append(ids, e.SessionID)
		}
		calls[e.SessionID] = append(calls[e.SessionID], &e.Request)
	}
	var c sessionsContent
	if len(ids) > shownRows {
		ids, c.More = ids[:shownRows], len(ids)-shownRows
	}
	for _, id := range ids {
		c.Rows = append(c.Rows, s.sessionRow(id, calls[id]))
	}
	return page{template: "sessions.html", Title: "Sessions", Section: "sessions", Back: "sessions", Content: c}
}

// sessionRow sums up a session's calls, the newest first. The caller holds s.mu.
func (s *Server) sessionRow(id string, calls []*Request) sessionRow {
	newest := calls[0]
	row := sessionRow{
		ID: id, Calls: len(calls), Last: newest.Method + " " + shortPath(newest.Path),
		Changed: agoText(s.now().Sub(newest.Time)), Stamp: stamp(newest.Time),
	}
	known := contents{}
	for _, c := range slices.Backward(calls) {
		known.note(c)
		if c.OrderID != "" {
			row.OrderID, row.OrderShort = c.OrderID, short(c.OrderID)
		}
	}
	text := func(member string) string { t, _ := known[member].(string); return strings.ToUpper(t) }
	row.Country = text("purchase_country")
	if amount := known["order_amount"]; amount != nil {
		row.Amount = strings.TrimSpace(decimal(minorOf(amount)) + "\u00a0" + text("purchase_currency"))
	}
	return row
}

// sessionContent is the content of the page of one session.
type sessionContent struct {
	ID, Short, OrderID string
	Country, Amount    string
	Story              story
}

func (s *Server) sessionPage(id string, query url.Values) page {
	story := s.storyOf("", id, query)
	s.mu.Lock()
	var calls []*Request
	for _, e := range slices.Backward(s.log.entries) {
		if e.SessionID == id {
			calls = append(calls, &e.Request)
		}
	}
	if len(calls) == 0 {
		s.mu.Unlock()
		return missingPage("sessions", "There is no session "+cut(id, 60)+".")
	}
	row := s.sessionRow(id, calls)
	s.mu.Unlock()
	c := sessionContent{id, short(id), row.OrderID, row.Country, row.Amount, story}
	return page{template: "session.html", Title: "Session " + c.Short, Section: "sessions", Back: "sessions/" + id, Content: c}
}
