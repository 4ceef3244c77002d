package order_test

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// BenchmarkDurable approves and places purchases that the database keeps through a crash,
// 32 at once, by one process and by three; also where a commit takes 5 ms, as with a
// standby or a disk on the network. Placing has its calls of the fake Klarna, on the same
// processors. It reports how many a second, and that against one process with its own
// disk: -benchtime 500x.
func BenchmarkDurable(b *testing.B) {
	first := map[string]float64{}
	report := func(b *testing.B, what string) {
		b.Helper()
		if b.N == 1 { // the framework tries one before it does all
			return
		}
		perSecond := float64(b.N) / b.Elapsed().Seconds()
		if first[what] == 0 {
			first[what] = perSecond
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(perSecond, "/s")
		b.ReportMetric(perSecond/first[what], "times")
	}
	for _, commits := range []struct {
		name     string
		settings []string
	}{{"own disk", nil}, {"commits of 5 ms", []string{"commit_delay=5000", "commit_siblings=0"}}} {
		b.Run(commits.name, func(b *testing.B) {
			url := dbtest.StartServer(b, append(commits.settings, "fsync=on")...).Database()
			w := &world{shoptest.New(b, shoptest.Options{URL: url})}
			books := []*order.Book{w.Book}
			for range 2 {
				books = append(books, w.Process(func(c *shop.Config) { c.DB = dbtest.Open(b, db.Config{URL: url}) }).Book)
			}
			for _, book := range books {
				book.Stock.Waiting = 100 // it is the database that is asked how much it takes
			}
			skus := w.plenty()
			for _, n := range []int{1, 3} {
				processes := map[int]string{1: "one process", 3: "three processes"}[n]
				b.Run("approve, "+processes, func(b *testing.B) {
					carts := make([]cart.Cart, b.N)
					for i := range carts {
						carts[i] = w.Cart(w.filled(skus, i))
					}
					atOnce(b, func(i int) error {
						var lines []stock.Line
						for _, line := range carts[i].Lines {
							lines = append(lines, stock.Line(line))
						}
						return books[i%n].Approve(b.Context(), carts[i], stock.Approved{CartID: carts[i].ID, OrderID: carts[i].ID, Lines: lines})
					})
					report(b, "approve")
				})
				b.Run("place, "+processes, func(b *testing.B) {
					sales := make([]string, b.N)
					for i := range sales {
						sales[i] = w.Sell(w.filled(skus, i))
					}
					atOnce(b, func(i int) error {
						_, err := books[i%n].Place(b.Context(), sales[i])
						return err
					})
					report(b, "place")
				})
			}
		})
	}
}

// plenty makes the stock of all products large, and returns them.
func (w *world) plenty() (skus []string) {
	w.T.Helper()
	var changes []stock.Change
	for _, p := range w.Published.Now().Catalog.Products() {
		if skus = append(skus, p.SKU); !p.Digital {
			changes = append(changes, stock.Change{SKU: p.SKU, Delta: 1_000_000})
		}
	}
	if err := w.DB.Tx(w.T.Context(), func(tx *sql.Tx) error {
		_, err := w.Stock.Set(w.T.Context(), tx, changes, stock.Entry{Reason: "delivery"})
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return skus
}

// filled is a cart with two of the products.
func (w *world) filled(skus []string, i int) (cartID string) {
	w.T.Helper()
	cartID = cart.NewID()
	w.Put(cartID, skus[i%len(skus)], 1)
	w.Put(cartID, skus[(7*i+1)%len(skus)], 2)
	return cartID
}

// atOnce does b.N things, 32 at a time.
func atOnce(b *testing.B, do func(i int) error) {
	b.Helper()
	work := make(chan int)
	var workers sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		workers.Go(func() {
			for i := range work {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	workers.Wait()
	b.StopTimer()
}
