package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// paidPage is the open page of a session of Klarna Payments.
type paidPage struct {
	*shoptest.Browser
	w    *shoptest.World
	page paymentsPage
}

func openPaid(w *shoptest.World, c caller) paidPage {
	w.T.Helper()
	b := w.Browser()
	return paidPage{b, w, openPayments(w, b, c.want(c.put("p-1", basket(tent, home)), 201, "").Session.URL, "p-1")}
}

// session is the cart's at Klarna.
func (p paidPage) session() string {
	p.T.Helper()
	row, _, err := p.w.CheckoutSessions.ByReference(p.T.Context(), "p-1")
	if err != nil {
		p.T.Fatal(err)
	}
	now, err := p.w.Carts.Get(p.T.Context(), row.CartID, cart.Fallback{})
	if err != nil {
		p.T.Fatal(err)
	}
	return now.SessionID
}

// place sends the order call of the page.
func (p paidPage) place(token string, amount int64) shoptest.Answer {
	p.T.Helper()
	body := fmt.Sprintf(`{"authorization_token": %q, "form": %q, "order_amount": %d, "billing_address": {"given_name": "Eva", "family_name": "Lind", "email": "eva@example.com", "phone": "+46701234567", "street_address": "Storgatan 1", "postal_code": "11122", "city": "Stockholm", "country": "SE"}}`, token, p.page.Payments.Form, amount)
	return p.Do(http.MethodPost, p.page.Payments.PlaceURL, "application/json", body)
}

// Who has paid a session with Klarna Payments comes to the merchant's page, also while the order cannot
// be placed: then the session says so.
func TestPaymentsPlacing(t *testing.T) {
	const managed = "/ordermanagement/v1/orders/*"
	for _, tc := range []struct {
		name  string
		fault fakeklarna.Fault
	}{
		{"not known yet", fakeklarna.Fault{Method: "GET", Path: managed, Status: 404}},
		{"read", fakeklarna.Fault{Method: "GET", Path: managed, Status: 503}},
		{"acknowledge", fakeklarna.Fault{Method: "POST", Path: managed + "/acknowledge", Status: 503}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := like(t, func(s *settings.Shop) { s.Checkout.Payments = true })
			c := calls(w)
			p := openPaid(w, c)
			id := p.session()
			token := w.Authorize(id)
			tc.fault.Count = -1
			w.Fake.AddFault(tc.fault)
			p.placed(p.place(token, 257800))
			at, _ := w.Fake.Session(id)
			confirmation := "/checkout/confirmation?order_id=" + at.Fake.OrderID
			is := func(when, status string) {
				t.Helper()
				if got := p.Get(confirmation); got.StatusCode != 303 || got.Header.Get("Location") != "https://www.example.com/thanks?basket=p-1" {
					t.Errorf("%s: %d to %q", when, got.StatusCode, got.Header.Get("Location"))
				}
				if got := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session.Status; string(got) != status {
					t.Errorf("%s the session is %s, want %s", when, got, status)
				}
			}
			stored := tc.name == "acknowledge" // it is in the book then
			is("while it fails", map[bool]string{false: "placing", true: "complete"}[stored])
			w.Fake.ClearFaults()
			is("in the end", "complete")
		})
	}
}

// placed demands that an order call has brought an order.
func (p paidPage) placed(got shoptest.Answer) {
	p.T.Helper()
	if got.StatusCode != 200 {
		p.T.Errorf("got %d %s", got.StatusCode, got.Text)
	}
}

const orderCall = "/payments/v1/authorizations/*/order"

// The merchant's server is asked before a purchase is approved, and no more once it may be made: its no
// would be told to somebody who has bought. What is approved anew is asked about anew.
func TestPaymentsValidateHookOnce(t *testing.T) {
	placed, perhaps := fakeklarna.Fault{DropReply: true}, fakeklarna.Fault{Status: 503}
	for _, tc := range []struct {
		name  string
		fault fakeklarna.Fault // of the order call
		then  func(p paidPage, token string)
		asked int // then
	}{
		{"the page again, it is placed", placed, func(p paidPage, token string) { p.placed(p.place(token, 257800)) }, 0},
		{"the page again", perhaps, func(p paidPage, token string) { p.placed(p.place(token, 257800)) }, 0},
		{"the loop", perhaps, func(p paidPage, _ string) { p.w.Round(time.Minute) }, 0},
		{"approved anew", perhaps, func(p paidPage, _ string) {
			if got := p.place(p.w.Authorize(p.session()), 257800); got.StatusCode != 409 || !strings.Contains(got.Text, "refused_by_shop") {
				p.T.Errorf("got %d %s", got.StatusCode, got.Text)
			}
		}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newAsked(t)
			w := hooked(t, m, func(s *settings.Shop) {
				s.Checkout.Payments = true
				s.Hooks.Validate, s.Hooks.Delivery = s.Hooks.Delivery, nil
			})
			c := calls(w)
			m.says(`{"ok": true}`)
			p := openPaid(w, c)
			token := w.Authorize(p.session())
			tc.fault.Method, tc.fault.Path, tc.fault.Count = http.MethodPost, orderCall, 3
			w.Fake.AddFault(tc.fault)
			if got := p.place(token, 257800); got.StatusCode != 503 || len(m.questions()) != 1 {
				t.Fatalf("without an answer: %d %s", got.StatusCode, got.Text)
			}
			m.says(`{"ok": false}`)
			tc.then(p, token)
			if asked := m.questions(); len(asked) != tc.asked {
				t.Errorf("asked %v", asked)
			}
			sold := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session
			if refused := tc.asked > 0; sold.Status == "complete" == refused || (sold.Refused != nil) != refused {
				t.Errorf("the session is %s, refused %+v", sold.Status, sold.Refused)
			}
		})
	}
}
