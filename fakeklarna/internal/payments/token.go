package payments

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The values of a customer token's status. Source: docs.klarna.com, Customer
// Token API reference.
const (
	tokenActive    = "ACTIVE"
	tokenCancelled = "CANCELLED"
)

// customerToken lets the merchant charge a customer again; a snapshot has its
// fields. It lives until it is cancelled.
type customerToken struct {
	ID, SessionID string
	OrderID       string `json:",omitempty"` // that gave a token of the checkout, which has no session
	Status        string
	Method        paidMethod
	Content       map[string]json.RawMessage // locale, purchase_country, purchase_currency, billing_address and customer
	Reference     string                     // payment_method_reference
}

// tokenMethods are the ways to pay that can be charged again.
var tokenMethods = []string{"invoice", "card", "slice_it_by_card"}

// createToken makes a customer token from an authorization. With the intent tokenize, this
// uses up the authorization. Otherwise it can still place the order.
// Source: docs.klarna.com, Create an order, Klarna Payments API reference.
func (s *Service) createToken(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, bad := wire.GatherMembers(tokenRules, nil, sent)
	if err := bad.Err(); err != nil {
		return wire.Reply{}, err
	}
	body := string(wire.MustJSON(sent))
	if a := s.Kept.Authorizations[c.IDs["authorization_token"]]; a != nil && a.TokenID != "" {
		if a.TokenBody != body {
			return wire.Reply{}, errConsumed
		}
		return s.tokenAnswer(s.Kept.Tokens[a.TokenID]), nil
	}
	p, a, err := s.usable(c.IDs["authorization_token"])
	if err == errSessionCompleted {
		return wire.Reply{}, errConsumed
	}
	if err != nil {
		return wire.Reply{}, err
	}
	if err := checkToken(p, content); err != nil {
		return wire.Reply{}, err
	}
	v := decode(p.Content)
	t := &customerToken{
		ID: s.NewID(), SessionID: p.ID, Status: tokenActive, Method: *methodOf(p.Category, &v),
		Content: content, Reference: s.NewID(),
	}
	s.Kept.Tokens[t.ID] = t
	p.CustomerTokens = append(p.CustomerTokens, t.ID)
	if urls := p.urls(); urls.Confirmation != "" && p.ConfirmationURL == "" {
		p.ConfirmationURL = fill(urls.Confirmation, p.ID, "")
	}
	a.TokenID, a.TokenBody, a.Consumed = t.ID, body, v.Intent == "tokenize"
	s.Tell(engine.Event{Lane: "state", SessionID: p.ID, Text: "customer token " + t.ID})
	return s.tokenAnswer(t), nil
}

// checkToken returns the error that forbids a token of content. It puts in what was
// authorized, which counts more than what the call says. Source: recorded answers.
func checkToken(p *Stored, content map[string]json.RawMessage) *wire.Error {
	var bad wire.Offenders
	checkTokenMarket(p, content, &bad)
	if err := bad.Err(); err != nil {
		return err
	}
	v := decode(p.Content)
	if !slices.Contains([]string{"tokenize", "buy_and_tokenize", "buy_and_default_tokenize"}, v.Intent) {
		return &wire.Error{Status: http.StatusForbidden, Code: "INVALID_OPERATION",
			Message: "Not allowed to create customer tokens for intent " + v.Intent + "."}
	}
	if method := methodOf(p.Category, &v).Type; !slices.Contains(tokenMethods, method) {
		return wire.BadRequest(method + " is not valid for creating customer tokens in " + v.Market())
	}
	for _, name := range []string{"purchase_currency", "billing_address", "customer"} {
		if p.Content[name] != nil {
			content[name] = p.Content[name]
		}
	}
	return nil
}

func checkTokenMarket(p *Stored, content map[string]json.RawMessage, bad *wire.Offenders) {
	v, token := decode(p.Content), decode(content)
	checkAddress("billing_address", token.BillingAddress, bad)
	if !strings.EqualFold(token.PurchaseCountry, v.Market()) || !strings.EqualFold(token.PurchaseCountry, token.Market()) {
		bad.Add("purchase_country")
	}
	if token.PurchaseCurrency != "" && !strings.EqualFold(token.PurchaseCurrency, v.PurchaseCurrency) {
		bad.Add("purchase_currency")
	}
}

// tokenAnswer is the answer to a new token.
func (s *Service) tokenAnswer(t *customerToken) wire.Reply {
	type person struct {
		DateOfBirth string `json:"date_of_birth,omitempty"`
		Gender      string `json:"gender,omitempty"`
	}
	v := decode(t.Content)
	answer := struct {
		ID          string        `json:"token_id"`
		RedirectURL string        `json:"redirect_url,omitempty"`
		Reference   string        `json:"payment_method_reference"`
		Billing     *wire.Address `json:"billing_address,omitempty"`
		Customer    *person       `json:"customer,omitempty"`
	}{ID: t.ID, Reference: t.Reference, Billing: v.BillingAddress}
	if s.Kept.Sessions[t.SessionID].ConfirmationURL != "" {
		answer.RedirectURL = s.BaseURL() + "/kp/v1/sessions/" + t.SessionID + "/redirect"
	}
	if v.Customer != nil {
		answer.Customer = new(person)
		_ = json.Unmarshal(v.Customer, answer.Customer) // was checked
	}
	return answered(answer)
}

// token returns a customer token, also one that a recurring purchase in the checkout gave;
// nil if there is none. The caller holds s.Mu.
func (s *Service) token(id string) *customerToken {
	if t := s.Kept.Tokens[id]; t != nil {
		return t
	}
	m := s.om.Recurring(id)
	if m == nil {
		return nil
	}
	v := &m.View
	t := &customerToken{ID: id, OrderID: v.OrderID, Status: tokenActive, Reference: s.NewID(), Method: paidMethod{Type: recurringMethods[v.InitialPaymentMethod.Type]}}
	t.Content = map[string]json.RawMessage{
		"locale": wire.MustJSON(v.Locale), "purchase_country": wire.MustJSON(v.PurchaseCountry), "purchase_currency": wire.MustJSON(v.PurchaseCurrency),
		"billing_address": wire.MustJSON(v.BillingAddress), "customer": wire.MustJSON(v.Customer),
	}
	s.Kept.Tokens[id] = t
	return t
}

// recurringMethods are the ways to pay of a token of the checkout, by how it was bought.
var recurringMethods = map[string]string{
	"INVOICE": "invoice", "INVOICE_BUSINESS": "b2b_invoice", "CARD": "card", "BANK_TRANSFER": "direct_bank_transfer",
}

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
	t := s.token(c.IDs["token"])
	if t == nil {
		return wire.Reply{}, errNoToken
	}
	answer := struct {
		Type   string `json:"payment_method_type"`
		Status string `json:"status"`
		Card   *card  `json:"card,omitempty"`
	}{Type: strings.ToUpper(t.Method.Type), Status: t.Status}
	if t.Method.Type == "card" { // slice_it_by_card was recorded without
		answer.Card = &card{"VISA", "12/2040", "411111******1111"}
	}
	return plain(answer), nil
}

// chargeToken places an order without the customer. A second call without an idempotency
// key places a second order.
func (s *Service) chargeToken(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	t := s.token(c.IDs["token"])
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
	checkLines(v.Market(), &v, true, &bad)
	s.checkRest(content, &v, &bad)
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
	out := plain(placed{OrderID: bought.OrderID, FraudStatus: fraudStatus(who), Method: &t.Method})
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
	t := s.token(c.IDs["token"])
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
