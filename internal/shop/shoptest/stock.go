package shoptest

import (
	"context"
	"database/sql"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/stock"
)

// Stocked makes a product have so many available.
func (w *World) Stocked(sku string, available int) {
	w.T.Helper()
	left := w.Left(sku)
	w.Count(stock.Change{SKU: sku, Delta: int64(available - left)})
}

// Count changes what is on hand, as the merchant does.
func (w *World) Count(changes ...stock.Change) {
	w.T.Helper()
	if err := w.DB.Tx(w.T.Context(), func(tx *sql.Tx) error {
		_, err := w.Stock.Set(w.T.Context(), tx, changes, stock.Entry{Who: "demo", Reason: "test"})
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
}

// Levels holds the numbers of a product's stock.
func (w *World) Levels(sku string, onHand, reserved, committed int) {
	w.T.Helper()
	levels, err := w.Stock.Read(w.T.Context(), sku)
	if err != nil {
		w.T.Fatal(err)
	}
	want := stock.Level{SKU: sku, OnHand: int64(onHand), Reserved: int64(reserved), Committed: int64(committed)}
	if len(levels) != 1 || levels[0] != want {
		w.T.Errorf("the stock is %+v, want %+v", levels, want)
	}
}

// stockAdds holds invariant 15 at the end of a test: stock is the sum of its ledger, and
// what is committed is what the orders whose goods have moved still have to send.
func (w *World) stockAdds() {
	ctx := context.WithoutCancel(w.T.Context())
	if w.DB.Ping(ctx) != nil {
		return // the test has ended it
	}
	dbtest.StockAdds(w.T, w.DB)
	type committed struct {
		orderID, sku string
		n            int64
	}
	list, err := db.All(ctx, w.DB.Read, func(rows *sql.Rows) (c committed, err error) {
		err = rows.Scan(&c.orderID, &c.sku, &c.n)
		return c, err
	}, "select m.order_id, m.sku, sum(m.committed) from stock_moves m join orders o on coalesce(o.order_id, o.id) = m.order_id group by m.order_id, m.sku")
	if err != nil {
		w.T.Error(err)
	}
	for _, c := range list {
		o, found, err := w.Book.ByOrderID(ctx, c.orderID)
		if err != nil || !found {
			w.T.Errorf("order %s: %v, %v", c.orderID, found, err)
			continue
		}
		var open int64
		lines := cart.Stocked(o.Uncaptured())
		if o.Free() && o.Status != ordermanagement.Cancelled { // what is in no shipment
			lines = cart.Stocked(o.OrderLines)
			for _, l := range o.Lines() {
				lines = append(lines, stock.Line{SKU: l.Line.Reference, Quantity: -int(o.Shipped(l.ID, ""))})
			}
		}
		if o.CapturedAmount > 0 || o.Status == ordermanagement.Authorized || o.Free() && o.Status != ordermanagement.Cancelled {
			lines = append(lines, stock.Uses(o.Terms.Campaigns)...)
		}
		for _, line := range lines {
			if line.SKU == c.sku {
				open += int64(line.Quantity)
			}
		}
		if open != c.n {
			w.T.Errorf("%d of %s are committed for order %s, %d are to be sent (%s)", c.n, c.sku, c.orderID, open, o.Status)
		}
	}
}
