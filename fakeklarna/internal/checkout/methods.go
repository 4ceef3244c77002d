package checkout

import (
	"encoding/json"
	"slices"
	"strings"
)

// coreCurrency has the currency of each of Klarna's core markets.
// Source: docs.kustom.co, Selling to multiple countries.
var coreCurrency = map[string]string{
	"SE": "SEK", "NO": "NOK", "FI": "EUR", "DK": "DKK", "GB": "GBP", "DE": "EUR", "NL": "EUR",
	"AT": "EUR", "CH": "CHF", "US": "USD", "ES": "EUR", "FR": "EUR", "BE": "EUR", "PL": "PLN",
}

// MethodsFor returns the ways to pay in a country. Outside the core markets, or with
// another currency than the market's, it is only card.
// Source: docs.kustom.co, Selling to multiple countries.
func MethodsFor(country, currency string) []string {
	if coreCurrency[country] == currency {
		return PaymentMethods
	}
	return []string{"card"}
}

// provider is one of an order's external payment methods or checkouts.
// Source: docs.kustom.co, Create order (external_payment_methods).
type provider struct {
	Name        string   `json:"name"`
	RedirectURL string   `json:"redirect_url"`
	Fee         int64    `json:"fee"` // minor units
	Description string   `json:"description"`
	Countries   []string `json:"countries"` // alpha-2, none = all
	Label       string   `json:"label"`
}

// ProvidersOf returns an order's providers that serve its country.
func ProvidersOf(v *Order) []provider {
	var serving []provider
	for _, raw := range slices.Concat(v.ExternalPaymentMethods, v.ExternalCheckouts) {
		var p provider
		_ = json.Unmarshal(raw, &p) // was checked
		here := func(c string) bool { return strings.EqualFold(c, v.BillingAddress.Country) }
		if len(p.Countries) == 0 || slices.ContainsFunc(p.Countries, here) {
			serving = append(serving, p)
		}
	}
	return serving
}
