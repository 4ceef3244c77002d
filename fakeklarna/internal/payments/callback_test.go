package payments_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// newCalledKP is a shop with a session whose callbacks a merchant answers. Its
// IDs are the same in each run, and again after a reset.
func newCalledKP(t testing.TB, pairs ...any) (*kpShop, *faketest.Merchant) {
	t.Helper()
	m := &faketest.Merchant{}
	s := &kpShop{Caller: &faketest.Caller{T: t, Fake: fakeklarna.New(fakeklarna.Options{CallbackTransport: m, CallbackHosts: []string{"shop.example"}, Seed: 7})}}
	t.Cleanup(s.Fake.Close)
	s.start(faketest.With(faketest.CartSE(), append([]any{
		"merchant_urls.authorization", "http://shop.example/{session.id}/authorization",
		"merchant_urls.push", "https://shop.example/{order.id}/push?session=%7Bsession.id%7D",
	}, pairs...)...))
	return s, m
}

// The authorization callback: its body, and again after 1 s and 2 s unless the
// shop answers 2xx within 4 s.
func TestAuthorizationCallback(t *testing.T) {
	const s4 = 4 * time.Second
	for _, row := range []struct {
		name string
		says faketest.Says
		at   []time.Duration // of the calls, since the authorization
	}{
		{"204", faketest.Says{Status: 204}, []time.Duration{0}},
		{"200", faketest.Says{Status: 200, Body: "{}"}, []time.Duration{0}},
		{"slow, in time", faketest.Says{Status: 200, After: s4 - time.Second}, []time.Duration{0}},
		{"500", faketest.Says{Status: 500}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"404", faketest.Says{Status: 404}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"302", faketest.Says{Status: 302, Location: "/"}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"connection broken", faketest.Says{Status: -1}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"no answer", faketest.Says{}, []time.Duration{0, s4 + time.Second, s4 + time.Second + s4 + 2*time.Second}},
		{"too slow", faketest.Says{Status: 204, After: s4 + time.Millisecond}, []time.Duration{0, s4 + time.Second, s4 + time.Second + s4 + 2*time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := newCalledKP(t)
				m.Will("authorization", row.says)
				began := s.Fake.Now()
				s.authorize()
				time.Sleep(time.Hour)
				synctest.Wait()
				var at []time.Duration
				for _, c := range s.Fake.Callbacks("") {
					at = append(at, c.Time.Sub(began))
					if c.Type != "authorization" || c.SessionID != s.session {
						t.Errorf("got %+v", c)
					}
				}
				if diff := cmp.Diff(row.at, at); diff != "" {
					t.Error(diff)
				}
				want := faketest.Received{Kind: "authorization", URL: "http://shop.example/" + s.session + "/authorization", ContentType: "application/json",
					Body: fmt.Sprintf(`{"authorization_token":%q,"session_id":%q}`, s.token, s.session)}
				if got := m.Received()[0]; got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			})
		})
	}
}

// Every approval that gives a token is told, with that token; nothing else is.
func TestAuthorizationCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		m.Will("authorization", faketest.Says{Status: 204})
		var tokens []string
		for _, a := range []payment{
			{Load: &authorize{}}, {Authorize: &authorize{Decision: "close"}}, {Authorize: &authorize{Decision: "decline"}},
			{Authorize: &authorize{AutoFinalize: new(false)}}, {Finalize: &authorize{}}, {Finalize: &authorize{}}, {Authorize: &authorize{}}, {Reauthorize: &authorize{}},
		} {
			before := s.token
			if s.pay(a); s.token != before {
				tokens = append(tokens, s.token)
			}
			synctest.Wait()
		}
		var told []string
		for _, r := range m.Received() {
			var body struct {
				Token string `json:"authorization_token"`
			}
			if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
				t.Error(err)
			}
			told = append(told, body.Token)
		}
		if diff := cmp.Diff(tokens, told); diff != "" || len(told) != 3 {
			t.Errorf("%d callbacks, want 3: %s", len(told), diff)
		}
	})
}

// The shop may place the order while the callback waits for its answer.
func TestOrderDuringCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		status := 0
		m.Will("authorization", faketest.Says{Status: 204, During: func() {
			var body struct {
				Token string `json:"authorization_token"`
			}
			_ = json.Unmarshal([]byte(m.Received()[0].Body), &body)
			status = s.Do("POST", "/payments/v1/authorizations/"+body.Token+"/order", faketest.Text(orderSE())).Status
		}})
		s.authorize()
		synctest.Wait()
		if status != http.StatusOK || s.state() != "complete" {
			t.Errorf("got %d, the session is %s", status, s.state())
		}
	})
}

// Pushes of an order follow the schedule of the checkout until it is acknowledged.
func TestPaymentPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		m.Will("authorization", faketest.Says{Status: 204})
		s.authorize()
		var made struct {
			ID string `json:"order_id"`
		}
		_ = json.Unmarshal(s.order().Body, &made)
		bought := s.Fake.Now()
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		s.Do("POST", "/ordermanagement/v1/orders/"+made.ID+"/acknowledge", "")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		var at []time.Duration
		for _, c := range s.Fake.Callbacks(made.ID) {
			at = append(at, c.Time.Sub(bought))
			if c.Type != "push" || c.SessionID != s.session || c.Request != nil || c.URL != "https://shop.example/"+made.ID+"/push?session="+s.session {
				t.Errorf("got %+v", c)
			}
		}
		const first = 2 * time.Second
		if diff := cmp.Diff([]time.Duration{first, first + 5*time.Minute, first + 15*time.Minute, first + 30*time.Minute}, at); diff != "" {
			t.Error(diff)
		}
	})
}

// Without acknowledgement pushes end after 48 h; by a clock that is moved, too.
func TestPaymentPushEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t, "merchant_urls.authorization", faketest.Gone{})
		s.authorize()
		s.order()
		for range 60 {
			s.Fake.Advance(time.Hour)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if got := strings.Fields(m.Kinds()); len(got) != 16 {
			t.Errorf("%d callbacks, want 16 pushes: %v", len(got), got)
		}
	})
}

// A reset ends what was still to be told.
func TestResetEndsPaymentCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		m.Will("authorization", faketest.Says{Status: 500})
		s.authorize()
		s.order()
		synctest.Wait()
		s.Fake.Reset()
		time.Sleep(72 * time.Hour)
		synctest.Wait()
		if got := m.Kinds(); got != "authorization" {
			t.Errorf("got %q, want one callback before the reset", got)
		}
	})
}

// A reset while a callback waits: the session that has the same ID after it is
// told nothing of the one before.
func TestResetDuringPaymentCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		first := s.session
		m.Will("authorization", faketest.Says{Status: 500, During: func() {
			s.Fake.Reset()
			s.start(faketest.With(faketest.CartSE(), "merchant_urls.authorization", "http://shop.example/again"))
		}})
		s.authorize()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := m.Kinds(); got != "authorization" || s.session != first {
			t.Errorf("got %q of session %s, want one callback of %s", got, s.session, first)
		}
	})
}
