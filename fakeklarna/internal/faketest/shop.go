// Package faketest is what the tests of all rooms share: shops that call a fake, merchants
// that it calls, browsers.
package faketest

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
	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// Shop is a client of the fake in a test.
type Shop struct {
	T    testing.TB
	Fake *fakeklarna.TestServer
	ID   string // of the order that Start made
}

// NewShop starts a fake that ends with the test.
func NewShop(t testing.TB, o fakeklarna.Options) *Shop {
	return &Shop{T: t, Fake: fakeklarna.NewServer(t, o)}
}

// Answer is what the fake answered; Err is set when no whole answer came.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Err    error
}

// Order decodes an order of the checkout.
func (a Answer) Order(t testing.TB) fakeklarna.Order {
	t.Helper()
	var o fakeklarna.Order
	if err := json.Unmarshal(a.Body, &o); err != nil {
		t.Fatalf("status %d, body %q: %v", a.Status, a.Body, err)
	}
	return o
}

// Send makes a request with the right credentials.
func (s *Shop) Send(method, path, body string) Answer {
	return s.SendAs("demo", "demo", method, path, body)
}

// SendAs makes a request with other credentials.
func (s *Shop) SendAs(user, password, method, path, body string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.Fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	return Do(r)
}

// Do makes a request.
func Do(r *http.Request) Answer {
	// A connection of its own: Go's transport repeats a GET on a used one that breaks.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, body, err}
}

// Start makes an order of content and keeps its ID.
func (s *Shop) Start(content map[string]any) fakeklarna.Order {
	s.T.Helper()
	got := s.Send("POST", "/checkout/v3/orders", Text(content))
	if got.Status != http.StatusCreated {
		s.T.Fatalf("create: got %d %s, want 201", got.Status, got.Body)
	}
	o := got.Order(s.T)
	s.ID = o.OrderID
	return o
}

// Shopper acts in the iframe; the action must be possible.
func (s *Shop) Shopper(a fakeklarna.Action) fakeklarna.Outcome {
	s.T.Helper()
	out, err := s.Fake.Shopper(s.ID, a)
	if err != nil {
		s.T.Fatal(err)
	}
	return out
}

// Order returns the shop's order as the fake has it.
func (s *Shop) Order() fakeklarna.Order {
	s.T.Helper()
	o, ok := s.Fake.Order(s.ID)
	if !ok {
		s.T.Fatalf("the fake has no order %q", s.ID)
	}
	return o
}

