package payments_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
)

// payMoves are what shop and shopper can do with a session. Each returns how it
// ended: a status with the error's code, or what the shop's page is told.
var payMoves = map[string]func(*kpShop) string{
	"read":            call("GET", sessionPath, func() string { return "" }),
	"update":          call("POST", sessionPath, func() string { return faketest.Text(faketest.CartOf(2)) }),
	"place order":     call("POST", placePath, func() string { return faketest.Text(orderSE()) }),
	"place otherwise": call("POST", placePath, func() string { return faketest.Text(faketest.With(orderSE(), "merchant_data", "x")) }),
	"release":         call("DELETE", releasePath, func() string { return "" }),
	"customer token":  call("POST", tokenizePath, func() string { return faketest.Text(tokenSE()) }),
	"load":            act(payment{Load: &authorize{}}),
	"authorize":       act(payment{Authorize: &authorize{}}),
	"authorize later": act(payment{Authorize: &authorize{AutoFinalize: new(false)}}),
	"reauthorize":     act(payment{Reauthorize: &authorize{}}),
	"finalize":        act(payment{Finalize: &authorize{}}),
	"decline":         act(payment{Authorize: &authorize{Decision: "decline"}}),
}

func call(method, path string, body func() string) func(*kpShop) string {
	return func(s *kpShop) string {
		got := s.Do(method, s.path(path), body())
		var e struct {
			Code string `json:"error_code"`
		}
		_ = json.Unmarshal(got.Body, &e)
		return strings.TrimSpace(fmt.Sprint(got.Status, " ", e.Code))
	}
}

func act(a payment) func(*kpShop) string {
	return func(s *kpShop) string {
		token := s.token
		out, err := s.Fake.Pay(s.session, a)
		switch {
		case err != nil:
			return "gone"
		case out.Refused != nil:
			return out.Refused.Code
		case out.FinalizeRequired:
			return "finalize"
		case out.AuthorizationToken != "" && out.AuthorizationToken == token:
			return "same token"
		case out.AuthorizationToken != "":
			return "token"
		case out.ShowForm:
			return "form"
		}
		return "nothing"
	}
}

// payMatrix is the table of states: of each state, how each move ends and in
// which state the session is then, "=" for the same.
var payMatrix = map[string]map[string]string{
	"open": {
		"read": "200 =", "update": "204 =", "place order": "404 NOT_FOUND =", "place otherwise": "404 NOT_FOUND =",
		"release": "404 NOT_FOUND =", "customer token": "404 NOT_FOUND =", "load": "form =",
		"authorize": "token authorized", "authorize later": "finalize finalize", "reauthorize": "token authorized", "finalize": "not_authorized =", "decline": "declined =",
	},
	"finalize": {
		"read": "200 =", "update": "204 =", "place order": "404 NOT_FOUND =", "place otherwise": "404 NOT_FOUND =",
		"release": "404 NOT_FOUND =", "customer token": "404 NOT_FOUND =", "load": "form =",
		"authorize": "token authorized", "authorize later": "finalize =", "reauthorize": "token authorized", "finalize": "token authorized", "decline": "declined =",
	},
	"authorized": {
		"read": "200 =", "update": "204 =", "place order": "200 complete", "place otherwise": "200 complete",
		"release": "204 token deleted", "customer token": "403 INVALID_OPERATION =", "load": "form =",
		"authorize": "token =", "authorize later": "finalize finalize", "reauthorize": "token =", "finalize": "same token =", "decline": "declined =",
	},
	"complete": {
		"read": "200 =", "update": "404 SESSION_COMPLETED =", "place order": "200 =", "place otherwise": "409 BAD_VALUE =",
		"release": "404 NOT_FOUND =", "customer token": "403 INVALID_OPERATION =", "load": "session_completed =",
		"authorize": "session_completed =", "authorize later": "session_completed =", "reauthorize": "session_completed =", "finalize": "session_completed =", "decline": "session_completed =",
	},
	"expired and authorized": {
		"read": "404 NOT_FOUND =", "update": "404 NOT_FOUND =", "place order": "404 NOT_FOUND =", "place otherwise": "404 NOT_FOUND =",
		"release": "404 NOT_FOUND =", "customer token": "404 NOT_FOUND =", "load": "gone =",
		"authorize": "gone =", "authorize later": "gone =", "reauthorize": "gone =", "finalize": "gone =", "decline": "gone =",
	},
	"token expired": {
		"read": "200 =", "update": "204 =", "place order": "404 NOT_FOUND =", "place otherwise": "404 NOT_FOUND =",
		"release": "404 NOT_FOUND =", "customer token": "404 NOT_FOUND =", "load": "form =",
		"authorize": "token authorized", "authorize later": "finalize finalize", "reauthorize": "token authorized", "finalize": "token authorized", "decline": "declined =",
	},
	"token deleted": {
		"read": "200 =", "update": "204 =", "place order": "404 NOT_FOUND =", "place otherwise": "404 NOT_FOUND =",
		"release": "404 NOT_FOUND =", "customer token": "404 NOT_FOUND =", "load": "form =",
		"authorize": "token authorized", "authorize later": "finalize finalize", "reauthorize": "token authorized", "finalize": "token authorized", "decline": "declined =",
	},
}

