// Package kco keeps the order at Klarna Checkout (KCO, now Kustom Checkout)
// equal to the cart: the API client, what an order must say for a cart (Want),
// whether an order says it (Differences), and Sync, which makes it so.
package kco

import (
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Status of an order. Source: docs.kustom.co, Read order.
type Status string

// The states of a checkout order. Any other counts as neither open nor bought.
const (
	StatusIncomplete Status = "checkout_incomplete" // open for update
	StatusComplete   Status = "checkout_complete"   // purchase authorised; read-only
)

// Content is the part of an order that the shop decides: what is sent, and
// what is compared.
type Content struct {
	PurchaseCountry  string             `json:"purchase_country"`  // alpha-2; Klarna may echo it in another case
	PurchaseCurrency string             `json:"purchase_currency"` // ISO 4217
	Locale           string             `json:"locale"`            // language only, such as sv-SE
	OrderAmount      money.Amount       `json:"order_amount"`
	OrderTaxAmount   money.Amount       `json:"order_tax_amount"`
	OrderLines       []klarna.OrderLine `json:"order_lines"`
	MerchantURLs     MerchantURLs       `json:"merchant_urls"`
	MerchantData     string             `json:"merchant_data"`
}

// MerchantURLs are where Klarna sends browser and servers; the placeholder
// {checkout.order.id} is filled in by Klarna. Source: docs.kustom.co, Create order.
type MerchantURLs struct {
	Terms        string `json:"terms"`
	Checkout     string `json:"checkout"`
	Confirmation string `json:"confirmation"`
	Push         string `json:"push"`
}

// Order is an order as Klarna answers it. Addresses are personal data.
type Order struct {
	Content
	OrderID        string         `json:"order_id"`
	Status         Status         `json:"status"`
	HTMLSnippet    string         `json:"html_snippet"`
	BillingAddress klarna.Address `json:"billing_address"`
}
