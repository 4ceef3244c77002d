package api_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
)

// saysNowhere reports whether a page says that nothing goes to the postal code that was typed in Klarna's form.
func saysNowhere(text string) bool {
	return strings.Contains(html.UnescapeString(text), i18n.T("sv", "note.unreached", "98131"))
}

// Where nothing goes any more to the place that was typed, with what the cart has now, Klarna's form stays, as for a place
// that is not known: in it another can be typed, and until then nothing is bought.
func TestNowhere(t *testing.T) {
	for _, tt := range []struct {
		hosted, own bool // a checkout session; the shop file has ways of its own
	}{{false, true}, {true, true}, {false, false}, {true, false}} {
		hosted := tt.hosted
		t.Run(fmt.Sprintf("hosted %t, own ways %t", hosted, tt.own), func(t *testing.T) {
			m := newAsked(t)
			w := hooked(t, m, func(s *settings.Shop) {
				if s.Markets = slices.Clone(s.Markets); !tt.own {
					s.Markets[0].ShippingOptions = nil
				}
			})
			m.says(fromHook)
			c, b, path := calls(w), w.Browser(), "/checkout"
			if hosted {
				b.Get(strings.TrimPrefix(c.want(c.put("b-1", basket(tent)), 201, "").Session.URL, w.URL))
				path = "/checkout/s/b-1"
			} else {
				b.Add("MUG-1", "2")
			}
			_, id := loadAt(w, b, path)
			shopper := func(a fakeklarna.Action) fakeklarna.Outcome {
				t.Helper()
				out, err := w.Fake.Shopper(id, a)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			there := fakeklarna.Action{Type: map[string]string{"postal_code": "98131", "email": "ada@example.com"}}
			if out := shopper(there); out.Refused != nil {
				t.Fatal(out.Refused)
			}
			goesTo := func(goes string) {
				m.byPlace(func(code string) string {
					if code == "" || strings.HasPrefix(code, goes) {
						return fromHook
					}
					return nowhere
				})
			}
			// changes gives the cart other lines.
			changes := func(n int) {
				if hosted {
					c.want(c.put("b-1", basket(tent+fmt.Sprintf(`, {"id": "m", "name": "Mug", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}`, n))), 200, "")
				} else {
					b.Post("/cart/lines/MUG-1", "quantity", fmt.Sprint(n))
				}
			}
			// shown is what page, cart and session say that it comes to.
			shown := func() (amounts []int64) {
				t.Helper()
				if hosted {
					return []int64{c.call("GET", "/checkout_sessions/b-1", "").Session.OrderAmount}
				}
				var now struct {
					Total int64 `json:"total_amount"`
				}
				b.JSON("/cart", &now)
				return []int64{now.Total}
			}

			goesTo("111")
			changes(5)
			m.questions()
			for range 2 {
				page, again := loadAt(w, b, path)
				if again != id || !saysNowhere(page.Text) {
					t.Fatalf("the form is of %s, before of %s; said: %t", again, id, saysNowhere(page.Text))
				}
			}
			if asked := m.questions(); len(asked) != 2 || asked[0]["postal_code"] != "98131" || asked[1]["postal_code"] != nil {
				t.Errorf("asked %v", asked)
			}
			o := atKlarna(w, id)
			if out := shopper(fakeklarna.Action{}); !slices.Equal(offered(out), []string{"bud", "ombud"}) || !slices.Equal(shown(), []int64{o.OrderAmount}) {
				t.Errorf("offered %v; Klarna has %d, shown is %d", offered(out), o.OrderAmount, shown())
			}
			if !hosted && !saysNowhere(b.Get("/cart").Text) {
				t.Error("the cart does not say it")
			}
			got := b.Do(http.MethodPost, strings.Replace(path+"/update", "//", "/", 1), "application/json", fmt.Sprintf(`{"order_id": %q}`, id))
			var u struct {
				Amount  int64  `json:"order_amount"`
				Summary string `json:"summary_html"`
			}
			if err := json.Unmarshal([]byte(got.Text), &u); err != nil || got.StatusCode != 200 || u.Amount != o.OrderAmount || !saysNowhere(u.Summary) {
				t.Errorf("the open page: %d %v\n%s", got.StatusCode, err, got.Text)
			}

			// Nothing is bought there, however often it is tried.
			for _, a := range []fakeklarna.Action{{Buy: &fakeklarna.Buy{}}, {Type: map[string]string{"postal_code": "98132"}}, {Buy: &fakeklarna.Buy{}}, there, {Buy: &fakeklarna.Buy{}}} {
				if out := shopper(a); out.Refused == nil || !strings.HasPrefix(out.Refused.Message, "Vi kan inte leverera de här varorna till 9813") {
					t.Errorf("%+v: refused with %+v", a, out.Refused)
				}
				if _, again := loadAt(w, b, path); again != id {
					t.Errorf("%+v: another form", a)
				}
			}
			if n := w.Number("select count(*) from approved_orders"); n != 0 {
				t.Errorf("%d are approved", n)
			}

			// Other lines go there again; or another place is typed.
			goesTo("981")
			changes(3)
			if page, _ := loadAt(w, b, path); saysNowhere(page.Text) || atKlarna(w, id).OrderAmount != shown()[0] {
				t.Errorf("it is said still; Klarna has %d, shown is %d", atKlarna(w, id).OrderAmount, shown())
			}
			goesTo("111")
			changes(4)
			loadAt(w, b, path)
			if out := shopper(fakeklarna.Action{Type: map[string]string{"postal_code": "11122"}}); out.Refused != nil || !slices.Equal(offered(out), []string{"bud", "ombud"}) {
				t.Errorf("another place: %+v", out)
			}
			if page, _ := loadAt(w, b, path); saysNowhere(page.Text) {
				t.Error("then it is said still")
			}
			w.Buy(id)
			if o := w.Place(id); o.Delivery.ID != "bud" {
				t.Errorf("in the book: %+v", o.Delivery)
			}
		})
	}
}

// A place to which nothing goes is told as long as the question about a place that is not known has no answer: the next
// page asks it again, and has the form.
func TestNowhereUnanswered(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, noWays)
	m.says(fromHook)
	b := w.Browser()
	b.Add("MUG-1", "2")
	_, id := loadAt(w, b, "/checkout")
	if out, err := w.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "98131", "email": "ada@example.com"}}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	b.Post("/cart/lines/MUG-1", "quantity", "5")
	m.byPlace(func(code string) string {
		if code == "" {
			return ""
		}
		return nowhere
	})
	if got := b.Get("/checkout"); got.StatusCode != 303 || got.Header.Get("Location") != "/cart" {
		t.Errorf("nothing is known of any place: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	m.byPlace(exceptAt("98131", nowhere))
	m.questions()
	if page, again := loadAt(w, b, "/checkout"); again != id || !saysNowhere(page.Text) {
		t.Errorf("the form is of %s, before of %s", again, id)
	}
	if asked := m.questions(); len(asked) != 1 || asked[0]["postal_code"] != nil {
		t.Errorf("asked %v", asked)
	}
}

// The form of an order of nothing has the same way out, and places nothing for where nothing goes.
func TestFreeNowhere(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, nil)
	const free = `{"delivery_options": [{"id": "store", "name": "Butik", "price": 0, "tax_rate": 2500}]}`
	ways := strings.Replace(fromHook, `{"id": "ombud"`, `{"id": "store", "name": "Butik", "price": 0, "tax_rate": 2500}, {"id": "ombud"`, 1)
	m.says(ways)
	c, b := calls(w), w.Browser()
	_, id := open(w, b, c.want(c.put("b-1", basket(tent+", "+card)), 201, "").Session)
	for _, a := range []fakeklarna.Action{{Type: map[string]string{"postal_code": "98131", "email": "ada@example.com"}}, {ShippingOption: "store"}} {
		if out, err := w.Fake.Shopper(id, a); err != nil || out.Refused != nil {
			t.Fatal(out, err)
		}
	}
	freeForm(t, b.Get("/checkout/s/b-1"))
	m.byPlace(func(code string) string {
		switch code {
		case "":
			return ways
		case "111 47":
			return free
		}
		return nowhere
	})
	c.want(c.put("b-1", basket(strings.Replace(tent, "Tent", "Large tent", 1)+", "+card)), 200, "")
	page := b.Get("/checkout/s/b-1")
	if !saysNowhere(page.Text) {
		t.Error("the page does not say why")
	}
	_, form := freeForm(t, page)
	for _, code := range []string{"98131", "981 31", "98132"} {
		form.Set("postal_code", code)
		if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 422 || w.Number("select count(*) from orders") != 0 {
			t.Errorf("placed to %s: %d", code, got.StatusCode)
		}
	}
	_, form = freeForm(t, b.Get("/checkout/s/b-1"))
	if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 200 || w.Number("select count(*) from orders") != 1 {
		t.Errorf("placed: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}
