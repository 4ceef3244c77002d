package fakeklarna

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The Order Management API, version 1.
// Source: docs.klarna.com, Order Management API reference.

const (
	managedPath = "/ordermanagement/v1/orders/{order_id}"
	// maxManagedBody is the size of the largest body, in bytes.
	// Source: docs.klarna.com, Request limits.
	maxManagedBody = 1 << 20
)

// operation is one operation of the API. It checks the order ID, the body, the order, the
// capture or refund, and the order's state, in this sequence.
type operation struct {
	method, path string // below managedPath
	body         *rule  // nil: a body is not looked at
	unknown      string // message when there is no such order
	do           func(*Server, *managedOrder, managedCall) (reply, *apiError)
}

// managedCall is the input of an operation.
type managedCall struct {
	ids  map[string]string
	sent json.RawMessage // the body, checked and without unknown members
}

// into decodes the body.
func (c managedCall) into(v any) {
	if err := json.Unmarshal(c.sent, v); err != nil {
		panic(fmt.Sprintf("fakeklarna: a body was checked and does not decode: %v", err))
	}
}

const unknownOrder = "Order {order_id} cannot be found."

var managementEndpoints = endpointsOf([]operation{
	{http.MethodGet, "", nil, unknownOrder, (*Server).readManaged},
	{http.MethodPost, "/acknowledge", nil, unknownOrder + " Acknowledgement not possible.", (*Server).acknowledge},
	{http.MethodPatch, "/authorization", &authorizationRule, unknownOrder, (*Server).changeAuthorization},
	{http.MethodPatch, "/merchant-references", &referencesRule, "Order cannot be found. Merchant references cannot be updated.", (*Server).changeReferences},
	{http.MethodPatch, "/customer-details", &customerDetailsRule, unknownOrder, (*Server).changeCustomer},
	{http.MethodPost, "/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to order {order_id}.", (*Server).shipOrder},
	{http.MethodPost, "/cancel", nil, unknownOrder, (*Server).cancel},
	{http.MethodPost, "/extend-authorization-time", nil, unknownOrder, (*Server).extendAuthorization},
	{http.MethodPost, "/release-remaining-authorization", nil, unknownOrder, (*Server).releaseAuthorization},
	{http.MethodPost, "/captures", &captureRule, unknownOrder, (*Server).capture},
	{http.MethodGet, "/captures", nil, unknownOrder, (*Server).listCaptures},
	{http.MethodGet, "/captures/{capture_id}", nil, unknownOrder, ofCapture("", (*Server).readCapture)},
	{http.MethodPost, "/captures/{capture_id}/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to capture {capture_id}.", ofCapture("Shipping info cannot be added to capture {capture_id}", (*Server).shipCapture)},
	{http.MethodPost, "/captures/{capture_id}/trigger-send-out", nil, unknownOrder, ofCapture("Send out cannot be triggered for capture {capture_id}", (*Server).sendOut)},
	{http.MethodGet, "/captures/{capture_id}/extend-due-date-options", nil, unknownOrder, ofCapture("", (*Server).dueDateOptions)},
	{http.MethodPatch, "/captures/{capture_id}/extend-due-date", &dueDateRule, unknownOrder, ofCapture(notExtended, (*Server).extendDueDate)},
	{http.MethodPost, "/refunds", &refundRule, unknownOrder, (*Server).refund},
	{http.MethodGet, "/refunds/{refund_id}", nil, unknownRefund, (*Server).readRefund},
})

