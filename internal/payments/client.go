package payments

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/shopd/shopd/internal/klarna"
)

// Client calls the Klarna Payments API. Each method returns a *klarna.Error
// for an answer outside 2xx. Safe for concurrent use.
type Client struct{ klarna *klarna.Client }

// NewClient returns a client over the transport.
func NewClient(c *klarna.Client) *Client { return &Client{klarna: c} }

const (
	sessions       = "/payments/v1/sessions"
	authorizations = "/payments/v1/authorizations/"
)

// told is what Klarna is told of a session. An update without a customer keeps what the
// browser has said of it; one with a customer replaces all of that.
type told struct {
	Content
	Customer *klarna.Customer `json:"customer,omitempty"`
}

func tellOf(content Content, customerType string) told {
	t := told{Content: content}
	if customerType != "" {
		t.Customer = &klarna.Customer{Type: customerType}
	}
	return t
}

// CreateSession makes a new session, for a person or a company; "" is a person. Klarna has no idempotency key here, so a lost answer
// is not asked for again. A session that Klarna may have made ends by itself.
// Source: docs.klarna.com, Initiate a payment.
func (c *Client) CreateSession(ctx context.Context, content Content, customerType string) (Session, error) {
	s := Session{Content: content, Status: StatusIncomplete}
	var answer struct {
		SessionID   string     `json:"session_id"`
		ClientToken string     `json:"client_token"`
		Categories  []Category `json:"payment_method_categories"`
	}
	_, err := c.klarna.Do(ctx, klarna.Request{Operation: "create payment session", Method: http.MethodPost, Path: sessions, Body: tellOf(content, customerType)}, &answer)
	if err == nil && (answer.SessionID == "" || answer.ClientToken == "") {
		err = errors.New("create payment session: the answer has no session_id or client_token")
	}
	s.SessionID, s.ClientToken, s.Categories = answer.SessionID, answer.ClientToken, answer.Categories
	return s, err
}

// GetSession reads a session; an unknown or expired one is a 404.
// Source: docs.klarna.com, Check the details of a payment session.
func (c *Client) GetSession(ctx context.Context, id string) (Session, error) {
	var s Session
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "read payment session", Method: http.MethodGet, Path: sessionPath(id), Retry: klarna.RetryRead,
	}, &s)
	if err == nil && (s.Status == "" || s.ClientToken == "") {
		err = errors.New("read payment session: the answer has no status or client_token")
	}
	s.SessionID = id
	return s, err
}

// UpdateSession replaces the content of a session, and whether a person or a company buys;
// customerType "" keeps that. A 404 with klarna.CodeSessionCompleted
// means that the session's order is placed. unanswered: a try before the last had no
// answer, and Klarna may still act on it. It may be true with an error. Source: docs.klarna.com, Update the cart.
func (c *Client) UpdateSession(ctx context.Context, id string, content Content, customerType string) (unanswered bool, err error) {
	answer, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "update payment session", Method: http.MethodPost, Path: sessionPath(id), Body: tellOf(content, customerType), Retry: klarna.RetryReplace,
	}, nil)
	return answer.Unanswered, err
}

// OrderRequest is the body of an order call. Lines, addresses and customer must be exactly those
// that were authorized: otherwise Klarna answers 409.
// Source: docs.klarna.com, Validations in Klarna Payments.
type OrderRequest struct {
	klarna.Sale
	MerchantURLs    MerchantURLs `json:"merchant_urls"`
	MerchantData    string       `json:"merchant_data"`
	BillingAddress  Personal     `json:"billing_address,omitempty"`
	ShippingAddress Personal     `json:"shipping_address,omitempty"`
	Customer        Personal     `json:"customer,omitempty"`
	AutoCapture     bool         `json:"auto_capture,omitempty"` // Klarna captures when the order is placed
	// Of a checkout session; see Content.
	MerchantReference1 string `json:"merchant_reference1,omitempty"`
	MerchantReference2 string `json:"merchant_reference2,omitempty"`
}

// FraudStatus is Klarna's first judgement of a placed order.
type FraudStatus string

// The judgements. Source: docs.klarna.com, Klarna Payments API reference.
const (
	FraudAccepted FraudStatus = "ACCEPTED"
	FraudPending  FraudStatus = "PENDING" // Klarna decides later
)

// PlacedOrder is the answer to an order call.
type PlacedOrder struct {
	OrderID     string      `json:"order_id"`
	RedirectURL string      `json:"redirect_url"` // where to send the browser; "" for none
	FraudStatus FraudStatus `json:"fraud_status"`
}

// PlaceOrder places the order of an authorization. Klarna has no idempotency key here,
// but places only one order per session. So a lost answer is asked for again, with the
// same body. unanswered is as for UpdateSession.
// Source: docs.klarna.com, Create an order.
func (c *Client) PlaceOrder(ctx context.Context, token string, order OrderRequest) (placed PlacedOrder, unanswered bool, err error) {
	answer, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "place payments order", Method: http.MethodPost, Path: authorizationPath(token) + "/order", Body: order, Retry: klarna.RetryRead,
	}, &placed)
	if err == nil && placed.OrderID == "" {
		err = errors.New("place payments order: the answer has no order_id")
	}
	return placed, answer.Unanswered, err
}

// CancelAuthorization releases an unused authorization, which frees the shopper's credit
// or card. It is a 404 when the authorization is used, released or expired.
// Source: docs.klarna.com, Cancel an authorization.
func (c *Client) CancelAuthorization(ctx context.Context, token string) error {
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "cancel payments authorization", Method: http.MethodDelete, Path: authorizationPath(token), Retry: klarna.RetryRead,
	}, nil)
	return err
}

func sessionPath(id string) string          { return sessions + "/" + url.PathEscape(id) }
func authorizationPath(token string) string { return authorizations + url.PathEscape(token) }
