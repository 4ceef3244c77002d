package ordermanagement_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	om "github.com/shopd/shopd/internal/ordermanagement"
)

// limit is a member of a body with a limit: its value as large or as small as
// Klarna takes it (fits), and beyond that.
type limit struct {
	field      string // as the error names it
	path       string // below the order
	body       func(beyond bool) any
	fakeAccept bool // the fake takes what is beyond: the client is stricter
}

func text(n int, beyond bool) string {
	if beyond {
		n++
	}
	return strings.Repeat("é", n) // characters count, not bytes
}

func number(fits, beyondIt money.Amount, beyond bool) money.Amount {
	if beyond {
		return beyondIt
	}
	return fits
}

func limits() []limit {
	authorization := func(set func(a *om.Authorization, beyond bool)) func(bool) any {
		return func(beyond bool) any {
			a := om.Authorization{OrderAmount: 34700, OrderLines: []klarna.OrderLine{mugs(2), freight}}
			set(&a, beyond)
			return a
		}
	}
	references := func(set func(r *om.References, v *string), n int) func(bool) any {
		return func(beyond bool) any {
			var r om.References
			set(&r, new(text(n, beyond)))
			return r
		}
	}
	capture := func(set func(c *om.CaptureRequest, beyond bool)) func(bool) any {
		return func(beyond bool) any {
			c := om.CaptureRequest{CapturedAmount: 100}
			set(&c, beyond)
			return c
		}
	}
	refund := func(set func(r *om.RefundRequest, beyond bool)) func(bool) any {
		return func(beyond bool) any {
			r := om.RefundRequest{RefundedAmount: 100}
			set(&r, beyond)
			return r
		}
	}
	line := func(set func(l *klarna.OrderLine, beyond bool)) func(bool) any {
		return capture(func(c *om.CaptureRequest, beyond bool) {
			c.OrderLines = []klarna.OrderLine{freight, mugs(1)}
			set(&c.OrderLines[1], beyond)
		})
	}
	parcels := func(set func(p *om.ShippingInfo, beyond bool)) func(bool) any {
		return capture(func(c *om.CaptureRequest, beyond bool) {
			c.ShippingInfo = []om.ShippingInfo{{}, {}}
			set(&c.ShippingInfo[1], beyond)
		})
	}
	const authorizing, referring, capturing, refunding = "PATCH /authorization", "PATCH /merchant-references", "POST /captures", "POST /refunds"
	all := []limit{
		{"order_amount", authorizing, authorization(func(a *om.Authorization, b bool) { a.OrderAmount = number(0, -1, b) }), false},
		{"order_amount", authorizing, authorization(func(a *om.Authorization, b bool) { a.OrderAmount = number(2e8, 2e8+1, b) }), false},
		{"description", authorizing, authorization(func(a *om.Authorization, b bool) { a.Description = text(255, b) }), false},
		{"order_lines", authorizing, authorization(func(a *om.Authorization, b bool) {
			if b {
				a.OrderLines = nil
			}
		}), true},
		{"merchant_reference1", referring, references(func(r *om.References, v *string) { r.Reference1 = v }, 255), false},
		{"merchant_reference2", referring, references(func(r *om.References, v *string) { r.Reference2 = v }, 255), false},
		{"captured_amount", capturing, capture(func(c *om.CaptureRequest, b bool) { c.CapturedAmount = number(1, 0, b) }), false},
		{"description", capturing, capture(func(c *om.CaptureRequest, b bool) { c.Description = text(255, b) }), false},
		{"reference", capturing, capture(func(c *om.CaptureRequest, b bool) { c.Reference = text(255, b) }), false},
		{"refunded_amount", refunding, refund(func(r *om.RefundRequest, b bool) { r.RefundedAmount = number(1, 0, b) }), false},
		{"description", refunding, refund(func(r *om.RefundRequest, b bool) { r.Description = text(255, b) }), false},
		{"reference", refunding, refund(func(r *om.RefundRequest, b bool) { r.Reference = text(255, b) }), false},
		{"order_lines", refunding, refund(func(r *om.RefundRequest, b bool) { r.OrderLines = many(mugs(1), 1000, b) }), false},
		{"order_lines", capturing, capture(func(c *om.CaptureRequest, b bool) { c.OrderLines = many(mugs(1), 1000, b) }), false},
		{"shipping_info", capturing, capture(func(c *om.CaptureRequest, b bool) { c.ShippingInfo = many(parcel, 500, b) }), false},

		{"order_lines[1].name", capturing, line(func(l *klarna.OrderLine, b bool) { l.Name = text(255, b) }), false},
		{"order_lines[1].name", capturing, line(func(l *klarna.OrderLine, b bool) {
			if b {
				l.Name = ""
			}
		}), true},
		{"order_lines[1].reference", capturing, line(func(l *klarna.OrderLine, b bool) { l.Reference = text(255, b) }), false},
		{"order_lines[1].quantity_unit", capturing, line(func(l *klarna.OrderLine, b bool) { l.QuantityUnit = text(10, b) }), false},
		{"order_lines[1].product_url", capturing, line(func(l *klarna.OrderLine, b bool) { l.ProductURL = text(1024, b) }), false},
		{"order_lines[1].image_url", capturing, line(func(l *klarna.OrderLine, b bool) { l.ImageURL = text(1024, b) }), false},
		{"order_lines[1].quantity", capturing, line(func(l *klarna.OrderLine, b bool) { l.Quantity = int64(number(0, -1, b)) }), false},
		{"order_lines[1].tax_rate", capturing, line(func(l *klarna.OrderLine, b bool) { l.TaxRate = klarna.Rate(number(0, -1, b)) }), false},
		{"order_lines[1].unit_price", capturing, line(func(l *klarna.OrderLine, b bool) { l.UnitPrice = number(2e8, 2e8+1, b) }), false},
		{"order_lines[1].total_amount", capturing, line(func(l *klarna.OrderLine, b bool) { l.TotalAmount = number(2e8, 2e8+1, b) }), false},
		{"order_lines[1].total_discount_amount", capturing, line(func(l *klarna.OrderLine, b bool) { l.TotalDiscountAmount = number(2e8, 2e8+1, b) }), false},
		{"order_lines[1].total_discount_amount", capturing, line(func(l *klarna.OrderLine, b bool) { l.TotalDiscountAmount = number(0, -1, b) }), false},
		{"order_lines[1].total_tax_amount", capturing, line(func(l *klarna.OrderLine, b bool) { l.TotalTaxAmount = number(2e8, 2e8+1, b) }), false},

		{"shipping_info[1].shipping_company", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.ShippingCompany = text(100, b) }), false},
		{"shipping_info[1].tracking_number", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.TrackingNumber = text(100, b) }), false},
		{"shipping_info[1].tracking_uri", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.TrackingURI = text(1024, b) }), false},
		{"shipping_info[1].return_shipping_company", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.ReturnShippingCompany = text(100, b) }), false},
		{"shipping_info[1].return_tracking_number", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.ReturnTrackingNumber = text(100, b) }), false},
		{"shipping_info[1].return_tracking_uri", capturing, parcels(func(p *om.ShippingInfo, b bool) { p.ReturnTrackingURI = text(1024, b) }), false},
	}
	for field, most := range map[string]int{
		"given_name": 100, "family_name": 100, "email": 100, "street_address": 100, "street_address2": 100, "city": 200, "region": 200, "phone": 100,
	} {
		all = append(all, limit{"shipping_address." + field, "PATCH /customer-details", addressWith(field, most), false})
	}
	// What fits of these is no address in Sweden.
	all = append(all, limit{"shipping_address.postal_code", "", addressWith("postal_code", 10), false}, limit{"shipping_address.country", "", addressWith("country", 2), false})
	return all
}

