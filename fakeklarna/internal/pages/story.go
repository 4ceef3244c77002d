package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// shownRows is how many rows a page shows at most; the rest is a link away.
const shownRows = 100

// moment is one thing that happened: one of its three pointers is set.
type moment struct {
	at       time.Time
	key      string // tells moments apart, also from one page to the next
	call     *engine.Request
	callback *callback.Callback
	event    *engine.Event
}

// story is the list of events on a page, newest first.
type story struct {
	Rows   []storyRow
	Total  int
	Older  string // key of the last row when there are older ones
	Newest bool   // whether the first row is the newest
}

// storyRow is one moment as a page shows it.
type storyRow struct {
	Key, Kind, Lane  string // Kind is that of the CSS class
	Day, Time, Stamp string // Day is "" on a row of the same day as the one above
	Method, Text     string
	Path             string // of a call, its IDs shortened
	OrderID, Short   string // where the page shows several orders
	Status           string
	Bad              bool
	Took             string
	Faults           []string
	Changes          []change
	More             int // changes that are not shown
	Bodies           []shownBody
}

// shownBody is a text to be unfolded.
type shownBody struct{ Name, Text string }

// laneNames are what people read beside a row, by kind.
var laneNames = map[string]string{"call": "shop →", "callback": "← fake", "shopper": "shopper", "state": "state", "clock": "clock", "fault": "fault"}

