package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// fakeControl is the fake Klarna's own interface.
type fakeControl struct {
	url string
	c   *client
}

// order is what the benchmark looks at of an order.
type order struct {
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	Lines   []struct {
		Reference string `json:"reference"`
		Quantity  int    `json:"quantity"`
	} `json:"order_lines"`
	URLs struct {
		Validation string `json:"validation"`
		Push       string `json:"push"`
	} `json:"merchant_urls"`
}

// mugs is how many mugs the order has.
func (o order) mugs() int {
	for _, line := range o.Lines {
		if line.Reference == mug {
			return line.Quantity
		}
	}
	return 0
}

// filled is an address of the shop's, for this order.
func (o order) filled(address string) string {
	return strings.ReplaceAll(address, "{checkout.order.id}", o.OrderID)
}

func (f fakeControl) call(ctx context.Context, method, path, body string, status int, out any) error {
	return f.c.json(ctx, request{method: method, url: f.url + path, body: body, status: status}, out)
}

// reset makes the fake forget everything.
func (f fakeControl) reset(ctx context.Context) error {
	var ignored any
	return f.call(ctx, http.MethodPost, "/fake/reset", "", http.StatusOK, &ignored)
}

// slow makes every call of the API take d longer; 0 ends that.
func (f fakeControl) slow(ctx context.Context, d time.Duration) error {
	var ignored any
	if d == 0 {
		return f.call(ctx, http.MethodDelete, "/fake/faults", "", http.StatusOK, &ignored)
	}
	return f.call(ctx, http.MethodPost, "/fake/faults", fmt.Sprintf(`{"delay":%q,"count":-1}`, d), http.StatusCreated, &ignored)
}

// order reads an order, and as Klarna sends it.
func (f fakeControl) order(ctx context.Context, id string) (o order, raw []byte, err error) {
	var text json.RawMessage
	if err := f.call(ctx, http.MethodGet, "/fake/orders/"+id, "", http.StatusOK, &text); err != nil {
		return o, nil, err
	}
	return o, text, json.Unmarshal(text, &o)
}

// refused is why a shopper could not do something.
type refused struct{ Code, Message string }

func (r *refused) Error() string { return "refused: " + r.Code + ": " + r.Message }

// act does what a shopper does in the payment form of an order.
func (f fakeControl) act(ctx context.Context, id, action string) error {
	var got struct{ Refused *refused }
	err := f.call(ctx, http.MethodPost, "/fake/orders/"+id+"/shopper", action, http.StatusOK, &got)
	if err == nil && got.Refused != nil {
		err = got.Refused
	}
	return err
}

// orders returns all orders.
func (f fakeControl) orders(ctx context.Context) ([]order, error) {
	var list struct {
		Orders []order `json:"orders"`
	}
	err := f.call(ctx, http.MethodGet, "/fake/orders", "", http.StatusOK, &list)
	return list.Orders, err
}

// bodies returns what was sent last to create and to update an order with one
// mug and with two, as bodies of calls.
func (f fakeControl) bodies(ctx context.Context) (map[string]string, error) {
	var list struct {
		Requests []struct {
			Method, Path string
			Request      json.RawMessage
		} `json:"requests"`
	}
	if err := f.call(ctx, http.MethodGet, "/fake/requests", "", http.StatusOK, &list); err != nil {
		return nil, err
	}
	bodies := map[string]string{}
	for _, r := range slices.Backward(list.Requests) {
		if r.Method != http.MethodPost {
			continue
		}
		var o order
		if err := json.Unmarshal(r.Request, &o); err != nil {
			return nil, err
		}
		name := bodyName(o.mugs())
		if r.Path == klarnaOrders {
			name = createBody
		}
		if bodies[name] == "" {
			bodies[name] = string(r.Request)
		}
	}
	if len(bodies) != 3 {
		return nil, errors.New("the shop has not sent the calls that the baseline is to repeat")
	}
	return bodies, nil
}

// klarnaOrders is the path of the checkout API.
const klarnaOrders = "/checkout/v3/orders"

// createBody and what bodyName returns name the bodies that a baseline sends.
const createBody = "create"

func bodyName(mugs int) string { return fmt.Sprintf("update-%d", mugs) }
