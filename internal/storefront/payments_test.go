package storefront_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

const (
	updatePath = "/checkout/payments/update"
	placePath  = "/checkout/payments/place"
)

// ada lives where the browsers of these tests buy.
var ada = map[string]any{
	"country": "SE", "email": "ada@example.com", "given_name": "Ada", "family_name": "Lindqvist",
	"street_address": "Hamngatan 4", "postal_code": "111 47", "city": "Stockholm", "phone": "070-123 45 67",
}

// with returns an address with other members; nil removes one.
func with(address map[string]any, members ...any) map[string]any {
	address = maps.Clone(address)
	for i := 0; i < len(members); i += 2 {
		address[members[i].(string)] = members[i+1]
		if members[i+1] == nil {
			delete(address, members[i].(string))
		}
	}
	return address
}

// pay is the open page of Klarna Payments.
type pay struct {
	*browser
	s    *shopWorld
	data struct {
		Payments struct {
			Page        string
			Form        string
			Library     string
			ClientToken string `json:"client_token"`
			Session     map[string]any
			Methods     []struct{ Identifier, Name string }
		}
	}
}

var pageData = regexp.MustCompile(`(?s)<script id="checkout-data" type="application/json"[^>]*>(.*?)</script>`)

// openPayments loads the page.
func (b *browser) openPayments(s *shopWorld, path string) *pay {
	b.T.Helper()
	got := b.Get(path)
	found := pageData.FindStringSubmatch(got.Text)
	if got.StatusCode != http.StatusOK || found == nil {
		b.T.Fatalf("%s: got %d\n%s", path, got.StatusCode, got.Text)
	}
	p := &pay{browser: b, s: s}
	if err := json.Unmarshal([]byte(found[1]), &p.data); err != nil {
		b.T.Fatal(err)
	}
	return p
}

// session is the newest at Klarna.
func (p *pay) session() fakeklarna.Session { return p.s.Fake.Sessions()[0] }

// authorize has the shopper approve what the page shows, for an address.
func (p *pay) authorize(address map[string]any) string {
	p.T.Helper()
	data := maps.Clone(p.data.Payments.Session)
	data["billing_address"], data["shipping_address"] = address, address
	text, err := json.Marshal(data)
	if err != nil {
		p.T.Fatal(err)
	}
	out, err := p.s.Fake.Pay(p.session().SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Category: "pay_later", Data: text}})
	if err != nil || out.AuthorizationToken == "" {
		p.T.Fatalf("authorize: %+v, %v", out, err)
	}
	return out.AuthorizationToken
}

// place sends the order call of the page.
func (p *pay) place(token string, address map[string]any) (shoptest.Answer, paymentsJSON) {
	p.T.Helper()
	body, err := json.Marshal(map[string]any{
		"authorization_token": token, "form": p.data.Payments.Form, "order_amount": p.data.Payments.Session["order_amount"], "billing_address": address,
	})
	if err != nil {
		p.T.Fatal(err)
	}
	return p.send(placePath, string(body))
}

type paymentsJSON struct {
	updateJSON
	Form          string                              `json:"form"`
	ClientToken   string                              `json:"client_token"`
	Session       map[string]any                      `json:"session"`
	InvalidFields []string                            `json:"invalid_fields"`
	DeliveryHTML  string                              `json:"delivery_html"`
	Methods       []struct{ Identifier, Name string } `json:"payment_methods"`
}

func (p *pay) send(path, body string) (shoptest.Answer, paymentsJSON) {
	p.T.Helper()
	got := p.Do("POST", path, jsonType, body)
	var u paymentsJSON
	if err := json.Unmarshal([]byte(got.Text), &u); err != nil {
		p.T.Fatalf("%s: %d %s: %v", path, got.StatusCode, got.Text, err)
	}
	return got, u
}

// orders is how many orders payment sessions have become.
func (s *shopWorld) paymentOrders() (orders []fakeklarna.ManagedOrder) {
	for _, session := range s.Fake.Sessions() {
		if o, ok := s.Fake.Managed(session.Fake.OrderID); ok {
			orders = append(orders, o)
		}
	}
	return orders
}

