package ordermanagement_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

var parcel = om.ShippingInfo{ShippingCompany: "postnord", ShippingMethod: "PickUpPoint", TrackingNumber: "SE1", TrackingURI: "https://t.example/SE1"}

const parcelJSON = `{"shipping_company":"postnord","shipping_method":"PickUpPoint","tracking_number":"SE1","tracking_uri":"https://t.example/SE1"}`

const mugJSON = `{"type":"physical","reference":"MUG-1","name":"Mugg","quantity":1,"quantity_unit":"pcs","unit_price":14900,"tax_rate":2500,` +
	`"total_amount":14900,"total_discount_amount":0,"total_tax_amount":2980}`

// operation is one operation of the API with what it needs to succeed.
type operation struct {
	name   string
	state  string // of the order before
	do     func(s *shop, key string) (klarna.Answer, error)
	call   string // method and path below the order
	body   string
	status int
	after  string // amounts
}

// operations are those that change something, in the sequence of the API reference.
var operations = []operation{
	{"acknowledge", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.Acknowledge(s.t.Context(), s.id, key)
	}, "POST /acknowledge", "", 204, "AUTHORIZED 34700/0/0/34700"},
	{"update authorization", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.UpdateAuthorization(s.t.Context(), s.id, om.Authorization{OrderAmount: 14900, Description: "one", OrderLines: []klarna.OrderLine{mugs(1)}}, key)
	}, "PATCH /authorization", `{"order_amount":14900,"description":"one","order_lines":[` + mugJSON + `]}`, 204, "AUTHORIZED 14900/0/0/14900"},
	{"set merchant references", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.SetMerchantReferences(s.t.Context(), s.id, om.References{Reference1: new("SK-1")}, key)
	}, "PATCH /merchant-references", `{"merchant_reference1":"SK-1"}`, 204, "AUTHORIZED 34700/0/0/34700"},
	{"update shipping address", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.UpdateShippingAddress(s.t.Context(), s.id, om.AddressChange{StreetAddress: new("Storgatan 2"), Phone: new("")}, key)
	}, "PATCH /customer-details", `{"shipping_address":{"street_address":"Storgatan 2","phone":""}}`, 204, "AUTHORIZED 34700/0/0/34700"},
	{"add shipping info", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.AddShippingInfo(s.t.Context(), s.id, []om.ShippingInfo{parcel}, key)
	}, "POST /shipping-info", `{"shipping_info":[` + parcelJSON + `]}`, 204, "AUTHORIZED 34700/0/0/34700"},
	{"cancel", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		return s.Cancel(s.t.Context(), s.id, key)
	}, "POST /cancel", "", 204, "CANCELLED 34700/0/0/34700"},
	{"extend authorization", "PART_CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		return s.ExtendAuthorization(s.t.Context(), s.id, key)
	}, "POST /extend-authorization-time", "", 204, "PART_CAPTURED 34700/10000/0/24700"},
	{"release", "PART_CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		return s.Release(s.t.Context(), s.id, key)
	}, "POST /release-remaining-authorization", "", 204, "CAPTURED 34700/10000/0/0"},
	{"capture", "AUTHORIZED", func(s *shop, key string) (klarna.Answer, error) {
		id, a, err := s.Capture(s.t.Context(), s.id, om.CaptureRequest{
			CapturedAmount: 14900, Description: "half", Reference: "C-1", OrderLines: []klarna.OrderLine{mugs(1)}, ShippingInfo: []om.ShippingInfo{parcel},
		}, key)
		s.captureID = id
		return a, err
	}, "POST /captures", `{"captured_amount":14900,"description":"half","reference":"C-1","order_lines":[` + mugJSON + `],"shipping_info":[` + parcelJSON + `]}`,
		201, "PART_CAPTURED 34700/14900/0/19800"},
	{"add shipping info to capture", "PART_CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		return s.AddCaptureShippingInfo(s.t.Context(), s.id, s.captureID, []om.ShippingInfo{parcel}, key)
	}, "POST /captures/{capture}/shipping-info", `{"shipping_info":[` + parcelJSON + `]}`, 204, "PART_CAPTURED 34700/10000/0/24700"},
	{"trigger send out", "CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		return s.TriggerSendOut(s.t.Context(), s.id, s.captureID, key)
	}, "POST /captures/{capture}/trigger-send-out", "", 204, "CAPTURED 34700/34700/0/0"},
	{"extend due date", "CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		return s.ExtendDueDate(s.t.Context(), s.id, s.captureID, 30, key)
	}, "PATCH /captures/{capture}/extend-due-date", `{"number_of_days":30}`, 204, "CAPTURED 34700/34700/0/0"},
	{"refund", "CAPTURED", func(s *shop, key string) (klarna.Answer, error) {
		id, a, err := s.Refund(s.t.Context(), s.id, om.RefundRequest{RefundedAmount: 14900, Description: "broken", Reference: "R-1", OrderLines: []klarna.OrderLine{mugs(1)}}, key)
		s.refundID = id
		return a, err
	}, "POST /refunds", `{"refunded_amount":14900,"description":"broken","reference":"R-1","order_lines":[` + mugJSON + `]}`, 201, "CAPTURED 34700/34700/14900/0"},
}

