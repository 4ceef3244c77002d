package fakeklarna

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
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
func (s *paymentsService) createToken(c *apiCall) (reply, *apiError) {
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	body := string(mustJSON(sent))
	if a := s.held.Authorizations[c.ids["authorization_token"]]; a != nil && a.TokenID != "" {
		if a.TokenBody != body {
			return reply{}, errConsumed
		}
		return s.tokenAnswer(s.held.Tokens[a.TokenID]), nil
	}
	p, a, err := s.usable(c.ids["authorization_token"])
	if err == errSessionCompleted {
		return reply{}, errConsumed
	}
	if err != nil {
		return reply{}, err
	}
	content, err := checkToken(p, sent)
	if err != nil {
		return reply{}, err
	}
	v := decodeSession(p.Content)
	t := &customerToken{
		ID: s.newID(), SessionID: p.ID, Status: tokenActive, Method: *methodOf(p.Category, &v),
		Content: content, Reference: s.newID(),
	}
	s.held.Tokens[t.ID] = t
	p.CustomerTokens = append(p.CustomerTokens, t.ID)
	if urls := p.urls(); urls.Confirmation != "" && p.ConfirmationURL == "" {
		p.ConfirmationURL = fillPayment(urls.Confirmation, p.ID, "")
	}
	a.TokenID, a.TokenBody, a.Consumed = t.ID, body, v.Intent == "tokenize"
	s.tell(Event{Lane: "state", SessionID: p.ID, Text: "customer token " + t.ID})
	return s.tokenAnswer(t), nil
}

// checkToken returns the content of a token, or the error that forbids it.
func checkToken(p *session, sent map[string]any) (map[string]json.RawMessage, *apiError) {
	content, bad := gatherMembers(tokenRules, nil, sent)
	if len(bad) == 0 {
		checkTokenMarket(p, content, &bad)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	v := decodeSession(p.Content)
	if !slices.Contains([]string{"tokenize", "buy_and_tokenize", "buy_and_default_tokenize"}, v.Intent) {
		return nil, &apiError{status: http.StatusForbidden, code: "INVALID_OPERATION",
			message: "Not allowed to create customer tokens for intent " + v.Intent + "."}
	}
	var differ offenders
	token := decodeSession(content)
	addressDiffers("billing_address", v.BillingAddress, token.BillingAddress, &differ)
	if len(differ) > 0 {
		return nil, &apiError{status: http.StatusConflict, code: "BAD_VALUE", message: "Not matching fields: [" + strings.Join(differ, ", ") + "]"}
	}
	if method := methodOf(p.Category, &v).Type; !slices.Contains(tokenMethods, method) {
		return nil, badRequest(method + " is not valid for creating customer tokens in " + v.market())
	}
	for _, name := range []string{"purchase_currency", "billing_address", "customer"} {
		if content[name] == nil && p.Content[name] != nil {
			content[name] = p.Content[name]
		}
	}
	return content, nil
}

func checkTokenMarket(p *session, content map[string]json.RawMessage, bad *offenders) {
	v, token := decodeSession(p.Content), decodeSession(content)
	checkPaymentAddress("billing_address", token.BillingAddress, bad)
	if !strings.EqualFold(token.PurchaseCountry, v.market()) || !strings.EqualFold(token.PurchaseCountry, token.market()) {
		bad.add("purchase_country")
	}
	if token.PurchaseCurrency != "" && !strings.EqualFold(token.PurchaseCurrency, v.PurchaseCurrency) {
		bad.add("purchase_currency")
	}
}

// tokenAnswer is the answer to a new token.
func (s *paymentsService) tokenAnswer(t *customerToken) reply {
	type person struct {
		DateOfBirth string `json:"date_of_birth,omitempty"`
		Gender      string `json:"gender,omitempty"`
	}
	v := decodeSession(t.Content)
	answer := struct {
		ID          string   `json:"token_id"`
		RedirectURL string   `json:"redirect_url,omitempty"`
		Reference   string   `json:"payment_method_reference"`
		Billing     *Address `json:"billing_address,omitempty"`
		Customer    *person  `json:"customer,omitempty"`
	}{ID: t.ID, Reference: t.Reference, Billing: v.BillingAddress}
	if s.held.Sessions[t.SessionID].ConfirmationURL != "" {
		answer.RedirectURL = s.publicURL() + "/kp/v1/sessions/" + t.SessionID + "/redirect"
	}
	if v.Customer != nil {
		answer.Customer = new(person)
		_ = json.Unmarshal(v.Customer, answer.Customer) // was checked
	}
	return answered(answer)
}
