package ordermanagement

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Client calls the Order Management API. An answer outside 2xx is a *klarna.Error. Two
// kinds of call are not sent: a body that breaks Klarna's limits (*klarna.RuleError), and
// an operation that the platform does not have (ErrNotOffered).
//
// Each change takes an idempotency key. For 24 h Klarna acts once on a key, for one
// operation of one order; it answers the first outcome to every repeat, whatever its body.
// So a change without an answer is repeated with the same key, here and later by the
// caller. Another change needs another key. Source: docs.klarna.com, Order Management API
// reference, Escalation and retry policy.
//
// Safe for concurrent use.
type Client struct {
	klarna   *klarna.Client
	platform Platform
}

// NewClient returns a client that calls a platform over a transport.
func NewClient(c *klarna.Client, p Platform) *Client { return &Client{klarna: c, platform: p} }

// Platform returns the platform that the client calls.
func (c *Client) Platform() Platform { return c.platform }

// GetOrder reads an order that was bought. An order that is unknown or not bought yet is a
// 404. A malformed ID is a 400. Source: docs.klarna.com, View and change orders.
func (c *Client) GetOrder(ctx context.Context, id string) (Order, error) {
	const operation = "read order"
	var order Order
	err := c.read(ctx, operation, []string{id}, &order)
	if err == nil && (order.OrderID == "" || order.Status == "") {
		err = errors.New(operation + ": the answer has no order_id or status")
	}
	return order, err
}

// Acknowledge tells Klarna that the shop has the order. Klarna then stops its pushes. A
// cancelled order is a 403. Source: docs.klarna.com, View and change orders.
func (c *Client) Acknowledge(ctx context.Context, id, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "acknowledge order", method: "POST", path: []string{id, "acknowledge"}, key: key})
}

// UpdateAuthorization changes the order's amount and lines. When the amount grows, Klarna
// checks the risk anew. Klarna answers 403 and changes nothing when it refuses the risk,
// when the amount is less than what was captured, and when the order is fully captured,
// cancelled or expired. Source: docs.klarna.com, View and change orders.
func (c *Client) UpdateAuthorization(ctx context.Context, id string, a Authorization, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "update authorization", method: "PATCH", path: []string{id, "authorization"}, key: key, body: a})
}

// SetMerchantReferences sets the shop's names for the order. A cancelled order is a 403.
// Source: docs.klarna.com, View and change orders.
func (c *Client) SetMerchantReferences(ctx context.Context, id string, r References, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "set merchant references", method: "PATCH", path: []string{id, "merchant-references"}, key: key, body: r})
}

// UpdateShippingAddress changes the shipping address. Klarna checks the risk anew: it may
// refuse the change (403) or the address (422 INVALID_ADDRESS). The billing address cannot
// be changed. Source: docs.klarna.com, View and change orders.
func (c *Client) UpdateShippingAddress(ctx context.Context, id string, a AddressChange, key string) (klarna.Answer, error) {
	return c.write(ctx, change{
		operation: "update shipping address", method: "PATCH", path: []string{id, "customer-details"}, key: key, body: customerDetails{a},
	})
}

// AddShippingInfo adds 1 to 500 parcels to an order without captures. Source:
// docs.klarna.com, Delivery tracking.
func (c *Client) AddShippingInfo(ctx context.Context, id string, parcels []ShippingInfo, key string) (klarna.Answer, error) {
	return c.write(ctx, change{
		operation: "add shipping info", method: "POST", path: []string{id, "shipping-info"}, key: key, body: shippingInfo{parcels},
	})
}

// Cancel gives up an order without captures, for good. It may be repeated. Any other order
// is a 403 CANCEL_NOT_ALLOWED. Source: docs.klarna.com, View and change orders; recorded
// answers.
func (c *Client) Cancel(ctx context.Context, id, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "cancel order", method: "POST", path: []string{id, "cancel"}, key: key})
}

// ExtendAuthorization starts the time for captures anew, from today. An order that is
// captured, cancelled or expired is a 403. So are some payment methods. Source:
// docs.klarna.com, Extended authorization expiration.
func (c *Client) ExtendAuthorization(ctx context.Context, id, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "extend authorization", method: "POST", path: []string{id, "extend-authorization-time"}, key: key})
}

// Release gives up the rest of a partly captured order. Any other order is a 403. Source:
// docs.klarna.com, Refund orders and manage authorizations.
func (c *Client) Release(ctx context.Context, id, key string) (klarna.Answer, error) {
	return c.write(ctx, change{operation: "release authorization", method: "POST", path: []string{id, "release-remaining-authorization"}, key: key})
}

// change is a call that changes something.
type change struct {
	operation, method string
	path              []string // the order's ID and what comes after it
	key               string
	body              interface{ Check() error } // nil sends none
}

// write sends a change. A change needs an idempotency key.
func (c *Client) write(ctx context.Context, w change) (klarna.Answer, error) {
	path, err := pathOf(w.path)
	if err == nil && w.key == "" {
		// Without a key Klarna would act on each try.
		err = &klarna.RuleError{Field: "idempotency key", Rule: "is missing"}
	}
	r := klarna.Request{Operation: w.operation, Method: w.method, Path: path, IdempotencyKey: w.key, Retry: klarna.RetryKeyed}
	if err == nil && w.body != nil {
		err = w.body.Check()
		r.Body = w.body
	}
	if err != nil {
		return klarna.Answer{}, fmt.Errorf("%s: %w", w.operation, err)
	}
	return c.klarna.Do(ctx, r, nil)
}

// read decodes an answer into out.
func (c *Client) read(ctx context.Context, operation string, segments []string, out any) error {
	path, err := pathOf(segments)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	_, err = c.klarna.Do(ctx, klarna.Request{Operation: operation, Method: "GET", Path: path, Retry: klarna.RetryRead}, out)
	return err
}

// pathOf returns the path of a call. It refuses an ID that is empty or only dots: such a
// path leads elsewhere.
func pathOf(segments []string) (string, error) {
	var path strings.Builder
	path.WriteString("/ordermanagement/v1/orders")
	for _, segment := range segments {
		if strings.Trim(segment, ".") == "" {
			return "", &klarna.RuleError{Field: "path", Rule: fmt.Sprintf("%q is no ID", segment)}
		}
		path.WriteString("/" + url.PathEscape(segment))
	}
	return path.String(), nil
}
