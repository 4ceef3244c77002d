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

// managementService is the Order Management API with its orders.
type managementService struct {
	*engineState
	calls         *callbackSender
	closeRefunded bool
	pushDelay     time.Duration

	managed map[string]*managedOrder // by ID; the state's lock guards it
}

// newManagementService adds the API to a state. closeRefunded makes an order that is fully
// refunded CLOSED; pushDelay is the time from a purchase to its first push.
func newManagementService(s *engineState, calls *callbackSender, closeRefunded bool, pushDelay time.Duration) *managementService {
	m := &managementService{engineState: s, calls: calls, closeRefunded: closeRefunded, pushDelay: pushDelay}
	hold(s, "managed", &m.managed, func() map[string]*managedOrder { return map[string]*managedOrder{} }, checkManaged)
	for _, op := range managedOperations {
		do := func(c *apiCall) (reply, *apiError) { return op.run(m, c) }
		if op.method != http.MethodGet {
			do = s.once(do) // writes take an idempotency key
		}
		s.serve(endpoint{op.method, managedPath + op.path, do})
	}
	s.perform("decision", m.decision)
	s.perform("notification", m.notify)
	return m
}

func checkManaged(managed map[string]*managedOrder) error {
	for id, m := range managed {
		if m.View.OrderID != id {
			return fmt.Errorf("order %s says that it is %s", id, m.View.OrderID)
		}
	}
	return nil
}

// managedOperation is one operation of the API. It checks the order ID, the body, the order, the
// capture or refund, and the order's state, in this sequence.
type managedOperation struct {
	method, path string // below managedPath
	body         *rule  // nil: a body is not looked at
	unknown      string // message when there is no such order
	do           func(*managementService, *managedOrder, managedCall) (reply, *apiError)
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

var managedOperations = []managedOperation{
	{http.MethodGet, "", nil, unknownOrder, (*managementService).readManaged},
	{http.MethodPost, "/acknowledge", nil, unknownOrder + " Acknowledgement not possible.", (*managementService).acknowledge},
	{http.MethodPatch, "/authorization", &authorizationRule, unknownOrder, (*managementService).changeAuthorization},
	{http.MethodPatch, "/merchant-references", &referencesRule, "Order cannot be found. Merchant references cannot be updated.", (*managementService).changeReferences},
	{http.MethodPatch, "/customer-details", &customerDetailsRule, unknownOrder, (*managementService).changeCustomer},
	{http.MethodPost, "/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to order {order_id}.", (*managementService).shipOrder},
	{http.MethodPost, "/cancel", nil, unknownOrder, (*managementService).cancel},
	{http.MethodPost, "/extend-authorization-time", nil, unknownOrder, (*managementService).extendAuthorization},
	{http.MethodPost, "/release-remaining-authorization", nil, unknownOrder, (*managementService).releaseAuthorization},
	{http.MethodPost, "/captures", &captureRule, unknownOrder, (*managementService).capture},
	{http.MethodGet, "/captures", nil, unknownOrder, (*managementService).listCaptures},
	{http.MethodGet, "/captures/{capture_id}", nil, unknownOrder, ofCapture("", (*managementService).readCapture)},
	{http.MethodPost, "/captures/{capture_id}/shipping-info", &shippingInfoRule, unknownOrder + " Shipping info cannot be added to capture {capture_id}.", ofCapture("Shipping info cannot be added to capture {capture_id}", (*managementService).shipCapture)},
	{http.MethodPost, "/captures/{capture_id}/trigger-send-out", nil, unknownOrder, ofCapture("Send out cannot be triggered for capture {capture_id}", (*managementService).sendOut)},
	{http.MethodGet, "/captures/{capture_id}/extend-due-date-options", nil, unknownOrder, ofCapture("", (*managementService).dueDateOptions)},
	{http.MethodPatch, "/captures/{capture_id}/extend-due-date", &dueDateRule, unknownOrder, ofCapture(notExtended, (*managementService).extendDueDate)},
	{http.MethodPost, "/refunds", &refundRule, unknownOrder, (*managementService).refund},
	{http.MethodGet, "/refunds/{refund_id}", nil, unknownRefund, (*managementService).readRefund},
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (op *managedOperation) run(s *managementService, c *apiCall) (reply, *apiError) {
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
func (s *managementService) managedOrder(id string) *managedOrder {
	m := s.managed[strings.ToLower(id)]
	if m != nil {
		s.settle(m)
	}
	return m
}

// Managed returns an order as Order Management has it; false when it is not bought.
func (s *managementService) Managed(orderID string) (ManagedOrder, bool) {
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
func (s *managementService) acknowledged(orderID string) bool {
	m := s.managed[orderID]
	return m != nil && m.Acknowledged
}

// tellManaged notes an event of an order. The caller holds s.mu.
func (s *managementService) tellManaged(m *managedOrder, format string, args ...any) {
	s.tell(Event{Lane: "state", OrderID: m.View.OrderID, SessionID: m.SessionID, Text: fmt.Sprintf(format, args...)})
}
