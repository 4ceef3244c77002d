package fakeklarna

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// placed is the answer to an order. Source: docs.klarna.com, Create an order.
type placed struct {
	OrderID     string      `json:"order_id"`
	RedirectURL string      `json:"redirect_url,omitempty"`
	FraudStatus string      `json:"fraud_status"` // ACCEPTED or PENDING
	Method      *paidMethod `json:"authorized_payment_method"`
}

// paidMethod is how an order is paid.
// Source: docs.klarna.com, Klarna Payments API reference (authorized_payment_method).
type paidMethod struct {
	Type         string `json:"type"`
	Days         int    `json:"number_of_days,omitempty"`
	Installments int    `json:"number_of_installments,omitempty"`
}

// methodOf returns the payment method of a category. pay_over_time is FIXED_AMOUNT on the
// European continent, and by card elsewhere.
func methodOf(category string, v *Session) *paidMethod {
	switch {
	case category == "pay_now":
		return &paidMethod{Type: "card"}
	case category == "pay_over_time" && regionOf(v.market()) == "eu" && v.market() != "GB":
		return &paidMethod{Type: "fixed_amount", Installments: 3}
	case category == "pay_over_time":
		return &paidMethod{Type: "slice_it_by_card", Installments: 3}
	case v.customerType() == "organization":
		return &paidMethod{Type: "b2b_invoice", Days: 30}
	}
	return &paidMethod{Type: "invoice", Days: 30}
}

// placeOrder places the order of an authorized session, once. The same body gets the same
// answer again, another body 409. The first error of a token is repeated.
// Source: docs.klarna.com, Create an order, Validations in Klarna Payments.
func (s *paymentsService) placeOrder(c *apiCall) (reply, *apiError) {
	sent, err := parsePaymentsBody(c.body)
	if err != nil {
		return reply{}, err
	}
	token, body := c.ids["authorization_token"], string(mustJSON(sent))
	if a := s.held.Authorizations[token]; a != nil && a.Answer != nil {
		return a.again(s.held.Sessions[a.SessionID].OrderID, body)
	}
	p, a, err := s.usable(token)
	if err != nil {
		return reply{}, err
	}
	if a.Failure != nil {
		return reply{}, a.Failure.err()
	}
	content, err := s.checkPlaced(p, sent)
	if err != nil {
		a.Failure = &failure{err.status, err.code, err.message}
		return reply{}, err
	}
	return s.place(p, a, body, content), nil
}

// again answers a repeated order call.
func (a *authorization) again(orderID, body string) (reply, *apiError) {
	if body != a.Body {
		return reply{}, &apiError{status: http.StatusConflict, code: "BAD_VALUE", message: "The order has been already completed with different request body"}
	}
	out := answered(a.Answer)
	out.orderID = orderID
	return out, nil
}

func (f *failure) err() *apiError {
	return &apiError{status: f.Status, code: f.Code, message: f.Message}
}

// checkPlaced returns the order's content, or the error that forbids it.
func (s *paymentsService) checkPlaced(p *session, sent map[string]any) (map[string]json.RawMessage, *apiError) {
	content, bad := s.mergePayment(placeRules, nil, sent)
	if err := bad.err(); err != nil {
		return nil, err
	}
	if intent := decodeSession(p.Content).Intent; intent == "tokenize" {
		return nil, &apiError{status: http.StatusForbidden, code: "INVALID_OPERATION", message: "Not allowed to create orders for intent tokenize."}
	}
	var differ offenders
	order := decodeSession(content)
	for _, known := range []map[string]json.RawMessage{p.Content, p.Authorized} {
		v := decodeSession(known)
		v.differ(&order, content, &differ)
	}
	if len(differ) > 0 {
		return nil, &apiError{status: http.StatusConflict, code: "BAD_VALUE", message: "Not matching fields: [" + strings.Join(differ, ", ") + "]"}
	}
	return content, nil
}

// place places the order. content was checked.
func (s *paymentsService) place(p *session, a *authorization, body string, content map[string]json.RawMessage) reply {
	before := s.sessionState(p)
	whole := maps.Clone(p.Content)
	maps.Copy(whole, content)
	v := decodeSession(whole)
	method := methodOf(p.Category, &v)
	who := personaOf(p.email(&v))
	orderID := s.newID()
	out := placed{OrderID: orderID, FraudStatus: fraudStatus(who), Method: method}
	p.OrderID = orderID
	if v.MerchantURLs != nil && v.MerchantURLs.Confirmation != "" {
		p.ConfirmationURL = fillPayment(v.MerchantURLs.Confirmation, p.ID, orderID)
		out.RedirectURL = s.publicURL() + "/kp/v1/sessions/" + p.ID + "/redirect"
	}
	a.Body, a.Answer = body, mustJSON(out)
	bought := purchaseOf(whole, orderID, p.ID, p.Typed)
	bought.Method, bought.Persona = method.Type, who
	s.om.authorize(bought)
	s.schedulePush(orderID, p.ID, whole)
	s.tellSession(p, before)
	answer := answered(out)
	answer.orderID = orderID
	return answer
}

