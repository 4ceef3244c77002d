package payments

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// placed is the answer to an order. Source: docs.klarna.com, Create an order.
type placed struct {
	OrderID     string      `json:"order_id"`
	RedirectURL string      `json:"redirect_url,omitempty"`
	FraudStatus string      `json:"fraud_status"` // ACCEPTED or PENDING
	Method      *paidMethod `json:"authorized_payment_method"`
}

// paidMethod is how an order is paid.
// Source: recorded answers (authorized_payment_method); the reference has numbers of days
// and instalments besides.
type paidMethod struct {
	Type string `json:"type"`
}

// methodOf returns the payment method of a category. pay_over_time is FIXED_AMOUNT on the
// European continent, and by card elsewhere.
func methodOf(category string, v *Session) *paidMethod {
	switch {
	case category == "pay_now":
		return &paidMethod{Type: "card"}
	case category == "pay_over_time" && regionOf(v.Market()) == "eu" && v.Market() != "GB":
		return &paidMethod{Type: "fixed_amount"}
	case category == "pay_over_time":
		return &paidMethod{Type: "slice_it_by_card"}
	case v.customerType() == "organization":
		return &paidMethod{Type: "b2b_invoice"}
	}
	return &paidMethod{Type: "invoice"}
}

// placeOrder places the order of an authorized session, once. The same body gets the same
// answer again, another body 409. The first error of a token is repeated, but a body that
// is wrong by itself leaves the token alone.
// Source: docs.klarna.com, Create an order, Validations in Klarna Payments; recorded answers.
func (s *Service) placeOrder(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := parseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, bad := s.merge(placeRules, nil, sent)
	if err := bad.Err(); err != nil {
		return wire.Reply{}, err
	}
	token, body := c.IDs["authorization_token"], string(wire.MustJSON(sent))
	if a := s.Kept.Authorizations[token]; a != nil && a.Answer != nil {
		return a.again(s.Kept.Sessions[a.SessionID].OrderID, body)
	}
	p, a, err := s.usable(token)
	if err != nil {
		return wire.Reply{}, err
	}
	if a.Failure != nil {
		return wire.Reply{}, a.Failure
	}
	if err := checkPlaced(p, content); err != nil {
		a.Failure = err
		return wire.Reply{}, err
	}
	return s.place(p, a, body, content), nil
}

// again answers a repeated order call.
func (a *authorization) again(orderID, body string) (wire.Reply, *wire.Error) {
	if body != a.Body {
		return wire.Reply{}, &wire.Error{Status: http.StatusConflict, Code: "BAD_VALUE", Message: "The order has been already completed with different request body"}
	}
	out := answered(a.Answer)
	out.OrderID = orderID
	return out, nil
}

// checkPlaced returns the error that forbids an order of checked content.
func checkPlaced(p *Stored, content map[string]json.RawMessage) *wire.Error {
	if intent := decode(p.Content).Intent; intent == "tokenize" {
		return &wire.Error{Status: http.StatusForbidden, Code: "INVALID_OPERATION", Message: "Not allowed to create orders for intent tokenize."}
	}
	var differ wire.Offenders
	order := decode(content)
	for _, known := range []map[string]json.RawMessage{p.Content, p.Authorized} {
		v := decode(known)
		v.differ(&order, content, &differ)
	}
	if len(differ) > 0 {
		return &wire.Error{Status: http.StatusConflict, Code: "BAD_VALUE", Message: "Not matching fields: [" + strings.Join(differ, ", ") + "]"}
	}
	return nil
}

// place places the order. content was checked.
func (s *Service) place(p *Stored, a *authorization, body string, content map[string]json.RawMessage) wire.Reply {
	before := s.sessionState(p)
	whole := maps.Clone(p.Content)
	maps.Copy(whole, content)
	v := decode(whole)
	method := methodOf(p.Category, &v)
	who := shopper.PersonaOf(p.Email(&v))
	orderID := s.NewID()
	out := placed{OrderID: orderID, FraudStatus: fraudStatus(who), Method: method}
	p.OrderID = orderID
	if v.MerchantURLs != nil && v.MerchantURLs.Confirmation != "" {
		p.ConfirmationURL = fill(v.MerchantURLs.Confirmation, p.ID, orderID)
		out.RedirectURL = s.BaseURL() + "/kp/v1/sessions/" + p.ID + "/redirect"
	}
	a.Body, a.Answer = body, wire.MustJSON(out)
	bought := purchaseOf(whole, orderID, p.ID, p.Typed)
	bought.Method, bought.Persona = method.Type, who
	s.om.Authorize(bought)
	s.schedulePush(orderID, p.ID, whole)
	s.tellState(p, before)
	answer := answered(out)
	answer.OrderID = orderID
	return answer
}

func fraudStatus(who shopper.Persona) string {
	if who.Pending {
		return "PENDING"
	}
	return "ACCEPTED"
}

