package stock_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/stock"
)

// world is a stock and what tests do with it.
type world struct {
	*stock.Store
	t *testing.T
}

func each(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) })
}

// newWorld has 10 of A, 5 of B, 3 of C.
func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{&stock.Store{DB: d}, t}
	w.seed(line("A", 10), line("B", 5), line("C", 3))
	return w
}

func line(sku string, n int) stock.Line { return stock.Line{SKU: sku, Quantity: n} }

// tx runs a step in a transaction and returns its error.
func (w *world) tx(do func(*sql.Tx) error) error { return w.DB.Tx(w.t.Context(), do) }

// cart is tx with the cart locked.
func (w *world) cart(cartID string, do func(*sql.Tx) error) error {
	return w.tx(func(tx *sql.Tx) error {
		if err := stock.LockCart(w.t.Context(), tx, cartID); err != nil {
			return err
		}
		return do(tx)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) seed(lines ...stock.Line) {
	w.t.Helper()
	w.must(w.tx(func(tx *sql.Tx) error { return w.Seed(w.t.Context(), tx, lines) }))
}

func (w *world) reserveAt(made time.Time, cartID, orderID string, lines ...stock.Line) error {
	return w.cart(cartID, func(tx *sql.Tx) error {
		return w.Reserve(w.t.Context(), tx, stock.Approved{CartID: cartID, OrderID: orderID, Lines: lines, Made: made})
	})
}

func (w *world) reserve(cartID, orderID string, lines ...stock.Line) error {
	return w.reserveAt(time.Time{}, cartID, orderID, lines...)
}

func (w *world) sell(cartID, orderID string, lines ...stock.Line) (short []string) {
	w.t.Helper()
	w.must(w.cart(cartID, func(tx *sql.Tx) (err error) {
		short, err = w.Sell(w.t.Context(), tx, cartID, orderID, lines)
		return err
	}))
	return short
}

func (w *world) set(at time.Time, changes ...stock.Change) error {
	return w.tx(func(tx *sql.Tx) error {
		_, err := w.Set(w.t.Context(), tx, changes, stock.Entry{At: at, Who: "kim"})
		return err
	})
}

// is checks the numbers of a product, and that all products are the sums of their moves.
func (w *world) is(sku string, onHand, reserved, committed int64) {
	w.t.Helper()
	levels, err := w.Read(w.t.Context(), sku)
	w.must(err)
	if want := (stock.Level{SKU: sku, OnHand: onHand, Reserved: reserved, Committed: committed}); len(levels) != 1 || levels[0] != want {
		w.t.Errorf("got %+v, want %+v", levels, want)
	}
	dbtest.StockAdds(w.t, w.DB)
}

// claimed is an approved order that is claimed until a time.
func (w *world) claimed(orderID string, until time.Time) stock.Approved {
	w.t.Helper()
	a, found, err := w.OfOrder(w.t.Context(), orderID)
	w.must(err)
	if mine, err := w.Claim(w.t.Context(), a, until); !found || !mine || err != nil {
		w.t.Fatalf("not claimed: %v, %v, %v", found, mine, err)
	}
	return a
}

func count(t *testing.T, q *db.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := q.Read.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// orders are what is approved for a cart, newest first.
func (w *world) orders(cartID string) (list []string) {
	w.t.Helper()
	found, err := w.OfCart(w.t.Context(), w.DB.Read, cartID)
	w.must(err)
	for _, a := range found {
		text := a.OrderID
		for _, is := range []struct {
			yes  bool
			word string
		}{{a.Sold, "sold"}, {a.Returned, "returned"}, {a.Ending, "ending"}} {
			if is.yes {
				text += " " + is.word
			}
		}
		list = append(list, text)
	}
	return list
}

func (w *world) approved(cartID string, want ...string) {
	w.t.Helper()
	if got := w.orders(cartID); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("approved: %q, want %q", got, want)
	}
}
