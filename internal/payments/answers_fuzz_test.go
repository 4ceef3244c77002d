package payments_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna/klarnatest"
	"github.com/shopd/shopd/internal/payments"
)

// FuzzAnswers: whatever body a session or a placed order comes with, it is read or refused,
// never a panic, and no order is placed that has no ID.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"session_id":"s","client_token":"t","status":"incomplete","payment_method_categories":[{"identifier":"pay_later"}],"order_amount":1}`)
	f.Add(`{"order_id":"o","fraud_status":"ACCEPTED","redirect_url":"javascript:x","authorized_payment_method":{"type":1}}`)
	f.Add(`{"order_id":"","redirect_url":"https://x"}`)
	f.Add(`{"session_id":1,"order_lines":[null],"order_amount":1e99}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		c := payments.NewClient(klarnatest.Answering(t, body))
		// Not an assertion on the first two: the syncer judges what they say.
		_, _ = c.CreateSession(t.Context(), payments.Content{}, "")
		_, _ = c.GetSession(t.Context(), "s")
		if placed, _, err := c.PlaceOrder(t.Context(), "token", payments.OrderRequest{}); err == nil && placed.OrderID == "" {
			t.Errorf("%q places an order without an ID: %+v", body, placed)
		}
	})
}

// FuzzDecodeCall: the order call that a reservation keeps is read as it was written, or not
// at all; one without a token is none.
func FuzzDecodeCall(f *testing.F) {
	f.Add([]byte(`{"token":"t","session_id":"s","order":{"purchase_country":"SE","order_lines":[{"name":"Mug"}],"billing_address":{"given_name":"Ada","x":1}}}`))
	f.Add([]byte(`{"token":""}`))
	f.Add([]byte(`{"token":"t","order":null}`))
	f.Add([]byte(`{"authorization_token":"t","Token":"t","body":{}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := payments.DecodeCall(body)
		if err != nil {
			return
		}
		text, err := call.Body()
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s is read, and cannot be kept: %v", body, err)
		}
		again, err := payments.DecodeCall(text)
		twice, _ := again.Body()
		if d := cmp.Diff(string(text), string(twice)); call.Token == "" || err != nil || d != "" {
			t.Errorf("%s: %v %s", body, err, d)
		}
	})
}
