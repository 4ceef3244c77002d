package ordermanagement_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

func TestGetOrder(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	got, err := s.GetOrder(t.Context(), s.id)
	s.must(err)
	want := s.managed()
	text := func(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z") }
	if diff := cmp.Diff(
		[]any{s.id, "AUTHORIZED", "ACCEPTED", int64(34700), "SE", "SEK", "sv-SE", "v1.x.y", want.KlarnaReference, "eva@example.com", want.ShippingAddress.StreetAddress, want.CreatedAt, want.ExpiresAt, want.InitialPaymentMethod.Type},
		[]any{got.OrderID, string(got.Status), string(got.FraudStatus), int64(got.OrderAmount), got.PurchaseCountry, got.PurchaseCurrency, got.Locale, got.MerchantData, got.KlarnaReference, got.BillingAddress.Email, got.ShippingAddress.StreetAddress, text(got.CreatedAt.Time), text(got.ExpiresAt.Time), got.PaymentMethod.Type},
	); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]klarna.OrderLine{mugs(2), freight}, got.OrderLines); diff != "" {
		t.Error(diff)
	}
}

// An ID leads to no other call, whatever it is.
func TestIDs(t *testing.T) {
	s := sale(t, "CAPTURED")
	for _, id := range []string{"", ".", "..", "../" + s.id, "../../checkout/v3/orders/" + s.id, s.id + "/captures", s.id + "?x=", s.id + "#"} {
		if _, err := s.GetOrder(t.Context(), id); err == nil {
			t.Errorf("order %q was read", id)
		}
		if _, err := s.AddCaptureShippingInfo(t.Context(), s.id, id, []om.ShippingInfo{parcel}, s.key()); err == nil {
			t.Errorf("capture %q got a parcel", id)
		}
		if _, err := s.Cancel(t.Context(), id, s.key()); err == nil {
			t.Errorf("order %q was cancelled", id)
		}
	}
	for _, r := range s.calls.requests {
		if p := r.URL.EscapedPath(); strings.Contains(p, "/../") || strings.Contains(p, "/./") || strings.Contains(p, "//") || strings.HasSuffix(p, "/") {
			t.Errorf("sent %s %s", r.Method, r.URL.EscapedPath())
		}
	}
}

