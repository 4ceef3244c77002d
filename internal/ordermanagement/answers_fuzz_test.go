package ordermanagement_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna/klarnatest"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// FuzzAnswers: whatever body an order, its captures, a refund or offers of due dates come
// with, reading them ends without a panic, and what is read says the same when it is
// written and read once more. A date that cannot be read refuses no order.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"order_id":"o","status":"AUTHORIZED","order_amount":100,"expires_at":"2026-11-21T14:00:00Z","captures":[{"capture_id":"c","captured_amount":1}]}`)
	f.Add(`{"order_id":"o","status":"x","expires_at":"soon","created_at":1,"refunds":[null],"order_lines":[{}]}`)
	f.Add(`{"order_id":"o","fraud_status":null,"initial_payment_method":{"type":1}}`)
	f.Add(`[{"capture_id":"c"}]`)
	f.Add(`{"expires_at":"0000-01-01T00:00:00Z","order_id":"o","status":"CAPTURED"}`)
	f.Add(`{"expires_at":"9999-12-31T23:59:59.999999999+23:59","order_id":"o"}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		on := func(body string) *ordermanagement.Client {
			return ordermanagement.NewClient(klarnatest.Answering(t, body), ordermanagement.Klarna)
		}
		if o, err := on(body).GetOrder(t.Context(), "o"); err == nil {
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatalf("%q is read, and cannot be stored: %v", body, err)
			}
			again, err := on(string(text)).GetOrder(t.Context(), "o")
			if d := cmp.Diff(o, again); d != "" || err != nil {
				t.Errorf("%q is read as another order once it was written: %v %s", body, err, d)
			}
			o.Tell()
		}
		// Not an assertion on what they say: none of it is trusted further.
		_, _ = on(body).GetDueDateOptions(t.Context(), "o", "c")
	})
}
