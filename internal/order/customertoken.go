package order

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/payments"
)

// customerTokenKey + Klarna's order ID → the customer token that was made with
// the order: a credential of the book's. It lives until it is cancelled.
const customerTokenKey = "shopd:{orders}:customer_token:" //nolint:gosec // a key of Redis, no credential

// ErrNoToken: no customer token was made with the order, or it is cancelled.
var ErrNoToken = errors.New("the order has no customer token")

// tokenize makes a customer token of an authorization, where the shop asks for
// them. It comes before the order. That there is none is no reason to lose a
// sale: it is logged, and the token is "".
func (b *Book) tokenize(ctx context.Context, call payments.OrderCall) (tokenID string) {
	if !b.Payments.Wants.CustomerTokens {
		return ""
	}
	r := call.Request
	_, shop, _ := strings.Cut(b.Payments.Wants.PublicURL, "://")
	tokenID, err := b.Payments.Client.CreateCustomerToken(ctx, call.Token, payments.TokenRequest{
		Description: shop, IntendedUse: payments.IntendedUse,
		Locale: r.Locale, PurchaseCountry: r.PurchaseCountry, PurchaseCurrency: r.PurchaseCurrency,
	})
	if err != nil {
		b.Logger.WarnContext(ctx, "no customer token", "error", err)
	}
	return tokenID
}

// keepToken stores the customer token of an order, if there is one.
func (b *Book) keepToken(ctx context.Context, orderID, tokenID string) {
	if tokenID == "" {
		return
	}
	err := b.durably(ctx, func(conn *redis.Conn) error {
		return conn.Set(ctx, customerTokenKey+orderID, tokenID, 0).Err()
	})
	if err != nil {
		b.Logger.ErrorContext(ctx, "customer token may be lost", "order_id", orderID, "error", err)
	}
}

// tokenOf returns the customer token of an order, or ErrNoToken.
func (b *Book) tokenOf(ctx context.Context, orderID string) (string, error) {
	tokenID, err := b.Redis.Get(ctx, customerTokenKey+orderID).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", ErrNoToken
	case err != nil:
		return "", fmt.Errorf("%w: read customer token: %w", ErrUnavailable, err)
	}
	return tokenID, nil
}

// Charge places an order that is paid by the customer token of an earlier one,
// without the customer, and takes it into the book. key names the charge (a
// UUID): once per key, however often it is asked for. The error is ErrNoToken,
// ErrUnknown (of the earlier order), ErrDeclined, cartsync.ErrRefused or
// ErrUnavailable; after the last, the same again with the same key.
func (b *Book) Charge(ctx context.Context, orderID, key string, lines klarna.Lines) (Order, error) {
	if b.Payments == nil {
		return Order{}, ErrNoToken
	}
	earlier, found, err := b.ByOrderID(ctx, orderID)
	switch {
	case err != nil:
		return Order{}, err
	case !found:
		return Order{}, ErrUnknown
	}
	tokenID, err := b.tokenOf(ctx, orderID)
	if err != nil {
		return Order{}, err
	}
	placed, err := b.Payments.Client.ChargeCustomerToken(ctx, tokenID, key, payments.ChargeRequest{
		PurchaseCurrency: string(earlier.PurchaseCurrency),
		OrderAmount:      lines.OrderAmount, OrderTaxAmount: lines.OrderTaxAmount, OrderLines: lines.OrderLines,
		MerchantData: b.Signer.SignOrigin("", "charge:"+orderID),
		MerchantURLs: &payments.ChargeURLs{Push: b.Payments.Wants.PushURL()},
	})
	apiErr, _ := errors.AsType[*klarna.Error](err)
	switch {
	case err == nil:
		return b.Place(ctx, placed.OrderID)
	case !klarna.IsRefused(err):
		return Order{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case apiErr.Code == klarna.CodePaymentMethodFailed:
		return Order{}, fmt.Errorf("%w: %w", ErrDeclined, err)
	case payments.IsTokenOver(err):
		return Order{}, fmt.Errorf("%w: %w", ErrNoToken, err)
	}
	return Order{}, fmt.Errorf("%w: %w", cartsync.ErrRefused, err)
}

// CancelCustomerToken ends the customer token of an order, for ever: at Klarna,
// then in the book. The error is ErrNoToken, cartsync.ErrRefused or ErrUnavailable.
func (b *Book) CancelCustomerToken(ctx context.Context, orderID string) error {
	if b.Payments == nil {
		return ErrNoToken
	}
	tokenID, err := b.tokenOf(ctx, orderID)
	if err != nil {
		return err
	}
	switch err := b.Payments.Client.CancelCustomerToken(ctx, tokenID); {
	case err == nil, payments.IsTokenOver(err):
	case klarna.IsRefused(err):
		return fmt.Errorf("%w: %w", cartsync.ErrRefused, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := b.Redis.Del(ctx, customerTokenKey+orderID).Err(); err != nil {
		return fmt.Errorf("%w: forget customer token: %w", ErrUnavailable, err)
	}
	return nil
}
