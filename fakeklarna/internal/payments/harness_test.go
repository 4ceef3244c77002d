package payments_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

type (
	payment   = fakeklarna.PaymentAction
	authorize = fakeklarna.Authorize
)

// kpShop is a shop with a payment session, without a network.
type kpShop struct {
	*faketest.Caller
	session, client string
	token, old      string // authorization tokens: the newest, and the one before it
	customer        string // customer token
}

func newKPShop(t testing.TB) *kpShop {
	s := &kpShop{Caller: faketest.NewCaller(t)}
	s.start(faketest.CartSE())
	return s
}

// start makes a session of content.
func (s *kpShop) start(content map[string]any) {
	s.T.Helper()
	got := s.Do("POST", faketest.SessionsPath, faketest.Text(content))
	var made struct {
		Session string `json:"session_id"`
		Client  string `json:"client_token"`
	}
	if err := json.Unmarshal(got.Body, &made); err != nil || got.Status != 200 {
		s.T.Fatalf("create: got %d %s, want 200", got.Status, got.Body)
	}
	s.session, s.client = made.Session, made.Client
}

// pay does what a browser does; the action must be possible.
func (s *kpShop) pay(a payment) fakeklarna.PaymentOutcome {
	s.T.Helper()
	out, err := s.Fake.Pay(s.session, a)
	if err != nil {
		s.T.Fatal(err)
	}
	if out.AuthorizationToken != "" && out.AuthorizationToken != s.token {
		s.token, s.old = out.AuthorizationToken, s.token
	}
	return out
}

// authorize approves the session as it is.
func (s *kpShop) authorize() { s.T.Helper(); s.pay(payment{Authorize: &authorize{}}) }

// order places the order of CartSE with the newest token.
func (s *kpShop) order() faketest.Answer {
	return s.Do("POST", "/payments/v1/authorizations/"+s.token+"/order", faketest.Text(orderSE()))
}

// state is the session's as the fake has it, "" without one.
func (s *kpShop) state() string {
	v, ok := s.Fake.Session(s.session)
	if !ok {
		return ""
	}
	return v.Fake.State
}

// path fills in what the shop knows.
func (s *kpShop) path(path string) string {
	const none = "c248d252-53d3-64bd-9245-08737e6f7b10"
	or := func(id string) string {
		if id == "" {
			return none
		}
		return id
	}
	return strings.NewReplacer("{session}", or(s.session), "{token}", or(s.token), "{old}", or(s.old),
		"{customer}", or(s.customer), "{unknown}", none).Replace(path)
}

