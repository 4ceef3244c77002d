package ordermanagement_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

// operationNamed is one of the operations, on the order s.id.
func operationNamed(t *testing.T, name string) func(s *shop) error {
	i := slices.IndexFunc(operations, func(op operation) bool { return op.name == name })
	if i < 0 {
		t.Fatalf("no operation %q", name)
	}
	return func(s *shop) error {
		capture, refund := s.captureID, s.refundID
		_, err := operations[i].do(s, s.key())
		s.captureID, s.refundID = capture, refund
		return err
	}
}

func authorize(s *shop, amount int64) error {
	lines := []klarna.OrderLine{{Type: klarna.Physical, Name: "Mugg", Quantity: 1}}
	_, err := s.UpdateAuthorization(s.t.Context(), s.id, om.Authorization{OrderAmount: money.Amount(amount), OrderLines: lines}, s.key())
	return err
}

func address(s *shop, a om.AddressChange) error {
	_, err := s.UpdateShippingAddress(s.t.Context(), s.id, a, s.key())
	return err
}

const (
	noOrder    = "404 NO_SUCH_ORDER"
	noCapture  = "404 NO_SUCH_CAPTURE"
	notAllowed = "403 NOT_ALLOWED"
	noCharge   = "403 CAPTURE_NOT_ALLOWED"
	noRefund   = "403 REFUND_NOT_ALLOWED"
	noCancel   = "403 CANCEL_NOT_ALLOWED"
)

