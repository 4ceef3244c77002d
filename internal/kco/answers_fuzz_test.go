package kco_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna/klarnatest"
)

// FuzzAnswers: whatever body a read order comes with, it is an order with ID and status or
// an error; it is equal to itself, also after it was sent and read once more, and telling
// its story shows none of what the shopper typed.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"order_id":"o","status":"checkout_incomplete","purchase_country":"se","order_amount":100,"order_lines":[{"name":"Mug","quantity":1,"total_amount":100}]}`)
	f.Add(`{"order_id":"o","status":"checkout_complete","billing_address":{"email":"typed@example.com"},"selected_shipping_option":{"id":"x"},"html_snippet":"<div>"}`)
	f.Add(`{"order_id":"","status":"checkout_complete"}`)
	f.Add(`{"order_id":"o","status":1}`)
	f.Add(`{"order_id":"o","status":"x","order_amount":1e300,"order_lines":[null]}`)
	f.Add(`{"order_id":"o","status":"x","merchant_urls":{"push":"http://[::1"},"shipping_options":null}`)
	f.Add(`[]`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		read := func(body string) (kco.Order, error) {
			return kco.NewClient(klarnatest.Answering(t, body)).GetOrder(t.Context(), "o")
		}
		o, err := read(body)
		if err != nil {
			return
		}
		if o.OrderID == "" || o.Status == "" {
			t.Errorf("%q is an order without ID or status", body)
		}
		if d := kco.Differences(o.Content, o); len(d) > 0 {
			t.Errorf("%q differs from itself: %v", body, d)
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(string(text))
		if d := cmp.Diff(o.Content, again.Content); err != nil || len(kco.Differences(o.Content, again)) > 0 {
			t.Errorf("read again: %v %s", err, d)
		}
		_, facts := o.Tell()
		told, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(told), "typed@example.com") {
			t.Errorf("the story says %s", told)
		}
	})
}

// FuzzMerchantData: only what a key of ours has signed names a cart, whatever is made of it.
func FuzzMerchantData(f *testing.F) {
	s, err := kco.NewSigner("a secret for the tests")
	if err != nil {
		f.Fatal(err)
	}
	own := s.Sign("cart7")
	for _, data := range []string{own, own[:len(own)-1], "v2.cart7.x.y", s.SignOrigin("cart7", "origin"), "v1..", "", "v1.cart7." + strings.Repeat("a", 64), strings.ToUpper(own)} {
		f.Add("cart7", "payments", data)
	}
	f.Fuzz(func(t *testing.T, cartID, origin, data string) {
		if got, from, err := s.VerifyOrigin(data); err == nil && data != s.Sign(got) && data != s.SignOrigin(got, from) {
			t.Errorf("%q is taken for ours: %q, %q", data, got, from)
		}
		if strings.ContainsAny(cartID, ". ") || cartID == "" || origin == "" {
			return // no ID that we make
		}
		if got, err := s.Verify(s.Sign(cartID)); got != cartID || err != nil {
			t.Errorf("signed %q, got %q, %v", cartID, got, err)
		}
		if got, from, err := s.VerifyOrigin(s.SignOrigin(cartID, origin)); got != cartID || from != origin || err != nil {
			t.Errorf("signed %q of %q, got %q of %q, %v", cartID, origin, got, from, err)
		}
	})
}