// The page has Klarna's library, ways to pay and token, for what the cart says.
func TestPaymentsPage(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/cart" {
		t.Errorf("without a cart: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	session := p.session()
	data := p.data.Payments
	if data.ClientToken != session.ClientToken || data.Page != "details" || data.Library != s.Fake.URL+"/kp/lib/v1/api.js" || len(data.Methods) != 3 {
		t.Errorf("page data: %+v", data)
	}
	if data.Form == "" || strings.Contains(data.Form, session.SessionID) {
		t.Errorf("the session is named %q", data.Form)
	}
	if amount := data.Session["order_amount"]; amount != float64(session.OrderAmount) || amount != float64(b.cart().TotalAmount) {
		t.Errorf("the widget is to show %v, Klarna has %d, the cart %d", amount, session.OrderAmount, b.cart().TotalAmount)
	}
	for member := range data.Session {
		if member == "merchant_urls" || member == "merchant_data" {
			t.Errorf("the browser is told %s", member)
		}
	}
	got := b.Get("/checkout/payments/review")
	if policy := got.Header.Get("Content-Security-Policy"); strings.Count(policy, "https://library.example") != 3 || strings.Contains(policy, "script-src https") {
		t.Errorf("policy = %s", policy)
	}
	if policy := b.Get("/cart").Header.Get("Content-Security-Policy"); strings.Contains(policy, "library.example") {
		t.Errorf("the library's hosts are allowed on the cart: %s", policy)
	}
	if sessions := s.Fake.Sessions(); len(sessions) != 1 {
		t.Errorf("%d sessions, want 1", len(sessions))
	}
	b.Header.Set("Sec-Purpose", "prefetch")
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("prefetch: %d", got.StatusCode)
	}
}

// An update changes cart and session, and answers what the widget is to show.
func TestPaymentsUpdate(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	form := p.data.Payments.Form
	got, u := p.send(updatePath, fmt.Sprintf(`{"form":%q,"shown_country":"SE","lines":[{"sku":"MUG-1","quantity":5}]}`, form))
	if got.StatusCode != http.StatusOK || u.Replaced || u.Form != form || u.ClientToken != "" || !strings.Contains(u.SummaryHTML, `data-quantity="5"`) {
		t.Fatalf("got %d %.300s", got.StatusCode, got.Text)
	}
	if session := p.session(); u.OrderAmount != 79400 || session.OrderAmount != 79400 || u.Session["order_amount"] != float64(79400) {
		t.Errorf("answered %d, %v for the widget, Klarna has %d", u.OrderAmount, u.Session["order_amount"], session.OrderAmount)
	}
	s.Fake.Advance(49 * time.Hour)
	if _, u = p.send(updatePath, fmt.Sprintf(`{"form":%q}`, form)); !u.Replaced || u.Form == form || u.ClientToken != p.session().ClientToken {
		t.Errorf("after the session's end: %+v", u)
	}
	if _, u = p.send(updatePath, `{"lines":[{"sku":"MUG-1","quantity":0}]}`); u.Redirect != "/cart" {
		t.Errorf("emptied: %+v", u)
	}
	if _, u = (&pay{browser: s.browser(), s: s}).send(updatePath, `{}`); u.Redirect != "/cart" {
		t.Errorf("without a cart: %+v", u)
	}
}

// The tax in the US is that of the state that is typed.
func TestPaymentsRegion(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Header.Set("Accept-Language", "en-US")
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	_, u := p.send(updatePath, `{"region":"NY"}`)
	if u.OrderTaxAmount == 0 || int64(p.session().OrderTaxAmount) != u.OrderTaxAmount {
		t.Errorf("tax %d, at Klarna %d", u.OrderTaxAmount, p.session().OrderTaxAmount)
	}
	// Another one in the address than the order was made for: nothing is bought.
	p = b.openPayments(s, "/checkout/payments")
	address := with(ada, "country", "US", "region", "OR", "postal_code", "97201")
	got, u := p.place(p.authorize(address), address)
	if got.StatusCode != http.StatusConflict || u.Error.Code != "cart_changed" || u.OrderTaxAmount != 0 {
		t.Errorf("got %d %+v", got.StatusCode, u)
	}
}

