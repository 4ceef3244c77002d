package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// forgery is a request that nobody's page sends. SKU in it stands for one of the
// tab's own.
type forgery struct{ method, path, contentType, body string }

var tooLarge = "x=" + strings.Repeat("x", 70<<10)

// forgeries are refused by the shops of both products (invariant 10).
var forgeries = []forgery{
	{"POST", "/cart/lines", formType, "sku=NOPE"},
	{"POST", "/cart/lines", formType, "sku=SKU&quantity=-1"},
	{"POST", "/cart/lines", formType, "sku=SKU&quantity=1000000000"},
	{"POST", "/cart/lines", formType, "sku=SKU&quantity=99999999999999999999"},
	{"POST", "/cart/lines", formType, "quantity=1"},
	{"POST", "/cart/lines", formType, "sku=SKU&" + tooLarge},
	{"POST", "/cart/lines", jsonType, `{"sku":"SKU","quantity":1}`},
	{"POST", "/cart/lines/SKU", formType, "quantity=-1"},
	{"POST", "/cart/lines/SKU", formType, "quantity=1000000000"},
	{"POST", "/cart/lines/SKU", formType, "quantity=1.5"},
	{"POST", "/cart/lines/SKU", formType, "quantity=%zz"},
	{"POST", "/cart/lines/NOPE", formType, "quantity=1"},
	{"POST", "/cart/discount", formType, "code=<script>"},
	{"POST", "/cart/discount", formType, ""},
	{"POST", "/market", formType, "country=XX"},
	{"POST", "/market", formType, "country=NO&locale=sv-SE"},
	{"POST", "/market", formType, tooLarge},
	{"PUT", "/cart", "", ""},
	{"DELETE", "/checkout", "", ""},
	{"GET", "/checkout/confirmation?order_id=../../payments/v1/sessions", "", ""},
	{"GET", "/checkout/confirmation", "", ""},
	{"GET", "/orders/SK-AAAA-AAAA?key=guessed", "", ""},
	{"POST", "/klarna/guessed/push?order_id=0", "", ""},
	{"POST", "/klarna/guessed/validation?order_id=0", jsonType, "{}"},
}

// forgedUpdates are bodies of an update that both refuse.
var forgedUpdates = []string{
	``, `{`, `[]`, `null`, `{"lines":[{"sku":"SKU","quantity":-1}]}`, `{"lines":[{"sku":"SKU","quantity":1000000000}]}`,
	`{"lines":[{"sku":"SKU"}]}`, `{"lines":[{"sku":"SKU","quantity":1},{"sku":"NOPE","quantity":1}]}`, `{"lines":[{"sku":"SKU","quantity":1,"unit_price":1}]}`,
	`{"lines":[{"sku":"SKU","quantity":"1"}]}`, `{"country":"XX"}`, `{"country":"NO","locale":"sv-SE"}`, `{"discount_code":"NOPE"}`, `{"cart_id":"x"}`,
	`{"lines":[{"sku":"SKU","quantity":1}]}{}`, `{"x":"` + strings.Repeat("x", 70<<10) + `"}`,
}

// forgedPlaces are bodies of an order of Klarna Payments that nobody has approved.
var forgedPlaces = []string{
	``, `{}`, `{"authorization_token":"../../orders"}`, `{"authorization_token":5}`, `{"authorization_token":"x","price":1}`,
}

// forge sends something that must be refused and change nothing.
func (p *pane) forge() {
	n := p.IntN(len(forgeries) + 8)
	switch {
	case n < len(forgeries):
		p.forged(forgeries[n])
	case n < len(forgeries)+4:
		path := "/checkout/update"
		if p.payments && n%2 == 0 {
			path = "/checkout/payments/update"
		}
		p.forged(forgery{"POST", path, jsonType, forgedUpdates[p.IntN(len(forgedUpdates))]})
	case p.payments && n < len(forgeries)+6:
		p.forged(forgery{"POST", "/checkout/payments/place", jsonType, forgedPlaces[p.IntN(len(forgedPlaces))]})
	case p.payments:
		p.foreignToken()
	default:
		p.foreignOrder()
	}
}

func (p *pane) forged(f forgery) {
	sku := p.sku()
	got := p.ask(f.method, strings.ReplaceAll(f.path, "SKU", sku), f.contentType, strings.NewReader(strings.ReplaceAll(f.body, "SKU", sku)), "")
	p.count("forged requests", 1)
	if got.status != 0 && (got.status < 400 || got.status >= 500) && got.status != http.StatusServiceUnavailable {
		p.t.Errorf("%s: %s %s %.100s (invariant 10): got %d", p.name, f.method, f.path, f.body, got.status)
	}
}

// foreignOrder names another shopper's order: neither is that one touched, nor is
// anything of it shown.
func (p *pane) foreignOrder() {
	id := p.oneOf(&p.recent)
	if id == "" || p.own(id) {
		return
	}
	p.count("forged requests with another's order", 1)
	if p.IntN(2) == 0 {
		got := p.ask("POST", "/checkout/update", jsonType, strings.NewReader(fmt.Sprintf(`{"order_id":%q}`, id)), jsonType)
		var u struct {
			OrderID string `json:"order_id"`
		}
		_ = json.Unmarshal([]byte(got.body), &u)
		if u.OrderID == id || strings.Contains(got.body, id) {
			p.t.Errorf("%s: an update of another's order: got %d %.300s", p.name, got.status, got.body)
		}
		return
	}
	got := p.get("/checkout/confirmation?order_id="+url.QueryEscape(id), "")
	for _, text := range []string{"Ankeborg", "Storgatan", "@example.com", "/orders/SK-", "klarna-checkout-container"} {
		if strings.Contains(got.body, text) {
			p.t.Errorf("%s: the confirmation of another's order: got %d with %q", p.name, got.status, text)
		}
	}
}

// foreignToken brings the authorization of another shopper.
func (p *pane) foreignToken() {
	token := p.oneOf(&p.tokens)
	p.now.Lock()
	_, own := p.pays[token]
	p.now.Unlock()
	if token == "" || own || p.page.Form == "" {
		return
	}
	p.count("forged requests with another's authorization", 1)
	got := p.json("/checkout/payments/place", map[string]any{
		"authorization_token": token, "form": p.page.Form, "order_amount": p.page.Session["order_amount"], "billing_address": p.address(),
	})
	if got.status != http.StatusOK {
		return
	}
	// It may have been his own approval that was found instead.
	session, _ := p.fake.Session(p.page.sessionID())
	if session.Fake.OrderID == "" {
		p.t.Errorf("%s: placed with another's authorization: %.300s", p.name, got.body)
		return
	}
	p.settle(session.SessionID, session.Fake.OrderID)
}

// own reports whether an order was made for this guest's cart, as far as a
// page has shown it.
func (g *guest) own(id string) bool {
	g.now.Lock()
	defer g.now.Unlock()
	return g.seen[id]
}
