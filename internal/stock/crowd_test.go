package stock_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/stock"
)

var pieces = flag.Int("stock.pieces", 120, "how many pieces the flash sale has; four times as many shoppers come")

// Four times as many shoppers as there are pieces come at once, while each commit
// takes 5 ms, as with a disk on the network. All pieces are sold, none twice, and
// each is answered. The whole, -stock.pieces=500, is for a quiet machine: nobody waits past 2 s.
func TestFlashSale(t *testing.T) {
	pieces, shoppers := int64(*pieces), 4**pieces
	s := dbtest.StartServer(t, "fsync=on", "commit_delay=5000", "commit_siblings=0")
	w := newWorld(t, dbtest.Open(t, db.Config{URL: s.Database()}))
	w.seed(line("HOT", int(pieces)))
	var sold, out, crowded atomic.Int64
	var mu sync.Mutex
	var waits []time.Duration
	var wg sync.WaitGroup
	// validate is what a shopper waits for.
	validate := func(cart string) error {
		start := time.Now()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, time.Since(start))
		}()
		lines := []stock.Line{line("HOT", 1)}
		leave, err := w.Enter(t.Context(), lines)
		if err != nil {
			return err
		}
		defer leave()
		return w.reserve(cart, cart, lines...)
	}
	start := time.Now()
	for i := range shoppers {
		wg.Go(func() {
			cart := fmt.Sprint("cart", i)
			for {
				err := validate(cart)
				_, short := errors.AsType[*stock.ShortError](err)
				switch {
				case err == nil:
					if short := w.sell(cart, cart, line("HOT", 1)); short != nil {
						t.Errorf("%s is short of %q", cart, short)
					}
					sold.Add(1)
					return
				case short:
					out.Add(1)
					return
				case errors.Is(err, stock.ErrCrowded):
					crowded.Add(1)
					time.Sleep(500*time.Millisecond + rand.N(time.Second)) // and presses Buy again
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(waits)
	longest := waits[len(waits)-1]
	t.Logf("%v for all, the longest wait %v, pressed again %d times", time.Since(start), longest, crowded.Load())
	if sold.Load() != pieces || out.Load() != int64(shoppers)-pieces || pieces >= 500 && longest > 2*time.Second {
		t.Errorf("%d sold, %d went without, one waited %v", sold.Load(), out.Load(), longest)
	}
	w.is("HOT", pieces, 0, pieces)
}

// Purchases of several products at once never wait for one another in a circle.
func TestNoDeadlocks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const workers = 32
		purchases := map[db.Engine]int{db.Postgres: 10, db.SQLite: 2}[w.DB.Engine]
		skus := make([]string, 20)
		var all []stock.Line
		for i := range skus {
			skus[i] = fmt.Sprintf("SKU-%02d", i)
			all = append(all, line(skus[i], 100_000))
		}
		w.seed(all...)
		var runs, wanted atomic.Int64
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				for n := range purchases {
					order := fmt.Sprint(i, ".", n)
					var lines []stock.Line
					for _, j := range rand.Perm(len(skus))[:4] {
						lines = append(lines, line(skus[j], 1))
					}
					step := func(do func(tx *sql.Tx) error) {
						wanted.Add(1)
						if err := w.cart(order, func(tx *sql.Tx) error {
							runs.Add(1)
							return do(tx)
						}); err != nil {
							t.Error(err)
						}
					}
					step(func(tx *sql.Tx) error {
						return w.Reserve(t.Context(), tx, stock.Approved{CartID: order, OrderID: order, Lines: lines})
					})
					step(func(tx *sql.Tx) error {
						_, err := w.Sell(t.Context(), tx, order, order, lines)
						return err
					})
					step(func(tx *sql.Tx) error { return w.Ship(t.Context(), tx, order, lines[:2], stock.Entry{}) })
					step(func(tx *sql.Tx) error {
						_, err := w.Set(t.Context(), tx, []stock.Change{{SKU: lines[0].SKU, Delta: 1}, {SKU: lines[1].SKU, Delta: 1}}, stock.Entry{})
						return err
					})
				}
			})
		}
		wg.Wait()
		// A transaction that ran again was the victim of a deadlock.
		if again := runs.Load() - wanted.Load(); again != 0 {
			t.Errorf("%d of %d ran again", again, wanted.Load())
		}
		if n := count(t, w.DB, "select sum(committed) from stock"); n != workers*purchases*2 {
			t.Errorf("%d are committed", n)
		}
		dbtest.StockAdds(w.t, w.DB)
	})
}