// purchaseOf returns the purchase for an order with checked content and the shopper's
// typed texts.
func purchaseOf(content map[string]json.RawMessage, orderID, sessionID string, typed map[string]string) management.Purchase {
	v := decode(content)
	p := management.Purchase{
		OrderID: orderID, SessionID: sessionID,
		Amount: v.OrderAmount, Currency: strings.ToUpper(v.PurchaseCurrency), Country: strings.ToUpper(v.PurchaseCountry), Locale: v.Locale,
		Lines:              v.OrderLines,
		MerchantReference1: v.MerchantReference1, MerchantReference2: v.MerchantReference2, MerchantData: v.MerchantData,
		AutoCapture: string(content["auto_capture"]) == "true",
	}
	if v.BillingAddress != nil {
		p.Billing = *v.BillingAddress
	}
	completeAddress(&p.Billing, v.Market(), typed)
	if v.customerType() == "organization" {
		wire.SetDefault(&p.Billing.OrganizationName, typed["organization_name"])
		wire.SetDefault(&p.Billing.OrganizationName, shopper.TestPerson(v.Market())["organization_name"])
	}
	p.Shipping = p.Billing
	if content["shipping_address"] != nil {
		p.Shipping = *v.ShippingAddress
	}
	_ = json.Unmarshal(v.Customer, &p.Customer) // was checked
	wire.SetDefault(&p.Customer.Type, "person")
	wire.SetDefault(&p.Customer.DateOfBirth, typed["date_of_birth"])
	if v.MerchantURLs != nil {
		p.NotificationURL = fill(v.MerchantURLs.Notification, sessionID, orderID)
	}
	return p
}

// completeAddress fills in what the shop did not send: the typed texts, else those of the
// country's test person.
// Source: docs.klarna.com, Customer data requirements.
func completeAddress(a *wire.Address, country string, typed map[string]string) {
	wire.SetDefault(&a.Country, country)
	person := shopper.TestPerson(country)
	for _, member := range []string{"given_name", "family_name", "email", "phone", "street_address", "street_address2", "postal_code", "city", "region"} {
		wire.SetDefault(a.Member(member), typed[member])
		wire.SetDefault(a.Member(member), person[member])
	}
}

// differ adds the members in which an order differs from the session. An address or a
// customer that only one of them has is no difference.
// Source: docs.klarna.com, Validations in Klarna Payments.
func (v *Session) differ(order *Session, sent map[string]json.RawMessage, at *wire.Offenders) {
	if !strings.EqualFold(v.PurchaseCountry, order.PurchaseCountry) {
		at.Add("purchase_country")
	}
	if !strings.EqualFold(v.PurchaseCurrency, order.PurchaseCurrency) {
		at.Add("purchase_currency")
	}
	if v.OrderAmount != order.OrderAmount {
		at.Add("order_amount")
	}
	if sent["order_tax_amount"] != nil && v.OrderTaxAmount != order.OrderTaxAmount {
		at.Add("order_tax_amount")
	}
	v.linesDiffer(order.OrderLines, at)
	if sent["billing_address"] != nil {
		addressDiffers("billing_address", v.BillingAddress, order.BillingAddress, at)
	}
	if sent["shipping_address"] != nil {
		addressDiffers("shipping_address", v.ShippingAddress, order.ShippingAddress, at)
	}
	if len(v.Customer) > 0 && len(order.Customer) > 0 {
		membersDiffer("customer", v.Customer, order.Customer, at)
	}
}

func (v *Session) linesDiffer(lines []wire.OrderLine, at *wire.Offenders) {
	if len(v.OrderLines) != len(lines) {
		at.Add(fmt.Sprintf("Incorrect number of items in the cart. Expected: %d, Actual: %d", len(v.OrderLines), len(lines)))
		return
	}
	for i := range lines {
		membersDiffer(fmt.Sprintf("order_lines[%d]", i), v.OrderLines[i], lines[i], at)
	}
}

func addressDiffers(path string, known, sent *wire.Address, at *wire.Offenders) {
	if known == nil || sent == nil {
		return
	}
	a, b := *known, *sent
	a.Country, b.Country = strings.ToUpper(a.Country), strings.ToUpper(b.Country)
	membersDiffer(path, a, b, at)
}

// membersDiffer compares two values of one wire type, member by member, in the
// order of their names.
func membersDiffer(path string, a, b any, at *wire.Offenders) {
	members := func(v any) map[string]json.RawMessage {
		var m map[string]json.RawMessage
		_ = json.Unmarshal(wire.MustJSON(v), &m) // an object
		return m
	}
	was, is := members(a), members(b)
	for _, name := range wire.SortedNames(was, is) {
		if string(was[name]) != string(is[name]) {
			at.Add(path + "." + name)
		}
	}
}
