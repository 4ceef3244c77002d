package payments

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// TokenRequest asks for a customer token of an authorization whose session has
// the intent to tokenize. All members are required.
// Source: docs.klarna.com, Create an order.
type TokenRequest struct {
	Description      string `json:"description"`  // 1 to 255 characters; the shopper sees it
	IntendedUse      string `json:"intended_use"` // SUBSCRIPTION
	Locale           string `json:"locale"`
	PurchaseCountry  string `json:"purchase_country"`
	PurchaseCurrency string `json:"purchase_currency"`
}

// IntendedUse is the only use of customer tokens that Klarna documents.
const IntendedUse = "SUBSCRIPTION"

// TokenStatus is whether a customer token can be charged.
type TokenStatus string

// The states of a customer token.
// Source: docs.klarna.com, Check the details of a customer token.
const (
	TokenActive    TokenStatus = "ACTIVE"
	TokenCancelled TokenStatus = "CANCELLED"
	TokenSuspended TokenStatus = "SUSPENDED"
)

// CustomerToken says how a customer token pays. What there is of a card or
// account is not read.
type CustomerToken struct {
	PaymentMethodType string      `json:"payment_method_type"` // such as INVOICE
	Status            TokenStatus `json:"status"`
}

// ChargeRequest is an order that is paid by customer token, without the
// customer. Source: docs.klarna.com, Customer Token API reference.
type ChargeRequest struct {
	PurchaseCurrency string             `json:"purchase_currency"`
	OrderAmount      money.Amount       `json:"order_amount"` // from 1
	OrderTaxAmount   money.Amount       `json:"order_tax_amount"`
	OrderLines       []klarna.OrderLine `json:"order_lines"`
	MerchantData     string             `json:"merchant_data"`
	MerchantURLs     *ChargeURLs        `json:"merchant_urls,omitempty"`
}

// ChargeURLs are where Klarna's servers tell of a charge.
type ChargeURLs struct {
	Push string `json:"push"`
}

const customerTokens = "/customer-token/v1/tokens/"

// CreateCustomerToken makes a customer token and returns its ID, which is a
// credential. The same request again gets the same token. It comes before the
// order of the same authorization. Source: docs.klarna.com, Create an order.
func (c *Client) CreateCustomerToken(ctx context.Context, authorization string, r TokenRequest) (tokenID string, err error) {
	var answer struct {
		TokenID string `json:"token_id"`
	}
	_, err = c.klarna.Do(ctx, klarna.Request{
		Operation: "create customer token", Method: http.MethodPost, Path: authorizationPath(authorization) + "/customer-token", Body: r,
		Retry: klarna.RetryRead,
	}, &answer)
	if err == nil && answer.TokenID == "" {
		err = errors.New("create customer token: the answer has no token_id")
	}
	return answer.TokenID, err
}

// GetCustomerToken reads a customer token.
// Source: docs.klarna.com, Check the details of a customer token.
func (c *Client) GetCustomerToken(ctx context.Context, tokenID string) (CustomerToken, error) {
	var t CustomerToken
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "read customer token", Method: http.MethodGet, Path: tokenPath(tokenID), Retry: klarna.RetryRead,
	}, &t)
	return t, err
}

// ChargeCustomerToken places an order without the customer, once per key (a
// UUID), however often it is sent.
// Source: docs.klarna.com, Customer Token API reference.
func (c *Client) ChargeCustomerToken(ctx context.Context, tokenID, key string, r ChargeRequest) (PlacedOrder, error) {
	var placed PlacedOrder
	const operation = "charge customer token"
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: operation, Method: http.MethodPost, Path: tokenPath(tokenID) + "/order", Body: r,
		Retry: klarna.RetryKeyed, IdempotencyKey: key,
	}, &placed)
	return placed, placed.check(operation, err)
}

// CancelCustomerToken ends a customer token, for ever.
// Source: docs.klarna.com, Cancel a customer token.
func (c *Client) CancelCustomerToken(ctx context.Context, tokenID string) error {
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "cancel customer token", Method: http.MethodPatch, Path: tokenPath(tokenID) + "/status",
		Body: map[string]TokenStatus{"status": TokenCancelled}, Retry: klarna.RetryRead,
	}, nil)
	return err
}

// IsTokenOver reports whether Klarna answered that a customer token cannot be
// charged any more, or never could.
func IsTokenOver(err error) bool {
	apiErr, ok := errors.AsType[*klarna.Error](err)
	return ok && (apiErr.Status == http.StatusNotFound || apiErr.Code == klarna.CodeTokenCanceled)
}

func tokenPath(tokenID string) string { return customerTokens + url.PathEscape(tokenID) }
