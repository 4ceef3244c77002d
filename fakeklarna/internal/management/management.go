// Package management is the Order Management API, version 1, with the orders that were bought.
// Source: docs.klarna.com, Order Management API reference.
package management

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const (
	orderPath = "/ordermanagement/v1/orders/{order_id}"
	// maxBody is the size of the largest body, in bytes.
	// Source: docs.klarna.com, Request limits.
	maxBody = 1 << 20
)

// Service is the Order Management API with its orders.
type Service struct {
	*engine.State
	calls *callback.Sender
	Config

	Orders map[string]*Stored // by ID; the state's lock guards it
}

// Config are the merchant's settings.
type Config struct {
	CloseRefunded bool          // an order that is fully refunded is CLOSED
	RefundLags    bool          // a capture shows a refund only some time after it
	PushDelay     time.Duration // from a purchase to its first push
}

// New adds the API to a state.
func New(s *engine.State, calls *callback.Sender, c Config) *Service {
	m := &Service{State: s, calls: calls, Config: c}
	engine.Hold(s, "managed", &m.Orders, func() map[string]*Stored { return map[string]*Stored{} }, checkOrders)
	for _, op := range operations {
		do := func(c *engine.Call) (wire.Reply, *wire.Error) { return op.run(m, c) }
		if op.method != http.MethodGet {
			do = s.Once(do) // writes take an idempotency key
		}
		s.Serve(op.method, orderPath+op.path, do)
	}
	s.Perform("decision", m.decision)
	s.Perform("notification", m.notify)
	return m
}

func checkOrders(managed map[string]*Stored) error {
	for id, m := range managed {
		if m.View.OrderID != id {
			return fmt.Errorf("order %s says that it is %s", id, m.View.OrderID)
		}
		if slices.ContainsFunc(m.Lags, func(l lag) bool { return l.Capture < 0 || l.Capture >= len(m.View.Captures) }) {
			return fmt.Errorf("order %s: a refund lags of a capture that it does not have", id)
		}
	}
	return nil
}

// operation is one operation of the API. It checks the order ID, the body, the order, the
// capture or refund, and the order's state, in this sequence.
type operation struct {
	method, path string     // below orderPath
	body         *wire.Rule // nil: a body is not looked at
	unknown      string     // message when there is no such order
	do           func(*Service, *Stored, input) (wire.Reply, *wire.Error)
	// repeats returns what a repeated call has in common with the first one, whose
	// Transaction-Id it is answered; nil: each call has its own.
	repeats func(*Stored, input) string
}

// Repeats without an idempotency key that are known to be the same transaction. An
// extension is another one when it moves the date. Source: recorded answers.
func sameOrder(*Stored, input) string       { return "" }
func sameExpiry(m *Stored, _ input) string  { return m.View.ExpiresAt }
func sameParcels(_ *Stored, c input) string { return c.ids["capture_id"] + string(c.sent) }

// input is the input of an operation.
type input struct {
	ids  map[string]string
	sent json.RawMessage // the body, checked and without unknown members
}

// into decodes the body.
func (c input) into(v any) {
	if err := json.Unmarshal(c.sent, v); err != nil {
		panic(fmt.Sprintf("fakeklarna: a body was checked and does not decode: %v", err))
	}
}

const unknownOrder = "Order {order_id} cannot be found."

