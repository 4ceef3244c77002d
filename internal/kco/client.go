package kco

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Client calls the checkout API. Each method returns a *klarna.Error for an
// answer outside 2xx. Safe for concurrent use.
type Client struct{ klarna *klarna.Client }

// NewClient returns a client over the transport.
func NewClient(c *klarna.Client) *Client { return &Client{klarna: c} }

const orders = "/checkout/v3/orders"

// Prefill is what the form begins with: what the shop knows of its shopper. It is personal
// data, sent with a create alone: later it is the shopper's.
type Prefill struct {
	Type              string // person, organization; "": the market's first
	Billing, Shipping klarna.Address
}

// CreateOrder makes a new order. Klarna has no idempotency key here, so a lost answer is
// not asked for again: nobody knows the order that Klarna may have made. With an error the
// order has the ID that the answer named, if it did: Klarna has made it. The first of the
// customer types is preselected here alone: later it is the shopper's choice.
// Source: docs.kustom.co, Create order.
func (c *Client) CreateOrder(ctx context.Context, content Content, known Prefill) (Order, error) {
	type customer struct {
		Type string `json:"type"`
	}
	created := struct {
		Content
		Customer        *customer      `json:"customer,omitempty"`
		BillingAddress  klarna.Address `json:"billing_address,omitzero"`
		ShippingAddress klarna.Address `json:"shipping_address,omitzero"`
	}{Content: content, BillingAddress: known.Billing, ShippingAddress: known.Shipping}
	types := content.Options.AllowedCustomerTypes
	switch {
	case known.Type != "":
		created.Customer = &customer{known.Type}
	case len(types) > 0:
		created.Customer = &customer{types[0]}
	}
	var order Order
	answer, err := c.ask(ctx, klarna.Request{Operation: "create kco order", Method: "POST", Path: orders, Body: created}, &order)
	if at := answer.Header.Get("Location"); err != nil && order.OrderID == "" {
		if id := at[strings.LastIndex(at, "/")+1:]; IsOrderID(id) {
			order.OrderID = id
		}
	}
	return order, err
}

// GetOrder reads an order; an expired or unknown one is a 404.
// Source: docs.kustom.co, Read order.
func (c *Client) GetOrder(ctx context.Context, id string) (Order, error) {
	order, _, err := c.do(ctx, klarna.Request{
		Operation: "read kco order", Method: "GET", Path: path(id), Retry: klarna.RetryRead,
	})
	return order, err
}

// UpdateOrder replaces the content of an open order. unanswered: a try before the last
// had no answer, and Klarna may still act on it. It may be true with an error. Source: docs.kustom.co, Update ongoing order.
func (c *Client) UpdateOrder(ctx context.Context, id string, content Content) (order Order, unanswered bool, err error) {
	return c.do(ctx, klarna.Request{
		Operation: "update kco order", Method: "POST", Path: path(id), Body: content, Retry: klarna.RetryReplace,
	})
}

// AbortOrder ends an open order. A finished one is a 403, an unknown or expired one a
// 404. retried: there were several tries, and an earlier one may have ended the order,
// whatever err says.
// Source: docs.kustom.co, Abort order.
func (c *Client) AbortOrder(ctx context.Context, id string) (retried bool, err error) {
	// Aborting replaces state like an update does, but waits for no lock.
	answer, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "abort kco order", Method: "POST", Path: path(id) + "/abort", Retry: klarna.RetryRead,
	}, nil)
	return answer.Tries > 1, err
}

func path(id string) string { return orders + "/" + url.PathEscape(id) }

func (c *Client) do(ctx context.Context, r klarna.Request) (Order, bool, error) {
	var order Order
	answer, err := c.ask(ctx, r, &order)
	return order, answer.Unanswered, err
}

func (c *Client) ask(ctx context.Context, r klarna.Request, order *Order) (klarna.Answer, error) {
	answer, err := c.klarna.Do(ctx, r, order)
	if err == nil && (order.OrderID == "" || order.Status == "") {
		err = errors.New(r.Operation + ": the answer has no order_id or status")
	}
	return answer, err
}
