package e2e_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redistest"
)

// The database dies while three shops are busy and comes again, or stands still for 20 s,
// or its standby becomes the primary. No sale is lost, none is there twice, and the stock
// is what orders and ledger say (invariants 1 to 8, 15). Meanwhile carts and checkout go
// on; who presses Buy is asked to press again.
func TestTopologyDatabase(t *testing.T) {
	t.Parallel()
	alone := func(t *testing.T) (string, *dbtest.Server) {
		t.Helper()
		s := dbtest.StartServer(t, "fsync=on")
		return s.Database(), s
	}
	for _, tt := range []struct {
		name  string
		long  time.Duration // that the database is away, at least
		begin func(t *testing.T) (url string, gone func() (back func()))
	}{
		{"killed", time.Second, func(t *testing.T) (string, func() func()) {
			url, s := alone(t)
			return url, func() func() {
				s.Freeze()
				time.Sleep(time.Second) // in which whoever is too fast tells Klarna
				s.Kill()
				return s.Restart
			}
		}},
		{"frozen", 20 * time.Second, func(t *testing.T) (string, func() func()) {
			url, s := alone(t)
			return url, s.Freeze
		}},
		{"standby promoted", 0, func(t *testing.T) (string, func() func()) {
			pair := dbtest.StartPair(t, "../../deploy/postgres")
			return pair.URL, func() func() {
				pair.Primary.Freeze()
				time.Sleep(time.Second)
				pair.Primary.Kill()
				return pair.Promote
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, gone := tt.begin(t)
			c := topologyWith(t, redistest.StartServer(t), url)
			// Who tells Klarna before it is stored does so for long enough to be seen.
			c.fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*/acknowledge", DelayAfter: fakeklarna.Duration(300 * time.Millisecond), Count: -1})
			done := make(chan struct{})
			var newcomer *visitor
			var told []string // orders that Klarna was told of before the database came back
			var came time.Time
			time.AfterFunc(topologyTime/4, func() {
				defer close(done)
				c.base.begin(time.Time{})
				back, until := gone(), time.Now().Add(tt.long)
				c.withoutDatabase()
				newcomer = c.newcomer()
				time.Sleep(time.Until(until))
				for _, o := range c.fake.Orders() {
					if o.Fake.Acknowledged {
						told = append(told, o.OrderID)
					}
				}
				came = time.Now()
				back()
				c.base.end()
			})
			c.run(topologyTime, closed(done), c.resumed.Load)
			<-done
			c.fake.ClearFaults()
			c.visitors = append(c.visitors, newcomer)
			c.check()
			for _, id := range told {
				c.placedBefore(id, came)
			}
			c.summary()
			if !c.resumed.Load() {
				t.Error("nothing was bought when the database was back")
			}
		})
	}
}

// withoutDatabase demands that a push of Klarna, and a confirmation, is to come again.
func (c *crowd) withoutDatabase() {
	i := slices.IndexFunc(c.visitors, func(v *visitor) bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.sales) > 0
	})
	if i < 0 {
		c.t.Error("nothing was bought before the database was gone")
		return
	}
	v := c.visitors[i]
	v.mu.Lock()
	id, asker := v.sales[0].orderID, v.client
	v.mu.Unlock()
	o, _ := c.fake.Order(id)
	push := strings.TrimPrefix(strings.ReplaceAll(o.MerchantURLs.Push, "{checkout.order.id}", id), c.url)
	if got := asker.send(c.any(), http.MethodPost, push, "", ""); got.status != http.StatusServiceUnavailable {
		c.t.Errorf("a push without the database: got %d %s", got.status, got.body)
	}
	if got := asker.send(c.any(), http.MethodGet, confirmation+"?order_id="+id, "", ""); got.status != http.StatusServiceUnavailable || !got.helpful() {
		c.t.Errorf("a confirmation without the database: got %d %s", got.status, got.body)
	}
}

// newcomer comes while there is no database: cart and checkout do for him what they do for
// all, and only the purchase is to be pressed again.
func (c *crowd) newcomer() *visitor {
	v := c.visitor("newcomer@example.com", c.any())
	b := v.tab(c.visitors[0].tabs[0].skus)
	got, began := b.send("POST", "/cart/lines/"+b.skus[0], "quantity=2", "")
	if got.status != http.StatusSeeOther {
		c.t.Errorf("a change of the cart without the database: got %d %s", got.status, got.body)
	}
	b.learn(b.skus[0], []int{2}, got, began, true)
	orderID, ok := b.load()
	if !ok {
		c.t.Error("no checkout without the database")
		return v
	}
	b.update(b.skus[1], 3)
	order, _ := c.fake.Order(orderID)
	if want := map[string]int{extra: 1, b.skus[0]: 2, b.skus[1]: 3}; !maps.Equal(goodsOf(order), want) {
		c.t.Errorf("without the database Klarna has %v, want %v", goodsOf(order), want)
	}
	out, err := c.fake.Shopper(orderID, fakeklarna.Action{Type: b.person(), Buy: &fakeklarna.Buy{}})
	if again := i18n.T(i18n.Swedish, "purchase.again"); err != nil || out.Refused == nil || out.Refused.Message != again {
		c.t.Errorf("a purchase without the database: got %+v, %v, want refused: %s", out.Refused, err, again)
	}
	return v
}

// placedBefore demands that an order was in the book before the database came back, and
// not only then.
func (c *crowd) placedBefore(orderID string, came time.Time) {
	c.t.Helper()
	entries, err := c.here.Book.Audit(c.t.Context(), orderID)
	if err != nil {
		c.t.Fatal(err)
	}
	if !slices.ContainsFunc(entries, func(e order.AuditEntry) bool { return e.Event == order.AuditPlaced && e.At.Before(came) }) {
		c.t.Errorf("Klarna was told of order %s, and the database had lost it", orderID)
	}
}
