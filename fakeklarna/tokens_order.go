package fakeklarna

import (
	"net/http"
	"strings"
)

// The customer token API, version 1. Source: docs.klarna.com, Customer Token
// API reference.

var (
	errNoToken        = &apiError{status: http.StatusNotFound, code: "TOKEN_NOT_FOUND", message: "Customer token not found"}
	errTokenCancelled = &apiError{status: http.StatusForbidden, code: "TOKEN_CANCELED", message: "Customer token is cancelled"}
	errOtherCurrency  = &apiError{status: http.StatusForbidden, code: "UNAVAILABLE_PAYMENT_METHOD", message: "Payment method is not available in this currency"}
	errChargeDeclined = &apiError{status: http.StatusForbidden, code: "PAYMENT_METHOD_FAILED", message: "Payment method failed"}
)

// card is one that can be charged; there is only one in the fake.
type card struct {
	Brand  string `json:"brand"`
	Expiry string `json:"expiry_date"`
	Number string `json:"masked_number"`
}

// readToken tells how a token pays and whether it can be charged.
// Source: docs.klarna.com, Check the details of a customer token.
func (s *paymentsService) readToken(c *apiCall) (reply, *apiError) {
	t := s.held.Tokens[c.ids["token"]]
	if t == nil {
		return reply{}, errNoToken
	}
	answer := struct {
		Type   string `json:"payment_method_type"`
		Status string `json:"status"`
		Card   *card  `json:"card,omitempty"`
	}{Type: strings.ToUpper(t.Method.Type), Status: t.Status}
	if strings.HasSuffix(t.Method.Type, "card") {
		answer.Card = &card{"VISA", "12/2040", "411111******1111"}
	}
	return answered(answer), nil
}

// chargeToken places an order without the customer. A second call without an idempotency
// key places a second order.
func (s *paymentsService) chargeToken(c *apiCall) (reply, *apiError) {
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	t := s.held.Tokens[c.ids["token"]]
	switch {
	case t == nil:
		return reply{}, errNoToken
	case t.Status != tokenActive:
		return reply{}, errTokenCancelled
	}
	content, bad := gatherMembers(chargeRules, nil, sent)
	for _, name := range []string{"locale", "purchase_country", "billing_address", "customer"} {
		if t.Content[name] != nil {
			content[name] = t.Content[name]
		}
	}
	if len(bad) > 0 {
		return reply{}, bad.err()
	}
	v, known := decodeSession(content), decodeSession(t.Content)
	if !strings.EqualFold(v.PurchaseCurrency, known.PurchaseCurrency) && known.PurchaseCurrency != "" {
		return reply{}, errOtherCurrency
	}
	s.checkPayment(content, &bad)
	if len(bad) > 0 {
		return reply{}, bad.err()
	}
	who := persona{}
	if v.BillingAddress != nil {
		who = personaOf(v.BillingAddress.Email)
	}
	if who.Denied {
		return reply{}, errChargeDeclined
	}
	bought := purchaseOf(content, s.newID(), "", nil)
	bought.Method, bought.Persona = t.Method.Type, who
	s.om.authorize(bought)
	s.schedulePush(bought.OrderID, "", content)
	out := answered(placed{OrderID: bought.OrderID, FraudStatus: fraudStatus(who), Method: &t.Method})
	out.orderID = bought.OrderID
	return out, nil
}

// changeToken cancels a token.
// Source: docs.klarna.com, Cancel a customer token.
func (s *paymentsService) changeToken(c *apiCall) (reply, *apiError) {
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	t := s.held.Tokens[c.ids["token"]]
	switch {
	case t == nil:
		return reply{}, errNoToken
	case sent["status"] != tokenCancelled:
		return reply{}, badValue("status")
	case t.Status != tokenActive:
		return reply{}, errTokenCancelled
	}
	t.Status = tokenCancelled
	s.tell(Event{Lane: "state", SessionID: t.SessionID, Text: "customer token " + t.ID + " " + tokenActive + " → " + tokenCancelled})
	return reply{status: http.StatusAccepted}, nil
}
