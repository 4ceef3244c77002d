package kco_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A cart for which nothing is to be paid has an order of the shop's own, Klarna's is let go
// of; and the other way round.
func TestSyncFree(t *testing.T) {
	all, none := "ALL", ""
	free := cart.Change{DiscountCode: &all, ShippingOption: "collect"}
	paid := cart.Change{DiscountCode: &none}
	for _, tc := range []struct {
		name    string
		given   func(w *world) (known string) // a cart with a mug, which costs something; known is the session's order
		mode    cartsync.Mode
		calls   []string // since then
		outcome cartsync.Outcome
		own     bool // the cart's order is the shop's own
		left    int  // orders left behind
		held    int  // mugs that are held for a purchase
		err     error
	}{
		{name: "no order", given: func(w *world) string { w.change(free); return "" }, outcome: cartsync.Free, own: true},
		{name: "no order, open page", given: func(w *world) string { w.change(free); return "" }, mode: cartsync.Change, outcome: cartsync.Free, own: true},
		{name: "its own order", given: func(w *world) string {
			w.change(free)
			r, _ := w.sync(cartsync.Load)
			return r.OrderID
		}, outcome: cartsync.Free, own: true},
		{name: "Klarna's order", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.change(free)
			return r.OrderID
		}, outcome: cartsync.Free, own: true, left: 1},
		{name: "Klarna's order, open page", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.change(free)
			return r.OrderID
		}, mode: cartsync.Change, outcome: cartsync.Free, own: true, left: 1},
		{name: "Klarna's order, page of the shop's own form", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.change(free)
			return r.OrderID
		}, mode: cartsync.OnlyFree, outcome: cartsync.Free, own: true, left: 1},
		{name: "Klarna's order, repair", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.change(free)
			return r.OrderID
		}, mode: cartsync.Repair, outcome: cartsync.Free},
		{name: "it costs something again", given: func(w *world) string {
			w.change(free)
			r, _ := w.sync(cartsync.Load)
			w.change(paid)
			return r.OrderID
		}, calls: []string{"create"}},
		{name: "it costs something again, open page", given: func(w *world) string {
			w.change(free)
			r, _ := w.sync(cartsync.Load)
			w.change(paid)
			return r.OrderID
		}, mode: cartsync.Change, calls: []string{"create"}},
		{name: "it costs something again, page of the shop's own form", given: func(w *world) string {
			w.change(free)
			r, _ := w.sync(cartsync.Load)
			w.change(paid)
			return r.OrderID
		}, mode: cartsync.OnlyFree, outcome: cartsync.ToPay, own: true},
		{name: "it costs something again, repair", given: func(w *world) string {
			w.change(free)
			r, _ := w.sync(cartsync.Load)
			w.change(paid)
			return r.OrderID
		}, mode: cartsync.Repair, own: true, err: cartsync.ErrNothingToRepair},

		// Klarna's order may be being bought.
		{name: "aborted", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.reserve(r.OrderID, time.Minute)
			w.change(free)
			return r.OrderID
		}, calls: []string{"abort"}, outcome: cartsync.Free, own: true, left: 1},
		{name: "expired", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.reserve(r.OrderID, time.Minute)
			w.Fake.Advance(49 * time.Hour)
			w.change(free)
			return r.OrderID
		}, calls: []string{"abort"}, outcome: cartsync.Free, own: true, left: 1},
		{name: "bought", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.reserve(r.OrderID, time.Minute)
			w.buy(r.OrderID)
			w.change(free)
			return r.OrderID
		}, calls: []string{"abort", "read"}, outcome: cartsync.Complete, held: 1},
		{name: "no answer to the abort", given: func(w *world) string {
			r, _ := w.sync(cartsync.Load)
			w.reserve(r.OrderID, time.Minute)
			w.change(free)
			w.fault(http.MethodPost, abortPath, fakeklarna.Fault{Status: 500, Count: -1})
			return r.OrderID
		}, calls: []string{"abort", "abort", "abort"}, held: 1, err: cartsync.ErrPurchaseRunning},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := &world{shoptest.New(t, shoptest.Options{Version: shoptest.Gifts(t)}), cart.NewID()}
			w.put("MUG-1", 1)
			known := tc.given(w)
			before := w.calls()
			result, err := w.sync(tc.mode, known)
			if !errors.Is(err, tc.err) || err == nil && result.Outcome != tc.outcome {
				t.Errorf("got outcome %d, %v; want %d, %v", result.Outcome, err, tc.outcome, tc.err)
			}
			if diff := cmp.Diff(tc.calls, slices.Clone(w.calls()[len(before):]), cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
				t.Errorf("calls: %s", diff)
			}
			c := w.Cart(w.cartID)
			if cart.IsOwnOrder(c.OrderID) != tc.own {
				t.Errorf("the cart's order is %q", c.OrderID)
			}
			if err == nil && tc.outcome == cartsync.Free && tc.own && (result.OrderID != c.OrderID || cart.IsOwnOrder(known) && known != c.OrderID) {
				t.Errorf("the order is %q, the cart's %q, it was %q", result.OrderID, c.OrderID, known)
			}
			left := w.leftBehind()
			if len(left) != tc.left || slices.ContainsFunc(left, cart.IsOwnOrder) {
				t.Errorf("left behind: %v, want %d", left, tc.left)
			}
			if n := 40 - w.mugsLeft(); n != tc.held {
				t.Errorf("%d mugs are held, want %d", n, tc.held)
			}
			if err == nil && tc.outcome == cartsync.InSync {
				w.agrees(result.OrderID)
			}
		})
	}
}
