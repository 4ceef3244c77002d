package payments_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
)

// richSession has every member, so that a mutation can hit each.
func richSession() map[string]any {
	return faketest.With(faketest.CartSE(),
		"billing_address", faketest.Ada(), "shipping_address", faketest.With(faketest.Ada(), "attention", "B"), "customer", map[string]any{"type": "person", "date_of_birth": "1941-03-21"},
		"intent", "buy_and_tokenize", "acquiring_channel", "ECOMMERCE", "merchant_data", "x", "design", "d", "step_up_id", "s",
		"options", map[string]any{"color_border": "#00FF00", "radius_border": "5px"}, "custom_payment_method_ids", []any{"p"},
		"attachment", map[string]any{"content_type": "application/vnd.klarna.internal.emd-v2+json", "body": "{}"},
		"merchant_urls", map[string]any{"confirmation": "https://shop.example/{order.id}", "push": "https://shop.example/p", "app_return_url": "skerry://x"},
		"order_lines[0].product_identifiers", map[string]any{"brand": "Skerry"},
		"order_lines[0].subscription", map[string]any{"name": "x", "interval": "DAY", "interval_count": 1})
}

// FuzzPayments: whatever is sent, the answer is 2xx or a 4xx of Klarna's shape,
// and a session that was kept adds up and can be bought.
func FuzzPayments(f *testing.F) {
	for _, seed := range paymentSeeds {
		f.Add(seed, "")
	}
	f.Add(uint64(0), `{"order_lines":[{}]}`)
	f.Add(uint64(0), `{"billing_address":{"email":"\u0000@a"}}`)
	f.Add(uint64(0), `{"a":{"a":[[[`)
	f.Add(uint64(0), `null`)
	f.Fuzz(func(t *testing.T, seed uint64, raw string) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newKPShop(t)
		s.start(richSession())
		fuzzed := func(content map[string]any) string {
			if raw != "" {
				return raw
			}
			return faketest.Text(faketest.Mutate(r, faketest.Decode(faketest.Text(content))))
		}
		faketest.WantSound(t, s.Do("POST", faketest.SessionsPath, fuzzed(richSession())), raw)
		faketest.WantSound(t, s.Do("POST", s.path(sessionPath), fuzzed(richSession())), raw)
		data := fuzzed(map[string]any{"billing_address": faketest.Ada(), "order_lines": faketest.CartSE()["order_lines"]})
		_, _ = s.Fake.Pay(s.session, payment{Load: &authorize{Data: json.RawMessage(data)}})
		if out, err := s.Fake.Pay(s.session, payment{Authorize: &authorize{Decision: "approve"}}); err == nil {
			s.token = out.AuthorizationToken
		}
		if got := s.Do("POST", s.path("/fake/sessions/{session}/shopper"), fuzzed(map[string]any{"authorize": map[string]any{"category": "pay_now", "typed": map[string]any{"city": "x"}}})); got.Status >= 500 {
			t.Errorf("shopper: got %d %s", got.Status, got.Body)
		}
		faketest.WantSound(t, s.Do("POST", s.path(tokenizePath), fuzzed(faketest.With(tokenSE(), "billing_address", faketest.Ada()))), raw)
		faketest.WantSound(t, s.Do("POST", s.path(placePath), fuzzed(faketest.With(orderSE(), "billing_address", faketest.Ada()))), raw)

		s.start(faketest.With(richSession(), "intent", "tokenize"))
		s.authorize()
		s.tokenize()
		faketest.WantSound(t, s.Do("POST", s.path(customerPath+"/order"), fuzzed(faketest.With(chargeSE(), "shipping_address", faketest.Ada()))), raw)
		faketest.WantSound(t, s.Do("PATCH", s.path(customerPath+"/status"), fuzzed(map[string]any{"status": "CANCELLED"})), raw)
		for _, v := range s.Fake.Sessions() {
			buyable(t, s, v)
		}
	})
}

// buyable checks that a session adds up and, unless it is complete, that its
// order can be placed.
func buyable(t *testing.T, s *kpShop, v fakeklarna.Session) {
	t.Helper()
	var sum int64
	for _, l := range v.OrderLines {
		sum += l.TotalAmount
	}
	if sum != v.OrderAmount {
		t.Errorf("lines sum to %d, the session says %d", sum, v.OrderAmount)
	}
	if v.Status == payments.SessionComplete || v.Intent == "tokenize" {
		return
	}
	out, err := s.Fake.Pay(v.SessionID, payment{Authorize: &authorize{Decision: "approve"}})
	if err != nil || !out.Approved {
		return // such as a postal code of another country
	}
	order := map[string]any{"purchase_country": v.PurchaseCountry, "purchase_currency": v.PurchaseCurrency, "order_amount": v.OrderAmount, "order_lines": v.OrderLines}
	if got := s.Do("POST", "/payments/v1/authorizations/"+out.AuthorizationToken+"/order", faketest.Text(order)); got.Status != 200 {
		t.Errorf("order of a kept session: got %d %s for %s", got.Status, got.Body, faketest.Text(order))
	}
}

// BenchmarkPaymentSession: create, update and read of a session.
func BenchmarkPaymentSession(b *testing.B) {
	s := newKPShop(b)
	body, update := faketest.Text(faketest.CartSE()), faketest.Text(faketest.CartOf(3))
	for b.Loop() {
		s.Do("POST", faketest.SessionsPath, body)
		s.Do("POST", s.path(sessionPath), update)
		s.Do("GET", s.path(sessionPath), "")
	}
}

// paymentSeeds are chosen as orderSeeds in checkout: for the most different answers.
var paymentSeeds = []uint64{0, 7, 9, 11, 15, 19, 20, 24, 38, 41, 45, 46, 50, 52, 53, 54, 58, 78, 90, 110, 118, 123, 146, 161, 185, 195, 212, 232, 244, 264}
