package management

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The operations on a whole order.

// read returns an order. Source: docs.klarna.com, View and change orders.
func (s *Service) read(m *Stored, _ input) (wire.Reply, *wire.Error) {
	return found(s.answered(m)), nil
}

// acknowledge notes that the merchant has the order. That ends its pushes. It may be
// repeated. Source: docs.klarna.com, View and change orders.
func (s *Service) acknowledge(m *Stored, _ input) (wire.Reply, *wire.Error) {
	if m.View.Status == StatusCancelled {
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is cancelled. Acknowledgement not possible.")
	}
	s.markAcknowledged(m)
	return done(), nil
}

func (s *Service) markAcknowledged(m *Stored) {
	if !m.Acknowledged {
		m.Acknowledged = true
		s.tellOf(m, "acknowledged")
	}
}

// changeAuthorization changes the order's total and lines. Missing lines are deleted. A
// higher total needs a new risk check.
// Source: docs.klarna.com, View and change orders.
func (s *Service) changeAuthorization(m *Stored, c input) (wire.Reply, *wire.Error) {
	var sent struct {
		OrderAmount int64  `json:"order_amount"`
		OrderLines  []Line `json:"order_lines"`
	}
	c.into(&sent)
	v := &m.View
	notAllowed := wire.Forbidden("NOT_ALLOWED", "Update not allowed.")
	switch {
	case !v.isOpen():
		return wire.Reply{}, notAllowed
	case sent.OrderAmount < v.CapturedAmount:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Resulting authorization amount "+text64(sent.OrderAmount)+
			" cannot be less than the captured amount "+text64(v.CapturedAmount)+" for order. Order authorization cannot be updated")
	case sent.OrderAmount > v.OrderAmount && (!v.mayRise() || v.riskDenied()):
		return wire.Reply{}, notAllowed
	}
	if sent.OrderAmount != v.OrderAmount {
		s.tellOf(m, "order_amount %s → %s", wire.AmountText(v.OrderAmount), wire.AmountText(sent.OrderAmount))
	}
	s.tellLines(m, v.OrderLines, sent.OrderLines)
	v.OrderAmount, v.OrderLines = sent.OrderAmount, filled(sent.OrderLines)
	return done(), nil
}

// tellLines notes by reference or name how the quantities of lines change.
func (s *Service) tellLines(m *Stored, before, after []Line) {
	for _, change := range wire.LineChanges(wire.Quantities(wire.MustJSON(before)), wire.Quantities(wire.MustJSON(after))) {
		s.tellOf(m, "%s", change)
	}
}

// fixedAmountMarkets are the markets where an order paid by FIXED_AMOUNT may be raised.
// Source: docs.klarna.com, View and change orders.
var fixedAmountMarkets = []string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"}

// mayRise reports whether payment method and market allow a higher total.
// Source: docs.klarna.com, View and change orders.
func (v *Order) mayRise() bool {
	switch v.InitialPaymentMethod.Type {
	case "INVOICE", "INVOICE_BUSINESS", "ACCOUNT", "DIRECT_DEBIT":
		return v.PurchaseCountry != "CH"
	case "FIXED_AMOUNT":
		return slices.Contains(fixedAmountMarkets, v.PurchaseCountry)
	}
	return false
}

// riskDenied reports whether risk checks after the purchase fail. They do for a shopper
// name+denied-raise@…, which is the fake's choice.
func (v *Order) riskDenied() bool {
	return strings.Contains(v.BillingAddress.Email, "+denied-raise@")
}

// changeReferences sets the references that are sent.
// Source: docs.klarna.com, View and change orders.
func (s *Service) changeReferences(m *Stored, c input) (wire.Reply, *wire.Error) {
	if m.View.Status == StatusCancelled {
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is cancelled. Merchant references cannot be updated.")
	}
	var sent struct {
		First  *string `json:"merchant_reference1"`
		Second *string `json:"merchant_reference2"`
	}
	c.into(&sent)
	set := func(name string, now *string, to *string) {
		if to != nil && *now != *to {
			s.tellOf(m, "%s %q → %q", name, *now, *to)
			*now = *to
		}
	}
	set("merchant_reference1", &m.View.MerchantReference1, sent.First)
	set("merchant_reference2", &m.View.MerchantReference2, sent.Second)
	return done(), nil
}