func TestChanges(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			s := sale(t, op.state)
			got, err := op.do(s, "a-key")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{op.call}, s.sent()); diff != "" {
				t.Fatal(diff)
			}
			r := s.calls.requests[0]
			if diff := cmp.Diff([]string{op.body, "a-key"}, []string{bodyOf(r), r.Header.Get("Klarna-Idempotency-Key")}); diff != "" {
				t.Errorf("body and key: %s", diff)
			}
			if got.Status != op.status || got.Tries != 1 || got.CorrelationID == "" || got.CorrelationID != s.lastCorrelationID() {
				t.Errorf("answer %+v, want status %d, one try and the call's correlation ID %s", got, op.status, s.lastCorrelationID())
			}
			if s.amounts() != op.after {
				t.Errorf("klarna has %s, want %s", s.amounts(), op.after)
			}
		})
	}
}

// lastCorrelationID is that of the last call that the fake answered.
func (s *shop) lastCorrelationID() string {
	all := s.fake.Requests(s.id)
	return all[len(all)-1].CorrelationID
}

// What each change has brought to the order, beside its amounts.
func TestEffects(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	ctx := t.Context()
	do := func(_ klarna.Answer, err error) {
		t.Helper()
		s.must(err)
	}
	do(s.SetMerchantReferences(ctx, s.id, om.References{Reference1: new("SK-1"), Reference2: new("x")}, s.key()))
	do(s.SetMerchantReferences(ctx, s.id, om.References{Reference2: new("")}, s.key()))
	before := s.managed().ShippingAddress
	do(s.UpdateShippingAddress(ctx, s.id, om.AddressChange{GivenName: new("Eva"), City: new("Kiruna"), Phone: new("")}, s.key()))
	do(s.AddShippingInfo(ctx, s.id, []om.ShippingInfo{parcel}, s.key()))
	do(s.AddShippingInfo(ctx, s.id, []om.ShippingInfo{{TrackingNumber: "2"}}, s.key()))
	do(s.Acknowledge(ctx, s.id, s.key()))
	s.fake.Advance(10 * 24 * time.Hour)
	do(s.ExtendAuthorization(ctx, s.id, s.key()))

	order, err := s.GetOrder(ctx, s.id)
	s.must(err)
	want := before
	want.GivenName, want.City, want.Phone = "Eva", "Kiruna", ""
	a := order.ShippingAddress
	if diff := cmp.Diff(
		[]string{"SK-1", "", want.GivenName, want.FamilyName, want.StreetAddress, want.PostalCode, want.City, want.Phone, want.Email},
		[]string{order.MerchantReference1, order.MerchantReference2, a.GivenName, a.FamilyName, a.StreetAddress, a.PostalCode, a.City, a.Phone, a.Email},
	); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]om.ShippingInfo{parcel, {TrackingNumber: "2"}}, order.ShippingInfo); diff != "" {
		t.Error(diff)
	}
	if there, _ := s.fake.Order(s.id); !there.Fake.Acknowledged {
		t.Error("klarna was not told that we have the order")
	}
	if extended := s.fake.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 28); !order.ExpiresAt.Equal(extended) {
		t.Errorf("expires at %v, want %v", order.ExpiresAt, extended)
	}
}