// Answers are read as they were recorded, and a little beyond.
func TestTolerantAnswers(t *testing.T) {
	const id = `"order_id":"` + nobody + `","status":"CAPTURED"`
	for _, tc := range []struct {
		name, body string
		want       om.Order
	}{
		{"the least", `{` + id + `}`, om.Order{}},
		{"nulls", `{` + id + `,"captures":null,"refunds":null,"order_lines":null,"shipping_info":null,"billing_address":null,"expires_at":null,"merchant_data":null}`, om.Order{}},
		{
			"unknown members", `{` + id + `,"selected_shipping_option":{"id":"x","price":5,"y":1},"customer":{"type":"person"},"x":[1],"order_amount":5}`,
			om.Order{OrderAmount: 5, Customer: klarna.Customer{Type: "person"}, SelectedShippingOption: &om.ShippingOption{ID: "x"}},
		},
		{
			"a delivery that cannot be read", `{` + id + `,"selected_shipping_option":{"id":"x","name":1,"location":[2],"timeslot":{"start":17,"end":"21:00"},"selected_addons":{},"tms_reference":"t"},"order_amount":5}`,
			om.Order{OrderAmount: 5, SelectedShippingOption: &om.ShippingOption{ID: "x", Timeslot: klarna.Timeslot{End: "21:00"}, TMSReference: "t"}},
		},
		{"a delivery that is none", `{` + id + `,"selected_shipping_option":"x","order_amount":5}`, om.Order{OrderAmount: 5, SelectedShippingOption: &om.ShippingOption{}}},
		{"another state", `{"order_id":"` + nobody + `","status":"SOMETHING","fraud_status":"OTHER"}`, om.Order{Status: "SOMETHING", FraudStatus: "OTHER"}},
		{
			"odd times", `{` + id + `,"created_at":"yesterday","expires_at":1790000000,"captures":[{"capture_id":"c","captured_at":""}]}`,
			om.Order{Captures: []om.Capture{{CaptureID: "c"}}},
		},
		{
			"lines with what nobody set", `{` + id + `,"order_lines":[{"type":"package","name":"M","quantity":1,"quantity_unit":"","product_identifiers":{"brand":"B"},"merchant_data":"d"}]}`,
			om.Order{OrderLines: []klarna.OrderLine{{
				Type: "package", Name: "M", Quantity: 1, Told: klarna.Told{MerchantData: "d", ProductIdentifiers: klarna.Identifiers{Brand: "B"}},
			}}},
		},
		{
			"a capture without its members", `{` + id + `,"captures":[{"capture_id":"c","captured_amount":7,"billing_address":{}}],"refunds":[{"refund_id":"r","credit_invoice":true}]}`,
			om.Order{Captures: []om.Capture{{CaptureID: "c", CapturedAmount: 7}}, Refunds: []om.Refund{{RefundID: "r"}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			s.fake.AddFault(fakeklarna.Fault{Status: 200, Body: fakeklarna.FaultBody(tc.body)})
			got, err := s.GetOrder(t.Context(), nobody)
			s.must(err)
			tc.want.OrderID = nobody
			if tc.want.Status == "" {
				tc.want.Status = om.Captured
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A 200 that holds no order is an error, not an empty one.
func TestEmptyAnswer(t *testing.T) {
	s := sale(t, "refunded")
	s.fake.AddFault(fakeklarna.Fault{Status: 200, Body: `{}`, Count: -1})
	_, err := s.GetOrder(t.Context(), s.id)
	if _, refused := errors.AsType[*klarna.Error](err); err == nil || refused {
		t.Errorf("got %v, want an error that is no refusal", err)
	}
}

// The new ID is in a header of its own, whose name has either case, or only in Location.
func TestNewIDs(t *testing.T) {
	const at = "https://api.klarna.com/ordermanagement/v1/orders/" + nobody
	for _, tc := range []struct {
		name            string
		capture, refund map[string]string
		want            string
	}{
		{"headers", map[string]string{"Capture-Id": "1", "Location": at + "/captures/2"}, map[string]string{"Refund-Id": "1", "Location": at + "/refunds/2"}, "1"},
		{"lower case", map[string]string{"capture-id": "1"}, map[string]string{"refund-id": "1"}, "1"},
		{"location", map[string]string{"Location": at + "/captures/2"}, map[string]string{"Location": at + "/refunds/2"}, "2"},
		{"location with a slash", map[string]string{"Location": at + "/captures/2/"}, map[string]string{"Location": at + "/refunds/2/"}, "2"},
		{"neither", nil, nil, ""},
		{"another location", map[string]string{"Location": at}, map[string]string{"Location": at}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			s.fake.AddFault(fakeklarna.Fault{Status: 201, Header: tc.capture, Body: " "})
			got, _, err := s.Capture(t.Context(), nobody, om.CaptureRequest{CapturedAmount: 1}, s.key())
			if err != nil || got != tc.want {
				t.Errorf("capture %q, %v, want %q", got, err, tc.want)
			}
			s.fake.AddFault(fakeklarna.Fault{Status: 201, Header: tc.refund, Body: " "})
			got, _, err = s.Refund(t.Context(), nobody, om.RefundRequest{RefundedAmount: 1}, s.key())
			if err != nil || got != tc.want {
				t.Errorf("refund %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// A date that cannot be read is no reason not to read the order.
func TestTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2026-09-29T14:39:58.000Z"`:      time.Date(2026, 9, 29, 14, 39, 58, 0, time.UTC),
		`"2026-09-29T16:39:58.123+02:00"`: time.Date(2026, 9, 29, 14, 39, 58, 123e6, time.UTC),
		`"2026-09-29T14:39:58Z"`:          time.Date(2026, 9, 29, 14, 39, 58, 0, time.UTC),
		`"29/09/2026"`:                    {},
		`""`:                              {},
		`null`:                            {},
		`17`:                              {},
		`{}`:                              {},
	} {
		got := om.Time{Time: time.Unix(1, 0)}
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Time != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}
