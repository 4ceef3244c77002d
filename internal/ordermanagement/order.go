// Package ordermanagement is the client of Klarna's Order Management API: the
// orders that were bought. It has its own wire types, with only what the shop uses.
package ordermanagement

import (
	"encoding/json"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Status of an order that was bought.
type Status string

// The states of an order. Source: docs.klarna.com, Order Management API reference.
const (
	Authorized   Status = "AUTHORIZED" // nothing is captured yet
	PartCaptured Status = "PART_CAPTURED"
	Captured     Status = "CAPTURED"
	Cancelled    Status = "CANCELLED"
	Expired      Status = "EXPIRED" // not all was captured in time
	Closed       Status = "CLOSED"  // Kustom: all was refunded
)

// FraudStatus is what Klarna says of the risk. Nothing is captured or sent
// while it is pending. Source: docs.klarna.com, Pending orders.
type FraudStatus string

// The outcomes of Klarna's check.
const (
	FraudAccepted FraudStatus = "ACCEPTED"
	FraudPending  FraudStatus = "PENDING"
	FraudRejected FraudStatus = "REJECTED"
)

// Order is an order as Klarna answers it. Amounts are minor units. The
// addresses are personal data.
type Order struct {
	OrderID          string             `json:"order_id"`
	Status           Status             `json:"status"`
	FraudStatus      FraudStatus        `json:"fraud_status"`
	OrderAmount      money.Amount       `json:"order_amount"`
	PurchaseCountry  string             `json:"purchase_country"` // alpha-2
	PurchaseCurrency string             `json:"purchase_currency"`
	Locale           string             `json:"locale"`
	OrderLines       []klarna.OrderLine `json:"order_lines"`
	MerchantData     string             `json:"merchant_data"` // "" when it is missing
	KlarnaReference  string             `json:"klarna_reference"`
	BillingAddress   klarna.Address     `json:"billing_address"`
	ShippingAddress  klarna.Address     `json:"shipping_address"`
	CreatedAt        Time               `json:"created_at"` // when it was bought
	ExpiresAt        Time               `json:"expires_at"` // until when it can be captured
	PaymentMethod    PaymentMethod      `json:"initial_payment_method"`
}

// PaymentMethod is how the shopper chose to pay. Type is an open set.
type PaymentMethod struct {
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"` // for people: "Pay later"
}

// Time is a time of Klarna's, UTC. One that is missing or cannot be read is
// zero: a date is no reason to refuse an order that was paid.
type Time struct{ time.Time }

// UnmarshalJSON reads an ISO 8601 time.
func (t *Time) UnmarshalJSON(text []byte) error {
	t.Time = time.Time{}
	var value string
	if json.Unmarshal(text, &value) == nil {
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			t.Time = at.UTC()
		}
	}
	return nil
}
