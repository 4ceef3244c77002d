package kco_test

import (
	"errors"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

const abortPath = orderPath + "/abort"

// reserve says that a purchase of the cart by the order may be running since some time.
func (w *world) reserve(orderID string, ago time.Duration) {
	w.T.Helper()
	w.Approve(stock.Approved{
		CartID: w.cartID, OrderID: orderID, Lines: []stock.Line{{SKU: "MUG-1", Quantity: 1}}, Made: time.Now().Add(-ago),
	})
}

// reservedBy is the order by which the cart may be being bought, "" for none.
func (w *world) reservedBy() string {
	w.T.Helper()
	for _, a := range w.Approved(w.cartID) {
		return a.OrderID
	}
	return ""
}

func (w *world) mugsLeft() int {
	w.T.Helper()
	left, err := w.Stock.Left(w.T.Context(), "MUG-1")
	if err != nil {
		w.T.Fatal(err)
	}
	return left["MUG-1"]
}

// What Sync does with an order that may be being bought: it is replaced only
// when it is gone, or after its abort was answered 200.
func TestSyncReserved(t *testing.T) {
	refuse := func(w *world) {
		w.fault("POST", orderPath, fakeklarna.Fault{Status: 400, Body: `{"error_code":"BAD_VALUE"}`})
	}
	running := cartsync.ErrPurchaseRunning
	for _, tc := range []struct {
		name    string
		given   func(w *world, orderID string) // after a first Sync made orderID for one mug, which is reserved
		within  time.Duration                  // 0 = 12 s
		mode    cartsync.Mode
		calls   []string
		outcome cartsync.Outcome
		created bool
		dropped bool // the reservation is over, its mug back
		err     error
		next    []string // calls of the next load, after an error and without faults
	}{
		{name: "same content", given: func(*world, string) {}, calls: []string{"read"}},
		{name: "Klarna takes an update", given: func(w *world, _ string) { w.put("MUG-1", 3) }, mode: cartsync.Change, calls: []string{"update"}},
		{name: "complete", given: func(w *world, id string) { w.buy(id) }, calls: []string{"read"}, outcome: cartsync.Complete},
		{name: "expired", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, calls: []string{"read", "create"}, created: true},
		{name: "expired, open page", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, mode: cartsync.Change, calls: []string{"update", "create"}, created: true},
		{name: "read refused", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 403}) }, calls: []string{"read"}, err: running, next: []string{"read"}},
		{name: "read 500 three times", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3}) }, calls: []string{"read", "read", "read"}, err: running, next: []string{"read"}},
		{name: "read 500, reserved long ago", given: func(w *world, id string) {
			w.reserve(id, 40*time.Hour)
			w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3})
		}, calls: []string{"read", "read", "read"}, err: running, next: []string{"read"}},
		{name: "read 500, another order's reservation", given: func(w *world, id string) {
			w.reserve(id, time.Hour)
			w.reserve("another", 0)
			w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3})
		}, calls: []string{"read", "read", "read"}, err: running, next: []string{"read"}},
		{name: "read 500, repair", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3}) }, mode: cartsync.Repair, calls: []string{"read", "read", "read"}, err: cartsync.ErrUnavailable, next: []string{"read"}},
		{name: "update 502 three times", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 502, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "update", "update"}, err: running, next: []string{"read", "update"}},
		{name: "update not answered", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Reset: true, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "update", "update"}, err: running, next: []string{"read", "update"}},
		{name: "update locked until the end", within: 3200 * time.Millisecond, given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 423, Delay: fakeklarna.Duration(150 * time.Millisecond), Count: -1})
		}, mode: cartsync.Change, calls: []string{"update"}, err: running, next: []string{"read", "update"}},
		{name: "update refused: aborted", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			refuse(w)
		}, mode: cartsync.Change, calls: []string{"update", "abort", "create"}, created: true, dropped: true},
		{name: "update refused on load: aborted", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			refuse(w)
		}, calls: []string{"read", "update", "abort", "create"}, created: true, dropped: true},
		{name: "update refused, reserved long ago: aborted", given: func(w *world, id string) {
			w.reserve(id, 40*time.Hour)
			refuse(w)
		}, mode: cartsync.Change, calls: []string{"update", "abort", "create"}, created: true, dropped: true},
		{name: "update 401: not aborted", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 401})
		}, mode: cartsync.Change, calls: []string{"update"}, err: cartsync.ErrUnavailable, next: []string{"read", "update"}},
		{name: "abort refused: bought", given: func(w *world, id string) {
			w.buy(id)
			refuse(w)
		}, mode: cartsync.Change, calls: []string{"update", "abort", "read"}, outcome: cartsync.Complete},
		{name: "abort refused, not bought", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{Status: 403})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "read"}, err: running, next: []string{"read"}},
		{name: "abort refused, read fails", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{Status: 403})
			w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "read", "read", "read"}, err: running, next: []string{"read"}},
		{name: "abort refused, gone", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{Status: 403})
			w.fault("GET", orderPath, fakeklarna.Fault{Status: 404})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "read", "create"}, created: true, dropped: true},
		{name: "gone at the abort", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{Status: 404})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "create"}, created: true, dropped: true},
		{name: "abort 500 three times", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{Status: 500, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "abort", "abort"}, err: running, next: []string{"read"}},
		{name: "abort's answer lost once", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{DropReply: true})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "abort", "read", "create"}, created: true, dropped: true},
		{name: "abort's answers lost", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", abortPath, fakeklarna.Fault{DropReply: true, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "abort", "abort"}, err: running, next: []string{"read", "create"}},
		{name: "create fails after the abort", given: func(w *world, _ string) {
			refuse(w)
			w.fault("POST", createPath, fakeklarna.Fault{Status: 500})
		}, mode: cartsync.Change, calls: []string{"update", "abort", "create"}, err: cartsync.ErrUnavailable, dropped: true, next: []string{"read", "create"}},
		{name: "ended by somebody else", given: func(w *world, id string) { w.abort(id) }, calls: []string{"read"}, err: running, next: []string{"read"}},
		{name: "ended by somebody else, open page", given: func(w *world, id string) { w.abort(id) }, mode: cartsync.Change,
			calls: []string{"update", "read", "abort", "read"}, err: running, next: []string{"read"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeklarna.Options{})
			w.put("MUG-1", 1)
			first, err := w.sync(cartsync.Load)
			if err != nil {
				t.Fatal(err)
			}
			w.reserve(first.OrderID, 0)
			tc.given(w, first.OrderID)
			before, reserved := len(w.calls()), w.reservedBy()
			if tc.within == 0 {
				tc.within = 12 * time.Second
			}
			got, err := w.syncWithin(tc.within, tc.mode)
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			calls := append([]string(nil), w.calls()[before:]...)
			if tc.within < 12*time.Second { // as often as there is time
				calls = calls[:1]
			}
			if diff := cmp.Diff(tc.calls, calls); diff != "" {
				t.Errorf("calls: %s", diff)
			}
			wantReserved, wantLeft := reserved, 239
			if tc.dropped {
				wantReserved, wantLeft = "", 240
			}
			if by := w.reservedBy(); by != wantReserved || w.mugsLeft() != wantLeft {
				t.Errorf("reserved by %q, %d mugs left; want %q, %d", by, w.mugsLeft(), wantReserved, wantLeft)
			}
			c, err := w.Carts.Get(t.Context(), w.cartID, sweden)
			if err != nil {
				t.Fatal(err)
			}
			if tc.err == nil {
				if got.Outcome != tc.outcome || got.Created != tc.created || (got.OrderID != first.OrderID) != tc.created {
					t.Errorf("got outcome %d, created %v, order %q after %q", got.Outcome, got.Created, got.OrderID, first.OrderID)
				}
				if got.Outcome == cartsync.InSync {
					w.agrees(got.OrderID)
				}
				return
			}
			if c.OrderID != first.OrderID || len(w.leftBehind()) != 0 || len(w.Fake.Orders()) != 1 {
				t.Errorf("after the error the cart's order is %q, left behind %v, %d orders", c.OrderID, w.leftBehind(), len(w.Fake.Orders()))
			}
			w.Fake.ClearFaults()
			before = len(w.calls())
			healed, err := w.sync(cartsync.Load)
			if diff := cmp.Diff(tc.next, append([]string(nil), w.calls()[before:]...)); diff != "" {
				t.Errorf("next load: calls: %s", diff)
			}
			if strings.HasPrefix(tc.name, "ended by somebody else") {
				if !errors.Is(err, cartsync.ErrPurchaseRunning) {
					t.Errorf("next load: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("next load: %v", err)
			}
			w.agrees(healed.OrderID)
		})
	}
}

