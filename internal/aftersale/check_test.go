package aftersale_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

func moneyOf(n int64) money.Amount { return money.Amount(n) }

// What a command says is judged before Klarna is asked.
func TestCheck(t *testing.T) {
	type edit = func(*order.Order)
	const (
		authorized = ordermanagement.Authorized
		part       = ordermanagement.PartCaptured
		full       = ordermanagement.Captured
	)
	mug := klarna.OrderLine{Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 1, UnitPrice: 10000, TaxRate: 2500, TotalAmount: 10000, TotalTaxAmount: 2000}
	fee := klarna.OrderLine{Type: klarna.ReturnFee, Name: "Returavgift", Quantity: 1, UnitPrice: -500, TotalAmount: -500}
	mugs := func(n int64) klarna.OrderLine {
		line := mug
		line.Quantity, line.TotalAmount, line.TotalTaxAmount = n, mug.TotalAmount*moneyOf(n), mug.TotalTaxAmount*moneyOf(n)
		return line
	}
	lines := func(l ...klarna.OrderLine) []klarna.OrderLine { return l }
	country := func(c string) edit { return func(o *order.Order) { o.PurchaseCountry = c } }
	card := func(o *order.Order) { o.PaymentMethod.Type = "CARD" }
	long := strings.Repeat("ö", 256)
	for _, tc := range []struct {
		name   string
		status ordermanagement.Status
		edit   edit
		c      order.Command
		want   string
	}{
		{"capture all", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 25000}, "ok"},
		{"capture a line", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 10000, OrderLines: lines(mug)}, "ok"},
		{"capture too much", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 25001}, "above_remaining"},
		{"capture too much of the rest", part, nil, order.Command{Action: aftersale.Capture.Name, Amount: 15001}, "above_remaining"},
		{"capture nothing", authorized, nil, order.Command{Action: aftersale.Capture.Name}, "invalid amount"},
		{"capture lines of another sum", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 9999, OrderLines: lines(mug)}, "invalid order_lines"},
		{"capture with a return fee", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "invalid order_lines"},
		{"capture, long description", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 1, Description: long}, "invalid description"},
		{"capture, long reference", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 1, Reference: long}, "invalid reference"},
		{"capture, long tracking number", authorized, nil, order.Command{Action: aftersale.Capture.Name, Amount: 1, Shipments: []order.Shipment{{TrackingNumber: long}}}, "invalid shipments[0].tracking_number"},
		{"capture by state first", full, nil, order.Command{Action: aftersale.Capture.Name}, "fully_captured"},

		{"refund all", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 25000}, "ok"},
		{"refund a line", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 10000, OrderLines: lines(mug)}, "ok"},
		{"refund too much", part, nil, order.Command{Action: aftersale.Refund.Name, Amount: 10001}, "above_captured"},
		{"refund too much again", full, func(o *order.Order) { o.RefundedAmount = 20000 }, order.Command{Action: aftersale.Refund.Name, Amount: 5001}, "above_captured"},
		{"refund nothing", full, nil, order.Command{Action: aftersale.Refund.Name}, "invalid amount"},
		{"refund lines of another sum", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 1, OrderLines: lines(mug)}, "invalid order_lines"},
		{"return fee", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "ok"},
		{"return fee, another sum", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 10000, OrderLines: lines(mug, fee)}, "invalid order_lines"},
		{"return fee in Britain", full, country("GB"), order.Command{Action: aftersale.Refund.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "market"},
		{"return fee in Greece", full, country("GR"), order.Command{Action: aftersale.Refund.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "ok"},
		{"return fee, partly captured", part, nil, order.Command{Action: aftersale.Refund.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "part_captured"},
		{"return fee, two captures", full, func(o *order.Order) { shoptest.Captured(o, 0) }, order.Command{Action: aftersale.Refund.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "several_captures"},
		{"return fee that gives", full, nil, order.Command{Action: aftersale.Refund.Name, Amount: 500, OrderLines: lines(klarna.OrderLine{Type: klarna.ReturnFee, Name: "x", Quantity: 1, UnitPrice: 500, TotalAmount: 500})}, "invalid order_lines"},

		{"lower", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 10000, OrderLines: lines(mug)}, "ok"},
		{"lower to what is captured", part, nil, order.Command{Action: aftersale.Lines.Name, Amount: 10000, OrderLines: lines(mug)}, "ok"},
		{"lower further", part, func(o *order.Order) { o.CapturedAmount = 10001 }, order.Command{Action: aftersale.Lines.Name, Amount: 10000, OrderLines: lines(mug)}, "below_captured"},
		{"raise", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 30000, OrderLines: lines(mugs(3))}, "ok"},
		{"raise a card", authorized, card, order.Command{Action: aftersale.Lines.Name, Amount: 30000, OrderLines: lines(mugs(3))}, "method"},
		{"lower a card", authorized, card, order.Command{Action: aftersale.Lines.Name, Amount: 20000, OrderLines: lines(mugs(2))}, "ok"},
		{"raise in Switzerland", authorized, country("CH"), order.Command{Action: aftersale.Lines.Name, Amount: 30000, OrderLines: lines(mugs(3))}, "market"},
		{"no lines", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 10000}, "invalid order_lines"},
		{"lines of another sum", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 10001, OrderLines: lines(mug)}, "invalid order_lines"},
		{"lines with a return fee", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 9500, OrderLines: lines(mug, fee)}, "invalid order_lines"},
		{"a line that is no product", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 10000, OrderLines: lines(klarna.OrderLine{Name: "x", Quantity: 3, UnitPrice: 3333, TotalAmount: 10000})}, "invalid order_lines"},
		{"a line without a name", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 1, OrderLines: lines(klarna.OrderLine{Quantity: 1, UnitPrice: 1, TotalAmount: 1})}, "invalid order_lines[0].name"},
		{"lines that overflow", authorized, nil, order.Command{Action: aftersale.Lines.Name, Amount: 1, OrderLines: lines(klarna.OrderLine{Name: "x", Quantity: 1 << 60, UnitPrice: 1 << 20, TotalAmount: 1})}, "invalid order_lines"},

		{"one reference", authorized, nil, order.Command{Action: aftersale.References.Name, Reference2: new("")}, "ok"},
		{"no reference", authorized, nil, order.Command{Action: aftersale.References.Name}, "invalid reference1"},
		{"long reference", authorized, nil, order.Command{Action: aftersale.References.Name, Reference1: &long}, "invalid reference1"},
		{"address", authorized, nil, order.Command{Action: aftersale.Address.Name, ShippingAddress: &klarna.Address{City: "Ort"}}, "ok"},
		{"no address", authorized, nil, order.Command{Action: aftersale.Address.Name}, "invalid shipping_address"},
		{"long postal code", authorized, nil, order.Command{Action: aftersale.Address.Name, ShippingAddress: &klarna.Address{PostalCode: "12345678901"}}, "invalid shipping_address.postal_code"},
		{"parcel", authorized, nil, order.Command{Action: aftersale.Parcel.Name, Shipments: []order.Shipment{{TrackingNumber: "1"}}}, "ok"},
		{"no parcel", authorized, nil, order.Command{Action: aftersale.Parcel.Name}, "invalid shipments"},
		{"parcel of a capture", part, nil, order.Command{Action: aftersale.Parcel.Name, CaptureID: "C1", Shipments: []order.Shipment{{TrackingNumber: "1"}}}, "ok"},
		{"parcel of an unknown capture", part, nil, order.Command{Action: aftersale.Parcel.Name, CaptureID: "c2", Shipments: []order.Shipment{{TrackingNumber: "1"}}}, "unknown_capture capture_id"},
		{"parcel of no capture", authorized, nil, order.Command{Action: aftersale.Parcel.Name, CaptureID: "c1", Shipments: []order.Shipment{{TrackingNumber: "1"}}}, "nothing_captured"},
		{"send out", part, nil, order.Command{Action: aftersale.SendOut.Name, CaptureID: "c1"}, "ok"},
		{"send out what", part, nil, order.Command{Action: aftersale.SendOut.Name}, "unknown_capture capture_id"},
		{"due date", part, nil, order.Command{Action: aftersale.DueDate.Name, CaptureID: "c1", Days: 14}, "ok"},
		{"due date never", part, nil, order.Command{Action: aftersale.DueDate.Name, CaptureID: "c1"}, "invalid days"},
		{"cancel", authorized, nil, order.Command{Action: aftersale.Cancel.Name}, "ok"},
		{"release", part, nil, order.Command{Action: aftersale.Release.Name}, "ok"},
		{"extend", part, nil, order.Command{Action: aftersale.Extend.Name}, "ok"},
		{"a header in the key", part, nil, order.Command{Action: aftersale.Extend.Name, Key: "a\r\nb"}, "invalid key"},
		{"what nobody knows", authorized, nil, order.Command{Action: "dance"}, "invalid action"},
		{"a long key", part, nil, order.Command{Action: aftersale.Extend.Name, Key: strings.Repeat("k", 101)}, "invalid key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := shoptest.InState(tc.status)
			if tc.edit != nil {
				tc.edit(&o)
			}
			if tc.c.Key == "" {
				tc.c.Key = "k"
			}
			if got := verdict(deskAt(ordermanagement.Klarna).Check(t.Context(), o, tc.c, shoptest.Noon)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	if got := verdict(deskAt(ordermanagement.Klarna).Check(t.Context(), shoptest.InState(part), order.Command{Action: aftersale.Extend.Name}, shoptest.Noon)); got != "invalid key" {
		t.Errorf("without a key: got %s", got)
	}
}
