package fakeklarna_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// shop is a client of the fake in a test.
type shop struct {
	t    testing.TB
	fake *fakeklarna.TestServer
	id   string // of the order that start made
}

func newShop(t testing.TB, o fakeklarna.Options) *shop {
	return &shop{t: t, fake: fakeklarna.NewServer(t, o)}
}

// answer is what the fake answered; err is set when no whole answer came.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (a answer) order(t testing.TB) fakeklarna.Order {
	t.Helper()
	var o fakeklarna.Order
	if err := json.Unmarshal(a.body, &o); err != nil {
		t.Fatalf("status %d, body %q: %v", a.status, a.body, err)
	}
	return o
}

// send makes a request with the right credentials.
func (s *shop) send(method, path, body string) answer {
	return s.sendAs("demo", "demo", method, path, body)
}

func (s *shop) sendAs(user, password, method, path, body string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	return do(r)
}

func do(r *http.Request) answer {
	// A connection of its own: Go's transport repeats a GET on a used one that breaks.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body, err}
}

// start makes an order of content and keeps its ID.
func (s *shop) start(content map[string]any) fakeklarna.Order {
	s.t.Helper()
	got := s.send("POST", "/checkout/v3/orders", text(content))
	if got.status != http.StatusCreated {
		s.t.Fatalf("create: got %d %s, want 201", got.status, got.body)
	}
	o := got.order(s.t)
	s.id = o.OrderID
	return o
}

