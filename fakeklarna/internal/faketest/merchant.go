package faketest

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

// Merchant answers callbacks in place of a shop, without a network: it is the
// fake's transport. The last element of a callback's path names its kind.
type Merchant struct {
	mu      sync.Mutex
	answers map[string]Says
	got     []Received
}

// Says is a merchant's answer. With during, that is done before it.
type Says struct {
	Status   int // 0: none until the fake has given up, -1: the connection breaks
	Body     string
	Location string
	After    time.Duration
	During   func()
}

// Received is a callback that a merchant got.
type Received struct {
	Kind, URL, ContentType, Body string
}

// RoundTrip answers a callback.
func (m *Merchant) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	kind := path.Base(r.URL.Path)
	m.mu.Lock()
	m.got = append(m.got, Received{kind, r.URL.String(), r.Header.Get("Content-Type"), string(body)})
	a, ok := m.answers[kind]
	m.mu.Unlock()
	if !ok {
		a = Says{Status: http.StatusNotFound}
	}
	if a.During != nil {
		a.During()
	}
	wait, done := context.WithTimeout(r.Context(), a.After)
	if a.Status == 0 {
		wait, done = context.WithCancel(r.Context())
	}
	defer done()
	<-wait.Done()
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case a.Status < 0:
		return nil, errors.New("connection reset by peer")
	}
	w := &http.Response{StatusCode: a.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.Body)), Request: r}
	if a.Location != "" {
		w.Header.Set("Location", a.Location)
	}
	return w, nil
}

// Will makes the merchant answer a kind of callback.
func (m *Merchant) Will(kind string, a Says) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]Says{}
	}
	m.answers[kind] = a
}

// Received returns all callbacks, oldest first.
func (m *Merchant) Received() []Received {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

// Kinds returns what was received, in order.
func (m *Merchant) Kinds() string {
	var kinds []string
	for _, r := range m.Received() {
		kinds = append(kinds, r.Kind)
	}
	return strings.Join(kinds, " ")
}

// Called is a fake that calls a merchant, and one of its orders.
type Called struct {
	*Caller
	*Merchant
	ID string
}

// NewCalled makes a fake and an order that has, besides, the callbacks named.
func NewCalled(t testing.TB, content map[string]any, callbacks ...string) *Called {
	return NewCalledWith(t, fakeklarna.Options{}, content, callbacks...)
}

// NewCalledWith is NewCalled with options.
func NewCalledWith(t testing.TB, o fakeklarna.Options, content map[string]any, callbacks ...string) *Called {
	t.Helper()
	m := &Merchant{}
	o.CallbackTransport = m
	if o.CallbackHosts == nil {
		o.CallbackHosts = []string{"Shop.Example"}
	}
	c := &Called{&Caller{t, fakeklarna.New(o)}, m, ""}
	t.Cleanup(c.Fake.Close)
	for _, kind := range callbacks {
		content = With(content, "merchant_urls."+kind, "https://shop.example/kco/"+kind+"?kco={checkout.order.id}")
	}
	made := c.Do("POST", "/checkout/v3/orders", Text(content))
	if made.Status != http.StatusCreated {
		t.Fatalf("create: got %d %s", made.Status, made.Body)
	}
	c.ID = made.Order(t).OrderID
	return c
}

// Act acts as the shopper through the JSON interface.
func (c *Called) Act(action string) fakeklarna.Outcome {
	c.T.Helper()
	got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", action)
	var out fakeklarna.Outcome
	if err := json.Unmarshal(got.Body, &out); err != nil || got.Status != 200 {
		c.T.Fatalf("%s: got %d %s", action, got.Status, got.Body)
	}
	return out
}

// Order returns the order as the fake has it.
func (c *Called) Order() fakeklarna.Order {
	c.T.Helper()
	o, ok := c.Fake.Order(c.ID)
	if !ok {
		c.T.Fatalf("there is no order %q", c.ID)
	}
	return o
}

// Record returns the callbacks of the order as "validation 200", with the error
// and the faults after it.
func (c *Called) Record() []string {
	list := []string{}
	for _, b := range c.Fake.Callbacks(c.ID) {
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

// Service is the body of a 200 to an address callback: case A, changed by pairs.
func Service(pairs ...any) string {
	a := CaseA()
	return Text(With(map[string]any{
		"order_amount": a["order_amount"], "order_tax_amount": a["order_tax_amount"],
		"order_lines": a["order_lines"], "purchase_currency": a["purchase_currency"],
	}, pairs...))
}

// OneMug are members for one mug in the place of case A.
func OneMug() []any {
	return []any{
		"order_amount", 19900, "order_tax_amount", 3980,
		"order_lines", []Line{{Type: "physical", Name: "Mugg", Reference: "MUG-1", Quantity: 1, UnitPrice: 19900, TaxRate: 2500, TotalAmount: 19900, TotalTaxAmount: 3980}},
	}
}

const (
	Buys       = `{"buy":{}}`
	Incomplete = "incomplete se 44700"
	Complete   = "complete se 44700"
	Again      = "Köpet kan inte genomföras. Försök igen."
	Wrong      = "Något gick fel. Försök igen."
	NotHere    = "Butiken levererar inte till den här adressen."
	Elsewhere  = "https://shop.example/cart?reason=sold_out"
)
