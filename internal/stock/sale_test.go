package stock_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/stock"
)

func TestSell(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.reserve("cart", "1", line("A", 2), line("B", 1)))
		for range 2 { // once, whoever asks
			if short := w.sell("cart", "1", line("A", 2), line("B", 1), line("DIGITAL", 1)); short != nil {
				t.Errorf("short of %q", short)
			}
			w.is("A", 10, 0, 2)
			w.is("B", 5, 0, 1)
		}
		w.must(w.tx(func(tx *sql.Tx) error { return w.Closed(t.Context(), tx, "1") }))
		w.sell("cart", "1", line("A", 2))
		w.is("A", 10, 0, 2)
		// It may be sold in fewer than it was approved in.
		w.must(w.reserve("cart2", "2", line("A", 8), line("B", 4)))
		w.sell("cart2", "2", line("A", 1))
		w.is("A", 10, 0, 3)
		w.is("B", 5, 0, 1)
	})
}

// A sale whose stock was given back is made all the same, and told where others have
// taken it.
func TestOversold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old := time.Now().Add(-stock.Held - time.Minute)
		uses := stock.Campaign + "SUMMER"
		w.seed(line(uses, 1))
		w.must(w.reserveAt(old, "late", "1", line("C", 2), line("B", 2), line(uses, 1)))
		if n, err := w.ReturnOld(t.Context(), time.Now()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		w.must(w.reserve("cart", "2", line("C", 3), line(uses, 1)))
		if short := w.sell("late", "1", line("C", 2), line("B", 2), line(uses, 1)); fmt.Sprint(short) != "[C]" { // a use too many is no shortage of goods
			t.Errorf("short of %q", short)
		}
		w.is("C", 3, 3, 2)
		w.is("B", 5, 0, 2)
		if short := w.sell("cart", "2", line("C", 3), line(uses, 1)); short != nil {
			t.Errorf("who held it is short of %q", short)
		}
		w.is("C", 3, 0, 5)
		w.is(uses, 1, 0, 2)
		o := &event.Outbox{DB: w.DB}
		if n, err := o.Number(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		p, err := o.Read(t.Context(), event.Query{})
		if err != nil || p.Events[0].Type != event.StockOversold || string(p.Events[0].Data) != `{"object":"stock","sku":"C","available":-2}` {
			t.Errorf("%s, %v", p.Events[0].Data, err)
		}
	})
}

func TestShipReleaseReturn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		move := func(do func(tx *sql.Tx) error) {
			t.Helper()
			w.must(w.tx(do))
		}
		e := stock.Entry{Who: "kim", Reason: "parcel 1"}
		w.sell("cart", "1", line("A", 6), line("B", 2))
		w.sell("cart2", "2", line("A", 1))
		move(func(tx *sql.Tx) error {
			return w.Ship(t.Context(), tx, "1", []stock.Line{line("A", 2), line("X", 1)}, e)
		})
		w.is("A", 8, 0, 5)
		// Never more than the order has open, however often it is said.
		move(func(tx *sql.Tx) error {
			return w.Ship(t.Context(), tx, "1", []stock.Line{line("A", 1), line("A", 9)}, e)
		})
		w.is("A", 4, 0, 1)
		move(func(tx *sql.Tx) error {
			return w.Release(t.Context(), tx, "1", []stock.Line{line("A", 1), line("B", 1)}, e)
		})
		w.is("A", 4, 0, 1)
		w.is("B", 5, 0, 1)
		move(func(tx *sql.Tx) error {
			return w.Return(t.Context(), tx, "1", []stock.Line{line("A", 1), line("X", 1)}, e)
		})
		w.is("A", 5, 0, 1)
		// The lines of an order were changed.
		move(func(tx *sql.Tx) error {
			_, err := w.Commit(t.Context(), tx, "2", []stock.Line{line("C", 2)}, e)
			return err
		})
		w.is("A", 5, 0, 0)
		w.is("C", 3, 0, 2)
		move(func(tx *sql.Tx) error {
			_, err := w.Commit(t.Context(), tx, "2", []stock.Line{line("C", 2)}, e)
			return err
		})
		w.is("C", 3, 0, 2)

		moves, err := w.Ledger(t.Context(), "A", 3)
		w.must(err)
		got := ""
		for _, m := range moves {
			got += fmt.Sprintln(m.Kind, m.OnHand, m.Reserved, m.Committed, m.OrderID, m.Who, m.Reason)
		}
		if want := "adjusted 0 0 -1 2 kim parcel 1\nreturned 1 0 0 1 kim parcel 1\nshipped -3 0 -3 1 kim parcel 1\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func counted(sku string, n int64) stock.Change { return stock.Change{SKU: sku, OnHand: &n} }

