package ordermanagement

import (
	"context"
	"fmt"
	"path"

	"github.com/shopd/shopd/internal/klarna"
)

// Capture charges an order, in part or whole. It returns the capture's ID, "" when Klarna
// did not say it: without an error the capture was made. A capture that Klarna does not
// allow is a 403 CAPTURE_NOT_ALLOWED. Source: docs.klarna.com, Capture and track orders.
func (c *Client) Capture(ctx context.Context, id string, r CaptureRequest, key string) (captureID string, a klarna.Answer, err error) {
	a, err = c.write(ctx, change{operation: "capture order", method: "POST", path: []string{id, "captures"}, key: key, body: r})
	return newID(a, "Capture-Id", "captures", err), a, err
}

// AddCaptureShippingInfo adds 1 to 500 parcels to a capture. An order without
// captures is a 403, an unknown capture a 404.
// Source: docs.klarna.com, Capture and track orders.
func (c *Client) AddCaptureShippingInfo(ctx context.Context, id, captureID string, parcels []ShippingInfo, key string) (klarna.Answer, error) {
	return c.write(ctx, change{
		operation: "add shipping info to capture", method: "POST", path: []string{id, "captures", captureID, "shipping-info"},
		key: key, body: shippingInfo{parcels},
	})
}

// TriggerSendOut makes Klarna send the shopper the message about a capture again. Kustom
// does not offer it. Source: docs.klarna.com, Order Management API reference.
func (c *Client) TriggerSendOut(ctx context.Context, id, captureID, key string) (klarna.Answer, error) {
	const operation = "send message about capture"
	if !c.platform.Rules().SendOut {
		return klarna.Answer{}, fmt.Errorf("%s: %w", operation, ErrNotOffered)
	}
	return c.write(ctx, change{operation: operation, method: "POST", path: []string{id, "captures", captureID, "trigger-send-out"}, key: key})
}

// GetDueDateOptions reads by how many days the payment of a capture can be put off. Kustom
// does not offer it. Source: docs.klarna.com, Refund orders and manage authorizations.
func (c *Client) GetDueDateOptions(ctx context.Context, id, captureID string) (DueDateOptions, error) {
	const operation = "read due date options"
	var options DueDateOptions
	if !c.platform.Rules().DueDates {
		return options, fmt.Errorf("%s: %w", operation, ErrNotOffered)
	}
	err := c.read(ctx, operation, []string{id, "captures", captureID, "extend-due-date-options"}, &options)
	return options, err
}

// ExtendDueDate puts the payment of a capture off by some days. Only the numbers of
// GetDueDateOptions are allowed; others are a 403. Klarna charges the merchant for it.
// Kustom does not offer it. Source: docs.klarna.com, Refund orders and manage
// authorizations.
func (c *Client) ExtendDueDate(ctx context.Context, id, captureID string, days int, key string) (klarna.Answer, error) {
	const operation = "extend due date"
	if !c.platform.Rules().DueDates {
		return klarna.Answer{}, fmt.Errorf("%s: %w", operation, ErrNotOffered)
	}
	return c.write(ctx, change{
		operation: operation, method: "PATCH", path: []string{id, "captures", captureID, "extend-due-date"}, key: key, body: dueDate{days},
	})
}

// Refund gives captured money back, in part or whole. It returns the refund's ID, "" when
// Klarna did not say it: without an error the refund was made. A refund that Klarna does
// not allow is a 403 REFUND_NOT_ALLOWED. Source: docs.klarna.com, Refund orders and manage
// authorizations.
func (c *Client) Refund(ctx context.Context, id string, r RefundRequest, key string) (refundID string, a klarna.Answer, err error) {
	a, err = c.write(ctx, change{operation: "refund order", method: "POST", path: []string{id, "refunds"}, key: key, body: r})
	return newID(a, "Refund-Id", "refunds", err), a, err
}

// newID returns the ID of a new capture or refund: from its own header, else from Location,
// "" without either. Source: recorded answers; the names of headers are in either case.
func newID(a klarna.Answer, header, kind string, err error) string {
	if err != nil {
		return ""
	}
	if id := a.Header.Get(header); id != "" {
		return id
	}
	if location := path.Clean(a.Header.Get("Location")); path.Base(path.Dir(location)) == kind {
		return path.Base(location)
	}
	return ""
}