// moments returns what happened to an order or a session, oldest first. With two empty IDs
// it returns everything. The caller holds s.Mu.
func (s *Server) moments(orderID, sessionID string) []moment {
	orders, sessions := s.relatives(orderID, sessionID)
	concerns := func(order, session string) bool {
		return orderID == "" && sessionID == "" || order != "" && orders[order] || session != "" && sessions[session]
	}
	var all []moment
	for _, e := range s.Log.Entries {
		if call := e.Told; concerns(call.IDs()) {
			all = append(all, moment{at: call.Time, key: "r" + call.CorrelationID, call: &call})
		}
	}
	for i, e := range s.calls.Record.Entries {
		if c := e.Told; concerns(c.IDs()) {
			all = append(all, moment{at: c.Time, key: fmt.Sprintf("c%d-%s-%d", c.Time.UnixNano(), c.Type, i), callback: &c})
		}
	}
	start := time.Time{}
	if len(all) > 0 && (orderID != "" || sessionID != "") {
		start = slices.MinFunc(all, func(a, b moment) int { return a.at.Compare(b.at) }).at
	}
	var last time.Time
	same := 0
	for _, e := range s.Events {
		if same++; !e.Time.Equal(last) {
			last, same = e.Time, 0
		}
		everybodys := e.OrderID == "" && e.SessionID == "" && !e.Time.Before(start)
		if everybodys || concerns(e.OrderID, e.SessionID) {
			all = append(all, moment{at: e.Time, key: fmt.Sprintf("e%d-%d", e.Time.UnixNano(), same), event: &e})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	return all
}

// relatives returns the IDs of an order and session that belong together. The caller holds
// s.Mu.
func (s *Server) relatives(orderID, sessionID string) (orders, sessions map[string]bool) {
	orders, sessions = map[string]bool{orderID: true}, map[string]bool{sessionID: true}
	if m := s.om.Orders[orderID]; m != nil {
		sessions[m.SessionID] = true
	}
	if p := s.kp.Kept.Sessions[sessionID]; p != nil {
		orders[p.OrderID] = true
	}
	return orders, sessions
}

// storyOf returns the rows of an order or session from ?older= on.
func (s *Server) storyOf(orderID, sessionID string, query url.Values) story {
	s.Mu.Lock()
	all := s.moments(orderID, sessionID)
	s.Mu.Unlock()
	one := orderID != "" || sessionID != ""
	if one {
		all = withoutRepeats(all)
	}
	end := len(all)
	if older := query.Get("older"); older != "" {
		if i := slices.IndexFunc(all, func(m moment) bool { return m.key == older }); i >= 0 {
			end = i
		}
	}
	begin := max(0, end-shownRows)
	known := contents{}
	if one {
		// The calls before the page tell what the first ones on it changed.
		for _, m := range all[max(0, begin-25):begin] {
			if m.call != nil {
				known.note(m.call)
			}
		}
	}
	out := story{Total: len(all), Newest: end == len(all), Rows: make([]storyRow, 0, end-begin)}
	for _, m := range all[begin:end] {
		row := m.row(s.curlBase())
		if m.call != nil && one {
			row.Changes, row.More = known.note(m.call)
		}
		if one {
			row.OrderID = ""
		}
		row.Day = m.at.UTC().Format("Monday 2 January")
		out.Rows = append(out.Rows, row)
	}
	slices.Reverse(out.Rows)
	day := ""
	for i := range out.Rows {
		if r := &out.Rows[i]; r.Day == day {
			r.Day = ""
		} else {
			day = r.Day
		}
	}
	if begin > 0 {
		out.Older = all[begin].key
	}
	return out
}

// withoutRepeats leaves out events that a call's row shows too: changes of content that
// the call sent.
func withoutRepeats(all []moment) []moment {
	var last *moment // the call before
	return slices.DeleteFunc(all, func(m moment) bool {
		if m.call != nil {
			last = &m
		}
		if last == nil || m.event == nil || m.event.Lane != "state" || last.call.Status/100 != 2 ||
			m.at.After(last.at.Add(time.Duration(last.call.DurationMS+1)*time.Millisecond)) {
			return false
		}
		about := append(membersOf(last.call.Request), "quantity")
		return slices.ContainsFunc(about, func(word string) bool { return strings.HasPrefix(m.event.Text, word+" ") })
	})
}

// row returns a moment as a page shows it, without what it changed.
func (m *moment) row(base string) storyRow {
	at := m.at.UTC()
	r := storyRow{Key: m.key, Time: at.Format("15:04:05.000"), Stamp: at.Format("2006-01-02T15:04:05.000Z")}
	switch {
	case m.call != nil:
		r.fromCall(m.call, base)
	case m.callback != nil:
		r.fromCallback(m.callback)
	default:
		r.Kind, r.Text, r.OrderID = m.event.Lane, m.event.Text, m.event.OrderID
		r.Changes, r.More = particulars(m.event.Details)
		if len(r.Changes) == 0 {
			r.addBody("Details", m.event.Details)
		}
	}
	r.Lane, r.Short = laneNames[r.Kind], engine.Short(r.OrderID)
	return r
}

func (r *storyRow) fromCall(c *engine.Request, base string) {
	r.Kind, r.Method, r.Path, r.OrderID, r.Faults = "call", c.Method, shortPath(c.Path), c.OrderID, c.Faults
	r.setStatus(c.Status, c.DurationMS)
	if c.Status == 0 && !slices.Contains(c.Faults, "reset") && !slices.Contains(c.Faults, "late") && !slices.Contains(c.Faults, "drop_reply") {
		r.Status, r.Took, r.Bad = "waits", "", false
	}
	r.Text = errorText(c)
	r.addBody("Request", c.Request)
	r.addBody("Response", c.Response)
	r.Bodies = append(r.Bodies, shownBody{"curl", curl(c, base)})
}

func (r *storyRow) fromCallback(c *callback.Callback) {
	r.Kind, r.Method, r.OrderID = "callback", "POST", c.OrderID
	r.Path, r.Text, r.Faults = c.Type, c.Error, c.Faults
	r.setStatus(c.Status, c.DurationMS)
	if c.Status == 0 && c.Error == "" && !slices.Contains(c.Faults, "drop") {
		r.Status, r.Took, r.Bad = "waits", "", false
	}
	r.Bad = r.Bad || c.Error != ""
	if said, ok := objectOf(c.Response)["error_text"].(string); ok && c.Status >= 400 && c.Error == "" {
		r.Text = cut(said, 300)
	}
	r.addBody("URL", wire.MustJSON(c.URL))
	r.addBody("Request", c.Request)
	r.addBody("Response", c.Response)
}

func (r *storyRow) setStatus(status int, ms int64) {
	r.Status, r.Bad, r.Took = strconv.Itoa(status), status == 0 || status >= 400, fmt.Sprintf("%d ms", ms)
	if status == 0 {
		r.Status = "none"
	}
}

func (r *storyRow) addBody(name string, body []byte) {
	if text := prettyBody(body); text != "" {
		r.Bodies = append(r.Bodies, shownBody{name, text})
	}
}

// shortPath shortens the IDs in a path.
func shortPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if len(segment) == 36 && strings.Count(segment, "-") == 4 {
			segments[i] = engine.Short(segment) + "…"
		}
	}
	return cut(strings.Join(segments, "/"), 200)
}

// callsPage shows all calls and events.
func (s *Server) callsPage(query url.Values) page {
	return page{template: "calls.html", Title: "Everything that happened", Section: "orders", Back: "requests", Content: s.storyOf("", "", query)}
}
