package ordermanagement

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// MaxAmount is the largest amount of an order, a capture, a refund or a line,
// in minor units. Source: docs.klarna.com, Order Management API reference.
const MaxAmount = money.Amount(200_000_000)

// Other limits of bodies. Source: docs.klarna.com, Order Management API
// reference, Request limits.
const (
	maxBody    = 1 << 20 // bytes
	maxParcels = 500
	maxText    = 255 // characters
	maxURL     = 1024
)

// limits finds the first member of a body that breaks a limit.
type limits struct{ err error }

func (l *limits) refuse(field, rule string, args ...any) {
	if l.err == nil {
		l.err = &klarna.RuleError{Field: field, Rule: fmt.Sprintf(rule, args...)}
	}
}

// text allows at most that many characters.
func (l *limits) text(field, value string, most int) {
	if n := utf8.RuneCountInString(value); n > most {
		l.refuse(field, "has %d characters, at most %d", n, most)
	}
}

func (l *limits) optional(field string, value *string, most int) {
	if value != nil {
		l.text(field, *value, most)
	}
}

func (l *limits) amount(field string, value, least money.Amount) {
	if value < least || value > MaxAmount {
		l.refuse(field, "is %d, must be %d to %d", value, least, MaxAmount)
	}
}

func (l *limits) most(field string, n, most int) {
	if n > most {
		l.refuse(field, "has %d elements, at most %d", n, most)
	}
}

// body returns the first problem. It looks at the size of the whole body last.
func (l *limits) body(body any) error {
	if l.err != nil {
		return l.err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if len(text) > maxBody {
		l.refuse("body", "has %d bytes, at most %d", len(text), maxBody)
	}
	return l.err
}

func (l *limits) lines(lines []klarna.OrderLine) {
	l.most("order_lines", len(lines), klarna.MaxLines)
	for i, line := range lines {
		at := fmt.Sprintf("order_lines[%d].", i)
		if line.Name == "" {
			l.refuse(at+"name", "is missing")
		}
		l.text(at+"name", line.Name, maxText)
		l.text(at+"reference", line.Reference, maxText)
		l.text(at+"quantity_unit", line.QuantityUnit, 10)
		l.text(at+"product_url", line.ProductURL, maxURL)
		l.text(at+"image_url", line.ImageURL, maxURL)
		if line.Quantity < 0 {
			l.refuse(at+"quantity", "is %d, must not be negative", line.Quantity)
		}
		if line.TaxRate < 0 {
			l.refuse(at+"tax_rate", "is %d, must not be negative", line.TaxRate)
		}
		l.amount(at+"unit_price", line.UnitPrice, math.MinInt64)
		l.amount(at+"total_amount", line.TotalAmount, math.MinInt64)
		l.amount(at+"total_discount_amount", line.TotalDiscountAmount, 0)
		l.amount(at+"total_tax_amount", line.TotalTaxAmount, math.MinInt64)
	}
}

func (l *limits) parcels(parcels []ShippingInfo) {
	l.most("shipping_info", len(parcels), maxParcels)
	for i, p := range parcels {
		at := fmt.Sprintf("shipping_info[%d].", i)
		l.text(at+"shipping_company", p.ShippingCompany, 100)
		l.text(at+"tracking_number", p.TrackingNumber, 100)
		l.text(at+"tracking_uri", p.TrackingURI, maxURL)
		l.text(at+"return_shipping_company", p.ReturnShippingCompany, 100)
		l.text(at+"return_tracking_number", p.ReturnTrackingNumber, 100)
		l.text(at+"return_tracking_uri", p.ReturnTrackingURI, maxURL)
	}
}

// Check returns the first member that breaks a limit, as a *klarna.RuleError, or nil.
func (a Authorization) Check() error {
	var l limits
	l.amount("order_amount", a.OrderAmount, 0)
	l.text("description", a.Description, maxText)
	if len(a.OrderLines) == 0 {
		l.refuse("order_lines", "is missing")
	}
	l.lines(a.OrderLines)
	return l.body(a)
}

// Check returns the first member that breaks a limit, as a *klarna.RuleError, or nil.
func (r References) Check() error {
	var l limits
	l.optional("merchant_reference1", r.Reference1, maxText)
	l.optional("merchant_reference2", r.Reference2, maxText)
	return l.body(r)
}

// Check returns the first member that breaks a limit, as a *klarna.RuleError, or nil.
func (a AddressChange) Check() error {
	var l limits
	l.optional("shipping_address.given_name", a.GivenName, 100)
	l.optional("shipping_address.family_name", a.FamilyName, 100)
	l.optional("shipping_address.email", a.Email, 100)
	l.optional("shipping_address.street_address", a.StreetAddress, 100)
	l.optional("shipping_address.street_address2", a.StreetAddress2, 100)
	l.optional("shipping_address.postal_code", a.PostalCode, 10)
	l.optional("shipping_address.city", a.City, 200)
	l.optional("shipping_address.region", a.Region, 200)
	l.optional("shipping_address.phone", a.Phone, 100)
	l.optional("shipping_address.country", a.Country, 2)
	l.optional("shipping_address.title", a.Title, 20)
	l.optional("shipping_address.organization_name", a.OrganizationName, maxText)
	l.optional("shipping_address.attention", a.Attention, maxText)
	l.optional("shipping_address.reference", a.Reference, maxText)
	l.optional("shipping_address.care_of", a.CareOf, 100)
	l.optional("shipping_address.street_name", a.StreetName, 100)
	l.optional("shipping_address.street_number", a.StreetNumber, 100)
	l.optional("shipping_address.house_extension", a.HouseExtension, 100)
	return l.body(a)
}

// Check returns the first member that breaks a limit, as a *klarna.RuleError, or nil.
func (r CaptureRequest) Check() error {
	var l limits
	l.amount("captured_amount", r.CapturedAmount, 1)
	l.text("description", r.Description, maxText)
	l.text("reference", r.Reference, maxText)
	l.lines(r.OrderLines)
	l.parcels(r.ShippingInfo)
	return l.body(r)
}

// Check returns the first member that breaks a limit, as a *klarna.RuleError, or nil.
func (r RefundRequest) Check() error {
	var l limits
	l.amount("refunded_amount", r.RefundedAmount, 1)
	l.text("description", r.Description, maxText)
	l.text("reference", r.Reference, maxText)
	l.lines(r.OrderLines)
	return l.body(r)
}

// CheckShippingInfo checks a list of parcels. It allows 1 to 500. It returns the first
// member that breaks a limit, as a *klarna.RuleError, or nil.
func CheckShippingInfo(parcels []ShippingInfo) error { return shippingInfo{parcels}.Check() }

// shippingInfo is the body that adds parcels.
type shippingInfo struct {
	ShippingInfo []ShippingInfo `json:"shipping_info"`
}

func (s shippingInfo) Check() error {
	var l limits
	if len(s.ShippingInfo) == 0 {
		l.refuse("shipping_info", "is missing")
	}
	l.parcels(s.ShippingInfo)
	return l.body(s)
}

// customerDetails is the body that changes an address.
type customerDetails struct {
	ShippingAddress AddressChange `json:"shipping_address"`
}

func (d customerDetails) Check() error { return d.ShippingAddress.Check() }

// dueDate is the body that extends a due date.
type dueDate struct {
	NumberOfDays int `json:"number_of_days"`
}

func (d dueDate) Check() error {
	var l limits
	if d.NumberOfDays < 1 || d.NumberOfDays > math.MaxInt32 {
		l.refuse("number_of_days", "is %d, must be positive", d.NumberOfDays)
	}
	return l.err
}
