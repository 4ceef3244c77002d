package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/control"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// doneTexts are the messages after a form; ?done= names one.
var doneTexts = map[string]string{
	"bought":  "Bought. The order is complete.",
	"shopper": "Done, as the shopper.",
	"fault":   "The rule waits for its call.",
	"removed": "The rule is removed.",
	"cleared": "All rules are removed.",
	"clock":   "The clock was moved.",
	"forgot":  "Everything is forgotten.",
}

// backPath is a path below /fake/ to which a form may return.
var backPath = regexp.MustCompile(`^(|requests|faults|clock|sessions|(orders|sessions)/[\w.-]{1,80})$`)

// takeForm carries out a form and returns to its page; false: the path takes no form.
func (s *Server) takeForm(w http.ResponseWriter, r *http.Request, path string) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		r.PostForm = url.Values{} // it asks for nothing and is refused below
	}
	f := r.PostForm
	back := f.Get("back")
	if !backPath.MatchString(back) {
		back = ""
	}
	id, isShopper := strings.CutSuffix(strings.TrimPrefix(path, "orders/"), "/shopper")
	session, isPayment := strings.CutSuffix(strings.TrimPrefix(path, "sessions/"), "/shopper")
	rule, isRule := strings.CutPrefix(path, "faults/")
	var done string
	var refused note
	var err error
	switch {
	case isShopper && strings.HasPrefix(path, "orders/"):
		back = "orders/" + id
		done, refused, err = s.takeShopper(id, f)
	case isPayment && strings.HasPrefix(path, "sessions/"):
		back = "sessions/" + session
		done, refused, err = s.takePayment(session, f)
	case path == "faults" && f.Get("do") == "clear":
		s.ClearFaults()
		done = "cleared"
	case path == "faults":
		done, err = "fault", s.takeFault(f)
	case isRule:
		n, _ := strconv.Atoi(rule) // no number is no rule's
		s.RemoveFault(n)
		done = "removed" // also when somebody was faster
	case path == "clock":
		done, err = "clock", s.takeClock(f)
	case path == "reset":
		s.Reset()
		done, back = "forgot", ""
	default:
		return false
	}
	if err != nil {
		refused = note{Bad: true, Text: "Nothing was done: " + err.Error() + "."}
	}
	if refused.Text == "" {
		w.Header().Set("Location", s.BasePath()+control.Path+back+"?done="+done)
		w.WriteHeader(http.StatusSeeOther)
		return true
	}
	p, _ := s.pageAt(back, url.Values{})
	p.Said, p.Here = refused, s.BasePath()+control.Path+back
	if p.status == 0 {
		p.status = http.StatusUnprocessableEntity
	}
	s.show(w, p, fakeCSP)
	return true
}

// takeShopper acts as the shopper; refused is what the iframe would show.
func (s *Server) takeShopper(id string, f url.Values) (done string, refused note, err error) {
	a := checkout.Action{Country: strings.TrimSpace(f.Get("country")), ShippingOption: f.Get("shipping_option"), Type: map[string]string{}}
	v, ok := s.kco.Order(id)
	if !ok {
		return "", note{}, checkout.ErrNoOrder
	}
	for name, values := range f {
		member, isTyped := strings.CutPrefix(name, "type.")
		if !isTyped {
			continue
		}
		if checkout.FormValue(&v, v.Fake.Typed, member) != values[0] {
			a.Type[member] = values[0]
		}
	}
	if email := f.Get("persona"); email != "" {
		a.Type["email"] = email
	}
	done, a.ShippingAssistant = "shopper", f.Get("do") == "assistant"
	if f.Get("do") == "buy" {
		a.Buy, done = &checkout.Buy{Method: f.Get("method"), Decision: f.Get("decision")}, "bought"
	}
	out, err := s.kco.Shopper(id, a)
	switch {
	case errors.Is(err, checkout.ErrNoOrder):
		return "", note{}, errors.New("the order has expired")
	case err != nil:
		return "", note{}, err
	case out.Refused != nil:
		text := fmt.Sprintf("Refused, %s.", out.Refused.Code)
		if out.Refused.Message != "" {
			text = fmt.Sprintf("Refused, %s. The iframe says: “%s”", out.Refused.Code, out.Refused.Message)
		}
		return "", note{Bad: true, Text: text, URL: out.Refused.RedirectURL}, nil
	}
	return done, note{}, nil
}

func (s *Server) takeClock(f url.Values) error {
	text := strings.ReplaceAll(f.Get("advance"), " ", "")
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a time span such as 90m or 49h", cut(text, 40))
	}
	return s.Advance(d)
}

// quickChoices are the faults of one button.
var quickChoices = []labelled{
	{"500", "500 once"}, {"slow", "Answer after 12 s"}, {"drop", "Store, then drop the answer"}, {"reset", "Reset the connection"},
}

var quickFaults = map[string]engine.Fault{
	"500":   {Status: http.StatusInternalServerError},
	"slow":  {DelayAfter: engine.Duration(12 * time.Second)},
	"drop":  {DropReply: true},
	"reset": {Reset: true},
}

// takeFault adds a rule.
func (s *Server) takeFault(f url.Values) error {
	if rule, ok := quickFaults[f.Get("quick")]; ok {
		rule.OrderID = f.Get("order_id")
		_, err := s.AddFault(rule)
		return err
	}
	rule := engine.Fault{
		Method: f.Get("method"), Path: strings.TrimSpace(f.Get("path")), OrderID: strings.TrimSpace(f.Get("order_id")),
		Callback: f.Get("callback"), Body: engine.FaultBody(f.Get("body")),
	}
	for effect, is := range map[string]*bool{
		"reset": &rule.Reset, "late": &rule.Late, "drop_reply": &rule.DropReply, "truncate": &rule.Truncate, "not_json": &rule.NotJSON,
		"drop": &rule.Drop, "double": &rule.Double, "reorder": &rule.Reorder,
	} {
		*is = slices.Contains(f["effect"], effect)
	}
	for name, into := range map[string]*int{"count": &rule.Count, "status": &rule.Status, "rate_limit": &rule.RateLimit} {
		if text := strings.TrimSpace(f.Get(name)); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%s: %q is not a whole number", name, cut(text, 40))
			}
			*into = n
		}
	}
	for name, into := range map[string]*engine.Duration{"delay": &rule.Delay, "jitter": &rule.Jitter, "delay_after": &rule.DelayAfter, "jitter_after": &rule.JitterAfter} {
		if text := strings.ReplaceAll(f.Get(name), " ", ""); text != "" {
			if err := into.UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("%s: %q is not a time span such as 120ms or 12s", name, cut(text, 40))
			}
		}
	}
	if text := strings.TrimSpace(f.Get("chance")); text != "" {
		percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return fmt.Errorf("chance: %q is not a percentage above 0 and up to 100", cut(text, 40))
		}
		rule.Probability = percent / 100
	}
	_, err := s.AddFault(rule)
	return err
}