// Each refusal that Klarna's documentation has is a *klarna.Error with status,
// code, message and correlation ID, is asked once and changes nothing.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		state, operation string
		do               func(s *shop) error // nil: the operation of this name
		want             string
	}{
		{"unknown", "read order", func(s *shop) error { _, err := s.GetOrder(s.t.Context(), s.id); return err }, noOrder},
		{"no ID", "read order", func(s *shop) error { _, err := s.GetOrder(s.t.Context(), "x"); return err }, "400 INVALID_ORDER_ID"},
		{"unknown", "acknowledge", nil, noOrder},
		{"CANCELLED", "acknowledge", nil, notAllowed},

		{"unknown", "update authorization", nil, noOrder},
		{"CAPTURED", "update authorization", nil, notAllowed},
		{"CANCELLED", "update authorization", nil, notAllowed},
		{"EXPIRED", "update authorization", nil, notAllowed},
		{"PART_CAPTURED", "authorization below what is captured", func(s *shop) error { return authorize(s, 9999) }, notAllowed},
		{"raise denied", "authorization above", func(s *shop) error { return authorize(s, 34701) }, notAllowed},
		{"by card", "authorization above", func(s *shop) error { return authorize(s, 34701) }, notAllowed},

		{"unknown", "set merchant references", nil, noOrder},
		{"CANCELLED", "set merchant references", nil, notAllowed},

		{"unknown", "update shipping address", nil, noOrder},
		{"CAPTURED", "update shipping address", nil, notAllowed},
		{"CANCELLED", "update shipping address", nil, notAllowed},
		{"EXPIRED", "update shipping address", nil, notAllowed},
		{"raise denied", "update shipping address", nil, notAllowed},
		{"AUTHORIZED", "clear the street", func(s *shop) error { return address(s, om.AddressChange{StreetAddress: new("")}) }, "422 INVALID_ADDRESS"},
		{"AUTHORIZED", "an unknown country", func(s *shop) error { return address(s, om.AddressChange{Country: new("XX")}) }, "422 INVALID_ADDRESS"},

		{"unknown", "add shipping info", nil, noOrder},
		{"AUTHORIZED", "an unknown way to ship", func(s *shop) error {
			_, err := s.AddShippingInfo(s.t.Context(), s.id, []om.ShippingInfo{{ShippingMethod: "ByBike"}}, s.key())
			return err
		}, "422 UNPROCESSABLE_ENTITY"},

		{"unknown", "cancel", nil, noOrder},
		{"PART_CAPTURED", "cancel", nil, noCancel},
		{"CAPTURED", "cancel", nil, noCancel},
		{"EXPIRED", "cancel", nil, noCancel},
		{"CLOSED", "cancel", nil, noCancel},

		{"unknown", "extend authorization", nil, noOrder},
		{"CAPTURED", "extend authorization", nil, notAllowed},
		{"CANCELLED", "extend authorization", nil, notAllowed},
		{"EXPIRED", "extend authorization", nil, notAllowed},
		{"by card", "extend authorization", nil, notAllowed},

		{"unknown", "release", nil, noOrder},
		{"AUTHORIZED", "release", nil, notAllowed},
		{"CAPTURED", "release", nil, notAllowed},
		{"CANCELLED", "release", nil, notAllowed},

		{"unknown", "capture", nil, noOrder},
		{"CAPTURED", "capture", nil, noCharge},
		{"CANCELLED", "capture", nil, noCharge},
		{"EXPIRED", "capture", nil, noCharge},
		{"CLOSED", "capture", nil, noCharge},
		{"PENDING", "capture", nil, noCharge},
		{"PART_CAPTURED", "capture more than remains", func(s *shop) error { return s.capture(24701) }, noCharge},

		{"unknown", "add shipping info to capture", nil, noOrder},
		{"AUTHORIZED", "add shipping info to capture", nil, notAllowed},
		{"another capture", "add shipping info to capture", nil, noCapture},
		{"unknown", "trigger send out", nil, noOrder},
		{"AUTHORIZED", "trigger send out", nil, notAllowed},
		{"another capture", "trigger send out", nil, noCapture},
		{"unknown", "due date options", func(s *shop) error { _, err := s.GetDueDateOptions(s.t.Context(), s.id, nobody); return err }, noOrder},
		{"AUTHORIZED", "due date options", func(s *shop) error { _, err := s.GetDueDateOptions(s.t.Context(), s.id, nobody); return err }, noCapture},
		{"unknown", "extend due date", nil, noOrder},
		{"AUTHORIZED", "extend due date", nil, notAllowed},
		{"another capture", "extend due date", nil, noCapture},
		{"CAPTURED", "a due date that is not offered", func(s *shop) error {
			_, err := s.ExtendDueDate(s.t.Context(), s.id, s.captureID, 31, s.key())
			return err
		}, notAllowed},

		{"unknown", "refund", nil, "404 NOT_FOUND"},
		{"AUTHORIZED", "refund", nil, noRefund},
		{"CANCELLED", "refund", nil, noRefund},
		{"refunded", "refund", nil, noRefund},
		{"CLOSED", "refund", nil, noRefund},
		{"PART_CAPTURED", "refund more than was captured", func(s *shop) error { return s.refund(10001) }, noRefund},
		{"captured in two", "return fee", func(s *shop) error {
			fee := klarna.OrderLine{Type: klarna.ReturnFee, Name: "Retur", Quantity: 1, UnitPrice: -500, TotalAmount: -500}
			_, _, err := s.Refund(s.t.Context(), s.id, om.RefundRequest{RefundedAmount: 14400, OrderLines: []klarna.OrderLine{mugs(1), fee}}, s.key())
			return err
		}, noRefund},
	} {
		t.Run(tc.operation+" "+tc.state, func(t *testing.T) {
			s := newRefused(t, tc.state)
			before, existed := s.fake.Managed(s.id)
			do := tc.do
			if do == nil {
				do = operationNamed(t, tc.operation)
			}
			err := do(s)
			refused, ok := errors.AsType[*klarna.Error](err)
			if !ok {
				t.Fatalf("got %v, want a *klarna.Error", err)
			}
			if got := fmt.Sprintf("%d %s", refused.Status, refused.Code); got != tc.want {
				t.Errorf("got %s %q, want %s", got, refused.Messages, tc.want)
			}
			if len(refused.Messages) != 1 || refused.Messages[0] == "" || refused.Operation == "" || !refused.Refused() {
				t.Errorf("operation %q, messages %q, refused %v", refused.Operation, refused.Messages, refused.Refused())
			}
			if want := s.fake.Requests(""); refused.CorrelationID == "" || refused.CorrelationID != want[len(want)-1].CorrelationID {
				t.Errorf("correlation ID %q is not that of the call", refused.CorrelationID)
			}
			if n := len(s.calls.requests); n != 1 {
				t.Errorf("%d calls, want 1: what was refused is not asked again", n)
			}
			if after, _ := s.fake.Managed(s.id); existed {
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("the order has changed: %s", diff)
				}
			}
		})
	}
}

// newRefused is a shop whose order, or capture, is not there as states.
func newRefused(t *testing.T, state string) *shop {
	switch state {
	case "unknown", "no ID":
		s := newShop(t, fakeklarna.Options{})
		s.id, s.captureID, s.refundID = nobody, nobody, nobody
		return s
	case "another capture":
		s := sale(t, "CAPTURED")
		s.captureID = nobody
		return s
	}
	return sale(t, state)
}

// Bad credentials are answered by a gateway, in HTML.
func TestUnauthorized(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	transport, err := klarna.NewClient(klarna.Config{BaseURL: s.fake.URL, Username: "demo", Password: "wrong"})
	s.must(err)
	_, err = om.NewClient(transport, om.Klarna).Acknowledge(t.Context(), s.id, s.key())
	if refused, ok := errors.AsType[*klarna.Error](err); !ok || refused.Status != 401 || refused.Code != "" || len(refused.Messages) > 0 {
		t.Errorf("got %v, want a 401 without code and messages", err)
	}
	if there, _ := s.fake.Order(s.id); there.Fake.Acknowledged {
		t.Error("a stranger has acknowledged the order")
	}
}