var operations = []operation{
	{http.MethodGet, "", nil, unknownOrder, (*Service).read, nil},
	{http.MethodPost, "/acknowledge", nil, unknownOrder + " Acknowledgement not possible.", (*Service).acknowledge, sameOrder},
	{http.MethodPatch, "/authorization", &authorizationRule, unknownOrder, (*Service).changeAuthorization, nil},
	{http.MethodPatch, "/merchant-references", &referencesRule, "Order cannot be found. Merchant references cannot be updated.", (*Service).changeReferences, nil},
	{http.MethodPatch, "/customer-details", &customerDetailsRule, unknownOrder, (*Service).changeCustomer, nil},
	{http.MethodPost, "/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to order {order_id}.", (*Service).shipOrder, nil},
	{http.MethodPost, "/cancel", nil, unknownOrder, (*Service).cancel, sameOrder},
	{http.MethodPost, "/extend-authorization-time", nil, unknownOrder, (*Service).extendAuthorization, sameExpiry},
	{http.MethodPost, "/release-remaining-authorization", nil, unknownOrder, (*Service).releaseAuthorization, nil},
	{http.MethodPost, "/captures", &captureRule, unknownOrder, (*Service).capture, nil},
	{http.MethodGet, "/captures", nil, unknownOrder, (*Service).listCaptures, nil},
	{http.MethodGet, "/captures/{capture_id}", nil, unknownOrder, ofCapture("", (*Service).readCapture), nil},
	{http.MethodPost, "/captures/{capture_id}/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to capture {capture_id}.", ofCapture("Shipping info cannot be added to capture {capture_id}", (*Service).shipCapture), sameParcels},
	{http.MethodPost, "/captures/{capture_id}/trigger-send-out", nil, unknownOrder, ofCapture("Send out cannot be triggered for capture {capture_id}", (*Service).sendOut), nil},
	{http.MethodGet, "/captures/{capture_id}/extend-due-date-options", nil, unknownOrder, ofCapture("", (*Service).dueDateOptions), nil},
	{http.MethodPatch, "/captures/{capture_id}/extend-due-date", &dueDateRule, unknownOrder, ofCapture(notExtended, (*Service).extendDueDate), nil},
	{http.MethodPost, "/refunds", &refundRule, unknownOrder, (*Service).refund, nil},
	{http.MethodGet, "/refunds/{refund_id}", nil, unknownRefund, (*Service).readRefund, nil},
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (op *operation) run(s *Service, c *engine.Call) (wire.Reply, *wire.Error) {
	switch {
	case len(c.Body) > maxBody:
		return wire.Reply{}, wire.TooLarge(orderPath)
	case !uuidPattern.MatchString(c.IDs["order_id"]):
		return wire.Reply{}, &wire.Error{Status: http.StatusBadRequest, Code: "INVALID_ORDER_ID", Message: "Order ID must be a valid UUID."}
	}
	call := input{ids: c.IDs}
	if op.body != nil {
		sent, err := readBody(op.body, c.Body)
		if err != nil {
			return wire.Reply{}, err
		}
		call.sent = sent
	}
	m := s.Find(c.IDs["order_id"])
	if m == nil {
		code := "NO_SUCH_ORDER"
		if strings.HasPrefix(op.path, "/refunds") {
			code = "NOT_FOUND"
		}
		return wire.Reply{}, wire.Missing(code, call.fill(op.unknown))
	}
	out, err := op.do(s, m, call)
	if err != nil || op.method == http.MethodGet {
		return out, err
	}
	s.restate(m)
	if out.Header == nil {
		out.Header = map[string]string{}
	}
	out.Header["Transaction-Id"] = s.transaction(op, m, call)
	return out, nil
}

// transaction returns the ID of a change: a new one, or for a repeat that of the first.
func (s *Service) transaction(op *operation, m *Stored, call input) string {
	id := s.NewID()
	if op.repeats == nil {
		return id
	}
	change := op.path + " " + op.repeats(m, call)
	if first := m.Transactions[change]; first != "" {
		return first
	}
	if m.Transactions == nil {
		m.Transactions = map[string]string{}
	}
	m.Transactions[change] = id
	return id
}

// fill replaces the placeholders in a message by the path's IDs.
func (c input) fill(message string) string {
	for name, id := range c.ids {
		message = strings.ReplaceAll(message, "{"+name+"}", id)
	}
	return message
}

// done is the empty answer to a change.
func done() wire.Reply { return wire.Reply{Status: http.StatusNoContent} }

// made is the answer to a capture or refund that was made.
// Source: recorded answers (headers).
func made(m *Stored, kind, header, id string, lines []Line) wire.Reply {
	out := wire.Reply{
		Status: http.StatusCreated, Header: map[string]string{header: id},
		Location: strings.Replace(orderPath, "{order_id}", m.View.OrderID, 1) + kind + id,
	}
	if len(lines) > 0 {
		out.Header["Klarna-Order-Validation"] = "Valid"
	}
	return out
}

func found(v any) wire.Reply { return wire.Reply{Status: http.StatusOK, Body: wire.MustJSON(v)} }

// Stored is one order of Order Management. The state's lock guards it; a
// snapshot has its fields.
type Stored struct {
	View             Order  // as the API answers it
	SessionID        string // of Klarna Payments, "" for the checkout
	Created, Expires time.Time
	Acknowledged     bool // by a call or a capture of the merchant
	Released         bool // the remaining authorization was given back
	Unallocated      bool // a refund could not be allocated to a capture: later ones are not either
	AutoCapture      bool
	DecideAt         time.Time // when the check for fraud ends, zero without one
	Accept           bool      // how it ends
	NotificationURL  string
	// RecurringToken is the customer token that a recurring purchase gave, "" without.
	RecurringToken string `json:",omitempty"`
	// Transactions has the Transaction-Id of changes that may be repeated, by what they say.
	Transactions map[string]string `json:",omitempty"`
	Lags         []lag             `json:",omitempty"` // refunds that a capture does not show yet
}

// Find returns an order, settled, nil when there is none. The caller holds s.Mu.
func (s *Service) Find(id string) *Stored {
	m := s.Orders[strings.ToLower(id)]
	if m != nil {
		s.settle(m)
	}
	return m
}

// Recurring returns the order whose purchase gave a customer token, nil if there is none.
// The caller holds s.Mu.
func (s *Service) Recurring(token string) *Stored {
	for _, m := range s.Orders {
		if token != "" && m.RecurringToken == token {
			return m
		}
	}
	return nil
}

// Managed returns an order as Order Management has it; false when it is not bought.
func (s *Service) Managed(orderID string) (Order, bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	m := s.Find(orderID)
	if m == nil {
		return Order{}, false
	}
	return m.Copied(), true
}

// Copied returns a copy of the order as the API answers it.
func (m *Stored) Copied() Order {
	v := m.View
	v.Captures, v.Refunds, v.ShippingInfo = slices.Clone(v.Captures), slices.Clone(v.Refunds), append([]ShippingInfo{}, v.ShippingInfo...)
	return v
}

// answered returns an order as a read answers it: a refund has no reference, and a capture
// does not show a refund that lags. Source: recorded answers.
func (s *Service) answered(m *Stored) Order {
	v := m.Copied()
	for i := range v.Refunds {
		v.Refunds[i].Reference = ""
	}
	for _, l := range m.Lags {
		if s.Time().Before(l.Until) {
			v.Captures[l.Capture].RefundedAmount -= l.Amount
		}
	}
	return v
}

// acknowledged reports whether the merchant has acknowledged or captured an order. That
// ends its pushes. The caller holds s.Mu.
func (s *Service) acknowledged(orderID string) bool {
	m := s.Orders[orderID]
	return m != nil && m.Acknowledged
}

// tellOf notes an event of an order. The caller holds s.Mu.
func (s *Service) tellOf(m *Stored, format string, args ...any) {
	s.Tell(engine.Event{Lane: "state", OrderID: m.View.OrderID, SessionID: m.SessionID, Text: fmt.Sprintf(format, args...)})
}
