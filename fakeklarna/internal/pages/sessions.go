package pages

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// sessionRow is one session of Klarna Payments on a page.
type sessionRow struct {
	ID, Country, Amount, Email, Started, Stamp string
	OrderID, OrderShort                        string
	Badge                                      badge
}

type sessionsContent struct {
	Rows []sessionRow
	All  int
}

// sessionsPage lists the newest sessions.
func (s *Server) sessionsPage() page {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := sessionsContent{All: len(s.kp.Kept.Newest)}
	for _, id := range slices.Backward(s.kp.Kept.Newest[max(0, c.All-shownRows):]) {
		c.Rows = append(c.Rows, s.sessionRow(s.kp.Kept.Sessions[id]))
	}
	return page{template: "sessions.html", Title: "Sessions", Section: "sessions", Back: "sessions", Content: c}
}

func (s *Server) sessionRow(p *payments.Stored) sessionRow {
	v := s.kp.Inspect(p)
	row := sessionRow{
		ID: p.ID, Country: strings.ToUpper(v.PurchaseCountry), Amount: decimal(v.OrderAmount) + "\u00a0" + strings.ToUpper(v.PurchaseCurrency),
		Started: agoText(s.Time().Sub(p.Started)), Stamp: wire.Stamp(p.Started), OrderID: p.OrderID, OrderShort: engine.Short(p.OrderID),
		Badge: badge{v.Fake.State, shapeOf(v.Fake.State)},
	}
	if v.BillingAddress != nil {
		row.Email = v.BillingAddress.Email
	}
	return row
}

// sessionContent is the content of the page of one session.
type sessionContent struct {
	sessionRow
	Short, Expires string
	Open           bool // the shopper can act
	Categories     []payments.Category
	Story          story
	Lines          lineTable
	Whole          tree
}

func (s *Server) sessionPage(id string, query url.Values) page {
	s.Mu.Lock()
	p := s.kp.Kept.Sessions[id]
	if p == nil {
		s.Mu.Unlock()
		return missingPage("sessions", "There is no session "+cut(id, 60)+".")
	}
	v := s.kp.Inspect(p)
	c := sessionContent{
		sessionRow: s.sessionRow(p), Short: engine.Short(id),
		Open: v.Fake.State != "complete" && v.Fake.State != "expired", Categories: v.PaymentMethodCategories,
	}
	if at, err := time.Parse(time.RFC3339, v.ExpiresAt); err == nil && c.Open {
		c.Expires = engine.SpanText(at.Sub(s.Time()))
	}
	s.Mu.Unlock()
	c.Lines = linesOf(v.OrderLines, strings.ToUpper(v.PurchaseCurrency), v.OrderAmount, v.OrderTaxAmount)
	v.OrderLines, v.PaymentMethodCategories, v.ClientToken = nil, nil, "" // in the table, in the form, and for no reader
	c.Whole = treeOf("Session", wire.MustJSON(v))
	c.Story = s.storyOf("", id, query)
	return page{template: "session.html", Title: "Session " + c.Short, Section: "sessions", Back: "sessions/" + id, Content: c}
}

// takePayment acts as the shopper in a session's widget.
func (s *Server) takePayment(id string, f url.Values) (done string, refused note, err error) {
	a := new(payments.Authorize{Category: f.Get("category"), Decision: f.Get("decision")})
	action := payments.Action{Authorize: a}
	if f.Get("do") == "load" {
		a.Decision, action = "", payments.Action{Load: a}
	}
	out, err := s.kp.Pay(id, action)
	switch {
	case errors.Is(err, payments.ErrNoSession):
		return "", note{}, errors.New("the session has expired")
	case err != nil:
		return "", note{}, err
	case out.Refused != nil:
		return "", note{Bad: true, Text: fmt.Sprintf("Refused, %s. %s", out.Refused.Code, out.Refused.Message)}, nil
	case len(out.InvalidFields) > 0:
		return "", note{Bad: true, Text: "Not approved yet, these are missing or wrong: " + strings.Join(out.InvalidFields, ", ") + "."}, nil
	case action.Authorize != nil && !out.Approved:
		return "", note{Bad: true, Text: "Not approved."}, nil
	}
	return "shopper", note{}, nil
}