func TestCapturesAndRefunds(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	ctx := t.Context()
	first, _, err := s.Capture(ctx, s.id, om.CaptureRequest{
		CapturedAmount: 14900, Description: "half", Reference: "C-1", OrderLines: []klarna.OrderLine{mugs(1)}, ShippingInfo: []om.ShippingInfo{parcel},
	}, s.key())
	s.must(err)
	second, _, err := s.Capture(ctx, s.id, om.CaptureRequest{CapturedAmount: 19800}, s.key())
	s.must(err)
	_, err = s.AddCaptureShippingInfo(ctx, s.id, second, []om.ShippingInfo{{ShippingCompany: "dhl"}}, s.key())
	s.must(err)
	refundID, _, err := s.Refund(ctx, s.id, om.RefundRequest{RefundedAmount: 14900, Description: "broken", Reference: "R-1", OrderLines: []klarna.OrderLine{mugs(1)}}, s.key())
	s.must(err)

	sold, err := s.GetOrder(ctx, s.id)
	s.must(err)
	captures := sold.Captures
	if len(captures) != 2 || captures[0].CaptureID != first || captures[1].CaptureID != second {
		t.Fatalf("captures %+v, want %s and %s", captures, first, second)
	}
	for i := range captures {
		if at := captures[i].CapturedAt; at.Before(s.fake.Now().Add(-time.Hour)) || at.After(s.fake.Now()) {
			t.Errorf("captured at %v", at)
		}
		captures[i].CapturedAt = om.Time{}
	}
	reference := s.managed().KlarnaReference
	if diff := cmp.Diff([]om.Capture{
		{
			CaptureID: first, KlarnaReference: reference + "-1", CapturedAmount: 14900, Description: "half", Reference: "C-1",
			OrderLines: []klarna.OrderLine{mugs(1)}, RefundedAmount: 14900, ShippingInfo: []om.ShippingInfo{parcel},
		},
		{
			CaptureID: second, KlarnaReference: reference + "-2", CapturedAmount: 19800,
			OrderLines: []klarna.OrderLine{}, ShippingInfo: []om.ShippingInfo{{ShippingCompany: "dhl"}},
		},
	}, captures); diff != "" {
		t.Error(diff)
	}

	if len(sold.Refunds) != 1 {
		t.Fatalf("refunds %+v", sold.Refunds)
	}
	refund := sold.Refunds[0]
	refund.RefundedAt = om.Time{}
	if diff := cmp.Diff(om.Refund{
		RefundID: refundID, RefundedAmount: 14900, Description: "broken", OrderLines: []klarna.OrderLine{mugs(1)}, // no reference: as Klarna was recorded
	}, refund); diff != "" {
		t.Error(diff)
	}

	options, err := s.GetDueDateOptions(ctx, s.id, first)
	s.must(err)
	if diff := cmp.Diff(om.DueDateOptions{Currency: "SEK", Options: []om.DueDateOption{{2900, 14}, {4900, 30}, {9900, 60}}}, options); diff != "" {
		t.Error(diff)
	}
	for _, r := range s.calls.requests {
		if r.Method == http.MethodGet && r.Header.Get("Klarna-Idempotency-Key") != "" {
			t.Errorf("%s %s has an idempotency key", r.Method, r.URL.Path)
		}
	}
}

// A return fee makes a refund smaller than its goods.
func TestReturnFee(t *testing.T) {
	s := sale(t, "CAPTURED")
	fee := klarna.OrderLine{Type: klarna.ReturnFee, Name: "Retur", Quantity: 1, UnitPrice: -500, TotalAmount: -500}
	_, _, err := s.Refund(t.Context(), s.id, om.RefundRequest{RefundedAmount: 14400, OrderLines: []klarna.OrderLine{mugs(1), fee}}, s.key())
	s.must(err)
	if got, want := s.amounts(), "CAPTURED 34700/34700/14400/0"; got != want {
		t.Errorf("klarna has %s, want %s", got, want)
	}
}

// Only what differs is sent of an address, with "" for what is to be cleared.
func TestNewAddressChange(t *testing.T) {
	before := klarna.Address{
		GivenName: "Eva", FamilyName: "Ek", Email: "e@example.com", StreetAddress: "Gatan 1", StreetAddress2: "c/o Ek", PostalCode: "11122",
		City: "Ort", Region: "R", Phone: "+461", Country: "se",
	}
	after := klarna.Address{
		GivenName: "Ava", FamilyName: "Ok", Email: "a@example.com", StreetAddress: "Gatan 2", PostalCode: "33344",
		City: "Stad", Region: "S", Phone: "+462", Country: "no",
	}
	if diff := cmp.Diff(om.AddressChange{}, om.NewAddressChange(before, before)); diff != "" {
		t.Error(diff)
	}
	want := om.AddressChange{
		GivenName: new("Ava"), FamilyName: new("Ok"), Email: new("a@example.com"), StreetAddress: new("Gatan 2"), StreetAddress2: new(""),
		PostalCode: new("33344"), City: new("Stad"), Region: new("S"), Phone: new("+462"), Country: new("no"),
	}
	if diff := cmp.Diff(want, om.NewAddressChange(before, after)); diff != "" {
		t.Error(diff)
	}
}
