package order_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Neither push nor confirmation ever comes: the loop finds the sale by its reservation.
func TestReconcileReservations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	w.Round(time.Minute)
	if _, found, _ := w.Book.ByOrderID(t.Context(), orderID); found {
		t.Error("placed after a minute: push and confirmation had no time")
	}
	w.Round(6 * time.Minute)
	w.once(cartID, orderID)

	// A purchase that never came about is asked about now and then, and its goods are back after half an hour.
	left := w.Left("MUG-1")
	given := cart.NewID()
	w.Put(given, "MUG-1", 2)
	open := w.Open(given)
	w.Reserve(given, open, time.Now())
	asked := func() int {
		return len(slices.DeleteFunc(w.Fake.Requests(open), func(r fakeklarna.Request) bool { return !strings.Contains(r.Path, "/ordermanagement/") }))
	}
	for _, step := range []struct {
		in    time.Duration
		asked int
	}{{time.Minute, 0}, {6 * time.Minute, 1}, {7 * time.Minute, 1}, {40 * time.Minute, 2}, {41 * time.Minute, 2}} {
		w.Round(step.in)
		if got := asked(); got != step.asked {
			t.Errorf("after %s it was asked about %d times, want %d", step.in, got, step.asked)
		}
	}
	if got := w.Left("MUG-1"); got != left {
		t.Errorf("%d mugs left, there were %d", got, left)
	}
	// Bought after all, hours later: the stock is taken again.
	w.Buy(open)
	w.Round(2 * time.Hour)
	w.once(given, open)
	if got := w.Left("MUG-1"); got != left-2 {
		t.Errorf("%d mugs left, want %d", got, left-2)
	}
}

// A push that could not be carried out is not the last word for five minutes: Klarna's next is
// hours away. Nor is a load of the checkout that finds the order bought, after which the browser goes.
func TestReconcileSoon(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]func(*world, string, string) error{
		"a placing that failed": func(w *world, _, orderID string) error {
			w.Fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*", Status: 500, Count: 10})
			defer w.Fake.ClearFaults()
			if _, err := w.Book.Place(t.Context(), orderID); !errors.Is(err, order.ErrUnavailable) {
				return fmt.Errorf("got %w", err)
			}
			return nil
		},
		"a sync that finds it bought": func(w *world, cartID, _ string) error {
			result, err := w.Sync(cartID, cartsync.Load)
			if err == nil && result.Outcome != cartsync.Complete {
				return fmt.Errorf("got %v", result.Outcome)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			cartID, orderID := w.Sale()
			if err := learn(w, cartID, orderID); err != nil {
				t.Fatal(err)
			}
			w.Round(5 * time.Second)
			if _, found, _ := w.Book.ByOrderID(t.Context(), orderID); found {
				t.Error("placed by a round of the same moment")
			}
			w.Round(15 * time.Second)
			w.once(cartID, orderID)
		})
	}
}

