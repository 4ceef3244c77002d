package payments_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

type outcome = fakeklarna.PaymentOutcome

// some stands for a token.
const some = "T"

// billing is an update with Ada's address, changed by pairs.
func billing(pairs ...any) json.RawMessage {
	return json.RawMessage(faketest.Text(map[string]any{"billing_address": faketest.With(faketest.Ada(), pairs...)}))
}

// What the shop's page is told, by call, data, what the shopper presses and who
// the shopper is.
func TestPaymentOutcomes(t *testing.T) {
	approved := outcome{Approved: true, ShowForm: true, AuthorizationToken: some}
	form := outcome{ShowForm: true}
	invalid := func(paths ...string) outcome { return outcome{ShowForm: true, InvalidFields: paths} }
	as := func(email string) json.RawMessage { return billing("email", email) }
	for _, row := range []struct {
		name, state string
		action      payment
		want        outcome
	}{
		{"load", "open", payment{Load: &authorize{}}, form},
		{"load a category", "open", payment{Load: &authorize{Category: "pay_over_time"}}, form},
		{"load with data", "open", payment{Load: &authorize{Data: billing()}}, form},
		{"load with a wrong field", "open", payment{Load: &authorize{Data: billing("email", "x")}}, invalid("billing_address.email")},
		{"load when complete", "complete", payment{Load: &authorize{}}, outcome{}},
		{"load, prepaid only", "open", payment{Load: &authorize{Data: as("ada+red@example.com")}}, outcome{}},
		{"load what is prepaid, prepaid only", "open", payment{Load: &authorize{Category: "pay_now", Data: as("ada+red@example.com")}}, form},

		{"authorize", "open", payment{Authorize: &authorize{}}, approved},
		{"authorize with an address", "open", payment{Authorize: &authorize{Data: billing()}}, approved},
		{"authorize with null", "open", payment{Authorize: &authorize{Data: json.RawMessage("null")}}, approved},
		{"authorize with typed data", "open", payment{Authorize: &authorize{Typed: map[string]string{"email": "ada@example.com", "date_of_birth": "1941-03-21"}}}, approved},
		{"authorize, several wrong fields", "open", payment{Authorize: &authorize{Data: billing("email", "x", "given_name", "A")}},
			invalid("billing_address.given_name", "billing_address.email")},
		{"authorize, postal code of another country", "open", payment{Authorize: &authorize{Data: billing("postal_code", "1050 AB")}}, invalid("billing_address.postal_code")},
		{"authorize, wrong sum", "open", payment{Authorize: &authorize{Data: json.RawMessage(`{"order_amount":1}`)}}, invalid("order_amount")},
		{"approve", "open", payment{Authorize: &authorize{Decision: "approve"}}, approved},
		{"decline", "open", payment{Authorize: &authorize{Decision: "decline"}}, outcome{}},
		{"close", "open", payment{Authorize: &authorize{Decision: "close"}}, form},
		{"denied", "open", payment{Authorize: &authorize{Data: as("ada+denied@example.com")}}, outcome{}},
		{"denied, typed", "open", payment{Authorize: &authorize{Typed: map[string]string{"email": "ada+denied@example.com"}}}, outcome{}},
		{"denied, approved by hand", "open", payment{Authorize: &authorize{Decision: "approve", Data: as("ada+denied@example.com")}}, approved},
		{"prepaid only, invoice", "open", payment{Authorize: &authorize{Data: as("ada+red@example.com")}}, outcome{}},
		{"prepaid only, card", "open", payment{Authorize: &authorize{Category: "pay_now", Data: as("ada+red@example.com")}}, approved},
		{"pending", "open", payment{Authorize: &authorize{Data: as("ada+pend-accept-05@example.com")}}, approved},
		{"technical error", "open", payment{Authorize: &authorize{Data: as("ada+error@example.com")}}, form},
		{"authorize, later", "open", payment{Authorize: &authorize{AutoFinalize: new(false)}}, outcome{Approved: true, ShowForm: true, FinalizeRequired: true}},
		{"authorize at once", "open", payment{Authorize: &authorize{AutoFinalize: new(true)}}, approved},
		{"authorize, later, declined", "open", payment{Authorize: &authorize{AutoFinalize: new(false), Decision: "decline"}}, outcome{}},
		{"authorize what was shown", "open", payment{Authorize: &authorize{Total: new(int64(44700)), Currency: "sek"}}, approved},
		{"authorize another sum than was shown", "open", payment{Authorize: &authorize{Total: new(int64(44701))}}, form},
		{"authorize another currency than was shown", "open", payment{Authorize: &authorize{Total: new(int64(44700)), Currency: "NOK"}}, form},
		{"finalize another sum than was shown", "authorized", payment{Finalize: &authorize{Total: new(int64(44701))}}, form},
		{"authorize when complete", "complete", payment{Authorize: &authorize{}}, outcome{}},

		{"reauthorize", "authorized", payment{Reauthorize: &authorize{}}, approved},
		{"reauthorize another cart", "authorized", payment{Reauthorize: &authorize{Data: json.RawMessage(faketest.Text(faketest.CartOf(3)))}}, approved},
		{"reauthorize, wrong field", "authorized", payment{Reauthorize: &authorize{Data: billing("email", "x")}}, invalid("billing_address.email")},
		{"reauthorize, declined", "authorized", payment{Reauthorize: &authorize{Decision: "decline"}}, outcome{}},
		{"reauthorize takes no auto_finalize", "authorized", payment{Reauthorize: &authorize{AutoFinalize: new(false)}}, approved},

		{"finalize", "finalize", payment{Finalize: &authorize{}}, approved},
		{"finalize with data", "finalize", payment{Finalize: &authorize{Data: json.RawMessage(faketest.Text(faketest.CartOf(3)))}}, approved},
		{"finalize, wrong field", "finalize", payment{Finalize: &authorize{Data: billing("email", "x")}}, invalid("billing_address.email")},
		{"finalize, declined", "finalize", payment{Finalize: &authorize{Decision: "decline"}}, outcome{}},
		{"finalize, closed", "finalize", payment{Finalize: &authorize{Decision: "close"}}, form},
		{"finalize what is final", "authorized", payment{Finalize: &authorize{}}, approved},
		{"finalize nothing", "open", payment{Finalize: &authorize{}}, form},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newKPShop(t)
			payStates()[row.state](s)
			got, err := s.Fake.Pay(s.session, row.action)
			if err != nil {
				t.Fatal(err)
			}
			if got.AuthorizationToken != "" {
				got.AuthorizationToken = some
			}
			if diff := cmp.Diff(row.want, got, cmpopts.IgnoreFields(outcome{}, "Refused")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What no browser can do is an error, and changes nothing.
func TestImpossiblePayments(t *testing.T) {
	for name, action := range map[string]string{
		"nothing":            `{}`,
		"two calls":          `{"load":{},"authorize":{}}`,
		"unknown call":       `{"loadPaymentReview":{}}`,
		"unknown category":   `{"load":{"category":"direct_debit"}}`,
		"unknown decision":   `{"authorize":{"decision":"yes"}}`,
		"data a text":        `{"authorize":{"data":"x"}}`,
		"typed without such": `{"authorize":{"typed":{"shoe_size":"43"}}}`,
		"typed no date":      `{"authorize":{"typed":{"date_of_birth":"21.03.1941"}}}`,
		"typed too long":     `{"authorize":{"typed":{"city":"` + strings.Repeat("x", 100) + `"}}}`,
		"no JSON":            `{`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newKPShop(t)
			before, _ := s.Fake.Session(s.session)
			got := s.Do("POST", "/fake/sessions/"+s.session+"/shopper", action)
			if got.Status != 400 || !strings.Contains(string(got.Body), `"code":"bad_request"`) {
				t.Errorf("got %d %s, want 400", got.Status, got.Body)
			}
			after, _ := s.Fake.Session(s.session)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Data of load and authorize is merged over the session, that of a refused call
// is not.
func TestPaymentDataMerged(t *testing.T) {
	s := newKPShop(t)
	s.pay(payment{Load: &authorize{Data: json.RawMessage(`{"merchant_reference2":"L"}`)}})
	s.pay(payment{Authorize: &authorize{Data: billing("email", "x")}})
	if v, _ := s.Fake.Session(s.session); v.MerchantReference1 != "100123" || v.MerchantReference2 != "L" || v.BillingAddress != nil {
		t.Errorf("after a refused call: %+v", v)
	}
	s.pay(payment{Authorize: &authorize{Decision: "decline", Data: billing()}})
	s.pay(payment{Authorize: &authorize{}})
	v, _ := s.Fake.Session(s.session)
	if v.BillingAddress == nil || v.BillingAddress.City != "Ankeborg" || v.ShippingAddress.City != "Ankeborg" {
		t.Errorf("after an authorization: %+v", v.BillingAddress)
	}
	if got := s.order(); got.Status != 200 {
		t.Errorf("order: got %d %s", got.Status, got.Body)
	}
}

// Before an authorization a read tells nothing of the customer; the fake does.
func TestCustomerIsHidden(t *testing.T) {
	s := newKPShop(t)
	s.update(faketest.Text(map[string]any{"billing_address": faketest.Ada(), "customer": map[string]any{"date_of_birth": "1941-03-21"}}))
	secret := []string{"Ankeborg", "1941-03-21", "shipping_address"}
	for _, part := range secret {
		if got := s.Do("GET", s.path(sessionPath), ""); strings.Contains(string(got.Body), part) {
			t.Errorf("before: %s in %s", part, got.Body)
		}
	}
	s.authorize()
	for _, part := range secret {
		if got := s.Do("GET", s.path(sessionPath), ""); !strings.Contains(string(got.Body), part) {
			t.Errorf("after: no %s in %s", part, got.Body)
		}
	}
	if got := s.Do("GET", s.path(sessionPath), ""); strings.Contains(string(got.Body), `"session_id"`) || strings.Contains(string(got.Body), `"fake"`) {
		t.Errorf("more than the API has: %s", got.Body)
	}
}

// The JSON interface: list, one, act, and what is not there.
func TestSessionsControl(t *testing.T) {
	s := newKPShop(t)
	first := s.session
	s.start(cartUS())
	var list struct {
		Sessions []fakeklarna.Session `json:"sessions"`
	}
	if err := json.Unmarshal(s.Do("GET", "/fake/sessions", "").Body, &list); err != nil || len(list.Sessions) != 2 || list.Sessions[1].SessionID != first {
		t.Errorf("got %+v, %v; want two sessions, the newest first", list, err)
	}
	got := s.Do("POST", "/fake/sessions/"+first+"/shopper", `{"authorize":{}}`)
	var out outcome
	if err := json.Unmarshal(got.Body, &out); err != nil || !out.Approved || out.AuthorizationToken == "" {
		t.Errorf("authorize: got %d %s", got.Status, got.Body)
	}
	one := s.Do("GET", "/fake/sessions/"+first, "")
	if body := string(one.Body); one.Status != 200 || !strings.Contains(body, `"fake":{"state":"authorized","category":"pay_later"`) || !strings.Contains(body, `"authorization_token":"`+out.AuthorizationToken) {
		t.Errorf("one: got %d %s", one.Status, one.Body)
	}
	for _, path := range []string{"/fake/sessions/x", "/fake/sessions/x/shopper"} {
		method, body := "GET", ""
		if strings.HasSuffix(path, "shopper") {
			method, body = "POST", `{"load":{}}`
		}
		if got := s.Do(method, path, body); got.Status != 404 || !strings.Contains(string(got.Body), "no_such_session") {
			t.Errorf("%s: got %d %s, want 404", path, got.Status, got.Body)
		}
	}
	s.Fake.Reset()
	if all := s.Fake.Sessions(); len(all) != 0 {
		t.Errorf("after the reset: %d sessions", len(all))
	}
}
