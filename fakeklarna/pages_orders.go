package fakeklarna

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ordersContent is the content of the page of orders.
type ordersContent struct {
	Rows     []orderRow
	Filter   orderFilter
	Filtered bool
	Statuses []string
	Ages     []labelled
	Older    string // query of the page of older orders, "" without any
	First    string // query of the page of the newest ones, "" on that page
	Username string // of the request to copy
	Password string
	URL      string
}

// orderRow is one order on the page of orders.
type orderRow struct {
	ID, Status, Shape, Country, Amount, Email, Reference, Changed, Stamp string
}

// orderFilter is what the form above the orders asks for; "" asks for nothing.
type orderFilter struct{ Query, Status, Country, From, To, Age string }

// labelled is a value that a form offers, in words.
type labelled struct{ Value, Text string }

// ages are how long ago an order may have changed.
var ages = []labelled{{"", "any time"}, {"5m", "last 5 minutes"}, {"1h", "last hour"}, {"24h", "last 24 hours"}}

func (s *Server) ordersPage(query url.Values) page {
	f := orderFilter{
		Query: strings.TrimSpace(query.Get("q")), Status: query.Get("status"), Country: strings.ToUpper(strings.TrimSpace(query.Get("country"))),
		From: strings.TrimSpace(query.Get("from")), To: strings.TrimSpace(query.Get("to")), Age: query.Get("age"),
	}
	c := ordersContent{
		Filter: f, Filtered: f != orderFilter{}, Ages: ages,
		Statuses: []string{StatusIncomplete, StatusComplete, StatusAborted, "expired"},
		Username: "USER", Password: "PASSWORD",
	}
	if s.o.Username == "demo" && s.o.Password == "demo" {
		c.Username, c.Password = s.o.Username, s.o.Password
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.URL = s.publicURL()
	started := query.Get("older") == ""
	for _, o := range slices.Backward(s.newest) {
		switch {
		case !started:
			started = o.ID == query.Get("older")
		case !s.matches(o, &f):
		case len(c.Rows) == shownRows:
			c.Older = f.query(c.Rows[shownRows-1].ID)
			c.First = f.first(query)
			return page{template: "orders.html", Title: "Orders", Section: "orders", Content: c}
		default:
			c.Rows = append(c.Rows, s.orderRow(o))
		}
	}
	c.First = f.first(query)
	return page{template: "orders.html", Title: "Orders", Section: "orders", Content: c}
}

// query returns the filter as the query of a link.
func (f *orderFilter) query(older string) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"q": f.Query, "status": f.Status, "country": f.Country, "from": f.From, "to": f.To, "age": f.Age, "older": older,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return "?" + values.Encode()
}

func (f *orderFilter) first(query url.Values) string {
	if query.Get("older") == "" {
		return ""
	}
	return f.query("")
}

// shownStatus returns an order's status as the pages show it. The caller holds s.mu.
func (s *Server) shownStatus(o *order) string {
	if s.expired(o) {
		return "expired"
	}
	return o.Status
}

// shapeOf returns the mark beside a status: what is done, what waits, what came
// to nothing, by form and not by colour alone.
func shapeOf(status string) string {
	switch status {
	case StatusComplete, "AUTHORIZED", "CAPTURED", "PART_CAPTURED", "complete", "200":
		return "done"
	case StatusAborted, "expired", "CANCELLED", "EXPIRED", "CLOSED":
		return "ended"
	}
	return "open"
}

// memberText returns a member of what the merchant sent, "" when it is no text.
func (o *order) memberText(name string) string {
	var text string
	_ = json.Unmarshal(o.Content[name], &text) // it was checked; without it there is no text
	return text
}

func (o *order) amount() int64 {
	var n int64
	_ = json.Unmarshal(o.Content["order_amount"], &n) // it was checked
	return n
}

// email returns the shopper's address: typed, or sent by the merchant.
func (o *order) email() string {
	if typed := o.Typed["email"]; typed != "" {
		return typed
	}
	var address struct{ Email string }
	if raw := o.Content["billing_address"]; raw != nil {
		_ = json.Unmarshal(raw, &address) // it was checked
	}
	return address.Email
}

// matches reports whether an order is what the form asks for. It reads only
// what it needs: there may be many thousand orders. The caller holds s.mu.
func (s *Server) matches(o *order, f *orderFilter) bool {
	switch {
	case f.Status != "" && s.shownStatus(o) != f.Status,
		f.Country != "" && !strings.EqualFold(o.memberText("purchase_country"), f.Country),
		f.From != "" && o.amount() < minorUnits(f.From),
		f.To != "" && o.amount() > minorUnits(f.To):
		return false
	}
	if age, err := time.ParseDuration(f.Age); err == nil && s.now().Sub(o.Modified) > age {
		return false
	}
	q := strings.ToLower(f.Query)
	holds := func(text string) bool { return strings.Contains(strings.ToLower(text), q) }
	return q == "" || holds(o.ID) || holds(o.email()) || holds(o.memberText("merchant_reference1")) || holds(o.memberText("merchant_reference2"))
}

// minorUnits reads an amount that a person has typed, "1 152.50" or "1152"; what
// is no amount is 0.
func minorUnits(text string) int64 {
	text = strings.NewReplacer(" ", "", "\u00a0", "", ",", ".").Replace(text)
	whole, cents, _ := strings.Cut(text, ".")
	n := int64(0)
	for _, digit := range whole + (cents + "00")[:2] {
		if digit < '0' || digit > '9' || n > 1<<58 {
			return 0
		}
		n = n*10 + int64(digit-'0')
	}
	return n
}

func (s *Server) orderRow(o *order) orderRow {
	r := orderRow{
		ID: o.ID, Status: s.shownStatus(o), Country: strings.ToUpper(o.memberText("purchase_country")),
		Amount: decimal(o.amount()) + "\u00a0" + strings.ToUpper(o.memberText("purchase_currency")),
		Email:  o.email(), Reference: cut(o.memberText("merchant_reference1"), 40),
		Changed: agoText(s.now().Sub(o.Modified)), Stamp: stamp(o.Modified),
	}
	r.Shape = shapeOf(r.Status)
	return r
}
