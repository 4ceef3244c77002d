package shoptest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/shopd/shopd/internal/order"
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
		return w.Stock.Set(w.T.Context(), tx, changes, stock.Entry{Who: "demo", Reason: "test"})
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
func (w *World) stockAdds(t testing.TB) {
	ctx := context.Background()
	if w.DB.Ping(ctx) != nil {
		return // the test has ended it
	}
	rows, err := w.DB.Read.QueryContext(ctx, `select s.sku, s.on_hand, s.reserved, s.committed,
		coalesce(sum(m.on_hand), 0), coalesce(sum(m.reserved), 0), coalesce(sum(m.committed), 0)
		from stock s left join stock_moves m on m.sku = s.sku group by s.sku, s.on_hand, s.reserved, s.committed`)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var is, sum stock.Level
		if err := rows.Scan(&is.SKU, &is.OnHand, &is.Reserved, &is.Committed, &sum.OnHand, &sum.Reserved, &sum.Committed); err != nil {
			t.Error(err)
			return
		}
		if sum.SKU = is.SKU; is != sum {
			t.Errorf("the stock is %+v, its ledger comes to %+v", is, sum)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	w.ordersCommitted(ctx, t)
}

// ordersCommitted compares what the ledger has committed for each order with the order.
func (w *World) ordersCommitted(ctx context.Context, t testing.TB) {
	committed := map[string]map[string]int64{}
	rows, err := w.DB.Read.QueryContext(ctx, `select o.order_id, m.sku, sum(m.committed) from stock_moves m join orders o on o.order_id = m.order_id
		group by o.order_id, m.sku`)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, sku string
		var n int64
		if err := rows.Scan(&id, &sku, &n); err != nil {
			t.Error(err)
			return
		}
		if committed[id] == nil {
			committed[id] = map[string]int64{}
		}
		committed[id][sku] = n
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	for id, skus := range committed {
		o, found, err := w.Book.ByOrderID(ctx, id)
		if err != nil || !found {
			t.Errorf("order %s: %v, %v", id, found, err)
			continue
		}
		open := map[string]int64{}
		for _, line := range order.Goods(o.Uncaptured()) {
			open[line.SKU] += int64(line.Quantity)
		}
		for sku, n := range skus {
			if open[sku] != n {
				t.Errorf("%d of %s are committed for order %s, %d are to be sent (%s)", n, sku, id, open[sku], o.Status)
			}
		}
	}
}
