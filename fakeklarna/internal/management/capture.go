package management

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Captures, and the messages to the customer about them.

type captureRequest struct {
	CapturedAmount int64          `json:"captured_amount"`
	Description    string         `json:"description"`
	Reference      string         `json:"reference"`
	OrderLines     []Line         `json:"order_lines"`
	ShippingInfo   []ShippingInfo `json:"shipping_info"`
}

// capture takes a part of the authorized amount. It also acknowledges the order. Lines
// need not add up to the amount.
// Source: docs.klarna.com, Capture and track orders.
func (s *Service) capture(m *Stored, c input) (wire.Reply, *wire.Error) {
	var sent captureRequest
	c.into(&sent)
	v := &m.View
	const code = "CAPTURE_NOT_ALLOWED"
	switch {
	case v.Status == StatusExpired:
		return wire.Reply{}, wire.Forbidden(code, "Order "+v.OrderID+" is expired. Capture not possible.")
	case v.Status == StatusCancelled:
		return wire.Reply{}, wire.Forbidden(code, "Order is cancelled. Capture not possible.")
	case v.Status == StatusClosed || v.FraudStatus == FraudPending:
		return wire.Reply{}, wire.Forbidden(code, "Capture not allowed")
	case sent.CapturedAmount > v.RemainingAuthorizedAmount:
		return wire.Reply{}, wire.Forbidden(code, "Captured amount is higher than the remaining authorized amount. Capture not possible.")
	}
	s.markAcknowledged(m)
	id := s.addCapture(m, sent)
	return made(m, "/captures/", "Capture-Id", id, sent.OrderLines), nil
}

// addCapture adds a capture that is allowed and returns its ID. The caller
// holds s.Mu.
func (s *Service) addCapture(m *Stored, sent captureRequest) string {
	v := &m.View
	c := Capture{
		CaptureID: s.NewID(), KlarnaReference: v.KlarnaReference + "-" + text64(int64(len(v.Captures)+1)),
		CapturedAmount: sent.CapturedAmount, CapturedAt: wire.StampMillis(s.Time()),
		Description: sent.Description, Reference: sent.Reference, OrderLines: filled(sent.OrderLines),
		BillingAddress: v.BillingAddress, ShippingAddress: v.ShippingAddress,
		ShippingInfo: append([]ShippingInfo{}, sent.ShippingInfo...),
	}
	v.Captures = append(v.Captures, c)
	s.tellOf(m, "captured %s", wire.AmountText(c.CapturedAmount))
	s.tellParcels(m, sent.ShippingInfo)
	s.restate(m)
	return c.CaptureID
}

// captureAtOnce captures an accepted order with auto_capture.
// Source: docs.klarna.com, Klarna Payments API reference (auto_capture).
func (s *Service) captureAtOnce(m *Stored) {
	v := &m.View
	if m.AutoCapture && v.FraudStatus == FraudAccepted && v.Status == StatusAuthorized && v.OrderAmount > 0 {
		s.addCapture(m, captureRequest{CapturedAmount: v.OrderAmount, OrderLines: v.OrderLines})
	}
}

// listCaptures returns all captures, oldest first.
// Source: docs.klarna.com, Order Management API reference.
func (s *Service) listCaptures(m *Stored, _ input) (wire.Reply, *wire.Error) {
	return found(s.answered(m).Captures), nil
}

// ofCapture makes an operation on the capture in the path. A change has a consequence,
// which ends its error messages. It is not allowed on an order without captures. Source: docs.klarna.com, Order Management API reference,
// Error codes and messages for order management.
func ofCapture(consequence string, do func(*Service, *Stored, *Capture, input) (wire.Reply, *wire.Error)) func(*Service, *Stored, input) (wire.Reply, *wire.Error) {
	return func(s *Service, m *Stored, c input) (wire.Reply, *wire.Error) {
		captures := m.View.Captures
		i := slices.IndexFunc(captures, func(x Capture) bool { return strings.EqualFold(x.CaptureID, c.ids["capture_id"]) })
		switch {
		case consequence != "" && len(captures) == 0:
			return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Order has no captures. "+c.fill(consequence))
		case i < 0:
			return wire.Reply{}, wire.Missing("NO_SUCH_CAPTURE", strings.TrimSpace("Capture could not be found. "+c.fill(consequence)))
		}
		return do(s, m, &captures[i], c)
	}
}

// readCapture returns one capture.
// Source: docs.klarna.com, Order Management API reference.
func (s *Service) readCapture(m *Stored, capture *Capture, _ input) (wire.Reply, *wire.Error) {
	i := slices.IndexFunc(m.View.Captures, func(c Capture) bool { return c.CaptureID == capture.CaptureID })
	return found(s.answered(m).Captures[i]), nil
}

// shipCapture adds parcels to a capture.
// Source: docs.klarna.com, Capture and track orders.
func (s *Service) shipCapture(m *Stored, capture *Capture, c input) (wire.Reply, *wire.Error) {
	capture.ShippingInfo = append(capture.ShippingInfo, s.parcels(m, c)...)
	return done(), nil
}

// sendOut sends the customer the message about a capture again.
// Source: docs.klarna.com, Order Management API reference.
func (s *Service) sendOut(m *Stored, capture *Capture, _ input) (wire.Reply, *wire.Error) {
	s.tellOf(m, "message about capture %s sent to the customer again", capture.KlarnaReference)
	return done(), nil
}

// dueDates are the days by which a payment may be extended, and the prices. At Klarna they
// depend on the agreement.
var dueDates = []DueDateOption{{Amount: 2900, NumberOfDays: 14}, {Amount: 4900, NumberOfDays: 30}, {Amount: 9900, NumberOfDays: 60}}

// dueDatesOf returns the extensions for an order: none unless the customer pays later.
func (v *Order) dueDatesOf() []DueDateOption {
	switch v.InitialPaymentMethod.Type {
	case "INVOICE", "INVOICE_BUSINESS", "PAY_LATER_BY_CARD":
		return dueDates
	}
	return []DueDateOption{}
}

// dueDateOptions returns the possible extensions of a capture's due date.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (s *Service) dueDateOptions(m *Stored, _ *Capture, _ input) (wire.Reply, *wire.Error) {
	return found(DueDateOptions{m.View.PurchaseCurrency, m.View.dueDatesOf()}), nil
}

const notExtended = "Due date cannot be extended for capture {capture_id}"

// extendDueDate extends the due date of a capture by one of the offered times.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (s *Service) extendDueDate(m *Stored, capture *Capture, c input) (wire.Reply, *wire.Error) {
	var sent struct {
		Days int64 `json:"number_of_days"`
	}
	c.into(&sent)
	if !slices.ContainsFunc(m.View.dueDatesOf(), func(o DueDateOption) bool { return o.NumberOfDays == sent.Days }) {
		return wire.Reply{}, wire.Forbidden("NOT_ALLOWED", "Number of days is not offered. "+c.fill(notExtended))
	}
	s.tellOf(m, "due date of capture %s extended by %d days", capture.KlarnaReference, sent.Days)
	return done(), nil
}