// shopper acts in the iframe; the action must be possible.
func (s *shop) shopper(a fakeklarna.Action) fakeklarna.Outcome {
	s.t.Helper()
	out, err := s.fake.Shopper(s.id, a)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// order returns the shop's order as the fake has it.
func (s *shop) order() fakeklarna.Order {
	s.t.Helper()
	o, ok := s.fake.Order(s.id)
	if !ok {
		s.t.Fatalf("the fake has no order %q", s.id)
	}
	return o
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// caseA is the smallest useful order of Klarna's documentation: two mugs and
// their freight in Sweden.
func caseA() map[string]any {
	return decode(`{
		"purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
		"order_amount": 44700, "order_tax_amount": 8940,
		"order_lines": [
			{"type":"physical","reference":"MUG-1","name":"Mugg","quantity":2,"quantity_unit":"pcs",
			 "unit_price":19900,"tax_rate":2500,"total_amount":39800,"total_discount_amount":0,"total_tax_amount":7960},
			{"type":"shipping_fee","reference":"STD","name":"Frakt","quantity":1,
			 "unit_price":4900,"tax_rate":2500,"total_amount":4900,"total_tax_amount":980}
		],
		"merchant_urls": {
			"terms":"https://shop.example/terms",
			"checkout":"https://shop.example/checkout?kco={checkout.order.id}",
			"confirmation":"https://shop.example/thanks?kco={checkout.order.id}",
			"push":"https://shop.example/kco/push?kco={checkout.order.id}"
		},
		"merchant_reference1": "100123"
	}`)
}

func decode(text string) map[string]any {
	var v map[string]any
	d := json.NewDecoder(bytes.NewBufferString(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// gone is a value for with: the member is left out.
type gone struct{}

var step = regexp.MustCompile(`[^.\[\]]+`)

// with changes content: pairs are a path, such as order_lines[0].quantity, and
// a value.
func with(content map[string]any, pairs ...any) map[string]any {
	for i := 0; i < len(pairs); i += 2 {
		steps := step.FindAllString(pairs[i].(string), -1)
		var at any = content
		for _, name := range steps[:len(steps)-1] {
			switch v := at.(type) {
			case map[string]any:
				if v[name] == nil {
					v[name] = map[string]any{}
				}
				at = v[name]
			case []any:
				n, _ := strconv.Atoi(name)
				at = v[n]
			}
		}
		last := steps[len(steps)-1]
		members := at.(map[string]any)
		if pairs[i+1] == (gone{}) {
			delete(members, last)
		} else {
			members[last] = pairs[i+1]
		}
	}
	return content
}

// caller calls a fake without a network.
type caller struct {
	t    testing.TB
	fake *fakeklarna.Server
}

func newCaller(t testing.TB) *caller { return &caller{t, fakeklarna.New(fakeklarna.Options{})} }

func (c *caller) do(method, path, body string) answer {
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	w := httptest.NewRecorder()
	c.fake.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes(), nil}
}

// The paths of the checkout API; {id} stands for the ID of the order that the
// row's state made.
const (
	kcoOrders = "/checkout/v3/orders"
	kcoOrder  = kcoOrders + "/{id}"
	kcoAbort  = kcoOrder + "/abort"
)

const sessionsPath = "/payments/v1/sessions"

type line = fakeklarna.OrderLine

type action = fakeklarna.Action

type fault = fakeklarna.Fault

// States that an order may be in before a call.
var states = map[string]func(*shop){
	"open":        func(*shop) {},
	"touched":     func(s *shop) { s.shopper(action{Type: map[string]string{"email": "a@b.example"}}) },
	"complete":    func(s *shop) { s.shopper(action{Buy: &fakeklarna.Buy{}}) },
	"aborted":     func(s *shop) { s.send("POST", "/checkout/v3/orders/"+s.id+"/abort", "") },
	"expired":     func(s *shop) { s.fake.Advance(48*time.Hour + time.Second) },
	"unknown":     func(s *shop) { s.id = "c248d252-53d3-64bd-9245-08737e6f7b10" },
	"nearly over": func(s *shop) { s.fake.Advance(48*time.Hour - time.Minute) },
	"old, updated": func(s *shop) {
		s.fake.Advance(47 * time.Hour)
		s.send("POST", "/checkout/v3/orders/"+s.id, "{}")
		s.fake.Advance(47 * time.Hour)
	},
	"old, typed in": func(s *shop) {
		s.fake.Advance(47 * time.Hour)
		s.shopper(action{Type: map[string]string{"email": "a@b.example"}})
		s.fake.Advance(47 * time.Hour)
	},
	"old, read only": func(s *shop) {
		s.fake.Advance(47 * time.Hour)
		s.send("GET", "/checkout/v3/orders/"+s.id, "")
		if _, err := s.fake.Shopper(s.id, action{}); err != nil {
			s.t.Error(err)
		}
		s.fake.Advance(2 * time.Hour)
	},
	"old, complete": func(s *shop) {
		s.shopper(action{Buy: &fakeklarna.Buy{}})
		s.fake.Advance(30 * 24 * time.Hour)
	},
	"old, aborted": func(s *shop) {
		s.send("POST", "/checkout/v3/orders/"+s.id+"/abort", "")
		s.fake.Advance(49 * time.Hour)
	},
}

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// generic returns JSON as maps, lists and numbers as they are written.
func generic(text string) any {
	return decode(`{"v":` + text + `}`)["v"]
}

// find returns what stands at a path, such as order_lines[0].name.
func find(in any, path string) (any, bool) {
	for _, name := range step.FindAllString(path, -1) {
		switch v := in.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return nil, false
			}
			in = next
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(v) {
				return nil, false
			}
			in = v[n]
		default:
			return nil, false
		}
	}
	return in, true
}

// sendWith is send with an Authorization header of one's own.
func (s *shop) sendWith(method, path, body, auth string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	switch auth {
	case "":
		r.SetBasicAuth("demo", "demo")
	case "none":
	default:
		r.Header.Set("Authorization", auth)
	}
	return do(r)
}

// sendFor is send with a client that goes away after a time.
func (s *shop) sendFor(patience time.Duration, method, path, body string) answer {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, method, s.fake.URL+path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	return do(r)
}

// sendKeyed posts with an idempotency key.
func (s *shop) sendKeyed(path, body, key string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Klarna-Idempotency-Key", key)
	if got := do(r); got.status != 201 {
		s.t.Fatalf("%s: got %d %s", path, got.status, got.body)
	}
}

// page loads a page below /fake/ as a browser does.
func (s *shop) page(path string, status int) node {
	s.t.Helper()
	got := s.browse(http.MethodGet, path, nil, nil)
	if got.status != status || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		s.t.Fatalf("GET /fake/%s: %d %s, want a page with %d", path, got.status, got.header.Get("Content-Type"), status)
	}
	return parse(s.t.(*testing.T), string(got.body))
}

// browse sends what a browser sends; a form where values are given.
func (s *shop) browse(method, path string, values url.Values, header map[string]string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.fake.URL+"/fake/"+path, strings.NewReader(values.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", browserAccept)
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return do(r)
}

// browserAccept is what browsers send when they load a page.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// spot is a value in an order by its path.
type spot struct {
	path  string
	value any
}

// spots are all values in v but those of members that are unknown, so that what
// they are does not matter.
func spots(path string, v any) []spot {
	found := []spot{{path, v}}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name != "unknown" {
				found = append(found, spots(strings.TrimPrefix(path+"."+name, "."), v[name])...)
			}
		}
	case []any:
		for i, element := range v {
			found = append(found, spots(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	}
	return found
}

// lived makes a fake with some of everything.
func lived(t testing.TB, o fakeklarna.Options) *shop {
	s := newShop(t, o)
	s.fake.Advance(time.Hour)
	for _, state := range []string{"aborted", "complete", "touched"} {
		s.start(richOrder())
		states[state](s)
	}
	s.send("POST", kcoOrders, "no JSON")
	bought := s.fake.Orders()[1].OrderID
	for range 2 {
		s.sendKeyed("/ordermanagement/v1/orders/"+bought+"/captures", `{"captured_amount":1000}`, "key-1")
	}
	session := decode(string(s.send("POST", "/payments/v1/sessions", text(caseA())).body))["session_id"].(string)
	authorized := s.send("POST", "/fake/sessions/"+session+"/shopper", `{"authorize":{}}`)
	if token, ok := decode(string(authorized.body))["authorization_token"].(string); !ok {
		t.Fatalf("authorize: got %d %s", authorized.status, authorized.body)
	} else if got := s.send("POST", "/payments/v1/authorizations/"+token+"/order", text(caseA())); got.status != 200 {
		t.Fatalf("place: got %d %s", got.status, got.body)
	}
	s.fake.AddFault(fault{Method: "PUT", Status: 503, Header: map[string]string{"X-A": "b"}, Body: "busy", Count: 3, Probability: 0.5})
	return s
}

func ada() map[string]any {
	return map[string]any{"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com", "phone": "+46701234567",
		"street_address": "Stårgatan 1", "postal_code": "12345", "city": "Ankeborg", "country": "SE"}
}

// cartOf is a cart of so many mugs and their freight in Sweden.
func cartOf(mugs int) map[string]any {
	c := with(caseA(), "merchant_urls", gone{}, "locale", gone{}, "purchase_country", gone{}, "purchase_currency", gone{}, "merchant_reference1", gone{})
	return with(c,
		"order_lines[0].quantity", mugs, "order_lines[0].total_amount", mugs*19900, "order_lines[0].total_tax_amount", mugs*3980,
		"order_amount", mugs*19900+4900, "order_tax_amount", mugs*3980+980)
}

// cartSE is a session of two mugs in Sweden.
func cartSE() map[string]any {
	return with(cartOf(2), "purchase_country", "SE", "purchase_currency", "SEK", "locale", "sv-SE",
		"merchant_reference1", "100123",
		"merchant_urls.confirmation", "https://shop.example/thanks?session={session.id}&order={order.id}")
}

// placed is the answer to an order.
type placed struct {
	OrderID     string `json:"order_id"`
	RedirectURL string `json:"redirect_url"`
	FraudStatus string `json:"fraud_status"`
}

func (a answer) placed(t testing.TB) placed {
	t.Helper()
	var p placed
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusOK || p.OrderID == "" {
		t.Fatalf("order: got %d %s, want 200", a.status, a.body)
	}
	return p
}

var options = []any{
	map[string]any{"id": "post", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500},
	map[string]any{"id": "express", "name": "Express", "price": 9900, "tax_amount": 1980, "tax_rate": 2500, "preselected": true},
}
