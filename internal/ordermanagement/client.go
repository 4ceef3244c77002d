package ordermanagement

import (
	"context"
	"errors"
	"net/url"

	"github.com/shopd/shopd/internal/klarna"
)

// Client calls the Order Management API. Each method returns a *klarna.Error
// for an answer outside 2xx. Safe for concurrent use.
type Client struct{ klarna *klarna.Client }

// NewClient returns a client over the transport.
func NewClient(c *klarna.Client) *Client { return &Client{klarna: c} }

// GetOrder reads an order that was bought. One that is unknown, or not bought
// yet, is a 404; an ID that cannot be one a 400.
// Source: docs.klarna.com, View and change orders.
func (c *Client) GetOrder(ctx context.Context, id string) (Order, error) {
	const operation = "read order"
	var order Order
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: operation, Method: "GET", Path: path(id, ""), Retry: klarna.RetryRead,
	}, &order)
	if err == nil && (order.OrderID == "" || order.Status == "") {
		err = errors.New(operation + ": the answer has no order_id or status")
	}
	return order, err
}

// SetMerchantReferences names the order as the shop does: reference1 is the
// order number, which Klarna shows to the shopper too. Each has at most 255
// characters; an empty one is left as it is. A cancelled order is a 403. Of all
// calls with one key Klarna acts on the first.
// Source: docs.klarna.com, View and change orders.
func (c *Client) SetMerchantReferences(ctx context.Context, id, reference1, reference2, key string) error {
	return c.write(ctx, klarna.Request{
		Operation: "set merchant references", Method: "PATCH", Path: path(id, "/merchant-references"), IdempotencyKey: key,
		Body: struct {
			Reference1 string `json:"merchant_reference1,omitempty"`
			Reference2 string `json:"merchant_reference2,omitempty"`
		}{reference1, reference2},
	})
}

// Acknowledge tells Klarna that the shop has the order; then the pushes end. A
// cancelled order is a 403. Of all calls with one key Klarna acts on the first.
// Source: docs.klarna.com, View and change orders.
func (c *Client) Acknowledge(ctx context.Context, id, key string) error {
	return c.write(ctx, klarna.Request{
		Operation: "acknowledge order", Method: "POST", Path: path(id, "/acknowledge"), IdempotencyKey: key,
	})
}

// write sends a change whose idempotency key makes it safe to repeat.
func (c *Client) write(ctx context.Context, r klarna.Request) error {
	r.Retry = klarna.RetryKeyed
	_, err := c.klarna.Do(ctx, r, nil)
	return err
}

func path(id, call string) string {
	return "/ordermanagement/v1/orders/" + url.PathEscape(id) + call
}