// What moved in the warehouse after a count applies on top of it, however late the
// count arrives; what is sold and not sent lies there still.
func TestCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.set(time.Time{}, counted("A", 700)))
		w.sell("cart", "1", line("A", 200))
		w.must(w.set(time.Time{}, counted("A", 500)))
		w.is("A", 500, 0, 200) // nothing is sold twice
		at := time.Now().Add(time.Second)
		for i, move := range []struct {
			ship  int
			delta int64
		}{{ship: 3}, {delta: 10}} {
			e := stock.Entry{At: at.Add(time.Duration(i+1) * time.Minute)}
			w.must(w.tx(func(tx *sql.Tx) error {
				if move.ship > 0 {
					return w.Ship(t.Context(), tx, "1", []stock.Line{line("A", move.ship)}, e)
				}
				_, err := w.Set(t.Context(), tx, []stock.Change{{SKU: "A", Delta: move.delta}}, e)
				return err
			}))
		}
		w.is("A", 507, 0, 197)
		w.must(w.set(at.Add(90*time.Second), counted("A", 480))) // after the parcel, before the delivery
		w.is("A", 490, 0, 197)
		w.must(w.set(at.Add(90*time.Second), counted("A", 480))) // again
		w.is("A", 490, 0, 197)
		if err := w.set(at.Add(89*time.Second), counted("A", 100)); !errors.Is(err, stock.ErrOldCount) {
			t.Errorf("an older count: %v", err)
		}
		w.is("A", 490, 0, 197)
		// A count from before the product was published.
		w.must(w.set(time.Now().Add(-time.Hour), counted("B", 9)))
		w.is("B", 9, 0, 0)
	})
}

func TestRefusedChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.reserve("cart", "1", line("A", 2)))
		w.sell("cart2", "2", line("A", 3))
		for name, changes := range map[string][]stock.Change{
			"unknown":       {{SKU: "B", Delta: 1}, {SKU: "X", Delta: 1}},
			"count unknown": {{SKU: "B", Delta: 1}, counted("X", 1)},
			"below":         {{SKU: "A", Delta: -6}, {SKU: "B", Delta: 1}},
			"count below":   {counted("A", 4), {SKU: "B", Delta: 1}},
			"twice":         {{SKU: "B", Delta: 1}, {SKU: "B", Delta: 1}},
		} {
			err := w.set(time.Time{}, changes...)
			unknown, isUnknown := errors.AsType[*stock.UnknownError](err)
			below, isBelow := errors.AsType[*stock.BelowError](err)
			switch name {
			case "unknown", "count unknown":
				if !isUnknown || unknown.SKU != "X" {
					t.Errorf("%s: %v", name, err)
				}
			case "below", "count below":
				if !isBelow || below.Level.SKU != "A" {
					t.Errorf("%s: %v", name, err)
				}
			default:
				if !errors.Is(err, stock.ErrTwice) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		w.is("A", 10, 2, 3)
		w.is("B", 5, 0, 0)
		w.must(w.set(time.Time{}, counted("A", 5)))
		w.is("A", 5, 2, 3)
		// More was sold than there is: then more may come, not less.
		w.sell("cart3", "3", line("A", 4))
		w.must(w.set(time.Time{}, stock.Change{SKU: "A", Delta: 1}))
		if err := w.set(time.Time{}, stock.Change{SKU: "A", Delta: -1}); err == nil {
			t.Error("fewer were taken")
		}
		w.is("A", 6, 2, 7)
		w.seed(line("A", 99)) // it is counted already
		w.is("A", 6, 2, 7)
	})
}
