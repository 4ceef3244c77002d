package order_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Each capture and each refund is there once, by when it was made, split by tax rate: also of orders of
// several batches, and of amounts of which nobody named the lines.
func TestBookings(t *testing.T) {
	t.Parallel()
	line := func(rate klarna.Rate, total, tax money.Amount) klarna.OrderLine {
		return klarna.OrderLine{Type: klarna.Physical, Reference: fmt.Sprint("SKU-", rate), Name: "Goods", Quantity: 1, UnitPrice: total, TaxRate: rate, TotalAmount: total, TotalTaxAmount: tax}
	}
	mixed := []klarna.OrderLine{line(2500, 12500, 2500), line(1200, 11200, 1200)}
	american := []klarna.OrderLine{line(0, 10000, 0), {Type: klarna.SalesTax, Name: "Tax", Quantity: 1, UnitPrice: 800, TotalAmount: 800}}
	from := time.Now().Add(-24 * time.Hour).Truncate(time.Second).UTC()
	at := func(n int) ordermanagement.Time {
		return ordermanagement.Time{Time: from.Add(time.Duration(n) * time.Minute)}
	}
	for name, w := range map[string]*world{"postgres": newWorld(t, nil), "sqlite": {shoptest.New(t, shoptest.Options{DB: dbtest.SQLite(t)})}} {
		t.Run(name, func(t *testing.T) {
			all := newOrders(21, time.Hour).take(405) // several batches
			for i := range all {
				all[i].PlacedAt, all[i].Captures, all[i].Refunds = from.Add(-time.Hour), nil, nil
				all[i].CapturedAmount, all[i].RefundedAmount = 1, 0
			}
			all[0].OrderLines = mixed
			all[0].Captures = []ordermanagement.Capture{
				{CaptureID: "named", CapturedAt: at(3), CapturedAmount: 12500, OrderLines: mixed[:1], Reference: "bill 1"},
				{CaptureID: "before", CapturedAt: at(-1), CapturedAmount: 1},
				{CaptureID: "whole", CapturedAt: at(5), CapturedAmount: 23700},
				{CaptureID: "unnamed", CapturedAt: at(6), CapturedAmount: 500},
			}
			all[0].Refunds = []ordermanagement.Refund{{RefundID: "back", RefundedAt: at(9), RefundedAmount: 5600, OrderLines: []klarna.OrderLine{line(1200, 5600, 600)}}}
			all[401].OrderLines = all[401].OrderLines[:1]
			all[401].Captures = []ordermanagement.Capture{{CaptureID: "one rate", CapturedAt: at(1), CapturedAmount: 5000}}
			all[402].OrderLines = american
			all[402].Captures = []ordermanagement.Capture{{CaptureID: "american", CapturedAt: at(2), CapturedAmount: 10800, OrderLines: american}}
			all[403].Captures = []ordermanagement.Capture{{CaptureID: "after", CapturedAt: at(60), CapturedAmount: 5000}}
			// What was captured as an amount is given back as it was booked.
			all[404].OrderLines = mixed[:1]
			all[404].Captures = []ordermanagement.Capture{{CaptureID: "amount", CapturedAt: at(20), CapturedAmount: 6000}}
			all[404].Refunds = []ordermanagement.Refund{{RefundID: "amount back", RefundedAt: at(21), RefundedAmount: 6000}}
			all[404].CapturedAmount, all[404].RefundedAmount = 6000, 6000
			all[400].OrderLines = mixed
			all[400].Captures = []ordermanagement.Capture{
				{CaptureID: "lines", CapturedAt: at(30), CapturedAmount: 12500, OrderLines: mixed[:1]}, {CaptureID: "and an amount", CapturedAt: at(31), CapturedAmount: 11200},
			}
			all[400].Refunds = []ordermanagement.Refund{{RefundID: "the amount back", RefundedAt: at(32), RefundedAmount: 11200}}
			all[400].CapturedAmount, all[400].RefundedAmount = 23700, 11200
			all[399].OrderLines = mixed
			all[399].Captures = []ordermanagement.Capture{{CaptureID: "a line", CapturedAt: at(40), CapturedAmount: 12500, OrderLines: mixed[:1]}}
			all[399].Refunds = []ordermanagement.Refund{{RefundID: "of that line", RefundedAt: at(41), RefundedAmount: 2500}}
			all[399].CapturedAmount, all[399].RefundedAmount = 12500, 2500
			w.fill(all)
			found, err := w.Book.Bookings(t.Context(), from, from.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found.Rates, []klarna.Rate{0, 1200, 2500}) || !found.SalesTax {
				t.Errorf("rates %v, sales tax %t", found.Rates, found.SalesTax)
			}
			var got []string
			if err := found.Each(t.Context(), func(b order.Booking) error {
				got = append(got, fmt.Sprint(b.ID, " ", b.Refund, " ", b.Amount, " ", b.Taxes, " ", b.SalesTax, " ", b.Unassigned, " ", b.Reference))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{
				"one rate false 5000 [{2500 4000 1000}] 0 0 ",
				"american false 10800 [{0 10000 0}] 800 0 ",
				"named false 12500 [{2500 10000 2500}] 0 0 bill 1",
				"whole false 23700 [{1200 10000 1200} {2500 10000 2500}] 0 0 ",
				"unnamed false 500 [] 0 500 ",
				"back true -5600 [{1200 -5000 -600}] 0 0 ",
				"amount false 6000 [{2500 4800 1200}] 0 0 ",
				"amount back true -6000 [{2500 -4800 -1200}] 0 0 ",
				"lines false 12500 [{2500 10000 2500}] 0 0 ",
				"and an amount false 11200 [] 0 11200 ",
				"the amount back true -11200 [] 0 -11200 ",
				"a line false 12500 [{2500 10000 2500}] 0 0 ",
				"of that line true -2500 [{2500 -2000 -500}] 0 0 ",
			}, got); diff != "" {
				t.Error(diff)
			}
			every, err := w.Book.Bookings(t.Context(), time.Time{}, time.Time{})
			n := 0
			if err == nil {
				err = every.Each(t.Context(), func(order.Booking) error { n++; return nil })
			}
			if err != nil || n != 15 {
				t.Errorf("without a time: %d bookings, %v", n, err)
			}
		})
	}
}
