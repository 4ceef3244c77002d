package api_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// byPlace lets the server answer by the postal code that it is asked about, "" = it is not known. An answer "" is none.
func (m *asked) byPlace(answer func(postalCode string) string) {
	m.does(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		code, _ := m.asked[len(m.asked)-1]["postal_code"].(string)
		m.mu.Unlock()
		text := answer(code)
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, text)
	})
}

// nowhere is the answer that nothing goes there.
const nowhere = `{"delivery_options": []}`

// placePage is an open page of Klarna Payments, of the shop's own cart or of a checkout session.
type placePage struct {
	*shoptest.Browser
	w    *shoptest.World
	path string
	data paymentsPage
}

func (w *placePage) load() (got shoptest.Answer) {
	w.T.Helper()
	got = w.Get(w.path)
	_, data, _ := strings.Cut(got.Text, `id="checkout-data"`)
	_, data, _ = strings.Cut(data, ">")
	data, _, _ = strings.Cut(data, "</script>")
	w.data = paymentsPage{}
	if err := json.Unmarshal([]byte(data), &w.data); err != nil || w.data.Payments == nil || !strings.Contains(got.Text, `id="payments"`) {
		w.T.Fatalf("%s is no form of Klarna Payments: %d to %q, %v\n%s", w.path, got.StatusCode, got.Header.Get("Location"), err, got.Text)
	}
	return got
}