// The database goes away just when Klarna has aborted the order, as if we were killed
// there: nothing is shown, and the next load makes a new order.
func TestSyncReservedWithoutDatabase(t *testing.T) {
	server := dbtest.StartServer(t)
	w := &world{shoptest.New(t, shoptest.Options{URL: server.Database()}), cart.NewID()}
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	w.reserve(first.OrderID, 0)
	w.fault("POST", orderPath, fakeklarna.Fault{Status: 400})
	w.fault("POST", abortPath, fakeklarna.Fault{DelayAfter: fakeklarna.Duration(400 * time.Millisecond)})
	var outage sync.WaitGroup
	outage.Go(func() {
		time.Sleep(200 * time.Millisecond)
		server.Kill()
	})
	if got, err := w.sync(cartsync.Change); !errors.Is(err, cartsync.ErrUnavailable) {
		t.Fatalf("got %+v, %v", got, err)
	}
	outage.Wait()
	if n := len(w.Fake.Orders()); n != 1 || !w.Fake.Orders()[0].Fake.Aborted {
		t.Fatalf("%d orders, aborted %v", n, w.Fake.Orders()[0].Fake.Aborted)
	}
	server.Restart()
	got, err := w.sync(cartsync.Load)
	if err != nil || !got.Created {
		t.Fatalf("got %+v, %v", got, err)
	}
	w.agrees(got.OrderID)
	if by := w.reservedBy(); by != "" || w.mugsLeft() != 240 {
		t.Errorf("reserved by %q, %d mugs left", by, w.mugsLeft())
	}
	// And away from the start of a replacement.
	w.reserve(got.OrderID, 0)
	w.fault("GET", orderPath, fakeklarna.Fault{Status: 403, Delay: fakeklarna.Duration(400 * time.Millisecond)})
	outage.Go(func() {
		time.Sleep(200 * time.Millisecond)
		server.Kill()
	})
	if got, err := w.sync(cartsync.Load); !errors.Is(err, cartsync.ErrUnavailable) {
		t.Fatalf("got %+v, %v", got, err)
	}
	outage.Wait()
	if n := len(w.Fake.Orders()); n != 2 {
		t.Errorf("%d orders, want 2", n)
	}
}

