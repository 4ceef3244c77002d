package fakeklarna_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

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
