package payments

import (
	"net/http"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The customer token API, version 1. Source: docs.klarna.com, Customer Token
// API reference.

var (
	errNoToken        = &wire.Error{Status: http.StatusNotFound, Code: "TOKEN_NOT_FOUND", Message: "Customer token not found"}
	errTokenCancelled = &wire.Error{Status: http.StatusForbidden, Code: "TOKEN_CANCELED", Message: "Customer token is cancelled"}
	errOtherCurrency  = &wire.Error{Status: http.StatusForbidden, Code: "UNAVAILABLE_PAYMENT_METHOD", Message: "Payment method is not available in this currency"}
	errChargeDeclined = &wire.Error{Status: http.StatusForbidden, Code: "PAYMENT_METHOD_FAILED", Message: "Payment method failed"}
)

// card is one that can be charged; there is only one in the fake.
type card struct {
	Brand  string `json:"brand"`
	Expiry string `json:"expiry_date"`
	Number string `json:"masked_number"`
}

// readToken tells how a token pays and whether it can be charged.
// Source: docs.klarna.com, Check the details of a customer token.
func (s *Service) readToken(c *engine.Call) (wire.Reply, *wire.Error) {
	t := s.Kept.Tokens[c.IDs["token"]]
	if t == nil {
		return wire.Reply{}, errNoToken
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
func (s *Service) chargeToken(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	t := s.Kept.Tokens[c.IDs["token"]]
	switch {
	case t == nil:
		return wire.Reply{}, errNoToken
	case t.Status != tokenActive:
		return wire.Reply{}, errTokenCancelled
	}
	content, bad := wire.GatherMembers(chargeRules, nil, sent)
	for _, name := range []string{"locale", "purchase_country", "billing_address", "customer"} {
		if t.Content[name] != nil {
			content[name] = t.Content[name]
		}
	}
	if len(bad) > 0 {
		return wire.Reply{}, bad.Err()
	}
	v, known := decode(content), decode(t.Content)
	if !strings.EqualFold(v.PurchaseCurrency, known.PurchaseCurrency) && known.PurchaseCurrency != "" {
		return wire.Reply{}, errOtherCurrency
	}
	s.check(content, &bad)
	if len(bad) > 0 {
		return wire.Reply{}, bad.Err()
	}
	who := shopper.Persona{}
	if v.BillingAddress != nil {
		who = shopper.PersonaOf(v.BillingAddress.Email)
	}
	if who.Denied {
		return wire.Reply{}, errChargeDeclined
	}
	bought := purchaseOf(content, s.NewID(), "", nil)
	bought.Method, bought.Persona = t.Method.Type, who
	s.om.Authorize(bought)
	s.schedulePush(bought.OrderID, "", content)
	out := answered(placed{OrderID: bought.OrderID, FraudStatus: fraudStatus(who), Method: &t.Method})
	out.OrderID = bought.OrderID
	return out, nil
}

// changeToken cancels a token.
// Source: docs.klarna.com, Cancel a customer token.
func (s *Service) changeToken(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	t := s.Kept.Tokens[c.IDs["token"]]
	switch {
	case t == nil:
		return wire.Reply{}, errNoToken
	case sent["status"] != tokenCancelled:
		return wire.Reply{}, wire.BadValue("status")
	case t.Status != tokenActive:
		return wire.Reply{}, errTokenCancelled
	}
	t.Status = tokenCancelled
	s.Tell(engine.Event{Lane: "state", SessionID: t.SessionID, Text: "customer token " + t.ID + " " + tokenActive + " → " + tokenCancelled})
	return wire.Reply{Status: http.StatusAccepted}, nil
}
