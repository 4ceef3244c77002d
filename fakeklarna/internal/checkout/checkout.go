// Package checkout is the checkout API, orders version 3, with its orders, and what a
// shopper does with one.
// Source: docs.kustom.co, Checkout API reference.
package checkout

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// OrdersPath is that of all orders.
const OrdersPath = "/checkout/v3/orders"

// Config are the merchant's settings.
type Config struct {
	MerchantName      string
	Currencies        []string // that the merchant is configured for
	EchoFilledURLs    bool
	EchoCountryAsSent bool
	NotActivated      bool
	TaxWording        string // "2026", "" for that of the recordings
	EarlyAddressEvent bool   // see Options.EarlyAddressEvent of the public face
}

// Service is the checkout API with its orders.
type Service struct {
	*engine.State
	Config
	calls *callback.Sender
	om    *management.Service

	Book Book
}

// New adds the API to a state. What is bought goes to om.
func New(s *engine.State, calls *callback.Sender, om *management.Service, c Config) *Service {
	k := &Service{State: s, Config: c, calls: calls, om: om}
	engine.Hold(s, "orders", &k.Book, newBook, Book.check)
	serve := func(method, path string, do engine.Operation) {
		if c.NotActivated {
			do = func(*engine.Call) (wire.Reply, *wire.Error) { return wire.Reply{}, wire.ErrNotActivated }
		}
		s.Serve(method, OrdersPath+path, do)
	}
	serve(http.MethodPost, "", k.create)
	serve(http.MethodGet, "/{order_id}", k.read)
	serve(http.MethodPost, "/{order_id}", k.update)
	serve(http.MethodPost, "/{order_id}/abort", k.abort)
	s.Perform("push", k.push)
	return k
}

// push is the job that tells the merchant of a purchase. It waits for the time of the
// order's offers to end.
func (s *Service) push(j *engine.Job) {
	s.Mu.Lock()
	url := ""
	if o := s.Book.ByID[j.ID]; o != nil {
		url = merchantURL(o, "push")
		if s.upsells(o) {
			s.Repeat(j, o.Upsell.Until, j.Attempt)
			s.Mu.Unlock()
			return
		}
	}
	s.Mu.Unlock()
	s.om.Push(j, "", url)
}

// create makes an order. A repeated create makes another one.
// Source: docs.kustom.co, Create order.
func (s *Service) create(c *engine.Call) (wire.Reply, *wire.Error) {
	sent, err := wire.ParseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, err := s.merge(nil, sent)
	if err != nil {
		return wire.Reply{}, err
	}
	o := &Stored{
		ID: s.NewID(), Token: s.NewToken(), Status: StatusIncomplete,
		Content: content, Typed: map[string]string{},
		Started: s.Time(), Modified: s.Time(),
	}
	s.makeRoom()
	s.Book.add(o)
	s.tellAs("state", o, "status "+o.Status, nil)
	return wire.Reply{Status: http.StatusCreated, Body: wire.MustJSON(s.render(o)), OrderID: o.ID, Location: OrdersPath + "/" + o.ID}, nil
}

// read returns an order. Source: docs.kustom.co, Read order.
func (s *Service) read(c *engine.Call) (wire.Reply, *wire.Error) {
	o, err := s.Live(c.IDs["order_id"])
	if err != nil {
		return wire.Reply{}, wire.ErrNotFound
	}
	return s.rendered(o), nil
}

func (s *Service) rendered(o *Stored) wire.Reply {
	return wire.Reply{Status: http.StatusOK, Body: wire.MustJSON(s.render(o)), OrderID: o.ID}
}

// open returns an order that the merchant may still change.
func (s *Service) open(id string) (*Stored, *wire.Error) {
	o, err := s.Live(id)
	switch {
	case err != nil:
		return nil, wire.ErrNotFound
	case o.Status != StatusIncomplete:
		return nil, wire.ErrReadOnly
	}
	return o, nil
}

// settled waits until no action of the shopper runs for an order, and returns the order if
// the merchant may still change it. While the merchant is called back, only its answer
// may change the order. After 30 s it is a 504.
// Source: docs.klarna.com, Tax handling; docs.kustom.co, Errors in checkout.
func (s *Service) settled(id string) (*Stored, *wire.Error) {
	late := time.NewTimer(engine.ServerLimit)
	defer late.Stop()
	for {
		o, err := s.open(id)
		if err != nil || o.busy == nil {
			return o, err
		}
		switch err := s.Await(o.busy, late.C); {
		case errors.Is(err, engine.ErrLate):
			return nil, &wire.Error{Status: http.StatusGatewayTimeout}
		case err != nil:
			panic(http.ErrAbortHandler) // the fake was closed or reset
		}
	}
}

// update replaces the sent members. After the shopper has entered something, addresses
// are not replaced; they only follow a change of the purchase country.
// Source: docs.kustom.co, Update ongoing order.
func (s *Service) update(c *engine.Call) (wire.Reply, *wire.Error) {
	o, err := s.settled(c.IDs["order_id"])
	if err != nil {
		return wire.Reply{}, err
	}
	sent, err := wire.ParseBody(c.Body)
	if err != nil {
		return wire.Reply{}, err
	}
	content, err := s.merge(o.Content, sent)
	if err != nil {
		return wire.Reply{}, err
	}
	for _, name := range addressMembers {
		switch {
		case sent[name] != nil && !o.Entered:
			continue
		case o.Content[name] == nil:
			delete(content, name)
		case sameCountry(o.Content, content):
			content[name] = o.Content[name]
		default:
			content[name] = withoutCountry(o.Content[name])
		}
	}
	s.replace(o, content)
	return s.rendered(o), nil
}

func sameCountry(a, b map[string]json.RawMessage) bool {
	return strings.EqualFold(string(a["purchase_country"]), string(b["purchase_country"]))
}

// abort ends an order that is not bought, also during its purchase.
// Source: docs.kustom.co, Abort order.
func (s *Service) abort(c *engine.Call) (wire.Reply, *wire.Error) {
	o, err := s.open(c.IDs["order_id"])
	if err != nil {
		return wire.Reply{}, err
	}
	s.end(o, StatusAborted)
	return s.rendered(o), nil
}

// Orders returns all orders, newest first.
func (s *Service) Orders() []Order {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	all := make([]Order, 0, len(s.Book.Newest))
	for _, o := range slices.Backward(s.Book.Newest) {
		all = append(all, s.Inspect(o))
	}
	return all
}

// Order returns one order, also one that is aborted, bought or expired.
func (s *Service) Order(id string) (Order, bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	o := s.Book.ByID[id]
	if o == nil {
		return Order{}, false
	}
	return s.Inspect(o), true
}

// shownChanges is how many changes one event names.
const shownChanges = 6

// replace gives an order new content and notes the differences.
func (s *Service) replace(o *Stored, content map[string]json.RawMessage) {
	changes := wire.ChangesOf(o.Content, content)
	o.Content = content
	s.touch(o)
	if more := len(changes) - shownChanges; more > 0 {
		changes = append(changes[:shownChanges], fmt.Sprintf("%d more", more))
	}
	if len(changes) > 0 {
		s.tellAs("state", o, strings.Join(changes, ", "), nil)
	}
}
