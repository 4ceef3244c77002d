package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// A sale on either database: placed, found, captured in part, cancelled in the rest.
func TestEngines(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{
		"postgres": newWorld(t, nil), "sqlite": {shoptest.New(t, shoptest.Options{DB: dbtest.SQLite(t)})},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.Left("MUG-1")
			cartID, orderID := w.Sale("email", "eva@example.com")
			w.Place(orderID)
			o := w.once(cartID, orderID)
			w.Levels("MUG-1", before, 0, 2)
			page, err := w.Book.List(t.Context(), order.Query{Text: "EVA@example.com", State: order.StateOpen, Limit: 1})
			if err != nil || len(page.Orders) != 1 || page.Orders[0].Number != o.Number || page.Total != 1 {
				t.Errorf("the list: %+v, %v", page, err)
			}
			w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done)
			w.Levels("MUG-1", before-1, 0, 1)
			w.CallKlarna("POST", "/ordermanagement/v1/orders/"+orderID+"/release-remaining-authorization", "")
			if tooMuch, err := w.Book.Follow(t.Context(), time.Now().Add(25*time.Hour), 10); tooMuch || err != nil {
				t.Fatal(tooMuch, err)
			}
			w.Levels("MUG-1", before-1, 0, 0)
			w.Agrees(orderID)
		})
	}
}

// Between placing and closing the cart nobody buys the cart again, by neither product;
// who tries closes it (invariant 11).
func TestNotBoughtTwice(t *testing.T) {
	t.Parallel()
	for _, product := range []string{"kco", "payments"} {
		t.Run(product, func(t *testing.T) {
			w := newWorld(t, nil)
			in := w.authorized() // a cart with a session of Klarna Payments that is authorized
			orderID := w.Open(in.CartID)
			w.Reserve(in.CartID, orderID, time.Now().Add(-stock.Young))
			w.Buy(orderID)
			// It is stored, and its process dies.
			w.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Status: 500, Count: 3})
			if _, err := w.Book.Place(t.Context(), orderID); !errors.Is(err, order.ErrUnavailable) {
				t.Fatal(err)
			}
			c := w.Cart(in.CartID)
			if c.BoughtBy(orderID) {
				t.Fatal("the cart is closed already")
			}
			before := w.Left("MUG-1")
			if product == "kco" {
				err := w.Book.Approve(t.Context(), c, stock.Approved{CartID: c.ID, OrderID: "second", Lines: []stock.Line{{SKU: "MUG-1", Quantity: 1}}})
				if !errors.Is(err, stock.ErrSold) {
					t.Errorf("got %v, want ErrSold", err)
				}
			} else if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCartChanged) {
				t.Errorf("got %v, want ErrCartChanged", err)
			}
			if c := w.Cart(in.CartID); !c.BoughtBy(orderID) {
				t.Error("the cart is not closed")
			}
			if left := w.Left("MUG-1"); left != before {
				t.Errorf("%d are left, there were %d", left, before)
			}
			w.Place(orderID)
			w.once(in.CartID, orderID)
		})
	}
}

// A failover loses an order that was acknowledged: the loop places it again, with the
// number that Klarna has.
func TestLostOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	number := w.Place(orderID).Number
	for _, table := range []string{"audit", "order_words", "orders"} {
		w.Exec("delete from " + table)
	}
	w.Exec("delete from stock_moves where order_id = $1", orderID)
	w.Exec("update stock set committed = 0")
	w.Round(0)
	if o := w.once(cartID, orderID); o.Number != number {
		t.Errorf("its number is %s, it was %s", o.Number, number)
	}
}

// Members of a record that a newer version has written stay.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	w.SetRecord(o.OrderID, strings.TrimSuffix(w.Record(o.OrderID), "}")+`,"customs":{"code":"7323"}}`)
	w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done)
	var record struct {
		Customs struct {
			Code string `json:"code"`
		} `json:"customs"`
		CapturedAmount int64 `json:"captured_amount"`
	}
	if err := json.Unmarshal([]byte(w.Record(o.OrderID)), &record); err != nil || record.Customs.Code != "7323" || record.CapturedAmount == 0 {
		t.Errorf("the record has %+v, %v", record, err)
	}
}

// What is done in Klarna's portal comes into book, lists and stock although nobody looks;
// a read that finds nothing new is no change.
func TestFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before := w.Left("MUG-1")
	o := w.Placed()
	follow := func(in time.Duration) {
		t.Helper()
		books := []*order.Book{w.Book, w.another(nil, nil)}
		at := time.Now().Add(in)
		var wg sync.WaitGroup
		for _, book := range books {
			wg.Go(func() {
				if tooMuch, err := book.Follow(t.Context(), at, 4); tooMuch || err != nil {
					t.Error(tooMuch, err)
				}
			})
		}
		wg.Wait()
	}
	calls := len(w.Fake.Requests(""))
	follow(23 * time.Hour)
	if n := len(w.Fake.Requests("")) - calls; n != 0 {
		t.Errorf("%d calls before a day has passed", n)
	}
	follow(24 * time.Hour)
	if n := len(w.Fake.Requests("")) - calls; n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if now := w.InBook(o.OrderID); now.Revision != o.Revision {
		t.Errorf("revision %d, it was %d", now.Revision, o.Revision)
	}
	w.CancelAtKlarna(o.OrderID)
	follow(24 * time.Hour)
	page, err := w.Book.List(t.Context(), order.Query{State: order.StateCancelled})
	if err != nil || len(page.Orders) != 1 {
		t.Errorf("cancelled orders: %v, %v", page.Orders, err)
	}
	w.Levels("MUG-1", before, 0, 0)
	if n := w.Number("select count(*) from events where type = 'order.cancelled'"); n != 1 {
		t.Errorf("%d events", n)
	}
	if err := order.WasRead(w.Book, t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if n := w.Number("select count(*) from orders where read_at is not null"); n != 0 {
		t.Error("a look at the order before it was cancelled says when it is read")
	}
	w.Fake.AddFault(fakeklarna.Fault{Status: 429, Count: -1})
	w.Exec("update orders set read_at = 1")
	if tooMuch, err := w.Book.Follow(t.Context(), time.Now(), 4); !tooMuch || err == nil {
		t.Errorf("429: %v, %v", tooMuch, err)
	}
}