// changeCustomer changes the sent members of the shipping address. It needs a new risk
// check. The billing address cannot change.
// Source: docs.klarna.com, View and change orders.
func (s *Service) changeCustomer(m *Stored, c input) (wire.Reply, *wire.Error) {
	var sent struct {
		BillingAddress  json.RawMessage   `json:"billing_address"`
		ShippingAddress map[string]string `json:"shipping_address"`
	}
	c.into(&sent)
	v := &m.View
	switch {
	case !v.isOpen():
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is "+strings.ToLower(v.Status)+". Customer details cannot be updated.")
	case sent.BillingAddress != nil:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Billing address cannot be updated for user account order. Customer details cannot be updated.")
	}
	after := v.ShippingAddress
	input{sent: wire.MustJSON(sent.ShippingAddress)}.into(&after)
	after.Country = strings.ToUpper(after.Country)
	switch {
	case !addressFits(sent.ShippingAddress, &after):
		return wire.Reply{}, &wire.Error{Status: 422, Code: "INVALID_ADDRESS", Message: "The shipping and/or billing address is invalid"}
	case after == v.ShippingAddress:
		return done(), nil
	case v.riskDenied():
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Update not allowed.")
	}
	v.ShippingAddress = after
	s.tellOf(m, "shipping_address changed")
	return done(), nil
}

// addressFits checks an address after a change. Members that a parcel needs must not be
// empty, country and postal code must be valid. The mandatory members are not documented.
func addressFits(sent map[string]string, after *Address) bool {
	for _, name := range []string{"given_name", "family_name", "street_address", "postal_code", "city", "country"} {
		if text, ok := sent[name]; ok && text == "" {
			return false
		}
	}
	if after.Country != "" && !wire.IsCountry(after.Country) || after.Country == "US" && after.Region == "" {
		return false
	}
	known, ok := shopper.PostalCodes[after.Country]
	return !ok || after.PostalCode == "" || regexp.MustCompile(`^(?:`+known[0]+`)$`).MatchString(strings.ToUpper(after.PostalCode))
}

// shipOrder adds parcels to an order. Source: docs.klarna.com, Delivery tracking.
func (s *Service) shipOrder(m *Stored, c input) (wire.Reply, *wire.Error) {
	m.View.ShippingInfo = append(m.View.ShippingInfo, s.parcels(m, c)...)
	return done(), nil
}

// parcels reads the parcels in a call, and notes them.
func (s *Service) parcels(m *Stored, c input) []ShippingInfo {
	var sent struct {
		ShippingInfo []ShippingInfo `json:"shipping_info"`
	}
	c.into(&sent)
	s.tellParcels(m, sent.ShippingInfo)
	return sent.ShippingInfo
}

func (s *Service) tellParcels(m *Stored, parcels []ShippingInfo) {
	for _, p := range parcels {
		s.tellOf(m, "shipping info added: %s", strings.TrimSpace(p.ShippingCompany+" "+p.TrackingNumber))
	}
}

// cancel gives back the authorization of an order without captures. It may be repeated.
// Source: docs.klarna.com, View and change orders; recorded answers.
func (s *Service) cancel(m *Stored, _ input) (wire.Reply, *wire.Error) {
	switch v := &m.View; {
	case len(v.Captures) > 0:
		return wire.Reply{}, wire.Forbidden("CANCEL_NOT_ALLOWED", "Order has previous captures. Cancel not possible.")
	case v.Status != StatusAuthorized && v.Status != StatusCancelled:
		return wire.Reply{}, wire.Forbidden("CANCEL_NOT_ALLOWED", "Order is "+strings.ToLower(v.Status)+". Cancel not possible.")
	}
	s.setStatus(m, StatusCancelled)
	return done(), nil
}

// extendAuthorization restarts the time for captures, up to 180 days after the purchase.
// Source: docs.klarna.com, Extended authorization expiration.
func (s *Service) extendAuthorization(m *Stored, _ input) (wire.Reply, *wire.Error) {
	v := &m.View
	switch method := v.InitialPaymentMethod.Type; {
	case v.Status == StatusCaptured:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is fully captured. Authorization time cannot be extended.")
	case !v.isOpen():
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is "+strings.ToLower(v.Status)+". Authorization time cannot be extended.")
	case method == "CARD" || method == "PAY_BY_CARD" || method == "FIXED_SUM_CREDIT" && v.PurchaseCountry == "US":
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Authorization time cannot be extended for this payment method.")
	}
	after := midnightAfter(s.Time(), authorizationDays)
	if latest := midnightAfter(m.Created, maxAuthorization); after.After(latest) {
		after = latest
	}
	if !after.Equal(m.Expires) {
		s.tellOf(m, "expires_at %s → %s", v.ExpiresAt, wire.StampMillis(after))
		m.Expires, v.ExpiresAt = after, wire.StampMillis(after)
	}
	return done(), nil
}

// releaseAuthorization gives back the remaining authorization of a partly captured order.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (s *Service) releaseAuthorization(m *Stored, _ input) (wire.Reply, *wire.Error) {
	const not = " Remaining authorization cannot be released."
	v := &m.View
	switch v.Status {
	case StatusPartCaptured:
	case StatusAuthorized:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order has no captures."+not)
	case StatusCaptured:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is fully captured."+not)
	default:
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order is "+strings.ToLower(v.Status)+"."+not)
	}
	s.tellOf(m, "remaining authorization of %s released", wire.AmountText(v.RemainingAuthorizedAmount))
	m.Released = true
	return done(), nil
}
