package kco

import (
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Differences names the members in which an order does not say what is
// wanted; none means that they agree. Only what we send is compared; see
// [klarna.Differences]. Klarna may echo URLs with the order's ID filled in.
func Differences(want Content, got Order) []string {
	return klarna.Differences(want, got.Content, func(want, echo string) bool {
		return filled(echo, got.OrderID) == filled(want, got.OrderID)
	})
}

// filled replaces the placeholder, raw or percent-encoded, by the order's ID.
func filled(u, orderID string) string {
	return strings.NewReplacer(
		placeholder, orderID,
		url.QueryEscape(placeholder), orderID,
		strings.ToLower(url.QueryEscape(placeholder)), orderID,
	).Replace(u)
}