func fraudStatus(who persona) string {
	if who.Pending {
		return "PENDING"
	}
	return "ACCEPTED"
}

// purchaseOf returns the purchase for an order with checked content and the shopper's
// typed texts.
func purchaseOf(content map[string]json.RawMessage, orderID, sessionID string, typed map[string]string) purchase {
	v := decodeSession(content)
	p := purchase{
		OrderID: orderID, SessionID: sessionID,
		Amount: v.OrderAmount, Currency: strings.ToUpper(v.PurchaseCurrency), Country: strings.ToUpper(v.PurchaseCountry), Locale: v.Locale,
		Lines:              v.OrderLines,
		MerchantReference1: v.MerchantReference1, MerchantReference2: v.MerchantReference2, MerchantData: v.MerchantData,
		AutoCapture: string(content["auto_capture"]) == "true",
	}
	if v.BillingAddress != nil {
		p.Billing = *v.BillingAddress
	}
	completeAddress(&p.Billing, v.market(), typed)
	p.Shipping = p.Billing
	if content["shipping_address"] != nil {
		p.Shipping = *v.ShippingAddress
	}
	_ = json.Unmarshal(v.Customer, &p.Customer) // was checked
	setDefault(&p.Customer.Type, "person")
	setDefault(&p.Customer.DateOfBirth, typed["date_of_birth"])
	if v.MerchantURLs != nil {
		p.NotificationURL = fillPayment(v.MerchantURLs.Notification, sessionID, orderID)
	}
	return p
}

// completeAddress fills in what the shop did not send: the typed texts, else those of the
// country's test person.
// Source: docs.klarna.com, Customer data requirements.
func completeAddress(a *Address, country string, typed map[string]string) {
	setDefault(&a.Country, country)
	person := testPerson(country)
	for _, member := range []string{"given_name", "family_name", "email", "phone", "street_address", "street_address2", "postal_code", "city", "region"} {
		setDefault(a.member(member), typed[member])
		setDefault(a.member(member), person[member])
	}
}

// differ adds the members in which an order differs from the session. An address that only
// one of them has is no difference.
// Source: docs.klarna.com, Validations in Klarna Payments.
func (v *Session) differ(order *Session, sent map[string]json.RawMessage, at *offenders) {
	if !strings.EqualFold(v.PurchaseCountry, order.PurchaseCountry) {
		at.add("purchase_country")
	}
	if !strings.EqualFold(v.PurchaseCurrency, order.PurchaseCurrency) {
		at.add("purchase_currency")
	}
	if v.OrderAmount != order.OrderAmount {
		at.add("order_amount")
	}
	if sent["order_tax_amount"] != nil && v.OrderTaxAmount != order.OrderTaxAmount {
		at.add("order_tax_amount")
	}
	v.linesDiffer(order.OrderLines, at)
	if sent["billing_address"] != nil {
		addressDiffers("billing_address", v.BillingAddress, order.BillingAddress, at)
	}
	if sent["shipping_address"] != nil {
		addressDiffers("shipping_address", v.ShippingAddress, order.ShippingAddress, at)
	}
}

func (v *Session) linesDiffer(lines []OrderLine, at *offenders) {
	if len(v.OrderLines) != len(lines) {
		at.add(fmt.Sprintf("Incorrect number of items in the cart. Expected: %d, Actual: %d", len(v.OrderLines), len(lines)))
		return
	}
	for i := range lines {
		membersDiffer(fmt.Sprintf("order_lines[%d]", i), v.OrderLines[i], lines[i], at)
	}
}

func addressDiffers(path string, known, sent *Address, at *offenders) {
	if known == nil || sent == nil {
		return
	}
	a, b := *known, *sent
	a.Country, b.Country = strings.ToUpper(a.Country), strings.ToUpper(b.Country)
	membersDiffer(path, a, b, at)
}

// membersDiffer compares two values of one wire type, member by member, in the
// order of their names.
func membersDiffer(path string, a, b any, at *offenders) {
	members := func(v any) map[string]json.RawMessage {
		var m map[string]json.RawMessage
		_ = json.Unmarshal(mustJSON(v), &m) // an object
		return m
	}
	was, is := members(a), members(b)
	for _, name := range sortedNames(was, is) {
		if string(was[name]) != string(is[name]) {
			at.add(path + "." + name)
		}
	}
}