// merchant answers Klarna's validation as the shop does, when it is let, and
// agrees with all else.
type merchant struct {
	w     *world
	asked chan string   // gets the order's ID
	let   chan struct{} // then it is approved
}

// newMerchant makes a world whose orders are validated by a merchant.
func newMerchant(t *testing.T) (*world, *merchant) {
	t.Helper()
	m := &merchant{asked: make(chan string, 9), let: make(chan struct{}, 9)}
	m.w = newWorld(t, fakeklarna.Options{CallbackTransport: m})
	return m.w, m
}

// wait waits until Klarna asks, and returns for which order.
func (m *merchant) wait(t *testing.T) (orderID string) {
	t.Helper()
	select {
	case orderID = <-m.asked:
	case <-time.After(8 * time.Second):
		t.Fatal("Klarna does not ask the merchant")
	}
	return orderID
}

func (m *merchant) RoundTrip(r *http.Request) (*http.Response, error) {
	if path.Base(r.URL.Path) == "validation" {
		id := r.URL.Query().Get("order_id")
		m.w.reserve(id, 0)
		m.asked <- id
		select {
		case <-m.let:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return fakeklarna.Agree().RoundTrip(r)
}

// press presses Buy; the channel gets what came of it.
func (w *world) press(orderID string) <-chan fakeklarna.Outcome {
	done := make(chan fakeklarna.Outcome, 1)
	go func() {
		out, err := w.Fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
		if err != nil {
			w.T.Error(err)
		}
		done <- out
	}()
	return done
}

// While a purchase runs nothing takes its order's place, and afterwards it is
// the one that was bought. (Invariant 5: no item is bought twice.)
func TestSyncWhileBuying(t *testing.T) {
	w, m := newMerchant(t)
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	bought := w.press(first.OrderID)
	if id := m.wait(t); id != first.OrderID {
		t.Fatalf("validation of %q, want %q", id, first.OrderID)
	}
	if got, err := w.sync(cartsync.Load); err != nil || got.OrderID != first.OrderID {
		t.Errorf("same content: got %+v, %v", got, err)
	}
	w.put("MUG-1", 3)
	for _, mode := range []cartsync.Mode{cartsync.Change, cartsync.Load} {
		if got, err := w.syncWithin(4*time.Second, mode); !errors.Is(err, cartsync.ErrPurchaseRunning) {
			t.Errorf("mode %d: got %+v, %v; want ErrPurchaseRunning", mode, got, err)
		}
	}
	m.let <- struct{}{}
	if out := <-bought; out.Refused != nil || out.Status != fakeklarna.StatusComplete {
		t.Fatalf("got %+v", out)
	}
	got, err := w.sync(cartsync.Load)
	if err != nil || got.Outcome != cartsync.Complete || got.OrderID != first.OrderID {
		t.Errorf("afterwards: got %+v, %v", got, err)
	}
	if n := len(w.Fake.Orders()); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}

// Klarna refuses what the cart says now while a purchase runs: its order is
// ended, so the purchase is too, before there is a new one.
func TestSyncEndsAPurchase(t *testing.T) {
	w, m := newMerchant(t)
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	bought := w.press(first.OrderID)
	m.wait(t)
	w.put("MUG-1", 3)
	w.fault("POST", orderPath, fakeklarna.Fault{Status: 400})
	got, err := w.sync(cartsync.Change)
	if err != nil || !got.Created {
		t.Fatalf("got %+v, %v", got, err)
	}
	if by := w.reservedBy(); by != "" || w.mugsLeft() != 240 {
		t.Errorf("reserved by %q, %d mugs left", by, w.mugsLeft())
	}
	m.let <- struct{}{}
	if out := <-bought; out.Refused == nil {
		t.Errorf("bought all the same: %+v", out)
	}
	w.agrees(got.OrderID)
	// The new one may be bought at once.
	bought = w.press(got.OrderID)
	m.wait(t)
	m.let <- struct{}{}
	if out := <-bought; out.Refused != nil {
		t.Errorf("got %+v", out)
	}
}
