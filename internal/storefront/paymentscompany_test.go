package storefront_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// newPayments is a shop whose form of Klarna Payments is another one in each market.
func newPayments(t testing.TB, forms map[string]settings.Form) *shopWorld {
	t.Helper()
	return &shopWorld{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Checkout.Payments, s.Checkout.Forms, s.Pages.Returns = true, forms, s.Pages.Terms
		})
	}})}
}

var both = settings.Form{CustomerTypes: []string{"person", "organization"}, SeparateAddress: true}

// The parts of what the page sends.
var (
	ekAB       = with(ada, "organization_name", "Ek & Söner AB", "attention", "Stores")
	ekCustomer = map[string]any{"type": "organization", "organization_registration_id": "556016-0680"}
	bo         = map[string]any{
		"country": "SE", "email": ada["email"], "phone": ada["phone"], "given_name": "Bo", "family_name": "Lind",
		"street_address": "Lillgatan 2", "postal_code": "169 51", "city": "Solna",
	}
)

// authorizeAs has the shopper approve what the page shows, with further data.
func (p *pay) authorizeAs(data map[string]any) string {
	p.T.Helper()
	all := maps.Clone(p.data.Payments.Session)
	maps.Copy(all, data)
	text, err := json.Marshal(all)
	if err != nil {
		p.T.Fatal(err)
	}
	out, err := p.s.Fake.Pay(p.session().SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Category: "pay_later", Data: text}})
	if err != nil || out.AuthorizationToken == "" {
		p.T.Fatalf("authorize: %+v, %v", out, err)
	}
	return out.AuthorizationToken
}

// placeAs sends the order call of the page, with further data.
func (p *pay) placeAs(token string, data map[string]any) (shoptest.Answer, paymentsJSON) {
	p.T.Helper()
	all := map[string]any{"authorization_token": token, "form": p.data.Payments.Form, "order_amount": p.data.Payments.Session["order_amount"]}
	maps.Copy(all, data)
	body, err := json.Marshal(all)
	if err != nil {
		p.T.Fatal(err)
	}
	return p.send(placePath, string(body))
}

