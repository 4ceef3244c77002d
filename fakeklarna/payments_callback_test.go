package fakeklarna_test

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
)

// newCalledKP is a shop with a session whose callbacks a merchant answers. Its
// IDs are the same in each run, and again after a reset.
func newCalledKP(t testing.TB, pairs ...any) (*kpShop, *merchant) {
	t.Helper()
	m := &merchant{}
	s := &kpShop{caller: &caller{t, fakeklarna.New(fakeklarna.Options{CallbackTransport: m, CallbackHosts: []string{"shop.example"}, Seed: 7})}}
	t.Cleanup(s.fake.Close)
	s.start(with(cartSE(), append([]any{
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
		says says
		at   []time.Duration // of the calls, since the authorization
	}{
		{"204", says{status: 204}, []time.Duration{0}},
		{"200", says{status: 200, body: "{}"}, []time.Duration{0}},
		{"slow, in time", says{status: 200, after: s4 - time.Second}, []time.Duration{0}},
		{"500", says{status: 500}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"404", says{status: 404}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"302", says{status: 302, location: "/"}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"connection broken", says{status: -1}, []time.Duration{0, time.Second, 3 * time.Second}},
		{"no answer", says{}, []time.Duration{0, s4 + time.Second, s4 + time.Second + s4 + 2*time.Second}},
		{"too slow", says{status: 204, after: s4 + time.Millisecond}, []time.Duration{0, s4 + time.Second, s4 + time.Second + s4 + 2*time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := newCalledKP(t)
				m.will("authorization", row.says)
				began := s.fake.Now()
				s.authorize()
				time.Sleep(time.Hour)
				synctest.Wait()
				var at []time.Duration
				for _, c := range s.fake.Callbacks("") {
					at = append(at, c.Time.Sub(began))
					if c.Type != "authorization" || c.SessionID != s.session {
						t.Errorf("got %+v", c)
					}
				}
				if diff := cmp.Diff(row.at, at); diff != "" {
					t.Error(diff)
				}
				want := received{"authorization", "http://shop.example/" + s.session + "/authorization", "application/json",
					fmt.Sprintf(`{"authorization_token":%q,"session_id":%q}`, s.token, s.session)}
				if got := m.received()[0]; got != want {
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
		m.will("authorization", says{status: 204})
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
		for _, r := range m.received() {
			var body struct {
				Token string `json:"authorization_token"`
			}
			if err := json.Unmarshal([]byte(r.body), &body); err != nil {
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
		m.will("authorization", says{status: 204, during: func() {
			var body struct {
				Token string `json:"authorization_token"`
			}
			_ = json.Unmarshal([]byte(m.received()[0].body), &body)
			status = s.do("POST", "/payments/v1/authorizations/"+body.Token+"/order", text(orderSE())).status
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
		m.will("authorization", says{status: 204})
		s.authorize()
		var made struct {
			ID string `json:"order_id"`
		}
		_ = json.Unmarshal(s.order().body, &made)
		bought := s.fake.Now()
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		s.do("POST", "/ordermanagement/v1/orders/"+made.ID+"/acknowledge", "")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		var at []time.Duration
		for _, c := range s.fake.Callbacks(made.ID) {
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
		s, m := newCalledKP(t, "merchant_urls.authorization", gone{})
		s.authorize()
		s.order()
		for range 60 {
			s.fake.Advance(time.Hour)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if got := strings.Fields(m.kinds()); len(got) != 16 {
			t.Errorf("%d callbacks, want 16 pushes: %v", len(got), got)
		}
	})
}

// A reset ends what was still to be told.
func TestResetEndsPaymentCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newCalledKP(t)
		m.will("authorization", says{status: 500})
		s.authorize()
		s.order()
		synctest.Wait()
		s.fake.Reset()
		time.Sleep(72 * time.Hour)
		synctest.Wait()
		if got := m.kinds(); got != "authorization" {
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
		m.will("authorization", says{status: 500, during: func() {
			s.fake.Reset()
			s.start(with(cartSE(), "merchant_urls.authorization", "http://shop.example/again"))
		}})
		s.authorize()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := m.kinds(); got != "authorization" || s.session != first {
			t.Errorf("got %q of session %s, want one callback of %s", got, s.session, first)
		}
	})
}