// payStates are the states in which a session, its tokens and its customer
// token may be before a call.
func payStates() map[string]func(*kpShop) {
	return map[string]func(*kpShop){
		"open":       func(*kpShop) {},
		"authorized": func(s *kpShop) { s.authorize() },
		"finalize":   func(s *kpShop) { s.pay(payment{Authorize: &authorize{AutoFinalize: new(false)}}) },
		"authorized twice": func(s *kpShop) {
			s.authorize()
			s.pay(payment{Reauthorize: &authorize{}})
		},
		"complete": func(s *kpShop) { s.authorize(); s.order() },
		"complete with the second token": func(s *kpShop) {
			s.authorize()
			s.authorize()
			s.order()
		},
		"expired": func(s *kpShop) { s.Fake.Advance(48*time.Hour + time.Second) },
		"expired and authorized": func(s *kpShop) {
			s.Fake.Advance(47*time.Hour + 30*time.Minute)
			s.authorize()
			s.Fake.Advance(31 * time.Minute)
		},
		"nearly over":       func(s *kpShop) { s.Fake.Advance(48*time.Hour - time.Minute) },
		"updated late":      func(s *kpShop) { s.Fake.Advance(47 * time.Hour); s.update("{}"); s.Fake.Advance(2 * time.Hour) },
		"complete and old":  func(s *kpShop) { s.authorize(); s.order(); s.Fake.Advance(30 * 24 * time.Hour) },
		"token expired":     func(s *kpShop) { s.authorize(); s.Fake.Advance(60*time.Minute + time.Second) },
		"token nearly over": func(s *kpShop) { s.authorize(); s.Fake.Advance(59 * time.Minute) },
		"token deleted": func(s *kpShop) {
			s.authorize()
			s.Do("DELETE", s.path("/payments/v1/authorizations/{token}"), "")
		},
		"updated after the authorization": func(s *kpShop) { s.authorize(); s.update(faketest.Text(faketest.CartOf(3))) },
		"updated to the same":             func(s *kpShop) { s.authorize(); s.update(faketest.Text(faketest.CartOf(2))) },
		"failed once": func(s *kpShop) {
			s.authorize()
			s.Do("POST", s.path("/payments/v1/authorizations/{token}/order"), faketest.Text(faketest.With(orderSE(), "order_lines[0].name", "x")))
		},
		"of nothing first": func(s *kpShop) {
			s.authorize()
			s.Do("POST", s.path("/payments/v1/authorizations/{token}/order"), "{}")
		},
		"without reference": func(s *kpShop) {
			s.start(faketest.With(faketest.CartSE(), "order_lines[0].reference", faketest.Gone{}))
		},
		"with address": func(s *kpShop) {
			s.pay(payment{Authorize: &authorize{Data: json.RawMessage(faketest.Text(map[string]any{"billing_address": faketest.Ada()}))}})
		},
		"with address, to tokenize": func(s *kpShop) {
			s.update(`{"intent":"tokenize"}`)
			s.pay(payment{Authorize: &authorize{Data: json.RawMessage(faketest.Text(map[string]any{"billing_address": faketest.Ada()}))}})
		},
		"tokenize": func(s *kpShop) {
			s.update(`{"intent":"tokenize"}`)
			s.authorize()
		},
		"buy_and_tokenize": func(s *kpShop) {
			s.update(`{"intent":"buy_and_tokenize"}`)
			s.authorize()
		},
		"in parts": func(s *kpShop) {
			s.update(`{"intent":"buy_and_tokenize"}`)
			s.pay(payment{Authorize: &authorize{Category: "pay_over_time"}})
		},
		"tokenized": func(s *kpShop) {
			payStates()["tokenize"](s)
			s.tokenize()
		},
		"tokenized and to buy": func(s *kpShop) {
			payStates()["buy_and_tokenize"](s)
			s.tokenize()
		},
		"token cancelled": func(s *kpShop) {
			payStates()["tokenized"](s)
			s.Do("PATCH", s.path("/customer-token/v1/tokens/{customer}/status"), `{"status":"CANCELLED"}`)
		},
		"card tokenized": func(s *kpShop) {
			s.update(`{"intent":"tokenize"}`)
			s.pay(payment{Authorize: &authorize{Category: "pay_now"}})
			s.tokenize()
		},
		"parts by card tokenized": func(s *kpShop) {
			s.start(faketest.With(cartUS(), "intent", "tokenize"))
			s.pay(payment{Authorize: &authorize{Category: "pay_over_time"}})
			got := s.Do("POST", s.path("/payments/v1/authorizations/{token}/customer-token"),
				faketest.Text(faketest.With(tokenSE(), "purchase_country", "US", "purchase_currency", "USD", "locale", "en-US")))
			s.customer = faketest.Decode(string(got.Body))["token_id"].(string)
		},
		"tokenized, charges fail": func(s *kpShop) {
			who := faketest.With(map[string]any{"billing_address": faketest.Ada()}, "billing_address.email", "ada+denied@example.com")
			s.update(`{"intent":"tokenize"}`)
			s.pay(payment{Authorize: &authorize{Decision: "approve", Data: json.RawMessage(faketest.Text(who))}})
			s.tokenize()
		},
	}
}

func (s *kpShop) update(body string) {
	s.T.Helper()
	if got := s.Do("POST", faketest.SessionsPath+"/"+s.session, body); got.Status != 204 {
		s.T.Fatalf("update: got %d %s", got.Status, got.Body)
	}
}

func (s *kpShop) tokenize() {
	s.T.Helper()
	got := s.Do("POST", s.path("/payments/v1/authorizations/{token}/customer-token"), faketest.Text(tokenSE()))
	var made struct {
		ID string `json:"token_id"`
	}
	if err := json.Unmarshal(got.Body, &made); err != nil || made.ID == "" {
		s.T.Fatalf("customer token: got %d %s", got.Status, got.Body)
	}
	s.customer = made.ID
}

// orderSE is the order of CartSE.
func orderSE() map[string]any {
	return faketest.With(faketest.CartOf(2), "purchase_country", "SE", "purchase_currency", "SEK")
}

// tokenSE is a request for a customer token.
func tokenSE() map[string]any {
	return map[string]any{"purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
		"description": "Jam every month", "intended_use": "SUBSCRIPTION"}
}

// chargeSE is an order placed with a customer token.
func chargeSE() map[string]any { return faketest.With(faketest.CartOf(2), "purchase_currency", "SEK") }

// cartUS is a session of a mug in the US, where tax is a line.
func cartUS() map[string]any {
	return faketest.Decode(`{"purchase_country":"US","purchase_currency":"USD","locale":"en-US","order_amount":2175,"order_tax_amount":175,"order_lines":[
		{"type":"physical","name":"Mug","quantity":1,"unit_price":2000,"total_amount":2000},
		{"type":"sales_tax","name":"Tax","quantity":1,"unit_price":175,"total_amount":175}]}`)
}