// endpointsOf makes endpoints from operations. Writes take an idempotency key.
func endpointsOf(operations []operation) []endpoint {
	endpoints := make([]endpoint, len(operations))
	for i, op := range operations {
		endpoints[i] = endpoint{op.method, managedPath + op.path, op.run}
		if op.method != http.MethodGet {
			endpoints[i].do = onceByKey(op.run)
		}
	}
	return endpoints
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (op *operation) run(s *Server, c *apiCall) (reply, *apiError) {
	switch {
	case len(c.body) > maxManagedBody:
		return reply{}, errTooLarge(managedPath)
	case !uuidPattern.MatchString(c.ids["order_id"]):
		return reply{}, &apiError{status: http.StatusBadRequest, code: "INVALID_ORDER_ID", message: "Order ID must be a valid UUID."}
	}
	call := managedCall{ids: c.ids}
	if op.body != nil {
		sent, err := readManagedBody(op.body, c.body)
		if err != nil {
			return reply{}, err
		}
		call.sent = sent
	}
	m := s.managedOrder(c.ids["order_id"])
	if m == nil {
		code := "NO_SUCH_ORDER"
		if strings.HasPrefix(op.path, "/refunds") {
			code = "NOT_FOUND"
		}
		return reply{}, missing(code, call.fill(op.unknown))
	}
	out, err := op.do(s, m, call)
	if err != nil || op.method == http.MethodGet {
		return out, err
	}
	s.restate(m)
	if out.header == nil {
		out.header = map[string]string{}
	}
	out.header["Transaction-Id"] = s.newID()
	return out, nil
}

// fill replaces the placeholders in a message by the path's IDs.
func (c managedCall) fill(message string) string {
	for name, id := range c.ids {
		message = strings.ReplaceAll(message, "{"+name+"}", id)
	}
	return message
}

// done is the empty answer to a change.
func done() reply { return reply{status: http.StatusNoContent} }

// made is the answer to a capture or refund that was made.
// Source: recorded answers (headers).
func made(m *managedOrder, kind, header, id string, lines []ManagedLine) reply {
	out := reply{
		status: http.StatusCreated, header: map[string]string{header: id},
		location: strings.Replace(managedPath, "{order_id}", m.View.OrderID, 1) + kind + id,
	}
	if len(lines) > 0 {
		out.header["Klarna-Order-Validation"] = "Valid"
	}
	return out
}

func found(v any) reply { return reply{status: http.StatusOK, body: mustJSON(v)} }

// managedOrder is one order of Order Management. Server.mu guards it; a
// snapshot has its fields.
type managedOrder struct {
	View             ManagedOrder // as the API answers it
	SessionID        string       // of Klarna Payments, "" for the checkout
	Created, Expires time.Time
	Acknowledged     bool // by a call or a capture of the merchant
	Released         bool // the remaining authorization was given back
	Unallocated      bool // a refund could not be allocated to a capture: later ones are not either
	AutoCapture      bool
	DecideAt         time.Time // when the check for fraud ends, zero without one
	Accept           bool      // how it ends
	NotificationURL  string
}

// managedOrder returns an order, settled, nil when there is none. The caller holds s.mu.
func (s *Server) managedOrder(id string) *managedOrder {
	m := s.managed[strings.ToLower(id)]
	if m != nil {
		s.settle(m)
	}
	return m
}

// Managed returns an order as Order Management has it; false when it is not bought.
func (s *Server) Managed(orderID string) (ManagedOrder, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.managedOrder(orderID)
	if m == nil {
		return ManagedOrder{}, false
	}
	return m.copied(), true
}

// copied returns a copy of the order as the API answers it.
func (m *managedOrder) copied() ManagedOrder {
	v := m.View
	v.Captures, v.Refunds = slices.Clone(v.Captures), slices.Clone(v.Refunds)
	return v
}

// acknowledged reports whether the merchant has acknowledged or captured an order. That
// ends its pushes. The caller holds s.mu.
func (s *Server) acknowledged(orderID string) bool {
	m := s.managed[orderID]
	return m != nil && m.Acknowledged
}

// tellManaged notes an event of an order. The caller holds s.mu.
func (s *Server) tellManaged(m *managedOrder, format string, args ...any) {
	s.tell(Event{Lane: "state", OrderID: m.View.OrderID, SessionID: m.SessionID, Text: fmt.Sprintf(format, args...)})
}

// amountText returns an amount for events. All our currencies have two decimals.
func amountText(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
