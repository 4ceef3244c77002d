// Package pages is the fake's own interface for people. The same addresses also answer JSON.
// Every button is a form: the pages work without scripts.
package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/control"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/web"
)

var templates = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(web.Files, "fake/*.html")) })

const fakeCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Server is the fake's own interface for people. What has no page it leaves to control.
type Server struct {
	*engine.State
	kco     *checkout.Service
	kp      *payments.Service
	om      *management.Service
	calls   *callback.Sender
	control *http.ServeMux
}

// New returns it; control answers programs.
func New(s *engine.State, kco *checkout.Service, kp *payments.Service, om *management.Service, calls *callback.Sender, control *http.ServeMux) *Server {
	return &Server{State: s, kco: kco, kp: kp, om: om, calls: calls, control: control}
}

// ServeHTTP serves a page to people, and leaves the rest to control.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	forPeople := r.URL.Path == control.Path || asksForPage(r)
	if forPeople && s.servePeople(w, r) {
		return
	}
	if _, route := s.control.Handler(r); route == control.Path && asksForPage(r) {
		s.show(w, missingPage("", "There is no page at this address."), fakeCSP)
		return
	}
	s.control.ServeHTTP(w, r)
}

// page is the data of a page: the frame and its content.
type page struct {
	Base     string // of links, ends in /fake/
	Assets   string // of links, ends in a slash
	Title    string
	Section  string // entry of the navigation that this page is below
	Back     string // where forms of the page return to, below /fake/
	Here     string // the page's address where that is not the browser's, "" where it is
	Clock    string
	Now      string // RFC 3339 with milliseconds, of the same time
	Offset   string // of the clock, "" when it was not moved
	Orders   int
	Faults   int
	Said     note
	Content  any
	Story    story // for the part of a page that shows one
	template string
	status   int
}

// Live reports whether the page updates itself. The checkout does not: its iframe would
// restart.
func (p page) Live() bool { return p.template != "checkout.html" }

// WithStory returns the page with a story.
func (p page) WithStory(s story) page {
	p.Story = s
	return p
}

// note is the message at the top of a page about the result of a form.
type note struct {
	Bad  bool
	Text string
	URL  string // of the merchant's page that comes next, "" for none
}

// asksForPage reports whether a request wants HTML: its Accept header has text/html and
// does not prefer JSON, and there is no ?format=json. What is posted must be a form: clients
// such as Java's name text/html unasked.
func asksForPage(r *http.Request) bool {
	if r.URL.Query().Get("format") == "json" || r.Method == http.MethodPost && !hasForm(r) {
		return false
	}
	var html, json float64
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(cmp.Or(parameters["q"], "1"), 64)
		if err != nil {
			continue
		}
		switch media {
		case "text/html":
			html = max(html, q)
		case "application/json":
			json = max(json, q)
		}
	}
	return html > 0 && html >= json
}

// hasForm reports whether the body is a form as the pages send it.
func hasForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// servePeople serves a page; false: the address has none.
func (s *Server) servePeople(w http.ResponseWriter, r *http.Request) bool {
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, control.Path), "/")
	id, isCheckout := strings.CutSuffix(strings.TrimPrefix(path, "orders/"), "/checkout")
	switch {
	case r.Method == http.MethodPost:
		return s.takeForm(w, r, path)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return false
	case isCheckout && strings.HasPrefix(path, "orders/"):
		s.showCheckout(w, r, id)
		return true
	}
	p, ok := s.pageAt(path, r.URL.Query())
	if !ok {
		return false
	}
	if p.Said.Text == "" {
		p.Said.Text = doneTexts[r.URL.Query().Get("done")]
	}
	s.show(w, p, fakeCSP)
	return true
}

// pageAt returns the page at a path below /fake/; false: there is none.
func (s *Server) pageAt(path string, query url.Values) (page, bool) {
	section, id, one := strings.Cut(path, "/")
	switch {
	case path == "" || path == "orders":
		return s.ordersPage(query), true
	case section == "orders" && one:
		return s.orderPage(id, query), true
	case path == "sessions":
		return s.sessionsPage(), true
	case section == "sessions" && one:
		return s.sessionPage(id, query), true
	case path == "requests":
		return s.callsPage(query), true
	case path == "faults":
		return s.faultsPage(), true
	case path == "clock":
		return s.clockPage(), true
	case path == "reset":
		return page{template: "reset.html", Title: "Forget everything?"}, true
	}
	return page{}, false
}

func missingPage(section, what string) page {
	return page{template: "missing.html", Title: "Nothing here", Section: section, status: http.StatusNotFound, Content: what}
}

// show sends a page.
func (s *Server) show(w http.ResponseWriter, p page, csp string) {
	s.Mu.Lock()
	now := s.Time().UTC()
	p.Offset, p.Orders, p.Faults = offsetText(s.Offset), s.countOrders(), len(s.Rules)
	s.Mu.Unlock()
	p.Base, p.Assets = s.BasePath()+control.Path, s.BasePath()+"/kcoc/"+web.Version+"/"
	p.Clock, p.Now = now.Format("2 Jan 15:04:05"), now.Format("2006-01-02T15:04:05.000Z")
	web.WritePage(w, cmp.Or(p.status, http.StatusOK), csp, "same-origin", templates(), p.template, p)
}

// offsetText returns how far the fake's clock was moved, such as "+49 h", "" if
// it was not.
func offsetText(d time.Duration) string {
	if d.Round(time.Minute) == 0 {
		return ""
	}
	return "+" + engine.SpanText(d)
}

// agoText returns how long ago something was.
func agoText(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return engine.SpanText(d) + " ago"
}

// decimal writes minor units with two decimals and no-break spaces between
// thousands, such as "1 152.00".
func decimal(minor int64) string {
	digits := strings.TrimPrefix(fmt.Sprintf("%03d", minor), "-")
	if minor < 0 {
		digits = strings.Repeat("0", max(0, 3-len(digits))) + digits
	}
	whole, cents := digits[:len(digits)-2], digits[len(digits)-2:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u00a0" + whole[i:]
	}
	if minor < 0 {
		whole = "−" + whole
	}
	return whole + "." + cents
}
