package faketest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
)

// A rich order, so that a mutation can hit every member.
func RichOrder() map[string]any {
	return With(CaseA(),
		"billing_address", map[string]any{"given_name": "Ada", "email": "a@b.example", "postal_code": "11147", "country": "SE"},
		"shipping_address", map[string]any{"city": "Kiruna"},
		"customer", map[string]any{"type": "person", "date_of_birth": "1941-03-21"},
		"merchant_data", "v1.x", "recurring", false, "tags", []any{"bulky"},
		"options", map[string]any{"allow_separate_shipping_address": true, "color_link": "#00FF00", "allowed_customer_types": []any{"person"},
			"additional_checkboxes": []any{map[string]any{"id": "a", "text": "A", "checked": true, "required": false}}},
		"gui", map[string]any{"options": []any{"minimal_confirmation"}},
		"shipping_countries", []any{"SE", "NO"},
		"shipping_options", Options,
		"attachment", map[string]any{"content_type": "x", "body": "{}"},
		"external_payment_methods", []any{map[string]any{"name": "P", "redirect_url": "https://p.example", "countries": []any{"SE"}}},
		"order_lines[0].product_identifiers", map[string]any{"brand": "Skerry"},
		"order_lines[0].shipping_attributes", map[string]any{"weight": 1, "dimensions": map[string]any{"height": 1}},
		"order_lines[0].subscription", map[string]any{"interval": "DAY", "interval_count": 1})
}

// strange are the values that a mutation puts in.
var strange = []any{
	nil, true, 0, -1, 1, 1.5, 1 << 53, json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("1e999"),
	"", "x", "SE", "\x00", "{checkout.order.id}", "http://[::1", "https://a.example/%zz", []any{}, []any{nil}, []any{[]any{}},
	map[string]any{}, map[string]any{"name": "x"}, "99999999999999999999", "<script>", "\u202e",
}

// Mutate changes, removes or doubles one value somewhere in v.
func Mutate(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		if len(names) == 0 || r.IntN(12) == 0 {
			return strange[r.IntN(len(strange))]
		}
		slices.Sort(names)
		name := names[r.IntN(len(names))]
		if r.IntN(6) == 0 {
			delete(v, name)
		} else {
			v[name] = Mutate(r, v[name])
		}
		return v
	case []any:
		if len(v) == 0 || r.IntN(12) == 0 {
			return strange[r.IntN(len(strange))]
		}
		i := r.IntN(len(v))
		if r.IntN(6) == 0 {
			return append(v, v[i])
		}
		v[i] = Mutate(r, v[i])
		return v
	}
	return strange[r.IntN(len(strange))]
}

// WantSound wants a 2xx, or a 4xx of Klarna's shape.
func WantSound(t *testing.T, got Answer, sent string) {
	t.Helper()
	if got.Status < 300 {
		return
	}
	var e struct {
		Code          string   `json:"error_code"`
		Messages      []string `json:"error_messages"`
		CorrelationID string   `json:"correlation_id"`
	}
	d := json.NewDecoder(bytes.NewReader(got.Body))
	if err := d.Decode(&e); err != nil || got.Status >= 500 || e.Code == "" || len(e.Messages) != 1 || e.CorrelationID != got.Header.Get("Klarna-Correlation-Id") {
		t.Errorf("got %d %s (%v) for %s", got.Status, got.Body, err, sent)
	}
}

// AddsUp returns what is wrong with the sums of an order.
func AddsUp(o fakeklarna.Order) error {
	var amount, tax int64
	for _, l := range o.OrderLines {
		amount += l.TotalAmount
		tax += l.TotalTaxAmount
	}
	if amount != o.OrderAmount || tax != o.OrderTaxAmount {
		return fmt.Errorf("lines sum to %d / %d, the order says %d / %d", amount, tax, o.OrderAmount, o.OrderTaxAmount)
	}
	return nil
}