func many[T any](one T, n int, beyond bool) []T {
	if beyond {
		n++
	}
	all := make([]T, n)
	for i := range all {
		all[i] = one
	}
	return all
}

func addressWith(field string, most int) func(bool) any {
	return func(beyond bool) any {
		var a om.AddressChange
		member, _ := json.Marshal(map[string]string{field: text(most, beyond)})
		if err := json.Unmarshal(member, &a); err != nil {
			panic(err)
		}
		return a
	}
}

// What is at a limit Klarna takes. What is beyond it Klarna would refuse; it is
// not sent.
func TestLimits(t *testing.T) {
	for _, l := range limits() {
		t.Run(l.field, func(t *testing.T) {
			s := sale(t, "AUTHORIZED")
			if strings.HasSuffix(l.path, "/refunds") {
				s.enter("CAPTURED")
			}
			s.calls.requests = nil
			if l.path != "" {
				if err := send(s, l.body(false)); err != nil {
					t.Errorf("at the limit: %v", err)
				}
				body := l.body(true)
				if a, ok := body.(om.AddressChange); ok {
					body = map[string]any{"shipping_address": a}
				}
				if got := s.post(l.path, body); (got == 422) == l.fakeAccept {
					t.Errorf("beyond the limit klarna answers %d", got)
				}
			}
			s.calls.requests = nil
			err := send(s, l.body(true))
			if rule, ok := errors.AsType[*klarna.RuleError](err); !ok || rule.Field != l.field || rule.Rule == "" {
				t.Errorf("beyond the limit: got %v, want a rule about %s", err, l.field)
			}
			if len(s.calls.requests) > 0 {
				t.Error("it was sent all the same")
			}
		})
	}
}