// A company buys with a way of delivery of its choice, to another address: Klarna's session follows each choice, and the
// buyer's pages say who has bought.
func TestPaymentsCompany(t *testing.T) {
	s := newPayments(t, map[string]settings.Form{"SE": both})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout")
	page := b.Get("/checkout").Text
	for _, part := range []string{`value="person" checked`, `value="organization"`, `id="organization_registration_id"`, `id="shipping_street_address"`, `id="phone"`,
		`value="mailboat" checked`, `value="express"`, `href="/privacy"`, `href="/returns"`, `href="/terms"`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	form := p.data.Payments.Form
	got, u := p.send(updatePath, fmt.Sprintf(`{"form":%q,"customer_type":"organization","shipping_option":"express"}`, form))
	if got.StatusCode != http.StatusOK || u.Replaced || len(u.Methods) != 1 || !strings.Contains(u.DeliveryHTML, `value="express" checked`) {
		t.Fatalf("got %d %.500s", got.StatusCode, got.Text)
	}
	if customer := fmt.Sprint(u.Session["customer"]); customer != "map[type:organization]" {
		t.Errorf("the library is told %s", customer)
	}
	session := p.session()
	if fee := session.OrderLines[1]; string(session.Customer) != `{"type":"organization"}` || fee.Reference != "express" || session.OrderAmount != u.OrderAmount || u.OrderAmount == 34700 {
		t.Errorf("Klarna has customer %s, delivery %s, %d of %d", session.Customer, fee.Reference, session.OrderAmount, u.OrderAmount)
	}
	p = b.openPayments(s, "/checkout")
	if page := b.Get("/checkout").Text; !strings.Contains(page, `value="organization" checked`) || len(p.data.Payments.Methods) != 1 {
		t.Errorf("after a reload: %v", p.data.Payments.Methods)
	}
	bought := map[string]any{"billing_address": ekAB, "shipping_address": bo, "customer": ekCustomer}
	token := p.authorizeAs(bought)
	p.send(updatePath, fmt.Sprintf(`{"form":%q}`, form)) // of another tab; what is typed stays at Klarna
	if got, u := p.placeAs(token, bought); got.StatusCode != http.StatusOK || u.Redirect == "" {
		t.Fatalf("got %d %s", got.StatusCode, got.Text)
	}
	orders := s.paymentOrders()
	if len(orders) != 1 || orders[0].BillingAddress.OrganizationName != "Ek & Söner AB" || orders[0].ShippingAddress.City != "Solna" || orders[0].Customer.Type != "organization" {
		t.Fatalf("orders at Klarna: %+v", orders)
	}
	confirmation := b.Get("/checkout/confirmation?order_id=" + orders[0].OrderID).Text
	o := s.InBook(orders[0].OrderID)
	for where, page := range map[string]string{"confirmation": confirmation, "order's page": s.browser().Get("/orders/" + o.Number + "?key=" + o.Key).Text} {
		for _, part := range []string{"Ek &amp; Söner AB", "Org.nr 556016-0680", "Express"} {
			if !strings.Contains(page, part) {
				t.Errorf("the %s does not say %s", where, part)
			}
		}
	}
	if !strings.Contains(confirmation, "Lillgatan 2") {
		t.Error("the confirmation does not say where it goes")
	}
	if o.BillingAddress.Attention != "Stores" || o.ShippingAddress.Phone != "070-123 45 67" {
		t.Errorf("billed to %+v, delivered to %+v", o.BillingAddress, o.ShippingAddress)
	}
}

// The server holds the rules of the form, whatever a browser sends; nothing is asked of Klarna then.
func TestPaymentsCompanyWrong(t *testing.T) {
	s := newPayments(t, map[string]settings.Form{"SE": both, "DE": {PhoneOptional: true}})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout")
	person, company := map[string]any{"type": "person"}, ekCustomer
	refused := func(name string, data map[string]any, wrong ...string) {
		t.Helper()
		calls := len(s.Fake.Requests(""))
		got, u := p.placeAs("token", data)
		if diff := cmp.Diff(wrong, u.InvalidFields); got.StatusCode != http.StatusUnprocessableEntity || u.Error.Code != "bad_address" || diff != "" {
			t.Errorf("%s: got %d %s (-want +got):\n%s", name, got.StatusCode, u.Error.Code, diff)
		}
		if len(s.Fake.Requests("")) != calls {
			t.Errorf("%s: Klarna was asked", name)
		}
	}
	refused("a person with a company's name", map[string]any{"billing_address": ekAB}, "attention", "organization_name")
	refused("a person with a number", map[string]any{"billing_address": ada, "customer": with(person, "organization_registration_id", "556016-0680")}, "organization_registration_id")
	refused("no phone", map[string]any{"billing_address": with(ada, "phone", nil)}, "phone")
	refused("no phone number", map[string]any{"billing_address": with(ada, "phone", "ring me")}, "phone")
	refused("another address, half", map[string]any{"billing_address": ada, "shipping_address": with(bo, "city", nil, "postal_code", "1")}, "shipping_city", "shipping_postal_code")
	refused("another address, nothing is delivered there", map[string]any{"billing_address": ada, "shipping_address": with(bo, "postal_code", "99999")}, "shipping_postal_code")
	refused("another address, of another country", map[string]any{"billing_address": ada, "shipping_address": with(bo, "country", "NO")}, "shipping_country")
	refused("another address, somebody else is told", map[string]any{"billing_address": ada, "shipping_address": with(bo, "email", "bo@example.com")}, "shipping_country")
	if got, u := p.placeAs("token", map[string]any{"billing_address": ekAB, "customer": company}); got.StatusCode != http.StatusConflict || u.Error.Code != "cart_changed" {
		t.Errorf("a company in the cart of a person: %d %s", got.StatusCode, u.Error.Code)
	}
	if _, u := p.send(updatePath, `{"customer_type":"organization"}`); len(u.Methods) != 1 {
		t.Fatalf("as a company: %+v", u)
	}
	refused("no name, no number", map[string]any{"billing_address": ada, "customer": with(company, "organization_registration_id", nil)}, "organization_name", "organization_registration_id")
	refused("no such number", map[string]any{"billing_address": ekAB, "customer": with(company, "organization_registration_id", "12")}, "organization_registration_id")
	refused("a VAT number", map[string]any{"billing_address": ekAB, "customer": with(company, "vat_id", "SE1")}, "vat_id")
	for _, r := range []badRequest{
		{"POST", updatePath, jsonType, `{"shipping_option":"drone"}`, 422, "unknown_option"},
		{"POST", updatePath, jsonType, `{"customer_type":"martian"}`, 422, "unknown_customer_type"},
		{"POST", updatePath, jsonType, `{"country":"DE","customer_type":"organization"}`, 422, "unknown_customer_type"},
		{"POST", placePath, jsonType, `{"authorization_token":"t","customer":{"date_of_birth":"1987-06-05"}}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":"t","shipping_address":[]}`, 400, "bad_request"},
	} {
		s.refuses(b, r)
	}
	// In a market where companies cannot buy, with one address, nothing is asked for that; and the session is a person's.
	if _, u := p.send(updatePath, `{"country":"DE"}`); fmt.Sprint(u.Session["customer"]) != "map[type:person]" {
		t.Errorf("in Germany the library is told %v", u.Session["customer"])
	}
	page := b.Get("/checkout").Text
	for _, part := range []string{"organization", "shipping_city", "customer_type"} {
		if strings.Contains(page, `name="`+part) {
			t.Errorf("the German form asks for %s", part)
		}
	}
	p = b.openPayments(s, "/checkout")
	if len(p.data.Payments.Methods) != 3 || string(p.session().Customer) != `{"type":"person"}` {
		t.Errorf("a person in Germany is offered %v; Klarna has %s", p.data.Payments.Methods, p.session().Customer)
	}
	berlin := with(ada, "country", "DE", "postal_code", "10115", "city", "Berlin", "phone", nil)
	if got, _ := p.placeAs(p.authorizeAs(map[string]any{"billing_address": berlin, "shipping_address": berlin}), map[string]any{"billing_address": berlin, "shipping_address": berlin}); got.StatusCode != http.StatusOK {
		t.Errorf("without a phone in Germany: %d %s", got.StatusCode, got.Text)
	}
}

// Who collects can live anywhere, and the tax follows where the goods go, not the bill.
func TestPaymentsDeliveredElsewhere(t *testing.T) {
	s := newPayments(t, map[string]settings.Form{"SE": both, "FI": both})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout")
	p.send(updatePath, `{"shipping_option":"collect"}`)
	p = b.openPayments(s, "/checkout")
	if page := b.Get("/checkout").Text; !strings.Contains(page, `value="collect" checked data-anywhere`) {
		t.Error("the page does not know that the goods are collected")
	}
	far := with(ada, "postal_code", "999 99")
	if got, u := p.placeAs(p.authorizeAs(map[string]any{"billing_address": far, "shipping_address": far}), map[string]any{"billing_address": far}); got.StatusCode != http.StatusOK {
		t.Errorf("collected: %d %s %v", got.StatusCode, u.Error.Code, u.InvalidFields)
	}

	// The bill may go where no goods can.
	b = s.browser()
	b.Add("MUG-1", "2")
	p = b.openPayments(s, "/checkout")
	billed := map[string]any{"billing_address": far, "shipping_address": bo}
	if got, u := p.placeAs(p.authorizeAs(billed), billed); got.StatusCode != http.StatusOK {
		t.Errorf("billed where nothing is delivered: %d %s %v", got.StatusCode, u.Error.Code, u.InvalidFields)
	}

	b = s.browser()
	b.Header.Set("Accept-Language", "fi-FI")
	b.Add("MUG-1", "2")
	p = b.openPayments(s, "/checkout")
	home := with(ada, "country", "FI", "postal_code", "00100", "city", "Helsinki")
	away := with(bo, "country", "FI", "postal_code", "22100", "city", "Mariehamn")
	_, u := p.send(updatePath, `{"postal_code":"22100"}`)
	if u.OrderTaxAmount != 0 {
		t.Fatalf("tax %d on Åland", u.OrderTaxAmount)
	}
	p = b.openPayments(s, "/checkout")
	sent := map[string]any{"billing_address": home, "shipping_address": away}
	if got, u := p.placeAs(p.authorizeAs(sent), sent); got.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", got.StatusCode, u.Error.Code)
	}
	if orders := s.paymentOrders(); len(orders) != 3 || orders[0].ShippingAddress.City != "Mariehamn" || orders[0].BillingAddress.City != "Helsinki" {
		t.Errorf("orders: %+v", orders)
	}
}
