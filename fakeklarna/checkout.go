package fakeklarna

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The checkout API, orders version 3.
// Source: docs.kustom.co, Checkout API reference.

const ordersPath = "/checkout/v3/orders"

// checkoutConfig are the merchant's settings.
type checkoutConfig struct {
	MerchantName      string
	Currencies        []string // that the merchant is configured for
	EchoFilledURLs    bool
	EchoCountryAsSent bool
	NotActivated      bool
}

// checkoutService is the checkout API with its orders.
type checkoutService struct {
	*engineState
	checkoutConfig
	calls *callbackSender
	om    *managementService

	orders orderBook
}

// newCheckoutService adds the API to a state. What is bought goes to om.
func newCheckoutService(s *engineState, calls *callbackSender, om *managementService, c checkoutConfig) *checkoutService {
	k := &checkoutService{engineState: s, checkoutConfig: c, calls: calls, om: om}
	hold(s, "orders", &k.orders, newOrderBook, orderBook.check)
	for _, e := range []endpoint{
		{http.MethodPost, ordersPath, k.create},
		{http.MethodGet, ordersPath + "/{order_id}", k.read},
		{http.MethodPost, ordersPath + "/{order_id}", k.update},
		{http.MethodPost, ordersPath + "/{order_id}/abort", k.abort},
	} {
		if c.NotActivated {
			e.do = func(*apiCall) (reply, *apiError) { return reply{}, errNotActivated }
		}
		s.serve(e)
	}
	s.perform("push", k.push)
	return k
}

// push is the job that tells the merchant of a purchase.
func (s *checkoutService) push(j job) {
	s.mu.Lock()
	url := ""
	if o := s.orders.byID[j.ID]; o != nil {
		url = merchantURL(o, "push")
	}
	s.mu.Unlock()
	s.om.push(j, "", url)
}

// create makes an order. A repeated create makes another one.
// Source: docs.kustom.co, Create order.
func (s *checkoutService) create(c *apiCall) (reply, *apiError) {
	sent, err := parseBody(c.body)
	if err != nil {
		return reply{}, err
	}
	content, err := s.merge(nil, sent)
	if err != nil {
		return reply{}, err
	}
	o := &order{
		ID: s.newID(), Token: s.newToken(), Status: StatusIncomplete,
		Content: content, Typed: map[string]string{},
		Started: s.now(), Modified: s.now(),
	}
	s.makeRoom()
	s.orders.add(o)
	s.tellAs("state", o, "status "+o.Status, nil)
	return reply{status: http.StatusCreated, body: mustJSON(s.render(o)), orderID: o.ID, location: ordersPath + "/" + o.ID}, nil
}

// read returns an order. Source: docs.kustom.co, Read order.
func (s *checkoutService) read(c *apiCall) (reply, *apiError) {
	o, err := s.live(c.ids["order_id"])
	if err != nil {
		return reply{}, errNotFound
	}
	return s.rendered(o), nil
}

func (s *checkoutService) rendered(o *order) reply {
	return reply{status: http.StatusOK, body: mustJSON(s.render(o)), orderID: o.ID}
}

// open returns an order that the merchant may still change.
func (s *checkoutService) open(id string) (*order, *apiError) {
	o, err := s.live(id)
	switch {
	case err != nil:
		return nil, errNotFound
	case o.Status != StatusIncomplete:
		return nil, errReadOnly
	}
	return o, nil
}

// settled waits until no action of the shopper runs for an order, and returns the order if
// the merchant may still change it. While the merchant is called back, only its answer
// may change the order. After 30 s it is a 504.
// Source: docs.klarna.com, Tax handling; docs.kustom.co, Errors in checkout.
func (s *checkoutService) settled(id string) (*order, *apiError) {
	late := time.NewTimer(serverLimit)
	defer late.Stop()
	for {
		o, err := s.open(id)
		if err != nil || o.busy == nil {
			return o, err
		}
		switch err := s.await(o.busy, late.C); {
		case errors.Is(err, errLate):
			return nil, &apiError{status: http.StatusGatewayTimeout}
		case err != nil:
			panic(http.ErrAbortHandler) // the fake was closed or reset
		}
	}
}

// update replaces the sent members. After the shopper has entered something, addresses
// are not replaced; they only follow a change of the purchase country.
// Source: docs.kustom.co, Update ongoing order.
func (s *checkoutService) update(c *apiCall) (reply, *apiError) {
	o, err := s.settled(c.ids["order_id"])
	if err != nil {
		return reply{}, err
	}
	sent, err := parseBody(c.body)
	if err != nil {
		return reply{}, err
	}
	content, err := s.merge(o.Content, sent)
	if err != nil {
		return reply{}, err
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
func (s *checkoutService) abort(c *apiCall) (reply, *apiError) {
	o, err := s.open(c.ids["order_id"])
	if err != nil {
		return reply{}, err
	}
	s.end(o, StatusAborted)
	return s.rendered(o), nil
}

// Orders returns all orders, newest first, also aborted, bought and expired ones.
func (s *checkoutService) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Order, 0, len(s.orders.newest))
	for _, o := range slices.Backward(s.orders.newest) {
		all = append(all, s.inspect(o))
	}
	return all
}

// Order returns one order, also one that is aborted, bought or expired.
func (s *checkoutService) Order(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders.byID[id]
	if o == nil {
		return Order{}, false
	}
	return s.inspect(o), true
}

// shownChanges is how many changes one event names.
const shownChanges = 6

// replace gives an order new content and notes the differences.
func (s *checkoutService) replace(o *order, content map[string]json.RawMessage) {
	changes := changesOf(o.Content, content)
	o.Content = content
	s.touch(o)
	if more := len(changes) - shownChanges; more > 0 {
		changes = append(changes[:shownChanges], fmt.Sprintf("%d more", more))
	}
	if len(changes) > 0 {
		s.tellAs("state", o, strings.Join(changes, ", "), nil)
	}
}