// PostgreSQL is killed under load and comes again: no sale that Klarna knows as
// acknowledged is lost, and what was begun is finished.
func TestDatabaseKilled(t *testing.T) {
	t.Parallel()
	server := dbtest.StartServer(t, "fsync=on")
	w := &world{shoptest.New(t, shoptest.Options{URL: server.Database()})}
	var sales []string
	var carts []string
	for range 20 {
		cartID, orderID := w.Sale()
		carts, sales = append(carts, cartID), append(sales, orderID)
	}
	var wg sync.WaitGroup
	for _, orderID := range sales {
		wg.Go(func() { _, _ = w.Book.Place(context.WithoutCancel(t.Context()), orderID) })
	}
	time.Sleep(30 * time.Millisecond)
	server.Kill()
	wg.Wait()
	server.Restart()
	for i, orderID := range sales {
		w.acknowledgedOnlyStored(orderID)
		w.Place(orderID)
		w.once(carts[i], orderID)
	}
}

// Redis forgets that a cart was closed: whoever places the order again closes it.
func TestClosedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	before := w.Client.HGetAll(t.Context(), "shopd:cart:{"+cartID+"}").Val()
	o := w.Place(orderID)
	if err := w.Client.HSet(t.Context(), "shopd:cart:{"+cartID+"}", before).Err(); err != nil {
		t.Fatal(err)
	}
	w.Client.HDel(t.Context(), "shopd:cart:{"+cartID+"}", "bought")
	if c := w.Cart(cartID); c.BoughtBy(orderID) || len(c.Lines) == 0 {
		t.Fatalf("the cart is %+v", c)
	}
	if again := w.Place(orderID); again.Revision != o.Revision {
		t.Errorf("revision %d, it was %d", again.Revision, o.Revision)
	}
	if c := w.once(cartID, orderID); len(w.Cart(cartID).Lines) != 0 {
		t.Errorf("order %s, the cart has %v", c.Number, w.Cart(cartID).Lines)
	}
}

// The disk of the database is full while 40 sales are placed: Klarna is told of none that
// is not stored, none is approved that cannot be stored, and all goes on when there is
// room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T) (w *world, fill func() (room func())){
		"postgres": func(t *testing.T) (*world, func() func()) {
			server := dbtest.StartSmall(t)
			return &world{shoptest.New(t, shoptest.Options{URL: server.Database()})}, server.Fill
		},
		"sqlite": func(t *testing.T) (*world, func() func()) {
			w := &world{shoptest.New(t, shoptest.Options{DB: dbtest.SQLite(t)})}
			pages := func(most int64) {
				w.Exec(fmt.Sprintf("pragma max_page_count = %d", most))
			}
			return w, func() func() {
				pages(w.Number("select page_count from pragma_page_count") + 2)
				return func() { pages(1 << 30) }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, fill := begin(t)
			type sale struct {
				cartID, orderID string
				next            cart.Cart // that somebody else is about to buy
				approved        bool
			}
			sales := make([]sale, 40)
			for i := range sales {
				s := &sales[i]
				s.cartID, s.orderID = w.Sale()
				id := cart.NewID()
				w.Put(id, "MUG-1", 1)
				s.next = w.Cart(id)
			}
			room := fill()
			var failed, refused atomic.Int64
			var wg sync.WaitGroup
			for i := range sales {
				wg.Go(func() {
					s := &sales[i]
					if _, err := w.Book.Place(context.WithoutCancel(t.Context()), s.orderID); err != nil {
						failed.Add(1)
					}
					a := stock.Approved{CartID: s.next.ID, OrderID: s.next.ID, Lines: []stock.Line{{SKU: "MUG-1", Quantity: 1}}}
					if err := w.Book.Approve(context.WithoutCancel(t.Context()), s.next, a); err != nil {
						refused.Add(1)
					} else {
						s.approved = true
					}
				})
			}
			wg.Wait()
			room()
			t.Logf("%d of %d sales could not be placed, %d purchases not be approved", failed.Load(), len(sales), refused.Load())
			if failed.Load() == 0 || refused.Load() == 0 {
				t.Error("the disk was not full")
			}
			for _, s := range sales {
				w.acknowledgedOnlyStored(s.orderID)
				if _, stored, err := w.Stock.OfOrder(t.Context(), s.next.ID); err != nil || s.approved && !stored {
					t.Errorf("approved %v, stored %v, %v", s.approved, stored, err)
				}
			}
			for _, s := range sales {
				w.Place(s.orderID)
				w.once(s.cartID, s.orderID)
			}
			w.Placed()
		})
	}
}