type updated struct {
	Redirect       string `json:"redirect"`
	OrderAmount    int64  `json:"order_amount"`
	OrderTaxAmount int64  `json:"order_tax_amount"`
	DeliveryHTML   string `json:"delivery_html"`
	Summary        string `json:"summary_html"`
	Unreached      bool   `json:"unreached"`
	Error          struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (w *placePage) update(members string) (status int, u updated) {
	w.T.Helper()
	got := w.Do(http.MethodPost, w.data.UpdateURL, "application/json", fmt.Sprintf(`{"form": %q, %s}`, w.data.Payments.Form, members))
	if err := json.Unmarshal([]byte(got.Text), &u); err != nil {
		w.T.Fatalf("%s: %d %s: %v", members, got.StatusCode, got.Text, err)
	}
	return got.StatusCode, u
}

func (w *placePage) place(postalCode string) (status int, code string) {
	w.T.Helper()
	token := w.w.Authorize(w.w.Fake.Sessions()[0].SessionID)
	got := w.Do(http.MethodPost, w.data.Payments.PlaceURL, "application/json", fmt.Sprintf(`{"authorization_token": %q, "form": %q, "order_amount": %d, "billing_address": {"given_name": "Eva", "family_name": "Lind",
		"email": "eva@example.com", "phone": "+46701234567", "street_address": "Storgatan 1", "postal_code": %q, "city": "Stockholm", "country": "SE"}}`,
		token, w.data.Payments.Form, w.data.Payments.Session.OrderAmount, postalCode))
	var u updated
	_ = json.Unmarshal([]byte(got.Text), &u)
	return got.StatusCode, u.Error.Code
}

// A place to which the merchant's server says that nothing goes is not taken over: the form says so and stays, also where
// nothing goes to the place any more that it had.
func TestPaymentsNowhere(t *testing.T) {
	for _, hosted := range []bool{false, true} {
		t.Run(fmt.Sprintf("hosted %t", hosted), func(t *testing.T) {
			m := newAsked(t)
			w := hooked(t, m, func(s *settings.Shop) {
				if s.Checkout.Payments = true; hosted {
					noWays(s)
				}
			})
			m.byPlace(func(code string) string {
				if code == "" || strings.HasPrefix(code, "111") {
					return fromHook
				}
				return nowhere
			})
			b := w.Browser()
			page := &placePage{Browser: b, w: w, path: "/checkout"}
			if hosted {
				b.Get(strings.TrimPrefix(calls(w).want(calls(w).put("p-1", basket(tent)), 201, "").Session.URL, w.URL))
				page.path = "/checkout/s/p-1"
			} else {
				b.Add("MUG-1", "2")
			}
			page.load()
			amount := page.data.Payments.Session.OrderAmount
			for range 2 {
				if status, u := page.update(`"postal_code": "98139"`); status != 422 || u.Error.Code != "unreachable" {
					t.Fatalf("typed: %d %+v", status, u)
				}
			}
			page.load()
			if got := page.data.Payments.Session.OrderAmount; got != amount {
				t.Errorf("then the page is of %d, before of %d", got, amount)
			}
			m.questions()
			status, u := page.update(`"postal_code": "111 57"`)
			if status != 200 || !strings.Contains(u.DeliveryHTML, `value="bud" checked data-anywhere`) || u.OrderAmount != amount {
				t.Errorf("another: %d %+v", status, u)
			}
			if asked := m.questions(); len(asked) != 1 || asked[0]["postal_code"] != "111 57" {
				t.Errorf("asked %v", asked)
			}

			// The order call tells of a place that the page has not.
			if status, code := page.place("98139"); status != 422 || code != "unreachable" {
				t.Errorf("bought there: %d %s", status, code)
			}
			w.Round(time.Minute)
			if s := w.Fake.Sessions()[0]; s.Fake.OrderID != "" || s.Fake.State != "token deleted" {
				t.Errorf("at Klarna it is %q, order %q", s.Fake.State, s.Fake.OrderID)
			}

			// Nothing goes there any more, with what the cart has now: the open page stays and says so, and so does one that
			// is loaded. Nothing is bought there, by the order call or behind it.
			m.byPlace(func(code string) string {
				if code == "" {
					return fromHook
				}
				return nowhere
			})
			change := `"lines": [{"sku": "MUG-1", "quantity": 5}]`
			if hosted {
				calls(w).want(calls(w).put("p-1", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`)), 200, "")
				change = `"shown_country": "SE"`
			}
			said := func(text string) bool {
				return strings.Contains(html.UnescapeString(text), i18n.T("sv", "note.unreached", "111 57"))
			}
			status, u = page.update(change)
			if status != 200 || !u.Unreached || !said(u.Summary) || u.OrderAmount == amount || !strings.Contains(u.DeliveryHTML, `value="bud" checked`) {
				t.Errorf("the open page: %d %+v", status, u)
			}
			changed := u.OrderAmount
			if got := page.load(); !said(got.Text) || page.data.Payments.Session.OrderAmount != changed || page.data.Payments.PostalCode != "" {
				t.Errorf("the page: %t, %+v", said(got.Text), page.data.Payments)
			}
			w.Authorize(w.Fake.Sessions()[0].SessionID)
			w.Round(time.Minute)
			if s := w.Fake.Sessions()[0]; s.Fake.OrderID != "" || s.Fake.State != "token deleted" {
				t.Errorf("after a while: at Klarna it is %q, order %q", s.Fake.State, s.Fake.OrderID)
			}
			for _, code := range []string{"111 57", "98139"} {
				if status, u := page.update(fmt.Sprintf(`"postal_code": %q`, code)); status != 422 || u.Error.Code != "unreachable" {
					t.Errorf("told %s: %d %+v", code, status, u)
				}
				if status, said := page.place(code); status != 422 || said != "unreachable" {
					t.Errorf("bought at %s: %d %s", code, status, said)
				}
			}
			if n := w.Number("select count(*) from approved_orders"); n != 0 {
				t.Errorf("%d are approved", n)
			}
			m.says(fromHook)
			if status, u := page.update(`"postal_code": "11122"`); status != 200 {
				t.Fatalf("at last: %d %+v", status, u)
			}
			page.load()
			if status, code := page.place("11122"); status != 200 {
				t.Errorf("bought: %d %s", status, code)
			}
		})
	}
}

// What an update says of a place is taken over beside what is known of it: state and postal code are typed one by one.
func TestPaymentsPlaceInParts(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) { s.Checkout.Payments = true })
	m.says(`{"delivery_options": [{"id": "boat", "name": "Boat", "price": 500, "tax_rate": 0}]}`)
	b := w.Browser()
	b.Header = http.Header{"Accept-Language": {"en-US"}}
	b.Add("MUG-1", "2")
	page := &placePage{Browser: b, w: w, path: "/checkout"}
	page.load()
	_, first := page.update(`"region": "NY"`)
	if first.OrderTaxAmount == 0 {
		t.Fatalf("no tax in New York: %+v", first)
	}
	for _, tt := range []struct {
		members, region, code string
	}{
		{`"postal_code": "10001"`, "NY", "10001"},
		{`"region": "NJ"`, "NJ", "10001"},
		{`"postal_code": "07001", "region": "NY"`, "NY", "07001"},
	} {
		m.questions()
		status, u := page.update(tt.members)
		if status != 200 || u.OrderTaxAmount == 0 || tt.region == "NY" && u.OrderTaxAmount != first.OrderTaxAmount {
			t.Errorf("%s: %d %+v", tt.members, status, u)
		}
		if asked := m.questions(); len(asked) != 1 || asked[0]["region"] != tt.region || asked[0]["postal_code"] != tt.code {
			t.Errorf("%s: asked %v", tt.members, asked)
		}
	}
}
