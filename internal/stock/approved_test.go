package stock_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/stock"
)

func TestReserve(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := time.Now().Truncate(time.Millisecond).UTC()
		want := stock.Approved{
			CartID: "cart", OrderID: "session:1", Lines: []stock.Line{line("A", 2), line("DIGITAL", 1), line("A", 1), line("B", 5)},
			Made: made, Body: json.RawMessage(`{"a":"ö"}`),
		}
		for range 2 { // a repeat changes nothing
			w.must(w.cart("cart", func(tx *sql.Tx) error { return w.Reserve(t.Context(), tx, want) }))
			w.is("A", 10, 3, 0)
			w.is("B", 5, 5, 0)
		}
		got, ok, err := w.OfOrder(t.Context(), "session:1")
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(stock.Approved{})); diff != "" || !ok || err != nil {
			t.Error(ok, err, diff)
		}
		if _, ok, err := w.OfOrder(t.Context(), "another"); ok || err != nil {
			t.Error(ok, err)
		}
		if left, err := w.Left(t.Context(), "A", "B", "DIGITAL"); fmt.Sprint(left) != "map[A:7 B:0]" || err != nil {
			t.Error(left, err)
		}
		if levels, err := w.Levels(t.Context()); fmt.Sprint(levels) != "map[A:7 B:0 C:3]" || err != nil {
			t.Error(levels, err)
		}
		// The same order with other lines, down and up.
		w.must(w.reserve("cart", "session:1", line("B", 4), line("C", 3)))
		w.is("A", 10, 0, 0)
		w.is("B", 5, 4, 0)
		w.is("C", 3, 3, 0)
		// What it holds counts for it.
		err = w.reserve("cart", "session:1", line("B", 6), line("A", 1))
		if short, ok := errors.AsType[*stock.ShortError](err); !ok || *short != (stock.ShortError{SKU: "B", Left: 5}) {
			t.Errorf("got %v", err)
		}
		w.is("A", 10, 0, 0)
		w.is("B", 5, 4, 0)
		err = w.reserve("other", "2", line("B", 2))
		if short, ok := errors.AsType[*stock.ShortError](err); !ok || *short != (stock.ShortError{SKU: "B", Left: 1}) {
			t.Errorf("got %v", err)
		}
		w.approved("other")
		w.must(w.reserve("digital", "3"))
		w.approved("digital", "3")
	})
}

func TestAnotherOrderOfTheCart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := time.Now()
		w.must(w.reserveAt(now.Add(-stock.Young+time.Second), "cart", "1", line("A", 8)))
		if err := w.reserveAt(now, "cart", "2", line("B", 1)); !errors.Is(err, stock.ErrPurchaseRunning) {
			t.Errorf("got %v", err)
		}
		w.is("A", 10, 8, 0)
		w.is("B", 5, 0, 0)
		// No longer young: it gives its stock back for the new one, and is not forgotten.
		now = now.Add(2 * time.Second)
		err := w.reserveAt(now, "cart", "2", line("A", 11))
		if short, ok := errors.AsType[*stock.ShortError](err); !ok || short.Left != 10 {
			t.Errorf("got %v", err)
		}
		w.approved("cart", "1")
		w.must(w.reserveAt(now, "cart", "2", line("A", 10)))
		w.is("A", 10, 10, 0)
		w.approved("cart", "2", "1 returned")
		// A sold one is no purchase that runs: its cart is asked by its orders.
		w.sell("cart", "2", line("A", 10))
		w.must(w.reserveAt(now, "cart", "3", line("B", 1)))
		w.approved("cart", "2 sold", "3", "1 returned")
		if err := w.reserveAt(now, "cart", "2", line("B", 1)); !errors.Is(err, stock.ErrSold) {
			t.Errorf("got %v", err)
		}
	})
}

// However two orders of one cart come, one of them is approved.
func TestTwoOrdersOfACartAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		rounds := map[bool]int{true: 100, false: 20}[w.DB.Engine == "postgres"]
		w.seed(line("MANY", 1000))
		for round := range rounds {
			cart := fmt.Sprint("cart", round)
			if round%2 == 0 { // somebody has locked it before
				w.must(w.cart(cart, func(*sql.Tx) error { return nil }))
			}
			errs := make([]error, 2)
			var wg sync.WaitGroup
			start := make(chan struct{})
			for i := range errs {
				wg.Go(func() {
					<-start
					errs[i] = w.reserve(cart, fmt.Sprint(cart, i), line("MANY", 1))
				})
			}
			close(start)
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), stock.ErrPurchaseRunning) {
				t.Fatalf("round %d: %v", round, errs)
			}
		}
		w.is("MANY", 1000, int64(rounds), 0)
	})
}

