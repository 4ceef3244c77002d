package kco

import (
	"fmt"
	"net/url"
	"strings"
)

// Differences names the members in which an order does not say what is
// wanted; none means that they agree. Only what we send is compared, member by
// member, a missing one counting as Klarna's default. Countries and currencies
// have no case, and Klarna may echo URLs with the order's ID filled in.
func Differences(want Content, got Order) []string {
	var diff []string
	differ := func(same bool, name string) {
		if !same {
			diff = append(diff, name)
		}
	}
	differ(strings.EqualFold(got.PurchaseCountry, want.PurchaseCountry), "purchase_country")
	differ(strings.EqualFold(got.PurchaseCurrency, want.PurchaseCurrency), "purchase_currency")
	differ(got.Locale == want.Locale, "locale")
	differ(got.OrderAmount == want.OrderAmount, "order_amount")
	differ(got.OrderTaxAmount == want.OrderTaxAmount, "order_tax_amount")
	differ(got.MerchantData == want.MerchantData, "merchant_data")
	differ(len(got.OrderLines) == len(want.OrderLines), "order_lines")
	for i := range min(len(got.OrderLines), len(want.OrderLines)) {
		differ(got.OrderLines[i] == want.OrderLines[i], fmt.Sprintf("order_lines[%d]", i))
	}
	for _, u := range []struct{ name, got, want string }{
		{"terms", got.MerchantURLs.Terms, want.MerchantURLs.Terms},
		{"checkout", got.MerchantURLs.Checkout, want.MerchantURLs.Checkout},
		{"confirmation", got.MerchantURLs.Confirmation, want.MerchantURLs.Confirmation},
		{"push", got.MerchantURLs.Push, want.MerchantURLs.Push},
	} {
		differ(filled(u.got, got.OrderID) == filled(u.want, got.OrderID), "merchant_urls."+u.name)
	}
	return diff
}

// filled replaces the placeholder, raw or percent-encoded, by the order's ID.
func filled(u, orderID string) string {
	return strings.NewReplacer(
		placeholder, orderID,
		url.QueryEscape(placeholder), orderID,
		strings.ToLower(url.QueryEscape(placeholder)), orderID,
	).Replace(u)
}
