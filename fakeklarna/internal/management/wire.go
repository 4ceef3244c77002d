package management

import (
	"encoding/json"
)

// The values of ManagedOrder.Status.
// Source: docs.klarna.com, Order Management API reference.
const (
	StatusAuthorized   = "AUTHORIZED"
	StatusPartCaptured = "PART_CAPTURED"
	StatusCaptured     = "CAPTURED"
	StatusCancelled    = "CANCELLED"
	StatusExpired      = "EXPIRED"
	StatusClosed       = "CLOSED" // with Options.CloseRefunded only
)

// The values of ManagedOrder.FraudStatus.
// Source: docs.klarna.com, Pending orders.
const (
	FraudAccepted = "ACCEPTED"
	FraudPending  = "PENDING"
	FraudRejected = "REJECTED"
)

// Order is an order as the Order Management API answers it, its members
// in the order of Klarna's recorded answers. Amounts are minor units, times UTC.
// Source: docs.klarna.com, Order Management API reference; recorded answers.
type Order struct {
	OrderID                   string               `json:"order_id"`
	Status                    string               `json:"status"`
	FraudStatus               string               `json:"fraud_status"`
	OrderAmount               int64                `json:"order_amount"`
	OriginalOrderAmount       int64                `json:"original_order_amount"`
	CapturedAmount            int64                `json:"captured_amount"`
	RefundedAmount            int64                `json:"refunded_amount"`
	RemainingAuthorizedAmount int64                `json:"remaining_authorized_amount"`
	PurchaseCurrency          string               `json:"purchase_currency"` // upper case
	Locale                    string               `json:"locale"`
	OrderLines                []Line               `json:"order_lines"`
	MerchantReference1        string               `json:"merchant_reference1,omitempty"`
	MerchantReference2        string               `json:"merchant_reference2,omitempty"`
	KlarnaReference           string               `json:"klarna_reference"` // 8 characters, for the customer
	Customer                  Customer             `json:"customer"`
	BillingAddress            Address              `json:"billing_address"`
	ShippingAddress           Address              `json:"shipping_address"`
	CreatedAt                 string               `json:"created_at"`
	PurchaseCountry           string               `json:"purchase_country"` // alpha-2, upper case
	ExpiresAt                 string               `json:"expires_at"`       // midnight
	Captures                  []Capture            `json:"captures"`
	Refunds                   []Refund             `json:"refunds"`
	MerchantData              string               `json:"merchant_data,omitempty"`
	InitialPaymentMethod      InitialPaymentMethod `json:"initial_payment_method"`
	ShippingInfo              []ShippingInfo       `json:"shipping_info"`
	SelectedShippingOption    *ShippingOption      `json:"selected_shipping_option,omitempty"`
}

// Line is a line of an order, capture or refund. Amounts are minor units.
// Source: docs.klarna.com, Order Management API reference; recorded answers.
type Line struct {
	Reference           string          `json:"reference,omitempty"`
	Type                string          `json:"type"`
	Quantity            int64           `json:"quantity"`
	QuantityUnit        string          `json:"quantity_unit"`
	Name                string          `json:"name"`
	TotalAmount         int64           `json:"total_amount"`
	UnitPrice           int64           `json:"unit_price"` // before discount
	TotalDiscountAmount int64           `json:"total_discount_amount"`
	TaxRate             int64           `json:"tax_rate"` // hundredths of a percent
	TotalTaxAmount      int64           `json:"total_tax_amount"`
	MerchantData        string          `json:"merchant_data,omitempty"`
	ProductURL          string          `json:"product_url,omitempty"`
	ImageURL            string          `json:"image_url,omitempty"`
	ProductIdentifiers  json.RawMessage `json:"product_identifiers,omitempty"`
	Subscription        json.RawMessage `json:"subscription,omitempty"`
}

// Address is a billing or shipping address. Some members are answered also when
// they are empty. Source: recorded answers of Order Management.
type Address struct {
	GivenName        string `json:"given_name,omitempty"`
	FamilyName       string `json:"family_name,omitempty"`
	Title            string `json:"title"`
	StreetAddress    string `json:"street_address,omitempty"`
	StreetAddress2   string `json:"street_address2"`
	PostalCode       string `json:"postal_code,omitempty"`
	City             string `json:"city,omitempty"`
	Region           string `json:"region"`
	Country          string `json:"country,omitempty"` // alpha-2, upper case
	Email            string `json:"email,omitempty"`
	Phone            string `json:"phone,omitempty"`
	OrganizationName string `json:"organization_name,omitempty"`
	Attention        string `json:"attention,omitempty"`
}