// TestPaymentStates: every move in every state; a cell that is missing fails.
func TestPaymentStates(t *testing.T) {
	for _, state := range slices.Sorted(maps.Keys(payMatrix)) {
		for _, move := range slices.Sorted(maps.Keys(payMoves)) {
			t.Run(state+"/"+move, func(t *testing.T) {
				s := newKPShop(t)
				payStates()[state](s)
				before := s.state()
				got := payMoves[move](s)
				if after := s.state(); after == before {
					got += " ="
				} else {
					got += " " + after
				}
				if want := payMatrix[state][move]; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
		if extra := len(payMatrix[state]) - len(payMoves); extra != 0 {
			t.Errorf("%s: %d cells more than moves", state, extra)
		}
	}
}

// Every token but the newest is refused, whichever way the next one came about.
func TestTokensReplaced(t *testing.T) {
	for name, next := range map[string]payment{
		"authorize": {Authorize: &authorize{}}, "reauthorize": {Reauthorize: &authorize{}}, "authorize later": {Authorize: &authorize{AutoFinalize: new(false)}},
		"finalize with a change": {Finalize: &authorize{Data: json.RawMessage(`{"merchant_data":"x"}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newKPShop(t)
			s.authorize()
			first := s.token
			s.pay(next)
			if got := s.Do("POST", "/payments/v1/authorizations/"+first+"/order", faketest.Text(orderSE())); got.Status != 404 {
				t.Errorf("the first token: got %d %s, want 404", got.Status, got.Body)
			}
		})
	}
}

// The edges of both lifetimes, to the second.
func TestPaymentLifetimes(t *testing.T) {
	for _, row := range []struct {
		name       string
		wait       time.Duration
		authorize  time.Duration // when, before the end of the wait; 0: not
		read, sell int
	}{
		{"session, a second left", 48*time.Hour - time.Second, 0, 200, 404},
		{"session, a second over", 48*time.Hour + time.Second, 0, 404, 404},
		{"token, a second left", 10 * time.Hour, time.Hour - time.Second, 200, 200},
		{"token, a second over", 10 * time.Hour, time.Hour + time.Second, 200, 404},
		{"fresh token of a session that is over", 48*time.Hour + time.Second, time.Minute, 404, 404},
		{"fresh token, session with a second left", 48*time.Hour - time.Second, time.Minute, 200, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newKPShop(t)
			s.Fake.Advance(row.wait - row.authorize)
			if row.authorize > 0 {
				s.authorize()
				s.Fake.Advance(row.authorize)
			}
			if got := s.Do("GET", s.path(sessionPath), ""); got.Status != row.read {
				t.Errorf("read: got %d, want %d", got.Status, row.read)
			}
			if got := s.Do("POST", s.path(placePath), faketest.Text(orderSE())); got.Status != row.sell {
				t.Errorf("order: got %d %s, want %d", got.Status, got.Body, row.sell)
			}
		})
	}
}

// A customer token lives until it is cancelled.
func TestCustomerTokenLives(t *testing.T) {
	s := newKPShop(t)
	payStates()["tokenized"](s)
	s.Fake.Advance(10 * 365 * 24 * time.Hour)
	if got := s.Do("POST", s.path(customerPath+"/order"), faketest.Text(chargeSE())); got.Status != 200 {
		t.Errorf("got %d %s, want 200", got.Status, got.Body)
	}
}

// A session's expiry as it is answered.
func TestExpiresAt(t *testing.T) {
	s := newKPShop(t)
	v, _ := s.Fake.Session(s.session)
	at, err := time.Parse(time.RFC3339, v.ExpiresAt)
	if left := at.Sub(s.Fake.Now()); err != nil || left > 48*time.Hour || left < 48*time.Hour-10*time.Second {
		t.Errorf("expires_at %s, %v from now: want 48 h", v.ExpiresAt, left)
	}
	if v.Status != payments.SessionIncomplete {
		t.Errorf("status %s", v.Status)
	}
}
