package stock_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/stock"
)

// farAway is a connection to a database in another zone: each question takes a while.
type farAway struct {
	net.Conn

	asked *atomic.Int64
}

func (c farAway) Write(b []byte) (int, error) {
	c.asked.Add(1)
	time.Sleep(time.Millisecond)
	return c.Conn.Write(b)
}

func many(n int) (lines []stock.Line, counts []stock.Change) {
	for i := range n {
		sku := fmt.Sprintf("SKU-%05d", n-i)
		lines, counts = append(lines, line(sku, 5)), append(counts, counted(sku, 7))
	}
	return lines, counts
}

// However many products are published or counted, the database is asked a few times only, so
// that it takes little time; who buys one of them meanwhile waits that long.
func TestManyAtOnce(t *testing.T) {
	s := dbtest.StartServer(t)
	var asked atomic.Int64
	w := newWorld(t, dbtest.Open(t, db.Config{URL: s.Database(), Lock: 10 * time.Second, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return farAway{conn, &asked}, err
	}}))
	lines, counts := many(10_000)
	for name, do := range map[string]func(){
		"publish": func() { w.seed(lines...) },
		"again":   func() { w.seed(lines...) },
	} {
		before, start := asked.Load(), time.Now()
		do()
		t.Logf("%s: asked %d times in %v", name, asked.Load()-before, time.Since(start))
		if n := asked.Load() - before; n > 200 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	before, start, done := asked.Load(), time.Now(), make(chan error)
	go func() { done <- w.set(time.Time{}, counts[5000:]...) }()
	for i := 0; ; i++ {
		select {
		case err := <-done:
			t.Logf("count: asked %d times in %v, %d purchases meanwhile", asked.Load()-before, time.Since(start), i)
			if n := asked.Load() - before - 20*int64(i); n > 200 {
				t.Errorf("count: asked %d times", n)
			}
			w.must(err)
			w.is("SKU-00001", 7, int64(i), 0)
			return
		default:
		}
		cart := fmt.Sprint("cart", i)
		if err := w.reserve(cart, cart, line("SKU-00001", 1)); i < 5 && err != nil {
			t.Errorf("a purchase meanwhile: %v", err)
		} else if err != nil { // all are being bought
			w.must(<-done)
			return
		}
	}
}

// What is said of many products is done to each.
func TestManyChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		lines, changes := many(1500)
		w.seed(append(lines, lines[:10]...)...) // some stand twice
		w.sell("cart", "1", line("SKU-00001", 3), line("SKU-01500", 3))
		for i := 1; i < len(changes); i += 2 {
			changes[i].OnHand, changes[i].Delta = nil, -2
		}
		var levels []stock.Level
		start := time.Now()
		w.must(w.DB.Tx(t.Context(), func(tx *sql.Tx) (err error) {
			levels, err = w.Set(t.Context(), tx, changes, stock.Entry{})
			return err
		}))
		t.Log("changed in", time.Since(start))
		for i, l := range levels {
			if l.SKU != changes[i].SKU || l.OnHand != map[bool]int64{true: 3, false: 7}[i%2 == 1] {
				t.Fatalf("%d: %+v", i, l)
			}
		}
		w.is("SKU-00001", 3, 0, 3)
		w.is("SKU-01500", 7, 0, 3)
		_, counts := many(1500)
		if err := w.set(time.Time{}, append(counts, stock.Change{SKU: "SKU-00001", Delta: 1})...); !errors.Is(err, stock.ErrTwice) {
			t.Errorf("twice: %v", err)
		}
		w.is("SKU-01500", 7, 0, 3)
	})
}