func send(s *shop, body any) error {
	var err error
	switch body := body.(type) {
	case om.Authorization:
		_, err = s.UpdateAuthorization(s.t.Context(), s.id, body, s.key())
	case om.References:
		_, err = s.SetMerchantReferences(s.t.Context(), s.id, body, s.key())
	case om.AddressChange:
		_, err = s.UpdateShippingAddress(s.t.Context(), s.id, body, s.key())
	case om.CaptureRequest:
		_, _, err = s.Capture(s.t.Context(), s.id, body, s.key())
	case om.RefundRequest:
		_, _, err = s.Refund(s.t.Context(), s.id, body, s.key())
	case []om.ShippingInfo:
		_, err = s.AddShippingInfo(s.t.Context(), s.id, body, s.key())
	}
	return err
}

// post sends a body past the client and returns the status.
func (s *shop) post(what string, body any) int {
	s.t.Helper()
	content, err := json.Marshal(body)
	s.must(err)
	method, path, _ := strings.Cut(what, " ")
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.fake.URL+"/ordermanagement/v1/orders/"+s.id+path, bytes.NewReader(content))
	s.must(err)
	r.SetBasicAuth("demo", "demo")
	res, err := http.DefaultClient.Do(r)
	s.must(err)
	_ = res.Body.Close()
	return res.StatusCode
}

// Parcels have a least number too.
func TestParcels(t *testing.T) {
	for _, tc := range []struct {
		name    string
		parcels []om.ShippingInfo
		field   string
	}{
		{"none", nil, "shipping_info"},
		{"an empty one", []om.ShippingInfo{{}}, ""},
		{"500", many(parcel, 500, false), ""},
		{"501", many(parcel, 501, false), "shipping_info"},
		{"a long one", []om.ShippingInfo{{}, {TrackingNumber: text(101, false)}}, "shipping_info[1].tracking_number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := sale(t, "CAPTURED")
			_, order := s.AddShippingInfo(t.Context(), s.id, tc.parcels, s.key())
			_, capture := s.AddCaptureShippingInfo(t.Context(), s.id, s.captureID, tc.parcels, s.key())
			for _, err := range []error{order, capture, om.CheckShippingInfo(tc.parcels)} {
				rule, broken := errors.AsType[*klarna.RuleError](err)
				if broken != (tc.field != "") || broken && rule.Field != tc.field || !broken && err != nil {
					t.Errorf("got %v, want a rule about %q", err, tc.field)
				}
			}
		})
	}
}

// Klarna takes 1 MB. Each member may be as long as it may be and the body still
// be too large.
func TestBodySize(t *testing.T) {
	s := sale(t, "AUTHORIZED")
	lines := func(url int) om.CaptureRequest {
		line := mugs(1)
		line.ProductURL = strings.Repeat("x", url)
		return om.CaptureRequest{CapturedAmount: 100, OrderLines: many(line, 1000, false)}
	}
	size := func(c om.CaptureRequest) int {
		text, err := json.Marshal(c)
		s.must(err)
		return len(text)
	}
	n := (1<<20 - size(lines(1)) + 1000) / 1000
	if size(lines(n)) > 1<<20 || size(lines(n+1)) <= 1<<20 {
		t.Fatalf("%d and %d bytes", size(lines(n)), size(lines(n+1)))
	}
	if err := send(s, lines(n)); err != nil {
		t.Errorf("below 1 MB: %v", err)
	}
	if got := s.post("POST /captures", lines(n+1)); got != 413 {
		t.Errorf("above 1 MB klarna answers %d", got)
	}
	err := send(s, lines(n+1))
	if rule, ok := errors.AsType[*klarna.RuleError](err); !ok || rule.Field != "body" {
		t.Errorf("above 1 MB: got %v, want a rule about the body", err)
	}
}

// Klarna may know more ways to ship than its documentation; those of the
// documentation it takes.
func TestShippingMethods(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.sell("AUTHORIZED")
	for _, method := range om.ShippingMethods {
		if err := send(s, []om.ShippingInfo{{ShippingMethod: method}}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	if got := len(om.ShippingMethods); got != 13 {
		t.Errorf("%d methods, want 13", got)
	}
	if err := om.CheckShippingInfo([]om.ShippingInfo{{ShippingMethod: "Drone"}}); err != nil {
		t.Errorf("a method of tomorrow: %v", err)
	}
}
