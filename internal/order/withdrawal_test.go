package order_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// withdrawalShop is the demo's shop with goods from some of which nobody can withdraw.
func withdrawalShop(t *testing.T, change func(*settings.Shop)) *publish.Version {
	t.Helper()
	goods, err := catalog.Read(strings.NewReader(`{"currencies": ["SEK"], "products": [
		{"sku": "MUG-1", "category": "c", "name": "Mug", "stock": 1, "tax_class": "standard", "prices": {"SEK": 100}},
		{"sku": "SEAL-1", "category": "c", "name": "Sealed", "stock": 1, "tax_class": "standard", "withdrawal": false, "prices": {"SEK": 100}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := *shoptest.Published(func(s *settings.Shop) { change(s) }).Now().Shop
	return publish.NewVersion(1, &s, goods)
}

// capturedAt captures all goods of an order at a time.
func capturedAt(at time.Time) func(*order.Order) {
	return func(o *order.Order) { o.Captures[0].CapturedAt = ordermanagement.Time{Time: at} }
}

// Who can withdraw from what, until when. Noon is 10 March 2026, a Tuesday; the orders are of
// Sunday, 1 March.
func TestRight(t *testing.T) {
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	parcel := func(o *order.Order) {
		o.Shipments = []order.Shipment{{ID: "1", ShippedAt: shoptest.Noon, OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 2}}}}
	}
	in := func(country string) func(*order.Order) { return func(o *order.Order) { o.PurchaseCountry = country } }
	auto := func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"SE": {AutoCapture: true}} }
	for _, tc := range []struct {
		name   string
		status ordermanagement.Status
		edit   func(*order.Order)
		shop   func(*settings.Shop)
		now    time.Time // zero: Noon
		why    order.NoWithdrawal
		last   string // "": it has not begun
		sent   bool
		left   int64
	}{
		{name: "not sent: the period has not begun", status: ordermanagement.Authorized, now: shoptest.Noon.AddDate(1, 0, 0), left: 2},
		{name: "sent by capture, with a week for the way", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), last: "2026-03-31", sent: true, left: 2},
		{name: "the last minute", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), now: time.Date(2026, 3, 31, 23, 59, 59, 0, stockholm), last: "2026-03-31", sent: true, left: 2},
		{name: "midnight", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), now: time.Date(2026, 4, 1, 0, 0, 0, 0, stockholm), why: order.TooLate, last: "2026-03-31", sent: true, left: 2},
		{name: "the day is the market's", status: ordermanagement.Captured, edit: capturedAt(time.Date(2026, 3, 10, 23, 30, 0, 0, time.UTC)), last: "2026-04-01", sent: true, left: 2},
		{name: "a Saturday lasts until Monday", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon.AddDate(0, 0, -3)), last: "2026-03-30", sent: true, left: 2},
		{name: "the newest parcel counts", status: ordermanagement.Captured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon)(o)
			o.Shipments = []order.Shipment{{ID: "1", ShippedAt: shoptest.Noon.AddDate(0, 0, 2)}}
		}, last: "2026-04-02", sent: true, left: 2},
		{name: "a label for the way back is no parcel on its way", status: ordermanagement.Captured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon)(o)
			o.Captures[0].CaptureID = "c"
			o.Shipments = []order.Shipment{{ID: "1", CaptureID: "c", ShippedAt: shoptest.Noon.AddDate(0, 0, 2), Told: []ordermanagement.ShippingInfo{{ReturnTrackingNumber: "1"}}}}
		}, last: "2026-03-31", sent: true, left: 2},
		{name: "all is in a parcel, and nothing captured", status: ordermanagement.Authorized, edit: parcel, last: "2026-03-31", sent: true, left: 2},
		{name: "what was in a parcel is captured", status: ordermanagement.Captured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon.AddDate(0, 0, 28))(o)
			parcel(o)
		}, last: "2026-03-31", sent: true, left: 2},
		{name: "one of two is in a parcel, and nothing captured", status: ordermanagement.Authorized, edit: func(o *order.Order) {
			parcel(o)
			o.Shipments[0].OrderLines[0].Quantity = 1
		}, left: 2},
		{name: "nothing was to be paid, and one of two is in a parcel", status: ordermanagement.Captured, edit: func(o *order.Order) {
			parcel(o)
			o.Shipments[0].OrderLines[0].Quantity = 1
			o.OrderID, o.Captures, o.CapturedAmount, o.OrderAmount, o.OriginalOrderAmount = "", nil, 0, 0, 0
			o.OrderLines = []klarna.OrderLine{line(klarna.Physical, "MUG-1", 2, 0, 0, 0)}
		}, left: 2},
		{name: "part is still to be sent", status: ordermanagement.PartCaptured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon.AddDate(0, -2, 0))(o)
			o.Captures[0].OrderLines = []klarna.OrderLine{half(o)}
		}, left: 2},
		{name: "the rest was released", status: ordermanagement.PartCaptured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon)(o)
			o.Captures[0].OrderLines = []klarna.OrderLine{half(o)}
			o.Status, o.RemainingAuthorizedAmount = ordermanagement.Captured, 0
		}, last: "2026-03-31", sent: true, left: 1},
		{name: "captured when bought, no parcel known: from the order", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), shop: auto, last: "2026-03-23", left: 2},
		{name: "nothing is sent: from the order", status: ordermanagement.Captured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon)(o)
			o.OrderLines[0].Type = klarna.Digital
		}, last: "2026-03-16", left: 2},
		{name: "more days", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), shop: func(s *settings.Shop) { s.Withdrawal = 30 }, last: "2026-04-16", sent: true, left: 2},
		{name: "switched off", status: ordermanagement.Captured, edit: capturedAt(shoptest.Noon), shop: func(s *settings.Shop) { s.Withdrawal = 0 }, why: order.NoRight},
		{name: "Norway", status: ordermanagement.Authorized, edit: in("NO"), left: 2},
		{name: "the US", status: ordermanagement.Authorized, edit: in("US"), why: order.NoRight},
		{name: "the United Kingdom", status: ordermanagement.Authorized, edit: in("GB"), why: order.NoRight},
		{name: "Switzerland", status: ordermanagement.Authorized, edit: in("CH"), why: order.NoRight},
		{name: "a company", status: ordermanagement.Authorized, edit: func(o *order.Order) { o.Customer.Type = "organization" }, why: order.ByCompany},
		{name: "cancelled", status: ordermanagement.Cancelled, why: order.NoRight},
		{name: "expired", status: ordermanagement.Expired, why: order.NoRight},
		{name: "erased", status: ordermanagement.Captured, edit: func(o *order.Order) { o.ErasedAt = shoptest.Noon }, why: order.NoRight},
		{name: "sealed goods", status: ordermanagement.Authorized, edit: func(o *order.Order) { o.OrderLines[0].Reference = "SEAL-1" }, why: order.AllFinal},
		{name: "all is refunded", status: ordermanagement.Captured, edit: func(o *order.Order) {
			capturedAt(shoptest.Noon)(o)
			o.RefundedAmount = o.CapturedAmount
		}, why: order.AllWithdrawn, last: "2026-03-31", sent: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			change := tc.shop
			if change == nil {
				change = func(*settings.Shop) {}
			}
			v := withdrawalShop(t, change)
			o := shoptest.InState(tc.status)
			if tc.edit != nil {
				tc.edit(&o)
			}
			now := tc.now
			if now.IsZero() {
				now = shoptest.Noon
			}
			got, last, left := order.RightOf(v, v, o, now), "", int64(0)
			if !got.Last.IsZero() {
				last = got.Last.Format("2006-01-02")
			}
			for _, l := range got.Lines {
				left += l.Left
			}
			if got.Why != tc.why || last != tc.last || got.Sent != tc.sent || left != tc.left {
				t.Errorf("got %q, last %q, sent %t, left %d; want %q, %q, %t, %d", got.Why, last, got.Sent, left, tc.why, tc.last, tc.sent, tc.left)
			}
		})
	}
}

// half is one of the two mugs.
func half(o *order.Order) klarna.OrderLine {
	line := o.OrderLines[0]
	line.Quantity, line.TotalAmount, line.TotalTaxAmount = 1, 10000, 2000
	return line
}

// What can be withdrawn from, and is still to be given back, while goods are withdrawn from,
// refunded for other reasons, and taken off the order.
func TestWithdrawnLevels(t *testing.T) {
	v := withdrawalShop(t, func(*settings.Shop) {})
	o := shoptest.InState(ordermanagement.Captured)
	capturedAt(shoptest.Noon)(&o)
	refund := func(id string) {
		o.Refunds = append(o.Refunds, ordermanagement.Refund{RefundID: id, RefundedAmount: 10000, OrderLines: []klarna.OrderLine{half(&o)}})
		o.RefundedAmount += 10000
	}
	state := func() (left, back int64) {
		for _, l := range order.RightOf(v, v, o, shoptest.Noon).Lines {
			left += l.Left
		}
		return left, o.ToReturn()["physical:MUG-1"]
	}
	withdraw := func(n int64) {
		t.Helper()
		lines, ok := order.RightOf(v, v, o, shoptest.Noon).Take(map[string]int64{"physical:MUG-1": n})
		if !ok {
			t.Fatal("not taken")
		}
		o.Withdrawals = append(o.Withdrawals, order.Withdrawal{ID: "W", Lines: lines})
	}
	expect := func(what string, left, back int64) {
		t.Helper()
		if gotLeft, gotBack := state(); gotLeft != left || gotBack != back {
			t.Errorf("%s: %d are left and %d to return, want %d and %d", what, gotLeft, gotBack, left, back)
		}
	}
	expect("bought", 2, 0)
	refund("damaged")
	expect("one was refunded", 1, 0)
	withdraw(1)
	expect("withdrawn from the other", 0, 1)
	if fee := o.ToReturn()["shipping_fee:mailboat"]; fee != 1 {
		t.Errorf("all goods go back: got %d of the delivery, want 1", fee)
	}
	for _, n := range []int64{1, -1} {
		if _, ok := order.RightOf(v, v, o, shoptest.Noon).Take(map[string]int64{"physical:MUG-1": n}); ok {
			t.Errorf("%d more were taken", n)
		}
	}
	refund("back")
	expect("refunded", 0, 0)

	// Nothing is captured: what was withdrawn from is taken off the lines.
	o = shoptest.InState(ordermanagement.Authorized)
	withdraw(1)
	expect("one of two", 1, 1)
	if fee := o.ToReturn()["shipping_fee:mailboat"]; fee != 0 {
		t.Errorf("one mug is kept: got %d of the delivery, want 0", fee)
	}
	o.OrderLines[0] = half(&o)
	expect("taken off", 1, 0)
	withdraw(1)
	expect("the rest", 0, 1)
	o.Status = ordermanagement.Cancelled
	if back := o.ToReturn(); len(back) > 0 {
		t.Errorf("cancelled: %v is to return", back)
	}
}
