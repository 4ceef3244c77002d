package checkout_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// FuzzOrders: whatever is sent, the fake answers 2xx or a 4xx of Klarna's shape,
// never 5xx, an order that it has kept adds up, and it takes its own snapshot back.
func FuzzOrders(f *testing.F) {
	for _, seed := range orderSeeds {
		f.Add(seed, "")
	}
	f.Add(uint64(0), `{"order_lines":[{}]}`)
	f.Add(uint64(0), `{"a":{"a":[[[`)
	f.Add(uint64(0), `{"type":{"date_of_birth":"21.03.1941"}}`)
	f.Add(uint64(0), `{"type":{"date_of_birth":" 1941-03-21 ","shipping.country":"no","vat_id":"x","phone":"none"},"customer":"organization"}`)
	f.Fuzz(func(t *testing.T, seed uint64, raw string) {
		call := faketest.NewCaller(t)
		id := call.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.RichOrder())).Order(t).OrderID
		if raw == "" {
			raw = faketest.Text(faketest.Mutate(rand.New(rand.NewPCG(seed, 1)), faketest.Decode(faketest.Text(faketest.RichOrder()))))
		}
		for _, path := range []string{"/checkout/v3/orders", "/checkout/v3/orders/" + id} {
			faketest.WantSound(t, call.Do("POST", path, raw), raw)
		}
		for _, path := range []string{"/fake/faults", "/fake/clock", "/fake/orders/" + id + "/shopper"} {
			if got := call.Do("POST", path, raw); got.Status >= 500 || !json.Valid(got.Body) {
				t.Errorf("%s: got %d %s for %s", path, got.Status, got.Body, raw)
			}
		}
		call.Fake.ClearFaults()
		for _, o := range call.Fake.Orders() {
			if err := faketest.AddsUp(o); err != nil {
				t.Errorf("%v, after %s", err, raw)
			}
			if _, err := call.Fake.Shopper(o.OrderID, faketest.Action{Buy: &fakeklarna.Buy{}}); err != nil && !o.Fake.Expired {
				t.Errorf("buying: %v, after %s", err, raw)
			}
		}
		if err := call.Fake.Restore(call.Fake.Snapshot()); err != nil {
			t.Errorf("%v, after %s", err, raw)
		}
	})
}

// The seeds that every run of the tests tries; make fuzz goes on from them for as long as it is told. They are 30 of
// a thousand each, which together have the most different answers of the fake (orderSeeds), members, kinds of lines and
// markets (validSeeds: all that there are), and faults (faultySeeds: 196 of the 206 kinds).
var (
	orderSeeds  = []uint64{2, 3, 6, 14, 15, 16, 32, 33, 34, 44, 45, 55, 56, 64, 74, 75, 90, 100, 104, 120, 128, 144, 156, 165, 188, 193, 196, 202, 280, 289}
	validSeeds  = []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 54, 123, 821}
	faultySeeds = []uint64{5, 27, 29, 65, 75, 84, 93, 109, 117, 121, 131, 135, 154, 155, 164, 166, 187, 238, 304, 322, 332, 350, 376, 388, 420, 549, 628, 652, 798, 974}
)