func TestDropBecomeEnding(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		drop := func(orderID string) {
			t.Helper()
			w.must(w.Drop(t.Context(), "cart", orderID))
		}
		become := func(from, to string) {
			t.Helper()
			w.must(w.cart("cart", func(tx *sql.Tx) error { return w.Become(t.Context(), tx, from, to) }))
		}
		w.must(w.reserve("cart", "session:1", line("A", 2)))
		drop("another")
		become("another", "2")
		w.is("A", 10, 2, 0)
		if ok, err := w.SetEnding(t.Context(), "session:1", true); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, err := w.SetEnding(t.Context(), "another", true); ok || err != nil {
			t.Error(ok, err)
		}
		w.approved("cart", "session:1 ending")
		if ok, err := w.SetEnding(t.Context(), "session:1", false); !ok || err != nil {
			t.Error(ok, err)
		}
		become("session:1", "1")
		w.approved("cart", "1")
		w.sell("cart", "1", line("A", 2))
		w.is("A", 10, 0, 2)
		if ok, err := w.SetEnding(t.Context(), "1", true); ok || err != nil {
			t.Errorf("of one that is sold: %v, %v", ok, err)
		}
		drop("1")
		w.approved("cart", "1 sold")
		// Written anew by somebody who did not know: it goes, and the sale stays.
		w.must(w.reserve("cart", "session:1", line("A", 2)))
		become("session:1", "1")
		w.approved("cart", "1 sold")
		w.is("A", 10, 0, 2)
		w.must(w.tx(func(tx *sql.Tx) error { return w.Closed(t.Context(), tx, "1") }))
		w.approved("cart")
		w.must(w.reserve("cart", "2", line("A", 1)))
		w.must(w.tx(func(tx *sql.Tx) error { return w.Closed(t.Context(), tx, "2") }))
		w.approved("cart", "2")
		drop("2")
		w.approved("cart")
		w.is("A", 10, 0, 2)
	})
}

// What an approved order holds comes back after 30 min, and it is asked about until
// it is 49 h old.
func TestTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		made := time.Now().Truncate(time.Millisecond)
		w.must(w.reserveAt(made, "cart", "1", line("A", 2)))
		returned := func(after time.Duration, want int) {
			t.Helper()
			if n, err := w.ReturnOld(t.Context(), made.Add(after)); n != want || err != nil {
				t.Errorf("%d given back, %v", n, err)
			}
		}
		due := func(after time.Duration, want int) {
			t.Helper()
			if list, err := w.Due(t.Context(), made.Add(after), 10); len(list) != want || err != nil {
				t.Errorf("after %v: %v, %v", after, list, err)
			}
		}
		asked := func(after time.Duration) {
			t.Helper()
			w.must(w.Asked(t.Context(), w.claimed("1", made.Add(after+time.Minute)), made.Add(after+time.Minute), made.Add(after)))
		}
		returned(stock.Held-time.Millisecond, 0)
		w.is("A", 10, 2, 0)
		returned(stock.Held, 1)
		returned(stock.Held, 0)
		w.is("A", 10, 0, 0)
		w.approved("cart", "1 returned")
		due(5*time.Minute-time.Millisecond, 0)
		due(5*time.Minute, 1)
		asked(5 * time.Minute)
		due(35*time.Minute-time.Millisecond, 0)
		due(35*time.Minute, 1)
		asked(stock.Watched - time.Minute)
		due(stock.Watched-time.Millisecond, 0)
		due(stock.Watched, 1)
		asked(stock.Watched)
		w.approved("cart")

		w.must(w.reserveAt(made, "cart", "1", line("A", 2)))
		asked(stock.Watched) // with what it holds still
		w.is("A", 10, 0, 0)
		// One that is sold is asked about no more.
		w.sell("cart", "2", line("A", 1))
		due(stock.Watched, 0)
		w.must(w.Asked(t.Context(), stock.Approved{CartID: "cart", OrderID: "2"}, made, made.Add(stock.Watched)))
		w.approved("cart", "2 sold")

		locks := func() int { return count(t, w.DB, "select count(*) from cart_locks") }
		w.must(w.ForgetLocks(t.Context(), time.Now().Add(stock.Watched)))
		if n := locks(); n != 1 {
			t.Errorf("%d locks", n)
		}
		w.must(w.ForgetLocks(t.Context(), time.Now().Add(stock.Watched+2*time.Hour)))
		if n := locks(); n != 0 {
			t.Errorf("%d locks", n)
		}
	})
}

// Who has asked about an approved order puts off his own claim alone: what was approved anew
// meanwhile, or is to be asked about sooner, is asked about at its time.
func TestAskedMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		made := time.Now().Truncate(time.Millisecond)
		w.must(w.reserveAt(made, "cart", "1", line("A", 2)))
		until := made.Add(10 * time.Minute)
		for name, meanwhile := range map[string]func(){
			"approved anew":    func() { w.must(w.reserveAt(made, "cart", "1", line("A", 3))) },
			"asked about soon": func() { w.AskSoon(t.Context(), "1") },
		} {
			a := w.claimed("1", until)
			meanwhile()
			w.must(w.Asked(t.Context(), a, until, made.Add(9*time.Minute)))
			if list, err := w.Due(t.Context(), made.Add(6*time.Minute), 10); len(list) != 1 || err != nil {
				t.Errorf("%s: due %v, %v", name, list, err)
			}
		}
	})
}

// A lock whose row is being deleted is a lock all the same.
func TestLockBesideForget(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.must(w.cart("cart", func(*sql.Tx) error { return nil }))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { w.must(w.ForgetLocks(t.Context(), time.Now().Add(1000*time.Hour))) })
			wg.Go(func() {
				w.must(w.cart("cart", func(tx *sql.Tx) error {
					var n int
					if err := tx.QueryRowContext(t.Context(), "select on_hand from stock where sku = 'A'").Scan(&n); err != nil {
						return err
					}
					_, err := tx.ExecContext(t.Context(), "update stock set on_hand = $1 where sku = 'A'", n+1)
					return err
				}))
			})
		}
		wg.Wait()
		if n := count(t, w.DB, "select on_hand from stock where sku = 'A'"); n != 30 {
			t.Errorf("%d on hand", n)
		}
	})
}