// Whatever happens in whatever order, and at once: on hand, reserved and committed are
// the sums of the ledger, reserved is what approved orders hold, committed what placed
// ones have open, and what was counted stays promised once.
func TestSums(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		steps := map[db.Engine]int{db.Postgres: 150, db.SQLite: 60}[w.DB.Engine]
		seed := uint64(time.Now().UnixNano())
		t.Log("seed", seed)
		var wg sync.WaitGroup
		for worker := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(worker)))
			wg.Go(func() {
				for range steps {
					w.step(t, r)
				}
			})
		}
		wg.Wait()
		dbtest.StockAdds(w.t, w.DB)
		held, open := map[string]int64{}, map[string]int64{}
		for i := range carts {
			list, err := w.OfCart(t.Context(), w.DB.Read, cartName(i))
			w.must(err)
			for _, a := range list {
				w.must(w.Drop(t.Context(), a.CartID, a.OrderID))
			}
		}
		w.must(w.tx(func(tx *sql.Tx) error {
			for i := range carts {
				for n := range orders {
					of, err := w.Open(t.Context(), tx, orderName(i, n))
					if err != nil {
						return err
					}
					for sku, n := range of {
						open[sku] += n
						if n < 0 {
							t.Errorf("%d of %s are open", n, sku)
						}
					}
				}
			}
			return nil
		}))
		levels, err := w.Read(t.Context(), "A", "B", "C")
		w.must(err)
		for _, l := range levels {
			if l.Reserved != held[l.SKU] || l.Committed != open[l.SKU] {
				t.Errorf("%+v, open %d", l, open[l.SKU])
			}
		}
		dbtest.StockAdds(w.t, w.DB)
	})
}

const carts, orders = 6, 3

func cartName(i int) string     { return fmt.Sprint("cart", i) }
func orderName(i, n int) string { return fmt.Sprint("order", i, ".", n) }

// step does something at random that may happen.
func (w *world) step(t *testing.T, r *rand.Rand) {
	ctx, now := t.Context(), time.Now().Add(time.Duration(r.IntN(120))*time.Minute)
	i := r.IntN(carts)
	cart, order := cartName(i), orderName(i, r.IntN(orders))
	lines := []stock.Line{line("C", 1+r.IntN(2)), line("A", 1+r.IntN(3)), line("DIGITAL", 1)}[r.IntN(2):]
	e := stock.Entry{At: now}
	var err error
	switch r.IntN(9) {
	case 0, 1:
		err = w.reserveAt(now, cart, order, lines...)
	case 2:
		err = w.cart(cart, func(tx *sql.Tx) error {
			_, err := w.Sell(ctx, tx, cart, order, lines)
			return err
		})
	case 3:
		err = w.Drop(ctx, cart, order)
	case 4:
		_, err = w.ReturnOld(ctx, now)
	case 5:
		err = w.cart(cart, func(tx *sql.Tx) error {
			if r.IntN(2) == 0 {
				return w.Ship(ctx, tx, order, lines, e)
			}
			return w.Release(ctx, tx, order, lines, e)
		})
	case 6:
		err = w.cart(cart, func(tx *sql.Tx) error {
			if r.IntN(2) == 0 {
				return w.Return(ctx, tx, order, lines[:1], e)
			}
			_, err := w.Commit(ctx, tx, order, lines, e)
			return err
		})
	case 7:
		err = w.set(now, counted("A", int64(r.IntN(40))), stock.Change{SKU: "C", Delta: int64(r.IntN(9) - 4)})
	case 8:
		err = w.tx(func(tx *sql.Tx) error {
			return errors.Join(w.Closed(ctx, tx, order), w.Seed(ctx, tx, []stock.Line{line("A", 1)}))
		})
	}
	_, short := errors.AsType[*stock.ShortError](err)
	_, below := errors.AsType[*stock.BelowError](err)
	if err != nil && !short && !below && !errors.Is(err, stock.ErrPurchaseRunning) && !errors.Is(err, stock.ErrSold) && !errors.Is(err, stock.ErrOldCount) {
		t.Error(err)
	}
}

// Nobody waits for what is not counted, once that is known.
func TestEnterUncounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.Levels(t.Context()); err != nil {
			t.Fatal(err)
		}
		enter := func(sku string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, err := w.Enter(ctx, []stock.Line{line(sku, 1)})
			return err
		}
		for i := range 100 {
			if err := enter("DIGITAL"); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			if err := enter("A"); (err != nil) != (i >= 4) {
				t.Fatalf("%d of what is counted: %v", i, err)
			}
		}
	})
}

// Who would wait for too long is told at once; who leaves keeps no place.
func TestEnter(t *testing.T) {
	s := &stock.Store{Waiting: 6}
	both := []stock.Line{line("B", 1), line("A", 1), line("B", 2)}
	var leaves []func()
	for range 4 {
		leave, err := s.Enter(t.Context(), both)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var gone atomic.Int64
	for range 2 {
		wg.Go(func() {
			err := stock.ErrCrowded
			for errors.Is(err, stock.ErrCrowded) { // by the probe below
				_, err = s.Enter(ctx, both)
			}
			if errors.Is(err, context.Canceled) {
				gone.Add(1)
			}
		})
	}
	for {
		probe, end := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := s.Enter(probe, []stock.Line{line("C", 1), line("A", 1)})
		end()
		if errors.Is(err, stock.ErrCrowded) {
			break // the two wait
		}
	}
	if leave, err := s.Enter(t.Context(), []stock.Line{line("C", 1)}); err != nil {
		t.Errorf("another product: %v", err)
	} else {
		leave()
	}
	cancel()
	wg.Wait()
	if gone.Load() != 2 {
		t.Errorf("%d left", gone.Load())
	}
	next := make(chan error)
	go func() {
		leave, err := s.Enter(t.Context(), both)
		if err == nil {
			leave()
		}
		next <- err
	}()
	leaves[0]()
	if err := <-next; err != nil {
		t.Error(err)
	}
	for _, leave := range leaves[1:] {
		leave()
	}
}
