package order_test

import (
	"slices"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What a buyer is still waiting for: the goods that are open and in no parcel.
func TestToCome(t *testing.T) {
	t.Parallel()
	bought := []klarna.OrderLine{
		{Type: klarna.Physical, Reference: "MUG-1", Quantity: 3, UnitPrice: 100, TotalAmount: 300},
		{Type: klarna.Digital, Reference: "MAP-1", Quantity: 1, UnitPrice: 100, TotalAmount: 100},
		{Type: klarna.ShippingFee, Reference: "parcel", Quantity: 1, UnitPrice: 100, TotalAmount: 100},
	}
	of := func(mugs, maps int64) []klarna.OrderLine {
		lines := slices.Clone(bought[:2])
		lines[0].Quantity, lines[0].TotalAmount = mugs, moneyOf(mugs)
		lines[1].Quantity, lines[1].TotalAmount = maps, moneyOf(maps)
		return slices.DeleteFunc(lines, func(l klarna.OrderLine) bool { return l.Quantity == 0 })
	}
	capture := func(id string, mugs, maps int64) ordermanagement.Capture {
		return ordermanagement.Capture{CaptureID: id, CapturedAmount: moneyOf(mugs + maps), OrderLines: of(mugs, maps)}
	}
	parcel := func(capture string, mugs int64) order.Shipment {
		s := order.Shipment{ID: "1", CaptureID: capture}
		if mugs > 0 {
			s.OrderLines = []order.ShipmentLine{{ID: order.LineIDs(bought)[0], Quantity: mugs}}
		}
		return s
	}
	back := func(capture string) order.Shipment {
		return order.Shipment{ID: "1", CaptureID: capture, Told: []ordermanagement.ShippingInfo{{ReturnTrackingNumber: "1"}}}
	}
	type captures = []ordermanagement.Capture
	type parcels = []order.Shipment
	for _, tt := range []struct {
		name       string
		captures   captures
		shipments  parcels
		refunded   int64
		came       map[string]int64
		free       bool
		mugs, maps int64
		tells      bool // the newest capture is told by a mail of its own
	}{
		{name: "nothing was sent", mugs: 3, maps: 1},
		{name: "a part is captured", captures: captures{capture("c", 2, 0)}, mugs: 1, maps: 1, tells: true},
		{name: "with its parcel", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 2)}, mugs: 1, maps: 1},
		{name: "and one of it came broken", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 2)}, refunded: 1, mugs: 1, maps: 1},
		{name: "and nobody said what is in the parcel", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 0)}, refunded: 1, mugs: 1, maps: 1},
		{name: "the parcel has more than was captured", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 3)}, maps: 1},
		{name: "the mugs are captured", captures: captures{capture("c", 3, 0)}, shipments: parcels{parcel("c", 3)}, maps: 1},
		{name: "all but the delivery is", captures: captures{capture("c", 3, 1)}, shipments: parcels{parcel("c", 3)}},
		{name: "a parcel first", shipments: parcels{parcel("", 2)}, mugs: 1, maps: 1},
		{name: "what is in it is captured", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("", 2)}, mugs: 1, maps: 1},
		{name: "what is not in it is captured, too", captures: captures{capture("c", 3, 0)}, shipments: parcels{parcel("", 2)}, maps: 1, tells: true},
		{name: "a parcel of each", captures: captures{capture("c", 1, 0)}, shipments: parcels{parcel("c", 1), parcel("", 1)}, mugs: 1, maps: 1},
		{name: "a parcel first of which nobody said what is in it", shipments: parcels{parcel("", 0)}},
		{
			name:     "and all is captured, with the map",
			captures: captures{capture("c", 3, 1)}, shipments: parcels{parcel("", 0)}, came: map[string]int64{"shipment 1": 2, "c": 3},
		},
		{
			name:     "after a capture of a part",
			captures: captures{capture("c", 1, 0)}, shipments: parcels{parcel("", 0)}, came: map[string]int64{"c": 2, "shipment 1": 3}, mugs: 2, maps: 1,
		},
		{
			name:     "and what is captured later",
			captures: captures{capture("c", 1, 0), capture("d", 1, 0)}, shipments: parcels{parcel("", 0)}, came: map[string]int64{"c": 2, "shipment 1": 3, "d": 4},
			mugs: 1, maps: 1, tells: true,
		},
		{name: "a second number for what is sent", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 0), parcel("c", 0)}, mugs: 1, maps: 1},
		{name: "and somebody said what is in the first", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("c", 2), parcel("c", 0)}, mugs: 1, maps: 1},
		{name: "the way back alone", shipments: parcels{back("")}, mugs: 3, maps: 1},
		{name: "and of what was captured", captures: captures{capture("c", 2, 0)}, shipments: parcels{back("c")}, mugs: 1, maps: 1, tells: true},
		{name: "and of what went in a parcel first", captures: captures{capture("c", 2, 0)}, shipments: parcels{parcel("", 2), back("c")}, mugs: 1, maps: 1},
		{
			name:     "and before a parcel of which nobody said what is in it",
			captures: captures{capture("c", 1, 0)}, shipments: parcels{back("c"), parcel("", 0)}, came: map[string]int64{"c": 2, "shipment 1": 3}, mugs: 2, maps: 1,
		},
		{name: "free, and the mugs are sent", shipments: parcels{parcel("", 3)}, free: true},
		{name: "free, and one is missing", shipments: parcels{parcel("", 2)}, free: true, mugs: 1},
	} {
		o := order.Order{
			OrderID: "klarna", Status: ordermanagement.PartCaptured, OrderLines: bought, OrderAmount: 500, RemainingAuthorizedAmount: 500,
			Captures: tt.captures, Shipments: tt.shipments, Came: tt.came,
		}
		for _, c := range tt.captures {
			o.CapturedAmount += c.CapturedAmount
			o.RemainingAuthorizedAmount -= c.CapturedAmount
		}
		if tt.refunded > 0 {
			o.RefundedAmount = moneyOf(tt.refunded)
			o.Refunds = []ordermanagement.Refund{{RefundID: "r", RefundedAmount: o.RefundedAmount, OrderLines: of(tt.refunded, 0)}}
		}
		if tt.free {
			o.OrderID, o.ID, o.OrderAmount, o.RemainingAuthorizedAmount, o.Status = "", "ord_x", 0, 0, ordermanagement.Captured
			o.OrderLines = slices.Clone(bought)
			for i := range o.OrderLines {
				o.OrderLines[i].UnitPrice, o.OrderLines[i].TotalAmount = 0, 0
			}
		}
		var want, got [3]int64
		want[0], want[1] = tt.mugs, tt.maps
		for i, l := range o.Lines() {
			got[i] = o.ToCome(l)
		}
		if got != want {
			t.Errorf("%s: %v are to come, want %v", tt.name, got, want)
		}
		if tells := o.SentWithout(0); tells != tt.tells {
			t.Errorf("%s: told without a parcel %v", tt.name, tells)
		}
		if staff := o.ToShip(); tt.mugs > 0 && !staff {
			t.Errorf("%s: staff have nothing to send", tt.name)
		}
	}
}
