package fakeklarna_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// merchant answers callbacks in place of a shop, without a network: it is the
// fake's transport. The last element of a callback's path names its kind.
type merchant struct {
	mu      sync.Mutex
	answers map[string]says
	got     []received
}

// says is a merchant's answer. With during, that is done before it.
type says struct {
	status   int // 0: none until the fake has given up, -1: the connection breaks
	body     string
	location string
	after    time.Duration
	during   func()
}

type received struct {
	kind, url, contentType, body string
}

func (m *merchant) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	kind := path.Base(r.URL.Path)
	m.mu.Lock()
	m.got = append(m.got, received{kind, r.URL.String(), r.Header.Get("Content-Type"), string(body)})
	a, ok := m.answers[kind]
	m.mu.Unlock()
	if !ok {
		a = says{status: http.StatusNotFound}
	}
	if a.during != nil {
		a.during()
	}
	wait, done := context.WithTimeout(r.Context(), a.after)
	if a.status == 0 {
		wait, done = context.WithCancel(r.Context())
	}
	defer done()
	<-wait.Done()
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case a.status < 0:
		return nil, errors.New("connection reset by peer")
	}
	w := &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
	if a.location != "" {
		w.Header.Set("Location", a.location)
	}
	return w, nil
}

// will makes the merchant answer a kind of callback.
func (m *merchant) will(kind string, a says) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]says{}
	}
	m.answers[kind] = a
}

func (m *merchant) received() []received {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

// kinds returns what was received, in order.
func (m *merchant) kinds() string {
	var kinds []string
	for _, r := range m.received() {
		kinds = append(kinds, r.kind)
	}
	return strings.Join(kinds, " ")
}

// called is a fake that calls a merchant, and one of its orders.
type called struct {
	*caller
	*merchant
	id string
}

// newCalled makes a fake and an order that has, besides, the callbacks named.
func newCalled(t testing.TB, content map[string]any, callbacks ...string) *called {
	return newCalledWith(t, fakeklarna.Options{}, content, callbacks...)
}

func newCalledWith(t testing.TB, o fakeklarna.Options, content map[string]any, callbacks ...string) *called {
	t.Helper()
	m := &merchant{}
	o.CallbackTransport = m
	if o.CallbackHosts == nil {
		o.CallbackHosts = []string{"Shop.Example"}
	}
	c := &called{&caller{t, fakeklarna.New(o)}, m, ""}
	t.Cleanup(c.fake.Close)
	for _, kind := range callbacks {
		content = with(content, "merchant_urls."+kind, "https://shop.example/kco/"+kind+"?kco={checkout.order.id}")
	}
	made := c.do("POST", "/checkout/v3/orders", text(content))
	if made.status != http.StatusCreated {
		t.Fatalf("create: got %d %s", made.status, made.body)
	}
	c.id = made.order(t).OrderID
	return c
}

// act acts as the shopper through the JSON interface.
func (c *called) act(action string) fakeklarna.Outcome {
	c.t.Helper()
	got := c.do("POST", "/fake/orders/"+c.id+"/shopper", action)
	var out fakeklarna.Outcome
	if err := json.Unmarshal(got.body, &out); err != nil || got.status != 200 {
		c.t.Fatalf("%s: got %d %s", action, got.status, got.body)
	}
	return out
}

func (c *called) order() fakeklarna.Order {
	c.t.Helper()
	o, ok := c.fake.Order(c.id)
	if !ok {
		c.t.Fatalf("there is no order %q", c.id)
	}
	return o
}

// record returns the callbacks of the order as "validation 200", with the error
// and the faults after it.
func (c *called) record() []string {
	list := []string{}
	for _, b := range c.fake.Callbacks(c.id) {
		line := fmt.Sprintf("%s %d", b.Type, b.Status)
		if b.Error != "" {
			line += " " + b.Error
		}
		if len(b.Faults) > 0 {
			line += " [" + strings.Join(b.Faults, " ") + "]"
		}
		list = append(list, line)
	}
	return list
}

// service is the body of a 200 to an address callback: case A, changed by pairs.
func service(pairs ...any) string {
	a := caseA()
	return text(with(map[string]any{
		"order_amount": a["order_amount"], "order_tax_amount": a["order_tax_amount"],
		"order_lines": a["order_lines"], "purchase_currency": a["purchase_currency"],
	}, pairs...))
}

// oneMug are members for one mug in the place of case A.
func oneMug() []any {
	return []any{
		"order_amount", 19900, "order_tax_amount", 3980,
		"order_lines", []line{{Type: "physical", Name: "Mugg", Reference: "MUG-1", Quantity: 1, UnitPrice: 19900, TaxRate: 2500, TotalAmount: 19900, TotalTaxAmount: 3980}},
	}
}

const (
	buys       = `{"buy":{}}`
	incomplete = "incomplete se 44700"
	complete   = "complete se 44700"
	again      = "Köpet kan inte genomföras. Försök igen."
	wrong      = "Något gick fel. Försök igen."
	notHere    = "Butiken levererar inte till den här adressen."
	elsewhere  = "https://shop.example/cart?reason=sold_out"
)