// A command begins while the loop ends its look at the order: it is gone on with all the same.
func TestReconcileBesideCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	running := func(key string) order.Order {
		now, err := w.Book.Edit(t.Context(), o.OrderID, func(o *order.Order) {
			o.Running = nil
			if key != "" {
				o.Running = &order.Command{Key: key, Action: "refund", Amount: 1, At: time.Now()}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	running("first")
	err := w.Book.Reconcile(t.Context(), time.Now().Add(time.Minute), order.Work{Resume: func(context.Context, order.Order, time.Time) (order.Order, error) {
		ended := running("")
		running("second")
		return ended, nil
	}})
	if n := w.Number("select count(*) from orders where due_at is not null"); err != nil || n != 1 {
		t.Errorf("%d orders are due, %v", n, err)
	}
	running("")
	w.Round(time.Minute)
	if n := w.Number("select count(*) from orders where due_at is not null"); n != 0 {
		t.Errorf("in the end %d orders are due", n)
	}
}

// An order that was given up is paid in an old tab, and nobody tells us: the
// loop finds it. One that is not is asked about for 49 h.
func TestReconcileLeftBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID := cart.NewID()
	w.Put(cartID, "MUG-1", 2)
	paid, unpaid, current := w.Open(cartID), w.Open(cartID), w.Open(cartID)
	w.Reserve(cartID, current, time.Now())
	w.Buy(paid)
	for _, id := range []string{paid, unpaid} {
		if err := w.Book.LeftBehind.Add(t.Context(), cartID, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Book.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for in := time.Minute; in < 52*time.Hour; in += 30 * time.Minute {
		w.Round(in)
	}
	if o := w.once(cartID, paid); !o.Flagged(order.NotCurrent) {
		t.Errorf("flags %v", o.Flags)
	}
	if c := w.Cart(cartID); c.OrderID != current || c.BoughtBy(unpaid) {
		t.Errorf("the cart has order %q, bought by %v", c.OrderID, c.Bought)
	}
	asked := len(slices.DeleteFunc(w.Fake.Requests(unpaid), func(r fakeklarna.Request) bool { return !strings.Contains(r.Path, "/ordermanagement/") }))
	if asked < 2 || asked > 50 {
		t.Errorf("asked %d times about an order that is not bought", asked)
	}
	if due, err := w.Book.LeftBehind.Unsettled(t.Context(), time.Now().Add(100*time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("still listed: %v, %v", due, err)
	}
}

// Klarna decides on a pending order hours later: the loop asks until then.
func TestReconcilePending(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		decision string
		want     ordermanagement.FraudStatus
	}{{"accept", ordermanagement.FraudAccepted}, {"reject", ordermanagement.FraudRejected}} {
		t.Run(tc.decision, func(t *testing.T) {
			w := newWorld(t, nil)
			cartID := cart.NewID()
			w.Put(cartID, "MUG-1", 2)
			w.market(cartID, "GB")
			orderID := w.Open(cartID)
			w.Buy(orderID, "email", fraud(tc.decision))
			o := w.Place(orderID)
			if !o.Pending() || !o.Acknowledged || !o.CartClosed {
				t.Fatalf("got %s, acknowledged %v, closed %v", o.FraudStatus, o.Acknowledged, o.CartClosed)
			}
			w.Round(time.Minute)
			if o, _, _ := w.Book.ByOrderID(t.Context(), orderID); !o.Pending() {
				t.Fatalf("decided too early: %s", o.FraudStatus)
			}
			calls := len(w.Fake.Requests(""))
			w.Round(time.Minute + time.Second) // put off
			if got := len(w.Fake.Requests("")); got != calls {
				t.Errorf("asked again at once: %d calls", got-calls)
			}
			w.Fake.Advance(6 * time.Minute)
			w.Round(time.Hour)
			if o := w.once(cartID, orderID); o.Pending() || o.FraudStatus != tc.want {
				t.Errorf("got %s, want %s", o.FraudStatus, tc.want)
			}
			if tc.decision == "reject" {
				// Klarna cancels it some hours later, without a word: the goods come back.
				w.Fake.Advance(5 * time.Hour)
				w.Round(5 * time.Hour)
				if o := w.once(cartID, orderID); o.Status != ordermanagement.Cancelled {
					t.Errorf("hours after the decision: got %s, want it cancelled", o.Status)
				}
				if got := w.Left("MUG-1"); got != 240 {
					t.Errorf("%d mugs are left, want those back that are not sold", got)
				}
			}
			calls = len(w.Fake.Requests(""))
			w.Round(9 * time.Hour)
			if got := len(w.Fake.Requests("")); got != calls {
				t.Error("the loop asks about a decided order")
			}
		})
	}
}

// market moves a cart to a country.
func (w *world) market(cartID, country string) {
	w.T.Helper()
	if _, err := w.Carts.Update(w.T.Context(), cartID, sweden, func(c *cart.Cart) error {
		return cart.Change{Country: country}.Apply(&c.Contents, w.Published.Now(), nil)
	}); err != nil {
		w.T.Fatal(err)
	}
}

// Klarna's notification: the book says what it decided, also of an order that it did not have.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, placed := range []bool{true, false} {
		w := newWorld(t, nil)
		cartID := cart.NewID()
		w.Put(cartID, "MUG-1", 2)
		w.market(cartID, "GB")
		orderID := w.Open(cartID)
		w.Buy(orderID, "email", fraud("accept"))
		if placed {
			w.Place(orderID)
			if o, err := w.Book.Refresh(t.Context(), orderID); err != nil || !o.Pending() {
				t.Errorf("undecided: got %s, %v", o.FraudStatus, err)
			}
		}
		w.Fake.Advance(6 * time.Minute)
		for range 3 {
			o, err := w.Book.Refresh(t.Context(), orderID)
			if err != nil || o.FraudStatus != ordermanagement.FraudAccepted || o.Pending() {
				t.Errorf("placed before %v: got %s, %v", placed, o.FraudStatus, err)
			}
		}
		if o := w.once(cartID, orderID); o.FraudStatus != ordermanagement.FraudAccepted || o.Status != ordermanagement.Authorized {
			t.Errorf("the book says %s, %s", o.FraudStatus, o.Status)
		}
		if n := w.Number("select count(*) from orders where due_at is not null"); n != 0 {
			t.Errorf("%d orders are not finished", n)
		}
		w.Fake.AddFault(fakeklarna.Fault{Status: 500, Count: -1})
		if _, err := w.Book.Refresh(t.Context(), orderID); !errors.Is(err, order.ErrUnavailable) {
			t.Errorf("Klarna away: got %v", err)
		}
	}
}

// Rounds of several processes at once do each thing once.
func TestReconcileAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	w.Reserve(cartID, orderID, time.Now().Add(-6*time.Minute))
	calls := len(w.Fake.Requests(""))
	books := []*order.Book{w.Book, w.another(nil, nil)}
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := books[i%2].Reconcile(t.Context(), time.Now(), order.Work{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.once(cartID, orderID)
	if n := len(w.Fake.Requests("")) - calls; n != 3 { // read, references, acknowledge
		t.Errorf("%d calls of Klarna, want 3", n)
	}
}

// While Klarna is away a round gives up soon, says so, and leaves the rest to the next.
func TestReconcileBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	type sale struct{ cartID, orderID string }
	var sales []sale
	for range 8 {
		cartID, orderID := w.Sale()
		sales = append(sales, sale{cartID, orderID})
	}
	for _, s := range sales[:4] { // the first four are in the book, not acknowledged
		w.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Status: 500, Count: 3})
		if _, err := w.Book.Place(t.Context(), s.orderID); err == nil {
			t.Fatal("placed")
		}
	}
	w.Book.Observer, _ = observetest.New(t)
	w.Fake.AddFault(fakeklarna.Fault{Status: 401, Count: -1})
	calls := len(w.Fake.Requests(""))
	if err := w.Desk.Reconcile(t.Context(), time.Now().Add(6*time.Minute)); !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if got := len(w.Fake.Requests("")) - calls; got != 6 {
		t.Errorf("%d calls in vain, want 3 for each part", got)
	}
	w.Fake.ClearFaults()
	if diff := cmp.Diff(map[string]int{
		`event="reservation",result="failed"`: 3, `event="unfinished",result="failed"`: 3,
	}, observetest.Counted(t, w.Book.Observer, "shopd_order_book_total")); diff != "" {
		t.Error(diff)
	}
	rounds := observetest.Counted(t, w.Book.Observer, "shopd_rounds_total")
	if diff := cmp.Diff(map[string]int{`loop="reconcile",result="failed"`: 1}, rounds); diff != "" {
		t.Error(diff)
	}
	w.Round(7 * time.Minute)
	w.Round(50 * time.Minute)
	for _, s := range sales {
		w.once(s.cartID, s.orderID)
	}
}

// The loop runs until it is told to stop.
func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	w.Reserve(cartID, orderID, time.Now().Add(-6*time.Minute))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Desk.Run(ctx) }()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if o, found, err := w.Book.ByOrderID(t.Context(), orderID); err == nil && found && o.CartClosed {
			break
		} else if time.Since(start) > 20*time.Second {
			t.Fatal("the loop does nothing")
		}
	}
	stop()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the loop does not end")
	}
	w.once(cartID, orderID)
}
