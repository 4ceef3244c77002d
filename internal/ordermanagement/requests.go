package ordermanagement

import (
	"log/slog"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Authorization is the new total and the new lines of an order. Amounts are minor units.
// Source: docs.klarna.com, View and change orders.
type Authorization struct {
	OrderAmount money.Amount `json:"order_amount"`          // of the whole order, 0 to MaxAmount
	Description string       `json:"description,omitempty"` // ≤ 255 characters
	// OrderLines are all lines of the order, 1 to 1000, and required: Klarna deletes each line
	// that is not sent.
	OrderLines []klarna.OrderLine `json:"order_lines"`
}

// References are the shop's names for an order. nil leaves one as it is, "" clears it. Each
// has at most 255 characters.
type References struct {
	Reference1 *string `json:"merchant_reference1,omitempty"` // the order number; the shopper sees it
	Reference2 *string `json:"merchant_reference2,omitempty"`
}

// AddressChange changes members of a shipping address. nil leaves a member as it is, ""
// clears it. Personal data. Source: docs.klarna.com, View and change orders. Not
// documented: members that are not sent stay.
type AddressChange struct {
	Title            *string `json:"title,omitempty"`
	OrganizationName *string `json:"organization_name,omitempty"`
	Attention        *string `json:"attention,omitempty"`
	Reference        *string `json:"reference,omitempty"` // this and the next four: not documented here
	CareOf           *string `json:"care_of,omitempty"`
	StreetName       *string `json:"street_name,omitempty"`
	StreetNumber     *string `json:"street_number,omitempty"`
	HouseExtension   *string `json:"house_extension,omitempty"`

	GivenName      *string `json:"given_name,omitempty"`
	FamilyName     *string `json:"family_name,omitempty"`
	Email          *string `json:"email,omitempty"`
	StreetAddress  *string `json:"street_address,omitempty"`
	StreetAddress2 *string `json:"street_address2,omitempty"`
	PostalCode     *string `json:"postal_code,omitempty"`
	City           *string `json:"city,omitempty"`
	Region         *string `json:"region,omitempty"`
	Phone          *string `json:"phone,omitempty"`
	Country        *string `json:"country,omitempty"` // alpha-2
}

// NewAddressChange returns the change that turns one address into another.
func NewAddressChange(before, after klarna.Address) AddressChange {
	changed := func(before, after string) *string {
		if before == after {
			return nil
		}
		return &after
	}
	return AddressChange{
		Title: changed(before.Title, after.Title), OrganizationName: changed(before.OrganizationName, after.OrganizationName),
		Attention: changed(before.Attention, after.Attention), Reference: changed(before.Reference, after.Reference), CareOf: changed(before.CareOf, after.CareOf),
		StreetName: changed(before.StreetName, after.StreetName), StreetNumber: changed(before.StreetNumber, after.StreetNumber),
		HouseExtension: changed(before.HouseExtension, after.HouseExtension),
		GivenName:      changed(before.GivenName, after.GivenName), FamilyName: changed(before.FamilyName, after.FamilyName),
		Email:         changed(before.Email, after.Email),
		StreetAddress: changed(before.StreetAddress, after.StreetAddress), StreetAddress2: changed(before.StreetAddress2, after.StreetAddress2),
		PostalCode: changed(before.PostalCode, after.PostalCode), City: changed(before.City, after.City),
		Region: changed(before.Region, after.Region), Phone: changed(before.Phone, after.Phone),
		Country: changed(before.Country, after.Country),
	}
}

// LogValue keeps the address out of logs.
func (AddressChange) LogValue() slog.Value { return slog.StringValue("[address]") }

// CaptureRequest charges an order, in part or whole. Source: docs.klarna.com, Capture and
// track orders.
type CaptureRequest struct {
	CapturedAmount money.Amount `json:"captured_amount"`       // 1 to MaxAmount; at most what remains
	Description    string       `json:"description,omitempty"` // ≤ 255 characters; the shopper sees it
	Reference      string       `json:"reference,omitempty"`   // ≤ 255 characters; for settlement files
	// OrderLines are the charged lines, at most 1000. By their references Klarna matches a
	// refund with its capture.
	OrderLines   []klarna.OrderLine `json:"order_lines,omitempty"`
	ShippingInfo []ShippingInfo     `json:"shipping_info,omitempty"` // at most 500
}

// RefundRequest gives captured money back, in part or whole. Source: docs.klarna.com,
// Refund orders and manage authorizations.
type RefundRequest struct {
	RefundedAmount money.Amount       `json:"refunded_amount"`       // 1 to MaxAmount; at most what is captured and not refunded
	Description    string             `json:"description,omitempty"` // ≤ 255 characters; the shopper sees it
	Reference      string             `json:"reference,omitempty"`   // ≤ 255 characters; for settlement files
	OrderLines     []klarna.OrderLine `json:"order_lines,omitempty"` // at most 1000; may have a klarna.ReturnFee
}

// DueDateOptions are the ways to put off the payment of a capture. Source: docs.klarna.com,
// Refund orders and manage authorizations.
type DueDateOptions struct {
	Currency string          `json:"currency"`
	Options  []DueDateOption `json:"options"` // may be empty
}

// DueDateOption is one of DueDateOptions.
type DueDateOption struct {
	Amount       money.Amount `json:"amount"` // what it costs the merchant, minor units
	NumberOfDays int          `json:"number_of_days"`
}

// ShippingMethods are the documented values of ShippingInfo.ShippingMethod. Klarna may know
// more. Source: docs.klarna.com, Delivery tracking.
var ShippingMethods = []string{
	"Home", "PickUpPoint", "PickUpStore", "PickUpWarehouse", "ClickCollect", "BoxReg", "BoxUnreg", "Postal",
	"DHLPackstation", "PalletDelivery", "Own", "Digital", "Undefined",
}
