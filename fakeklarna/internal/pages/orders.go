package pages

import (
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
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

// orderFilter is the content of the form above the orders; "" filters nothing.
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
		Statuses: []string{checkout.StatusIncomplete, checkout.StatusAborted, "expired", checkout.StatusComplete, management.StatusAuthorized, management.StatusPartCaptured, management.StatusCaptured, management.StatusCancelled, management.StatusExpired, management.StatusClosed},
		Username: "USER", Password: "PASSWORD",
	}
	if s.Username == "demo" && s.Password == "demo" {
		c.Username, c.Password = s.Username, s.Password
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c.URL = s.BaseURL()
	if query.Get("older") != "" {
		c.First = f.query("")
	}
	started := query.Get("older") == ""
	for o := range s.listed() {
		switch {
		case !started:
			started = o.id == query.Get("older")
		case !s.matches(o, &f):
		case len(c.Rows) == shownRows:
			c.Older = f.query(c.Rows[shownRows-1].ID)
		default:
			c.Rows = append(c.Rows, s.orderRow(o))
		}
		if c.Older != "" {
			break
		}
	}
	return page{template: "orders.html", Title: "Orders", Section: "orders", Content: c}
}

// listed is an order of the checkout, of Order Management, or of both.
type listed struct {
	id      string
	order   *checkout.Stored   // nil for one of Klarna Payments
	managed *management.Stored // nil before the purchase
}

// countOrders counts what listed returns. The caller holds s.Mu.
func (s *Server) countOrders() int {
	n := len(s.kco.Book.Newest)
	for id := range s.om.Orders {
		if s.kco.Book.ByID[id] == nil {
			n++
		}
	}
	return n
}

// listed returns all orders, the newest first. The caller holds s.Mu.
func (s *Server) listed() iter.Seq[listed] {
	var others []*management.Stored
	for id, m := range s.om.Orders {
		if s.kco.Book.ByID[id] == nil {
			others = append(others, m)
		}
	}
	slices.SortFunc(others, func(a, b *management.Stored) int { return b.Created.Compare(a.Created) })
	return func(yield func(listed) bool) {
		next := func(m *management.Stored) bool {
			return yield(listed{m.View.OrderID, nil, s.om.Find(m.View.OrderID)})
		}
		for _, o := range slices.Backward(s.kco.Book.Newest) {
			for len(others) > 0 && others[0].Created.After(o.Started) {
				m := others[0]
				if others = others[1:]; !next(m) {
					return
				}
			}
			if !yield(listed{o.ID, o, s.om.Find(o.ID)}) {
				return
			}
		}
		for _, m := range others {
			if !next(m) {
				return
			}
		}
	}
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

// shownStatus returns an order's status for pages: that of Order Management after the
// purchase. The caller holds s.Mu.
func (s *Server) shownStatus(l listed) string {
	switch {
	case l.managed != nil:
		return l.managed.View.Status
	case s.kco.Expired(l.order):
		return "expired"
	}
	return l.order.Status
}

// shapeOf returns the shape of a status mark: done, open or ended. Colour alone would not
// do.
func shapeOf(status string) string {
	switch status {
	case checkout.StatusComplete, management.StatusAuthorized, management.StatusPartCaptured, management.StatusCaptured, "authorized", "complete":
		return "done"
	case checkout.StatusAborted, management.StatusCancelled, management.StatusExpired, management.StatusClosed, management.FraudRejected, "expired", "token expired", "token deleted":
		return "ended"
	}
	return "open"
}

// member returns a member of what the merchant sent, "" when it is no text.
func (l listed) member(name string) string {
	if l.order == nil {
		v := &l.managed.View
		return map[string]string{
			"purchase_country": v.PurchaseCountry, "purchase_currency": v.PurchaseCurrency,
			"merchant_reference1": v.MerchantReference1, "merchant_reference2": v.MerchantReference2,
		}[name]
	}
	var text string
	_ = json.Unmarshal(l.order.Content[name], &text) // it was checked; without it there is no text
	return text
}

func (l listed) amount() int64 {
	if l.managed != nil {
		return l.managed.View.OrderAmount
	}
	var n int64
	_ = json.Unmarshal(l.order.Content["order_amount"], &n) // it was checked
	return n
}

// changed returns the time of the last change in the checkout, else of the purchase.
func (l listed) changed() time.Time {
	if l.order == nil {
		return l.managed.Created
	}
	return l.order.Modified
}

// email returns the shopper's address: typed, or sent by the merchant.
func (l listed) email() string {
	if l.order == nil {
		return l.managed.View.BillingAddress.Email
	}
	if typed := l.order.Typed["email"]; typed != "" {
		return typed
	}
	var address struct{ Email string }
	_ = json.Unmarshal(l.order.Content["billing_address"], &address) // it was checked
	return address.Email
}

// matches reports whether an order matches the form. It decodes only what it needs: there
// may be thousands of orders. The caller holds s.Mu.
func (s *Server) matches(l listed, f *orderFilter) bool {
	switch {
	case f.Status != "" && s.shownStatus(l) != f.Status && (l.order == nil || l.order.Status != f.Status || l.managed == nil),
		f.Country != "" && !strings.EqualFold(l.member("purchase_country"), f.Country),
		f.From != "" && l.amount() < minorUnits(f.From),
		f.To != "" && l.amount() > minorUnits(f.To):
		return false
	}
	if age, err := time.ParseDuration(f.Age); err == nil && s.Time().Sub(l.changed()) > age {
		return false
	}
	q := strings.ToLower(f.Query)
	holds := func(text string) bool { return strings.Contains(strings.ToLower(text), q) }
	return q == "" || holds(l.id) || holds(l.email()) || holds(l.member("merchant_reference1")) || holds(l.member("merchant_reference2"))
}

// minorUnits reads a typed amount, "1 152.50" or "1152". A wrong one is 0.
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

func (s *Server) orderRow(l listed) orderRow {
	r := orderRow{
		ID: l.id, Status: s.shownStatus(l), Country: strings.ToUpper(l.member("purchase_country")),
		Amount: decimal(l.amount()) + "\u00a0" + strings.ToUpper(l.member("purchase_currency")),
		Email:  l.email(), Reference: cut(l.member("merchant_reference1"), 40),
		Changed: agoText(s.Time().Sub(l.changed())), Stamp: wire.Stamp(l.changed()),
	}
	r.Shape = shapeOf(r.Status)
	return r
}