// What was approved becomes one order, however often it is sent.
func TestPaymentsPlace(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	token := p.authorize(ada)
	got, u := p.place(token, ada)
	if got.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", got.StatusCode, got.Text)
	}
	to := u.Redirect
	got, again := p.place(token, ada)
	orders := s.paymentOrders()
	if len(orders) != 1 || orders[0].OrderAmount != 34700 {
		t.Fatalf("orders at Klarna: %+v", orders)
	}
	if !strings.HasPrefix(to, s.Fake.URL) {
		t.Errorf("sent to %s", to)
	}
	confirmation := "/checkout/confirmation?order_id=" + orders[0].OrderID
	if got.StatusCode != http.StatusConflict || again.Redirect != confirmation {
		t.Errorf("once more: %d to %s", got.StatusCode, again.Redirect)
	}
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != confirmation {
		t.Errorf("the page after the purchase: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	if got := b.Get(confirmation); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, orders[0].MerchantReference1) {
		t.Errorf("confirmation: %d without %s", got.StatusCode, orders[0].MerchantReference1)
	}
	if got := b.Get("/checkout/payments"); got.Header.Get("Location") != "/cart" {
		t.Errorf("the page after the confirmation: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	for _, secret := range []string{token, "Hamngatan", "ada@example.com"} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// What was approved and is not the cart any more, or cannot be used any more,
// brings no order; the page is told which order it is now.
func TestPaymentsNotPlaced(t *testing.T) {
	for _, tt := range []struct {
		name   string
		break_ func(s *shopWorld, p *pay, token string)
		status int
		code   string
		amount int64 // of the order that the page is told, 0 = none
	}{
		{"the cart changed", func(_ *shopWorld, p *pay, _ string) { p.Post("/cart/lines/MUG-1", "quantity", "5") }, 409, "cart_changed", 79400},
		{"the cart changed, and another tab has told Klarna", func(_ *shopWorld, p *pay, _ string) {
			p.send(updatePath, `{"lines":[{"sku":"MUG-1","quantity":5}]}`)
		}, 409, "cart_changed", 79400},
		{"the other tab was authorized too", func(s *shopWorld, p *pay, _ string) {
			p.Post("/cart/lines/MUG-1", "quantity", "5")
			p.openPayments(s, "/checkout/payments").authorize(ada)
		}, 409, "cart_changed", 79400},
		{"sold out", func(s *shopWorld, _ *pay, _ string) {
			s.left("MUG-1", 0)
		}, 409, "sold_out", 34700},
		{"too few", func(s *shopWorld, _ *pay, _ string) {
			s.left("MUG-1", 1)
		}, 409, "sold_out", 34700},
		{"an hour ago", func(s *shopWorld, _ *pay, _ string) { s.Fake.Advance(61 * time.Minute) }, 409, "authorization_gone", 0},
		{"Klarna declines", func(s *shopWorld, _ *pay, _ string) {
			s.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/payments/v1/authorizations/*/order", Status: 403, Body: fakeklarna.FaultBody(`{"error_code":"REJECTED","error_messages":["Rejected"]}`)})
		}, 409, "declined", 0},
		{"Klarna is down", func(s *shopWorld, _ *pay, _ string) {
			s.Fake.AddFault(fakeklarna.Fault{Count: -1, Status: 503})
		}, 503, "klarna_unavailable", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Add("MUG-1", "2")
			p := b.openPayments(s, "/checkout/payments")
			token := p.authorize(ada)
			tt.break_(s, p, token)
			got, u := p.place(token, ada)
			if got.StatusCode != tt.status || u.Error.Code != tt.code {
				t.Fatalf("got %d %q, want %d %q\n%s", got.StatusCode, u.Error.Code, tt.status, tt.code, got.Text)
			}
			if u.OrderAmount != tt.amount || tt.amount > 0 && (u.SummaryHTML == "" || u.Session["order_amount"] != float64(tt.amount)) {
				t.Errorf("told of %d, want %d: %s", u.OrderAmount, tt.amount, got.Text)
			}
			if orders := s.paymentOrders(); len(orders) != 0 {
				t.Errorf("bought for %d", orders[0].OrderAmount)
			}
			if strings.Contains(s.Log.String(), token) || strings.Contains(s.Log.String(), "Hamngatan") {
				t.Error("the log has the token or the address")
			}
			s.Fake.ClearFaults()
			if tt.code == "sold_out" { // in the shopper's words, of which the order's line has the same
				body := map[string]string{"sold out": "note.last_gone.body", "too few": "note.few_left.body"}[tt.name]
				if says := i18n.T("sv", body); !strings.HasSuffix(u.Error.Message, ". "+says) || !strings.Contains(u.SummaryHTML, says) {
					t.Errorf("told %q, want %q, and in the summary:\n%s", u.Error.Message, says, u.SummaryHTML)
				}
				return
			}
			// The shopper approves what is true now.
			p = b.openPayments(s, "/checkout/payments")
			if got, u := p.place(p.authorize(ada), ada); got.StatusCode != http.StatusOK {
				t.Errorf("then: %d %q", got.StatusCode, u.Error.Code)
			}
			if orders := s.paymentOrders(); len(orders) != 1 || float64(orders[0].OrderAmount) != p.data.Payments.Session["order_amount"] {
				t.Errorf("orders: %+v", orders)
			}
		})
	}
}

// The server holds the same rules as the form, whatever a browser sends.
func TestPaymentsAddress(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	for _, tt := range []struct {
		name    string
		address map[string]any
		wrong   []string
	}{
		{"nothing", map[string]any{"country": "SE"}, []string{"city", "email", "family_name", "given_name", "phone", "postal_code", "street_address"}},
		{"e-mail and postal code", with(ada, "email", "ada@example", "postal_code", "111"), []string{"email", "postal_code"}},
		{"spaces that Klarna was not told", with(ada, "city", " Stockholm"), []string{"city"}},
		{"where nothing is delivered", with(ada, "postal_code", "999 99"), []string{"postal_code"}},
		{"members that the form does not have", with(ada, "region", "Skåne", "street_address2", "x"), []string{"region", "street_address2"}},
		{"a number as a name", with(ada, "given_name", "12"), []string{"given_name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := len(s.Fake.Requests(""))
			got, u := p.place("token", tt.address)
			if got.StatusCode != http.StatusUnprocessableEntity || u.Error.Code != "bad_address" {
				t.Errorf("got %d %s", got.StatusCode, got.Text)
			}
			if diff := cmp.Diff(tt.wrong, u.InvalidFields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if len(s.Fake.Requests("")) != calls {
				t.Error("Klarna was asked")
			}
		})
	}
}

// Bad input changes nothing and is said to be bad.
func TestPaymentsBadInput(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	b.openPayments(s, "/checkout/payments")
	long := strings.Repeat("x", 1001)
	for _, r := range []badRequest{
		{"POST", updatePath, jsonType, `{"order_id":"x"}`, 400, "bad_request"},
		{"POST", updatePath, jsonType, `{"form":5}`, 400, "bad_request"},
		{"POST", updatePath, jsonType, `{"form":"` + long + `"}`, 400, "bad_request"},
		{"POST", updatePath, jsonType, `{"lines":[{"sku":"MUG-1"}]}`, 400, "bad_request"},
		{"POST", updatePath, jsonType, `{"lines":[{"sku":"NO-1","quantity":1}]}`, 422, "unknown_sku"},
		{"POST", updatePath, jsonType, `{"country":"US","region":"ZZ"}`, 422, "unknown_region"},
		{"POST", updatePath, jsonType, `{"lines":[{"sku":"MUG-1","quantity":5}],"country":"US","region":"ZZ"}`, 422, "unknown_region"},
		{"POST", updatePath, formType, `a=b`, 415, "bad_request"},
		{"POST", placePath, jsonType, `{}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `[]`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":7}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":"` + long + `"}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":"t","price":1}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":"t","billing_address":"x"}`, 400, "bad_request"},
		{"POST", placePath, jsonType, `{"authorization_token":"` + strings.Repeat("x", 70_000) + `"}`, 413, "bad_request"},
		{"POST", placePath, formType, `a=b`, 415, "bad_request"},
		{"GET", placePath, "", ``, 405, "-"},
	} {
		if r.code == "-" {
			if got := b.Do(r.method, r.path, r.contentType, r.body); got.StatusCode != r.status {
				t.Errorf("%s %s: %d, want %d", r.method, r.path, got.StatusCode, r.status)
			}
			continue
		}
		s.refuses(b, r)
	}
}

// A stranger's token buys nothing, and somebody without a cart is sent to it.
func TestPaymentsOfAnother(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	p := b.openPayments(s, "/checkout/payments")
	token := p.authorize(ada)
	other := &pay{browser: s.browser(), s: s, data: p.data}
	if _, u := other.place(token, ada); u.Redirect != "/cart" {
		t.Errorf("without a cart: %+v", u)
	}
	other.Add("MUG-1", "2")
	if got, u := other.place(token, ada); got.StatusCode != http.StatusConflict || u.Error.Code != "authorization_gone" {
		t.Errorf("with a cart of its own: %d %+v", got.StatusCode, u)
	}
	if orders := s.paymentOrders(); len(orders) != 0 {
		t.Errorf("bought for %d", orders[0].OrderAmount)
	}
}

// Klarna away: the page says so and tries again; the cart is intact.
func TestPaymentsUnavailable(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	s.Fake.AddFault(fakeklarna.Fault{Count: -1, Status: 503})
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusServiceUnavailable || !strings.HasSuffix(got.Header.Get("Refresh"), "url=/checkout/payments?try=1") {
		t.Errorf("got %d, refresh %q", got.StatusCode, got.Header.Get("Refresh"))
	}
	s.Fake.ClearFaults()
	p := b.openPayments(s, "/checkout/payments")
	s.Fake.AddFault(fakeklarna.Fault{Count: -1, Status: 503})
	got, u := p.send(updatePath, `{"lines":[{"sku":"MUG-1","quantity":5}]}`)
	if got.StatusCode != http.StatusServiceUnavailable || u.Error.Code != "klarna_unavailable" || u.SummaryHTML == "" || b.cart().Lines[0].Quantity != 5 {
		t.Errorf("got %d %.300s", got.StatusCode, got.Text)
	}
}

// A cart that KCO's form has sent to another country comes back: this form has
// the country in which it is bought.
func TestPaymentsShipsWithin(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("COF-1", "1") // food: 6 % in Sweden, 15 % in Norway
	p := b.openPayments(s, "/checkout/payments")
	home := p.session().OrderTaxAmount
	id, err := s.KCO.Wants.Signer.Verify(p.session().MerchantData)
	if err != nil {
		t.Fatal(err)
	}
	abroad := cart.Address{BillingCountry: "SE", ShippingCountry: "NO"}
	if _, err := s.Carts.Update(t.Context(), id, cart.Fallback{}, func(c *cart.Cart) error { return c.Follow(abroad, skerry.Version(), "") }); err != nil {
		t.Fatal(err)
	}
	if _, u := p.send(updatePath, `{}`); u.OrderTaxAmount == home {
		t.Fatalf("tax %d abroad and at home", home)
	}
	if b.openPayments(s, "/checkout/payments"); p.session().OrderTaxAmount != home {
		t.Errorf("tax %d, want %d", p.session().OrderTaxAmount, home)
	}
}
