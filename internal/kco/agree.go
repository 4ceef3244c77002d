package kco

import (
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
)

// Differences returns the names of the members in which an order differs from want. It
// compares only what we send; see [klarna.Differences]. Klarna may echo URLs with the
// order's ID filled in.
func Differences(want Content, got Order) []string {
	return klarna.Differences(want, got.Content, func(want, echo string) bool {
		return filled(echo, got.OrderID) == filled(want, got.OrderID)
	})
}

// LineDifferences returns the names of the members in which a line differs from want.
func LineDifferences(want, got klarna.OrderLine) []string {
	return klarna.Differences(want, got, nil) // a line has no merchant URLs
}

// filled replaces the placeholder, raw or percent-encoded, by the order's ID.
func filled(u, orderID string) string {
	for _, form := range placeholders {
		u = strings.ReplaceAll(u, form, orderID)
	}
	return u
}

// placeholders are the forms in which Klarna may echo the placeholder.
var placeholders = []string{placeholder, url.QueryEscape(placeholder), strings.ToLower(url.QueryEscape(placeholder))}
