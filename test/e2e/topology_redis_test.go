package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/until"
)

// Redis is flushed, killed and flushed again while shoppers buy. That costs carts; what
// Klarna sold is in the book once, with its audit, its event and its stock (invariants 6,
// 11, 12, 15).
func TestTopologyRedisLost(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t)
	c := topology(t, server)
	var mu sync.Mutex
	var sales []string
	lost := make(chan struct{})
	again := 0 // sales since all of it
	var buyers sync.WaitGroup
	for range 6 {
		buyers.Go(func() {
			for start := time.Now(); time.Since(start) < crowdLimit && !t.Failed(); {
				if id := c.sellOne(); id != "" {
					mu.Lock()
					if sales = append(sales, id); closed(lost)() {
						again++
					}
					enough := again >= 10
					mu.Unlock()
					if enough {
						return
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	flush := func() {
		t.Helper()
		mu.Lock()
		n := len(sales)
		mu.Unlock()
		for start := time.Now(); time.Since(start) < crowdLimit; time.Sleep(10 * time.Millisecond) { // something is bought in between
			mu.Lock()
			now := len(sales)
			mu.Unlock()
			if now >= n+10 {
				break
			}
		}
		if err := server.Client().FlushAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	}
	flush()
	flush()
	server.Stop()
	time.Sleep(500 * time.Millisecond)
	server.Restart()
	flush()
	close(lost)
	buyers.Wait()
	if again == 0 {
		t.Fatal("nothing was bought when Redis was back")
	}
	c.fake.Advance(6 * time.Minute) // a push that was in vain comes again
	sold := map[string]int{}
	for _, id := range sales {
		o := c.finished(id)
		at, _ := c.fake.Order(id)
		for sku, n := range goodsOf(at) {
			sold[sku] += n
		}
		entries, err := c.here.Book.Audit(t.Context(), id)
		if err != nil || len(entries) < 2 || entries[len(entries)-1].Event != order.AuditPlaced {
			t.Errorf("the audit of order %s: %+v, %v", id, entries, err)
		}
		n := 0
		until.Holds(t, "a loop has numbered the event of order "+id, func() bool {
			n = c.rows("select 'n', count(*) from events where subject = $1 and type = 'order.created' and sequence is not null", o.ID)["n"]
			return n > 0
		})
		if n != 1 {
			t.Errorf("order %s has %d numbered events", id, n)
		}
	}
	if n := c.rows("select 'n', count(*) from orders")["n"]; n != len(sales) {
		t.Errorf("the book has %d orders, %d were sold", n, len(sales))
	}
	for sku, n := range c.rows("select sku, committed from stock") {
		if n != sold[sku] {
			t.Errorf("%d of %s are committed, %d were sold", n, sku, sold[sku])
		}
	}
	c.ledger()
	t.Logf("%d sales", len(sales))
}

// sellOne is a shopper who buys one thing and looks at the confirmation once. It returns
// the order, "" where that cannot be had now.
func (c *crowd) sellOne() (orderID string) {
	shopper := &client{t: c.t}
	shopper.send(c.any(), http.MethodPost, "/cart/lines", "sku=MUG-1&quantity=2", "")
	id := shownOrder.FindStringSubmatch(shopper.send(c.any(), http.MethodGet, "/checkout", "", "").body)
	if id == nil {
		return ""
	}
	if out, err := c.fake.Shopper(id[1], fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		return ""
	}
	shopper.send(c.any(), http.MethodGet, confirmation+"?order_id="+id[1], "", "")
	return id[1]
}

// finished waits until a sale is in the book, Klarna knows so, and nothing is left to do.
func (c *crowd) finished(orderID string) order.Order {
	c.t.Helper()
	state := ""
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(20 * time.Millisecond) {
		o, found, err := c.here.Book.ByOrderID(c.t.Context(), orderID)
		if err != nil {
			c.t.Fatal(err)
		}
		at, _ := c.fake.Order(orderID)
		if state = fmt.Sprint(found, o.Acknowledged, at.Fake.Acknowledged, o.CartClosed); state == "true true true true" {
			return o
		}
	}
	c.t.Errorf("order %s: in the book, acknowledged in the book and at Klarna, cart closed: %s", orderID, state)
	return order.Order{}
}
