package fakeklarna

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The checkout API, orders version 3.
// Source: docs.kustom.co, Checkout API reference.

const ordersPath = "/checkout/v3/orders"

var checkoutEndpoints = []endpoint{
	{http.MethodPost, ordersPath, (*Server).create},
	{http.MethodGet, ordersPath + "/{order_id}", (*Server).read},
	{http.MethodPost, ordersPath + "/{order_id}", (*Server).update},
	{http.MethodPost, ordersPath + "/{order_id}/abort", (*Server).abort},
}

// create makes an order. A repeated create makes another one.
// Source: docs.kustom.co, Create order.
func (s *Server) create(c *apiCall) (reply, *apiError) {
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
	s.orders[o.ID] = o
	s.newest = append(s.newest, o)
	s.tellAs("state", o, "status "+o.Status, nil)
	return reply{status: http.StatusCreated, body: mustJSON(s.render(o)), orderID: o.ID, location: ordersPath + "/" + o.ID}, nil
}

// read returns an order. Source: docs.kustom.co, Read order.
func (s *Server) read(c *apiCall) (reply, *apiError) {
	o, err := s.live(c.ids["order_id"])
	if err != nil {
		return reply{}, errNotFound
	}
	return s.rendered(o), nil
}

func (s *Server) rendered(o *order) reply {
	return reply{status: http.StatusOK, body: mustJSON(s.render(o)), orderID: o.ID}
}

// open returns an order that the merchant may still change.
func (s *Server) open(id string) (*order, *apiError) {
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
func (s *Server) settled(id string) (*order, *apiError) {
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
func (s *Server) update(c *apiCall) (reply, *apiError) {
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
func (s *Server) abort(c *apiCall) (reply, *apiError) {
	o, err := s.open(c.ids["order_id"])
	if err != nil {
		return reply{}, err
	}
	s.end(o, StatusAborted)
	return s.rendered(o), nil
}
