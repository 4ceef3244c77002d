package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/standardwebhooks"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// asked is a merchant's server that is asked.
type asked struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	asked  []map[string]any // in their order
	answer http.HandlerFunc
}

func newAsked(t *testing.T) *asked {
	m := &asked{t: t}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *asked) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	secrets, _ := standardwebhooks.ParseSecrets(hookSecret)
	var seconds int64
	_, _ = fmt.Sscan(r.Header.Get("Webhook-Timestamp"), &seconds)
	want := standardwebhooks.Sign(secrets[0], r.Header.Get("Webhook-Id"), time.Unix(seconds, 0), body)
	if got := r.Header.Get("Webhook-Signature"); got != want || time.Since(time.Unix(seconds, 0)) > time.Minute {
		m.t.Errorf("signature %q at %d", got, seconds)
	}
	var question map[string]any
	if err := json.Unmarshal(body, &question); err != nil || r.Method != http.MethodPost {
		m.t.Errorf("%s with %s", r.Method, body)
	}
	m.mu.Lock()
	m.asked = append(m.asked, question)
	answer := m.answer
	m.mu.Unlock()
	answer(w, r)
}

// says lets the server answer so from now on.
func (m *asked) says(text string) {
	m.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func (m *asked) does(answer http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer = answer
}

// questions are those since the last time.
func (m *asked) questions() []map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

// hooked is a world whose merchant's server is asked.
func hooked(t *testing.T, m *asked, change func(*settings.Shop)) *shoptest.World {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sold := *skerry.Version().Shop
	hook := func(timeout time.Duration) *settings.Hook {
		return &settings.Hook{URL: m.URL, SecretFile: secret, Timeout: timeout}
	}
	sold.Hooks.Delivery = hook(500 * time.Millisecond)
	if change != nil {
		change(&sold)
	}
	return world(t, func(c *shop.Config) {
		c.Published = publish.Fixed(publish.NewVersion(1, &sold, skerry.Version().Catalog))
	})
}

const fromHook = `{"delivery_options": [
	{"id": "bud", "name": "Bud", "price": 5000, "tax_rate": 2500},
	{"id": "ombud", "name": "Kiosken", "price": 3000, "tax_rate": 2500, "pickup_point": {"id": "k1", "name": "Kiosken", "address": {"street_address": "Sveavägen 5", "postal_code": "11157", "city": "Stockholm"}}}
]}`

func offered(out fakeklarna.Outcome) (ids []string) {
	for _, o := range out.ShippingOptions {
		ids = append(ids, o.ID)
	}
	return ids
}

// The delivery hook is asked when a form is opened and where the order goes elsewhere, never
// in a call of the merchant's; what it says is offered, and its rates are those of the place.
func TestDeliveryHook(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, nil)
	c := calls(w)
	m.says(fromHook)
	made := c.want(c.put("b", basket(tent)), 201, "").Session
	if asked := m.questions(); len(asked) > 0 {
		t.Fatalf("asked in a call: %v", asked)
	}
	b := w.Browser()
	page, id := open(w, b, made)
	asked := m.questions()
	if len(asked) != 1 {
		t.Fatalf("asked %d times when the form was opened", len(asked))
	}
	first := asked[0]
	lines, _ := first["order_lines"].([]any)
	if first["reference"] != "b" || first["country"] != "SE" || first["postal_code"] != nil || len(lines) != 1 || lines[0].(map[string]any)["id"] != "t" {
		t.Errorf("asked %v", first)
	}
	if !strings.Contains(page.Text, "Bud") {
		t.Error("the page does not name the delivery")
	}
	now := c.call("GET", "/checkout_sessions/b", "").Session
	if len(now.DeliveryOptions) != 2 || now.DeliveryOptions[1].PickupPoint == nil || now.DeliveryOptions[1].PickupPoint.Address.City != "Stockholm" || now.OrderAmount != 249900+5000 {
		t.Errorf("the session: %+v", now)
	}
	load(w, b, "b")
	if asked := m.questions(); len(asked) > 0 {
		t.Errorf("asked the same again: %v", asked)
	}

	// Another place has other ways and another rate; the shopper takes a pickup point.
	m.says(`{"delivery_options": [{"id": "ombud", "name": "Kiosken", "price": 3000, "tax_rate": 600, "pickup_point": {"id": "k1", "name": "Kiosken"}}], "order_lines": [{"id": "t", "tax_rate": 600}]}`)
	out, err := w.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "98131", "email": "ada@example.com"}})
	if err != nil || out.Refused != nil || !slices.Equal(offered(out), []string{"ombud"}) || out.Total != 252900 {
		t.Fatalf("after the address: %+v, %v", out, err)
	}
	if asked := m.questions(); len(asked) != 1 || asked[0]["postal_code"] != "98131" {
		t.Errorf("asked %v", asked)
	}
	now = c.call("GET", "/checkout_sessions/b", "").Session
	if now.OrderLines[0].TaxRate == nil || *now.OrderLines[0].TaxRate != 600 || now.OrderTaxAmount != 14145+170 {
		t.Errorf("the rate of the place: %+v", now.OrderLines[0])
	}

	// New lines by a call: the last answer for this place counts, and the next form asks.
	more := c.want(c.put("b", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`)), 200, "").Session
	if asked := m.questions(); len(asked) > 0 || more.OrderAmount != 253900 || len(more.DeliveryOptions) != 1 {
		t.Errorf("asked %v, %+v", asked, more)
	}
	load(w, b, "b")
	if asked := m.questions(); len(asked) != 1 || asked[0]["postal_code"] != "98131" {
		t.Errorf("after new lines: %v", asked)
	}
	w.Buy(id)
	o := w.Place(id)
	if o.Delivery.PickupLocation.ID != "k1" || o.OrderLines[0].TaxRate != 600 {
		t.Errorf("in the book: %+v, %+v", o.Delivery, o.OrderLines[0])
	}
}

// What comes to a sum below 0 is no answer, when the form is opened and when a place is typed: the last one counts.
func TestDeliveryHookBelowNothing(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Markets = slices.Clone(s.Markets)
		s.Markets[0].ShippingOptions = s.Markets[0].ShippingOptions[:1] // 4900
	})
	c := calls(w)
	free := `{"delivery_options": [{"id": "dear", "name": "Dear", "price": 5000, "tax_rate": 2500}, {"id": "free", "name": "Free", "price": 0, "tax_rate": 2500}]}`
	m.says(free)
	b := w.Browser()
	_, id := open(w, b, c.want(c.put("b", basket(`{"name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}, {"type": "discount", "name": "Off", "quantity": 1, "unit_price": -3500}`)), 201, "").Session)
	typed := func(postalCode string) fakeklarna.Outcome {
		out, err := w.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": postalCode, "email": "ada@example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := typed("98131"); out.Refused != nil || out.Total != 1000-3500+4900 {
		t.Errorf("below 0: %d, %+v", out.Total, out.Refused)
	}
	m.says(fromHook)
	if out := typed("11122"); out.Refused != nil || out.Total != 1000-3500+5000 {
		t.Errorf("elsewhere: %d, %+v", out.Total, out.Refused)
	}
	m.says(free)
	load(w, b, "b")
	// That nothing goes there is an answer, whatever the goods alone come to.
	m.says(`{"delivery_options": []}`)
	if out := typed("98499"); out.Refused == nil {
		t.Errorf("where nothing goes: %+v", out)
	}
}

// Where there is no good answer, the last one for the place counts, else the shop file's ways;
// each is counted and logged, and none takes longer than it may.
func TestDeliveryHookFails(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, nil)
	c := calls(w)
	var usual []string
	for _, o := range skerry.Version().Shop.Markets[0].ShippingOptions {
		usual = append(usual, o.ID)
	}
	six := strings.Repeat(`{"id": "a%d", "name": "A", "price": 1, "tax_rate": 0, "pickup_point": {"id": "a%d", "name": "A"}},`, 6)
	var ids []any
	for i := range 6 {
		ids = append(ids, i, i)
	}
	for _, tt := range []struct {
		name, result string
		answer       http.HandlerFunc
	}{
		{"hangs", "no_answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"hangs in the middle", "no_answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, fromHook[:30])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"redirects", "bad_answer", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
		}},
		{"10 MB", "bad_answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"delivery_options": [], "more": "`+strings.Repeat("a", 10<<20)+`"}`)
		}},
		{"no JSON", "bad_answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }},
		{"another JSON", "bad_answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[1]`) }},
		{"nothing said", "bad_answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }},
		{"a price below 0", "bad_answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(fromHook, "5000", "-5000", 1))
		}},
		{"a part of a unit", "bad_answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(fromHook, "5000", "50.5", 1))
		}},
		{"an ID twice", "bad_answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(fromHook, "ombud", "bud", 1))
		}},
		{"six pickup points", "bad_answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"delivery_options": [`+strings.TrimSuffix(six, ",")+`]}`, ids...)
		}},
		{"500", "bad_answer", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, fromHook, http.StatusInternalServerError) }},
		{"goes away", "no_answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.T = t
			reference := strings.ReplaceAll(tt.name, " ", "-")
			m.does(tt.answer)
			counted := observetest.Counted(t, w.Hooks.Observer, "shopd_hook_duration_seconds_count")
			start := time.Now()
			made := c.want(c.put(reference, basket(tent)), 201, "").Session
			_, id := open(w, w.Browser(), made)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			out, err := w.Fake.Shopper(id, fakeklarna.Action{})
			if err != nil || !slices.Equal(offered(out), usual) {
				t.Errorf("offered %v, %v, want %v", offered(out), err, usual)
			}
			if n := len(m.questions()); n != 1 {
				t.Errorf("asked %d times", n)
			}
			label := fmt.Sprintf(`hook="delivery",result=%q`, tt.result)
			now := observetest.Counted(t, w.Hooks.Observer, "shopd_hook_duration_seconds_count")
			if now[label]-counted[label] != 1 {
				t.Errorf("counted %v, before %v", now, counted)
			}
			if !strings.Contains(w.Log.String(), "no good answer of the merchant's server") {
				t.Error("not logged")
			}
			w.T = t
		})
	}
	w.T = t

	// The last answer for this place counts.
	m.says(fromHook)
	b := w.Browser()
	made := c.want(c.put("kept", basket(tent)), 201, "").Session
	open(w, b, made)
	m.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	c.want(c.put("kept", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`)), 200, "")
	_, id := load(w, b, "kept")
	if out, err := w.Fake.Shopper(id, fakeklarna.Action{}); err != nil || !slices.Equal(offered(out), []string{"bud", "ombud"}) {
		t.Errorf("offered %v, %v", offered(out), err)
	}
	// Nothing goes there: the page says so, and no form is opened.
	m.says(`{"delivery_options": []}`)
	link := c.want(c.put("nowhere", basket(tent)), 201, "").Session
	stranger := w.Browser()
	stranger.Get(strings.TrimPrefix(link.URL, w.URL))
	before := len(w.Fake.Orders())
	if page := stranger.Get("/checkout/s/nowhere"); page.StatusCode != 200 || len(w.Fake.Orders()) != before {
		t.Errorf("nothing goes there: %d, %d orders", page.StatusCode, len(w.Fake.Orders())-before)
	}
}

// Where prices are without tax, what the merchant's server says has no rate: an answer with one is no good answer, and the
// form opens as without it.
func TestDeliveryHookWithoutTax(t *testing.T) {
	for _, withPayments := range []bool{false, true} {
		m := newAsked(t)
		w := hooked(t, m, func(s *settings.Shop) { s.Checkout.Payments = withPayments })
		c := calls(w)
		for i, tt := range []struct{ answer, result string }{
			{`{"order_lines": [{"id": "1", "tax_rate": 725}]}`, "bad_answer"},
			{`{"delivery_options": [{"id": "boat", "name": "Boat", "price": 500, "tax_rate": 725}]}`, "bad_answer"},
			{`{"delivery_options": [{"id": "boat", "name": "Boat", "price": 500, "tax_rate": 0}], "order_lines": [{"id": "1", "tax_rate": 0}]}`, "answered"},
		} {
			m.says(tt.answer)
			reference := fmt.Sprint("us-", i)
			us := strings.Replace(basket(`{"name": "x", "quantity": 1, "unit_price": 10000, "tax_rate": 0}`), "SE", "US", 1)
			made := c.want(c.put(reference, us), 201, "").Session
			counted := observetest.Counted(t, w.Hooks.Observer, "shopd_hook_duration_seconds_count")
			if withPayments {
				openPayments(w, w.Browser(), made.URL, reference)
			} else {
				open(w, w.Browser(), made)
			}
			label := fmt.Sprintf(`hook="delivery",result=%q`, tt.result)
			if now := observetest.Counted(t, w.Hooks.Observer, "shopd_hook_duration_seconds_count"); now[label]-counted[label] != 1 {
				t.Errorf("payments %t, %s: counted %v, before %v", withPayments, tt.answer, now, counted)
			}
			offers := []string{"mailboat", "express", "collect"}
			if tt.result == "answered" {
				offers = []string{"boat"}
			}
			now := c.call("GET", "/checkout_sessions/"+reference, "").Session
			var got []string
			for _, o := range now.DeliveryOptions {
				got = append(got, o.ID)
			}
			if !slices.Equal(got, offers) || *now.OrderLines[0].TaxRate != 0 {
				t.Errorf("payments %t, %s: %v, %+v", withPayments, tt.answer, got, now.OrderLines[0])
			}
		}
	}
}

// Pickup points of one way of delivery of the shop file are those that the hook says.
func TestPickupPointsByHook(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Markets = slices.Clone(s.Markets)
		s.Markets[0].ShippingOptions = []market.ShippingOption{
			{ID: "parcel", Name: i18n.Text{"sv": "Hem"}, Price: 7900}, {ID: "agent", Name: i18n.Text{"sv": "Ombud"}, Price: 4900, AskPoints: true},
		}
	})
	c := calls(w)
	m.says(fromHook)
	_, id := open(w, w.Browser(), c.want(c.put("b", basket(tent)), 201, "").Session)
	out, err := w.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "98131"}, ShippingOption: "agent:k1"})
	if err != nil || out.Refused != nil || !slices.Equal(offered(out), []string{"parcel", "agent:k1"}) || out.Total != 249900+4900 || out.ShippingOption != "agent:k1" {
		t.Errorf("%+v, %v", out, err)
	}
	m.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	_, id = open(w, w.Browser(), c.want(c.put("c", basket(tent)), 201, "").Session)
	if out, err := w.Fake.Shopper(id, fakeklarna.Action{}); err != nil || !slices.Equal(offered(out), []string{"parcel", "agent"}) {
		t.Errorf("without an answer: %v, %v", offered(out), err)
	}
}

// The validate hook decides, in the shopper's language; without a good answer the shop file
// does. What changes meanwhile is not bought.
func TestValidateHook(t *testing.T) {
	for _, approve := range []bool{false, true} {
		t.Run(fmt.Sprintf("on failure approve %t", approve), func(t *testing.T) {
			m := newAsked(t)
			w := hooked(t, m, func(s *settings.Shop) {
				s.Hooks.Validate, s.Hooks.Delivery = s.Hooks.Delivery, nil
				s.Hooks.Validate.Approve = approve
			})
			c := calls(w)
			b := w.Browser()
			_, id := open(w, b, c.want(c.put("b", basket(tent, home, `"order_number": "W-1"`)), 201, "").Session)
			buy := func() string {
				out, err := w.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
				if err != nil {
					t.Fatal(err)
				}
				if out.Refused == nil {
					return ""
				}
				return fmt.Sprintf("%+v", *out.Refused)
			}
			m.says(`{"ok": false, "message": {"en": "Sold in the shop", "sv": "Såld i butiken"}}`)
			if got := buy(); !strings.Contains(got, "Såld i butiken") {
				t.Errorf("refused with %s", got)
			}
			asked := m.questions()
			for said, want := range map[string]string{
				`{"sv": "", "en": "Sold in the shop"}`: "Sold in the shop",
				`{"sv": 5}`:                            "Butiken kan inte ta emot köpet",
				`"Slutsåld"`:                           "Butiken kan inte ta emot köpet",
				`{"sv": "` + strings.Repeat("a", 501) + `"}`: "Butiken kan inte ta emot köpet",
			} {
				m.says(`{"ok": false, "message": ` + said + `}`)
				if got := buy(); !strings.Contains(got, want) {
					t.Errorf("refused by %.30s with %q, want %s", said, got, want)
				}
			}
			if len(asked) != 1 || asked[0]["reference"] != "b" || asked[0]["order_number"] != "W-1" || asked[0]["order_amount"] != 257800.0 || asked[0]["country"] != "SE" ||
				asked[0]["delivery_option"].(map[string]any)["id"] != "parcel" {
				t.Errorf("asked %v", asked)
			}
			// The basket changes while the merchant's server is asked.
			row, _, err := w.CheckoutSessions.ByReference(t.Context(), "b")
			if err != nil {
				t.Fatal(err)
			}
			m.does(func(res http.ResponseWriter, _ *http.Request) {
				if _, err := w.Carts.Update(t.Context(), row.CartID, shoptest.Sweden, func(c *cart.Cart) error {
					b := *c.Basket
					b.Lines = slices.Clone(b.Lines)
					b.Lines[0].Quantity, c.Basket = 2, &b
					return nil
				}); err != nil {
					t.Error(err)
				}
				_, _ = io.WriteString(res, `{"ok": true}`)
			})
			if got := buy(); !strings.Contains(got, "cart_changed") {
				t.Errorf("bought what was changed meanwhile: %s", got)
			}
			load(w, b, "b")
			m.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
			got := buy()
			switch {
			case approve && got != "", !approve && !strings.Contains(got, "Butiken kan inte ta emot köpet"):
				t.Errorf("without an answer: %s", got)
			}
			if !approve {
				m.says(`{"ok": true}`)
				if got := buy(); got != "" {
					t.Errorf("refused with %s", got)
				}
			}
			if o := w.Place(id); o.Number != "W-1" {
				t.Errorf("in the book: %s", o.Number)
			}
		})
	}
}