// Text encodes a value as JSON.
func Text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// CaseA is the smallest useful order of Klarna's documentation: two mugs and
// their freight in Sweden.
func CaseA() map[string]any {
	return Decode(`{
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

// Decode decodes a JSON object, with its numbers as they are.
func Decode(text string) map[string]any {
	var v map[string]any
	d := json.NewDecoder(bytes.NewBufferString(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// Gone is a value for with: the member is left out.
type Gone struct{}

var step = regexp.MustCompile(`[^.\[\]]+`)

// With changes content: pairs are a path, such as order_lines[0].quantity, and
// a value.
func With(content map[string]any, pairs ...any) map[string]any {
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
		if pairs[i+1] == (Gone{}) {
			delete(members, last)
		} else {
			members[last] = pairs[i+1]
		}
	}
	return content
}

// Caller calls a fake without a network.
type Caller struct {
	T    testing.TB
	Fake *fakeklarna.Server
}

// NewCaller makes a fake without options.
func NewCaller(t testing.TB) *Caller { return &Caller{t, fakeklarna.New(fakeklarna.Options{})} }

// Do makes a request with the right credentials.
func (c *Caller) Do(method, path, body string) Answer {
	return Serve(c.T, c.Fake.ServeHTTP, method, path, body)
}

// Serve makes a request with the right credentials to a handler. Headers are pairs.
func Serve(t testing.TB, handler http.HandlerFunc, method, path, body string, header ...string) Answer {
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler(w, r)
	return Answer{w.Code, w.Header(), w.Body.Bytes(), nil}
}

// The paths of the checkout API; {id} stands for the ID of the order that the
// row's state made.
const (
	OrdersPath = "/checkout/v3/orders"
	KCOOrder   = OrdersPath + "/{id}"
	KCOAbort   = KCOOrder + "/abort"
)

// SessionsPath is that of all payment sessions.
const SessionsPath = "/payments/v1/sessions"

// Names that every test uses.
type (
	Line   = fakeklarna.OrderLine
	Action = fakeklarna.Action
	Fault  = fakeklarna.Fault
)

// States that an order may be in before a call.
var States = map[string]func(*Shop){
	"open":        func(*Shop) {},
	"touched":     func(s *Shop) { s.Shopper(Action{Type: map[string]string{"email": "a@b.example"}}) },
	"complete":    func(s *Shop) { s.Shopper(Action{Buy: &fakeklarna.Buy{}}) },
	"aborted":     func(s *Shop) { s.Send("POST", "/checkout/v3/orders/"+s.ID+"/abort", "") },
	"expired":     func(s *Shop) { s.Fake.Advance(48*time.Hour + time.Second) },
	"unknown":     func(s *Shop) { s.ID = "c248d252-53d3-64bd-9245-08737e6f7b10" },
	"nearly over": func(s *Shop) { s.Fake.Advance(48*time.Hour - time.Minute) },
	"old, updated": func(s *Shop) {
		s.Fake.Advance(47 * time.Hour)
		s.Send("POST", "/checkout/v3/orders/"+s.ID, "{}")
		s.Fake.Advance(47 * time.Hour)
	},
	"old, typed in": func(s *Shop) {
		s.Fake.Advance(47 * time.Hour)
		s.Shopper(Action{Type: map[string]string{"email": "a@b.example"}})
		s.Fake.Advance(47 * time.Hour)
	},
	"old, read only": func(s *Shop) {
		s.Fake.Advance(47 * time.Hour)
		s.Send("GET", "/checkout/v3/orders/"+s.ID, "")
		if _, err := s.Fake.Shopper(s.ID, Action{}); err != nil {
			s.T.Error(err)
		}
		s.Fake.Advance(2 * time.Hour)
	},
	"old, complete": func(s *Shop) {
		s.Shopper(Action{Buy: &fakeklarna.Buy{}})
		s.Fake.Advance(30 * 24 * time.Hour)
	},
	"old, aborted": func(s *Shop) {
		s.Send("POST", "/checkout/v3/orders/"+s.ID+"/abort", "")
		s.Fake.Advance(49 * time.Hour)
	},
}

// UUIDShape fits IDs.
var UUIDShape = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Generic returns JSON as maps, lists and numbers as they are written.
func Generic(text string) any {
	return Decode(`{"v":` + text + `}`)["v"]
}

// Find returns what stands at a path, such as order_lines[0].name.
func Find(in any, path string) (any, bool) {
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

// SendWith is send with an Authorization header of one's own.
func (s *Shop) SendWith(method, path, body, auth string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.Fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	switch auth {
	case "":
		r.SetBasicAuth("demo", "demo")
	case "none":
	default:
		r.Header.Set("Authorization", auth)
	}
	return Do(r)
}

// SendFor is send with a client that goes away after a time.
func (s *Shop) SendFor(patience time.Duration, method, path, body string) Answer {
	ctx, cancel := context.WithTimeout(s.T.Context(), patience)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, method, s.Fake.URL+path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	return Do(r)
}

// SendKeyed posts with an idempotency key.
func (s *Shop) SendKeyed(path, body, key string) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), "POST", s.Fake.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Klarna-Idempotency-Key", key)
	if got := Do(r); got.Status != 201 {
		s.T.Fatalf("%s: got %d %s", path, got.Status, got.Body)
	}
}

// Page loads a page below /fake/ as a browser does.
func (s *Shop) Page(path string, status int) Node {
	s.T.Helper()
	got := s.Browse(http.MethodGet, path, nil, nil)
	if got.Status != status || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		s.T.Fatalf("GET /fake/%s: %d %s, want a page with %d", path, got.Status, got.Header.Get("Content-Type"), status)
	}
	return Parse(s.T.(*testing.T), string(got.Body))
}

// Browse sends what a browser sends; a form where values are given.
func (s *Shop) Browse(method, path string, values url.Values, header map[string]string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.Fake.URL+"/fake/"+path, strings.NewReader(values.Encode()))
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Accept", BrowserAccept)
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return Do(r)
}

// BrowserAccept is what browsers send when they load a page.
const BrowserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// spot is a value in an order by its path.
type spot struct {
	Path  string
	Value any
}

// Spots are all values in v but those of members that are unknown, so that what
// they are does not matter.
func Spots(path string, v any) []spot {
	found := []spot{{path, v}}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name != "unknown" {
				found = append(found, Spots(strings.TrimPrefix(path+"."+name, "."), v[name])...)
			}
		}
	case []any:
		for i, element := range v {
			found = append(found, Spots(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	}
	return found
}

// Lived makes a fake with some of everything.
func Lived(t testing.TB, o fakeklarna.Options) *Shop {
	s := NewShop(t, o)
	s.Fake.Advance(time.Hour)
	for _, state := range []string{"aborted", "complete", "touched"} {
		s.Start(RichOrder())
		States[state](s)
	}
	s.Send("POST", OrdersPath, "no JSON")
	bought := s.Fake.Orders()[1].OrderID
	for range 2 {
		s.SendKeyed("/ordermanagement/v1/orders/"+bought+"/captures", `{"captured_amount":1000}`, "key-1")
	}
	session := Decode(string(s.Send("POST", "/payments/v1/sessions", Text(CaseA())).Body))["session_id"].(string)
	authorized := s.Send("POST", "/fake/sessions/"+session+"/shopper", `{"authorize":{}}`)
	if token, ok := Decode(string(authorized.Body))["authorization_token"].(string); !ok {
		t.Fatalf("authorize: got %d %s", authorized.Status, authorized.Body)
	} else if got := s.Send("POST", "/payments/v1/authorizations/"+token+"/order", Text(CaseA())); got.Status != 200 {
		t.Fatalf("place: got %d %s", got.Status, got.Body)
	}
	s.Fake.AddFault(Fault{Method: "PUT", Status: 503, Header: map[string]string{"X-A": "b"}, Body: "busy", Count: 3, Probability: 0.5})
	return s
}

// Ada is an address.
func Ada() map[string]any {
	return map[string]any{"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com", "phone": "+46701234567",
		"street_address": "Stårgatan 1", "postal_code": "12345", "city": "Ankeborg", "country": "SE"}
}

// CartOf is a cart of so many mugs and their freight in Sweden.
func CartOf(mugs int) map[string]any {
	c := With(CaseA(), "merchant_urls", Gone{}, "locale", Gone{}, "purchase_country", Gone{}, "purchase_currency", Gone{}, "merchant_reference1", Gone{})
	return With(c,
		"order_lines[0].quantity", mugs, "order_lines[0].total_amount", mugs*19900, "order_lines[0].total_tax_amount", mugs*3980,
		"order_amount", mugs*19900+4900, "order_tax_amount", mugs*3980+980)
}

// CartSE is a session of two mugs in Sweden.
func CartSE() map[string]any {
	return With(CartOf(2), "purchase_country", "SE", "purchase_currency", "SEK", "locale", "sv-SE",
		"merchant_reference1", "100123",
		"merchant_urls.confirmation", "https://shop.example/thanks?session={session.id}&order={order.id}")
}

// placed is the answer to an order.
type placed struct {
	OrderID     string `json:"order_id"`
	RedirectURL string `json:"redirect_url"`
	FraudStatus string `json:"fraud_status"`
}

// Placed decodes an order of Klarna Payments.
func (a Answer) Placed(t testing.TB) placed {
	t.Helper()
	var p placed
	if err := json.Unmarshal(a.Body, &p); err != nil || a.Status != http.StatusOK || p.OrderID == "" {
		t.Fatalf("order: got %d %s, want 200", a.Status, a.Body)
	}
	return p
}

// Options are two ways of delivery.
var Options = []any{
	map[string]any{"id": "post", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500},
	map[string]any{"id": "express", "name": "Express", "price": 9900, "tax_amount": 1980, "tax_rate": 2500, "preselected": true},
}

// Events returns what a fake tells of an order or a session, as "lane: text".
func Events(fake *fakeklarna.Server, id string) []string {
	var texts []string
	for _, e := range snapshot(fake).State.Events {
		if e.OrderID == id || e.SessionID == id {
			texts = append(texts, e.Lane+": "+e.Text)
		}
	}
	return texts
}

// Waiting is how many jobs of a fake wait for their time.
func Waiting(fake *fakeklarna.Server) int { return len(snapshot(fake).State.Jobs) }

type snapped struct {
	State struct {
		Events []engine.Event
		Jobs   []engine.Job
	}
}

func snapshot(fake *fakeklarna.Server) (s snapped) {
	if err := json.Unmarshal(fake.Snapshot(), &s); err != nil {
		panic(err)
	}
	return s
}
