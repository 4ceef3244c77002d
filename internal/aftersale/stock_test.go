package aftersale_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// changed gives an order other quantities of its lines.
func changed(t testing.TB, o order.Order, insist bool, quantities ...int64) order.Command {
	t.Helper()
	return shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) {
		c.Insist, c.OrderLines = insist, slices.Clone(o.OrderLines)
		for i, n := range quantities {
			line := &c.OrderLines[i]
			line.TotalAmount, line.TotalTaxAmount = line.TotalAmount*moneyOf(n)/moneyOf(line.Quantity), line.TotalTaxAmount*moneyOf(n)/moneyOf(line.Quantity)
			line.Quantity = n
		}
		for _, line := range c.OrderLines {
			c.Amount += line.TotalAmount
		}
	})
}

// What is to be sent after the lines were changed is committed; more than there is only
// where staff insist, and then the order is flagged.
func TestLinesMoveStock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	w.Stocked("MUG-1", 1)
	onHand := 3
	w.Levels("MUG-1", onHand, 0, 2)
	if got := verdict(w.Desk.Check(t.Context(), o, changed(t, o, false, 4), time.Now())); got != "stock MUG-1" {
		t.Errorf("two more of one: %s", got)
	}
	o = w.Do(o, changed(t, o, false, 3), order.Done).Order
	w.Levels("MUG-1", onHand, 0, 3)
	o = w.Do(o, changed(t, o, false, 1), order.Done).Order
	w.Levels("MUG-1", onHand, 0, 1)
	o = w.Do(o, changed(t, o, true, 6), order.Done).Order
	w.Levels("MUG-1", onHand, 0, 6)
	if !o.Flagged(order.Oversold) {
		t.Errorf("flags %v", o.Flags)
	}
	if n := w.Number("select count(*) from events where type = $1", string(event.StockOversold)); n != 1 {
		t.Errorf("%d events", n)
	}
	w.Agrees(o.OrderID)
}

// What is refunded goes back in stock where staff say so, once.
func TestRestock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before := w.Left("MUG-1")
	o := w.Placed()
	o = w.Do(o, shoptest.CaptureOf(t, o, 2, 1, 1), order.Done).Order
	w.Levels("MUG-1", before-2, 0, 0)
	refund := func(quantity int64, restock bool) order.Command {
		lines, sum, err := order.Take(o.Refundable(), []int64{quantity, 0, 0})
		if err != nil {
			t.Fatal(err)
		}
		return shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.OrderLines, c.Amount, c.Restock = lines, sum, restock })
	}
	back := refund(1, true)
	o = w.Do(o, back, order.Done).Order
	w.Do(o, back, order.Already)
	w.Levels("MUG-1", before-1, 0, 0)
	if len(o.Restocked) != 1 || o.Restocked[0].RefundID != o.Refunds[0].RefundID {
		t.Errorf("the order says %+v of %+v", o.Restocked, o.Refunds)
	}
	entries, err := w.Book.Audit(t.Context(), o.OrderID)
	if err != nil || !slices.Contains(entries[0].Changes, order.Change{Field: "returned MUG-1", Before: "0", After: "1"}) {
		t.Errorf("%v, the audit has %+v", err, entries[0].Changes)
	}
	w.Do(o, refund(1, false), order.Done)
	w.Levels("MUG-1", before-1, 0, 0)
	if got := verdict(w.Desk.Check(t.Context(), o, shoptest.Command(o, aftersale.Refund.Name, amount(100), func(c *order.Command) { c.Restock = true }), time.Now())); got != "invalid restock" {
		t.Errorf("an amount: %s", got)
	}
}

// An order that was not captured 7 days before it expires is told of, once.
func TestExpiring(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	sold, err := w.Book.Sold(t.Context(), o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		before time.Duration // its end
		events int64
	}{{7*24*time.Hour + time.Minute, 0}, {7 * 24 * time.Hour, 1}, {time.Hour, 1}, {20 * 24 * time.Hour, 1}, {6 * 24 * time.Hour, 2}} {
		if _, err := w.Book.Update(t.Context(), o.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
			o.TakeOver(sold, sold.ExpiresAt.Add(-step.before))
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		if n := w.Number("select count(*) from events where type = $1", string(event.OrderExpiring)); n != step.events {
			t.Errorf("%s before: %d events, want %d", step.before, n, step.events)
		}
	}
	captured := shoptest.InState(ordermanagement.Captured)
	captured.TakeOver(ordermanagement.Order{Status: ordermanagement.Captured, ExpiresAt: ordermanagement.Time{Time: shoptest.Noon}}, shoptest.Noon)
	if captured.Expiring {
		t.Error("a captured order expires")
	}
}