// Customer is the customer of an order. A company's registration number is not documented
// here: the checkout and the payment session have it.
// Source: docs.klarna.com, Order Management API reference; recorded answers.
type Customer struct {
	DateOfBirth                  string `json:"date_of_birth,omitempty"`
	NationalIdentificationNumber string `json:"national_identification_number,omitempty"`
	Type                         string `json:"type,omitempty"` // person or organization
}

// InitialPaymentMethod is how the customer chose to pay.
// Source: docs.klarna.com, Order Management API reference.
type InitialPaymentMethod struct {
	Type                 string `json:"type"`
	Description          string `json:"description"`
	NumberOfInstallments int    `json:"number_of_installments,omitempty"`
}

// Capture is one capture of an order. Its addresses are those of the order at that time.
// Source: docs.klarna.com, Order Management API reference.
type Capture struct {
	CaptureID       string         `json:"capture_id"`
	KlarnaReference string         `json:"klarna_reference"` // the order's with -1, -2 and so on
	CapturedAmount  int64          `json:"captured_amount"`
	CapturedAt      string         `json:"captured_at"`
	Description     string         `json:"description"`
	Reference       string         `json:"reference,omitempty"`
	OrderLines      []Line         `json:"order_lines"`
	RefundedAmount  int64          `json:"refunded_amount"` // of the refunds that could be allocated to it
	BillingAddress  Address        `json:"billing_address"`
	ShippingAddress Address        `json:"shipping_address"`
	ShippingInfo    []ShippingInfo `json:"shipping_info"`
}

// Refund is one refund of an order.
// Source: docs.klarna.com, Order Management API reference.
type Refund struct {
	RefundID       string `json:"refund_id"`
	RefundedAmount int64  `json:"refunded_amount"`
	RefundedAt     string `json:"refunded_at"`
	Description    string `json:"description"`
	Reference      string `json:"reference,omitempty"` // as sent; the API does not answer it
	OrderLines     []Line `json:"order_lines"`
	CreditInvoice  bool   `json:"credit_invoice"` // of a company's invoice
}

// ShippingInfo describes one parcel.
// Source: docs.klarna.com, Delivery tracking.
type ShippingInfo struct {
	ShippingCompany       string `json:"shipping_company,omitempty"`
	ShippingMethod        string `json:"shipping_method,omitempty"`
	TrackingNumber        string `json:"tracking_number,omitempty"`
	TrackingURI           string `json:"tracking_uri,omitempty"`
	ReturnShippingCompany string `json:"return_shipping_company,omitempty"`
	ReturnTrackingNumber  string `json:"return_tracking_number,omitempty"`
	ReturnTrackingURI     string `json:"return_tracking_uri,omitempty"`
}

// ShippingOption is the option that the shopper chose in the checkout.
// Source: docs.klarna.com, Order Management API reference.
type ShippingOption struct {
	ID             string          `json:"id"`
	Name           string          `json:"name"`
	Carrier        string          `json:"carrier,omitempty"`
	CarrierProduct *CarrierProduct `json:"carrier_product,omitempty"`
	Method         string          `json:"method,omitempty"`
	Class          string          `json:"class,omitempty"`
	Price          int64           `json:"price"`
	TaxAmount      int64           `json:"tax_amount"`
	TaxRate        int64           `json:"tax_rate"` // hundredths of a percent
	TMSReference   string          `json:"tms_reference,omitempty"`
	Location       json.RawMessage `json:"location,omitempty"`
	Timeslot       json.RawMessage `json:"timeslot,omitempty"`
	SelectedAddons json.RawMessage `json:"selected_addons,omitempty"`
}

// CarrierProduct is the carrier's name for the way of delivery.
type CarrierProduct struct {
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

// DueDateOptions are the possible extensions of a capture's due date, with the merchant's
// price in minor units.
// Source: docs.klarna.com, Refund orders and manage authorizations.
type DueDateOptions struct {
	Currency string          `json:"currency"`
	Options  []DueDateOption `json:"options"`
}

// DueDateOption is one of DueDateOptions.
type DueDateOption struct {
	Amount       int64 `json:"amount"`
	NumberOfDays int64 `json:"number_of_days"`
}
