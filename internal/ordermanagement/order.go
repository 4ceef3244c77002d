// Package ordermanagement is the client of Klarna's Order Management API, for orders that
// were bought. It has its own wire types, with only the members that the shop uses.
package ordermanagement

import (
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Status is the state of an order that was bought.
type Status string

// The states of an order. Source: docs.klarna.com, Order Management API reference.
const (
	Authorized   Status = "AUTHORIZED" // nothing is captured yet
	PartCaptured Status = "PART_CAPTURED"
	Captured     Status = "CAPTURED"
	Cancelled    Status = "CANCELLED"
	Expired      Status = "EXPIRED" // not all was captured in time
	Closed       Status = "CLOSED"  // Kustom: refunded, all or a part of it
)

// FraudStatus is the outcome of Klarna's risk check. While it is pending nothing must be
// captured or sent. Source: docs.klarna.com, Pending orders.
type FraudStatus string

// The outcomes of Klarna's check.
const (
	FraudAccepted FraudStatus = "ACCEPTED"
	FraudPending  FraudStatus = "PENDING"
	FraudRejected FraudStatus = "REJECTED"
)

// Order is an order in Klarna's answer. Amounts are minor units. The addresses are personal
// data.
type Order struct {
	OrderID     string       `json:"order_id"`
	Status      Status       `json:"status"`
	FraudStatus FraudStatus  `json:"fraud_status"`
	OrderAmount money.Amount `json:"order_amount"` // as it is now
	// OriginalOrderAmount is the amount at the purchase. It never changes.
	OriginalOrderAmount money.Amount `json:"original_order_amount"`
	CapturedAmount      money.Amount `json:"captured_amount"`
	RefundedAmount      money.Amount `json:"refunded_amount"`
	// RemainingAuthorizedAmount can still be captured, if the status allows captures: a
	// cancelled order keeps this amount.
	RemainingAuthorizedAmount money.Amount       `json:"remaining_authorized_amount"`
	PurchaseCountry           string             `json:"purchase_country"` // alpha-2
	PurchaseCurrency          string             `json:"purchase_currency"`
	Locale                    string             `json:"locale"`
	OrderLines                []klarna.OrderLine `json:"order_lines"`
	MerchantData              string             `json:"merchant_data"` // "" when it is missing
	KlarnaReference           string             `json:"klarna_reference"`
	BillingAddress            klarna.Address     `json:"billing_address"`
	ShippingAddress           klarna.Address     `json:"shipping_address"`
	Customer                  klarna.Customer    `json:"customer"`   // may lack the registration number
	CreatedAt                 Time               `json:"created_at"` // when it was bought
	ExpiresAt                 Time               `json:"expires_at"` // until when it can be captured
	PaymentMethod             PaymentMethod      `json:"initial_payment_method"`
	MerchantReference1        string             `json:"merchant_reference1"` // the shop's order number; the shopper sees it
	MerchantReference2        string             `json:"merchant_reference2"`
	Captures                  []Capture          `json:"captures"`
	Refunds                   []Refund           `json:"refunds"`
	ShippingInfo              []ShippingInfo     `json:"shipping_info"` // of the order; a capture has its own
	// SelectedShippingOption is the way of delivery chosen in the checkout; nil where it is not
	// told.
	SelectedShippingOption *ShippingOption `json:"selected_shipping_option"`
}

// ShippingOption is a way of delivery, without what it costs.
type ShippingOption struct {
	ID             string                `json:"id"`
	Name           string                `json:"name"`
	Type           string                `json:"type"`
	Carrier        string                `json:"carrier"`
	CarrierProduct klarna.CarrierProduct `json:"carrier_product"`
	Method         string                `json:"method"`
	Class          string                `json:"class"`
	TMSReference   string                `json:"tms_reference"`
	Location       klarna.PickupLocation `json:"location"`
	Timeslot       klarna.Timeslot       `json:"timeslot"`
	SelectedAddons klarna.Addons         `json:"selected_addons"`
}

// UnmarshalJSON reads what can be read: how goods come is no reason to refuse a paid order.
func (o *ShippingOption) UnmarshalJSON(text []byte) error {
	type plain ShippingOption
	_ = json.Unmarshal(text, (*plain)(o))
	return nil
}

// Capture is a charge of an order, in part or whole.
type Capture struct {
	CaptureID       string             `json:"capture_id"`
	KlarnaReference string             `json:"klarna_reference"`
	CapturedAmount  money.Amount       `json:"captured_amount"`
	CapturedAt      Time               `json:"captured_at"`
	Description     string             `json:"description"` // the shopper sees it
	Reference       string             `json:"reference"`
	OrderLines      []klarna.OrderLine `json:"order_lines"`
	// RefundedAmount is the part of the refunds that Klarna has allocated to this capture. It
	// may come late, and the captures together may have less than the order.
	RefundedAmount money.Amount   `json:"refunded_amount"`
	ShippingInfo   []ShippingInfo `json:"shipping_info"`
}

// Refund is money returned to the shopper.
type Refund struct {
	RefundID       string             `json:"refund_id"`
	RefundedAmount money.Amount       `json:"refunded_amount"`
	RefundedAt     Time               `json:"refunded_at"`
	Description    string             `json:"description"`
	Reference      string             `json:"reference"`
	OrderLines     []klarna.OrderLine `json:"order_lines"`
}

// ShippingInfo is a parcel. All members are optional. Klarna never refuses a tracking
// number; it checks the number later. Source: docs.klarna.com, Delivery tracking.
type ShippingInfo struct {
	ShippingCompany       string `json:"shipping_company,omitempty"` // ≤ 100 characters: "postnord"
	ShippingMethod        string `json:"shipping_method,omitempty"`  // one of ShippingMethods
	TrackingNumber        string `json:"tracking_number,omitempty"`  // ≤ 100 characters
	TrackingURI           string `json:"tracking_uri,omitempty"`     // ≤ 1024 characters
	ReturnShippingCompany string `json:"return_shipping_company,omitempty"`
	ReturnTrackingNumber  string `json:"return_tracking_number,omitempty"`
	ReturnTrackingURI     string `json:"return_tracking_uri,omitempty"`
}

// PaymentMethod is the shopper's choice. Type is an open set.
type PaymentMethod struct {
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"` // for people: "Pay later"
}

// Time is a time from Klarna, UTC. A missing or unreadable one is zero: a date is no reason
// to refuse a paid order.
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
