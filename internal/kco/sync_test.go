package kco_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// world is a shop that does not listen, with a cart.
type world struct {
	*shoptest.World
	cartID string
}

func newWorld(t *testing.T, o fakeklarna.Options) *world {
	t.Helper()
	return &world{shoptest.New(t, shoptest.Options{Fake: o}), cart.NewID()}
}

var sweden = shoptest.Sweden

// put sets the quantity of a SKU.
func (w *world) put(sku string, quantity int) cart.Cart {
	w.T.Helper()
	return w.Put(w.cartID, sku, quantity)
}

func (w *world) change(ch cart.Change) cart.Cart {
	w.T.Helper()
	return w.Change(w.cartID, ch)
}

func (w *world) sync(mode cartsync.Mode, known ...string) (kco.Result, error) {
	w.T.Helper()
	return w.Sync(w.cartID, mode, known...)
}

func (w *world) syncWithin(d time.Duration, mode cartsync.Mode, known ...string) (kco.Result, error) {
	w.T.Helper()
	return w.SyncWithin(d, w.cartID, mode, known...)
}

// calls are the API calls since the last time, as "METHOD status" with the order's ID shortened.
func (w *world) calls() []string {
	w.T.Helper()
	var calls []string
	for _, r := range w.Fake.Requests("") {
		name := "read"
		switch {
		case r.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(r.Path, "/"), "/orders"):
			name = "create"
		case r.Method == "POST" && strings.HasSuffix(r.Path, "/abort"):
			name = "abort"
		case r.Method == "POST":
			name = "update"
		}
		calls = append(calls, name)
	}
	return calls
}

// agrees holds invariant 3: the order at Klarna says what the cart says now.
func (w *world) agrees(orderID string) {
	w.T.Helper()
	c, err := w.Carts.Get(w.T.Context(), w.cartID, sweden)
	if err != nil {
		w.T.Fatal(err)
	}
	want, _, err := w.KCO.Wants.Want(c)
	if err != nil {
		w.T.Fatal(err)
	}
	order, err := w.KCO.Client.GetOrder(w.T.Context(), orderID)
	if err != nil {
		w.T.Fatal(err)
	}
	if diff := kco.Differences(want, order); len(diff) > 0 {
		w.T.Errorf("cart and order differ in %v", diff)
	}
	if c.OrderID != orderID {
		w.T.Errorf("the cart's order is %q, want %q", c.OrderID, orderID)
	}
}

// leftBehind are the orders on the list that are yet to be aborted.
func (w *world) leftBehind() []string {
	w.T.Helper()
	return shoptest.ToAbort(w.T, w.LeftBehind)
}

const createPath, orderPath = "/checkout/v3/orders", "/checkout/v3/orders/*"

// The table of docs/sync.md, row by row: what there is, the call, the answer, what happens then.
func TestSync(t *testing.T) {
	for _, tc := range []struct {
		name    string
		given   func(w *world, orderID string) // after a first Sync made orderID for one mug
		mode    cartsync.Mode
		known   bool // the session knows orderID
		calls   []string
		outcome cartsync.Outcome
		created bool // a new order, the old one left behind
		err     error
	}{
		{name: "same content: nothing to send", given: func(*world, string) {}, calls: []string{"read"}},
		{name: "other content: update", given: func(w *world, _ string) { w.put("MUG-1", 3) }, calls: []string{"read", "update"}},
		{name: "open page: update at once", given: func(w *world, _ string) { w.put("MUG-1", 3) }, mode: cartsync.Change, calls: []string{"update"}},
		{name: "another market", given: func(w *world, _ string) { w.change(cart.Change{Country: "NO"}) }, calls: []string{"read", "update"}},
		{name: "empty cart: none, the order stays", given: func(w *world, _ string) { w.put("MUG-1", 0) }, outcome: cartsync.Empty},
		{name: "bought by the session's order: none", known: true, given: func(w *world, id string) {
			if _, _, err := w.Carts.Close(w.T.Context(), w.cartID, id, nil); err != nil {
				w.T.Fatal(err)
			}
		}, outcome: cartsync.Bought},
		{name: "complete: to the confirmation", given: func(w *world, id string) { w.buy(id) }, calls: []string{"read"}, outcome: cartsync.Complete},
		{name: "complete, open page: update is refused as read-only", given: func(w *world, id string) {
			w.buy(id)
			w.put("MUG-1", 3)
		}, mode: cartsync.Change, calls: []string{"update", "read"}, outcome: cartsync.Complete},
		{name: "aborted: create", given: func(w *world, id string) { w.abort(id) }, calls: []string{"read", "create"}, created: true},
		{name: "aborted, open page: create", given: func(w *world, id string) { w.abort(id) }, mode: cartsync.Change, calls: []string{"update", "read", "create"}, created: true},
		{name: "expired: create", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, calls: []string{"read", "create"}, created: true},
		{name: "expired, open page: create", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, mode: cartsync.Change, calls: []string{"update", "create"}, created: true},
		{name: "read refused: create", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 403}) }, calls: []string{"read", "create"}, created: true},
		{name: "read 401: it stays", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 401}) }, calls: []string{"read"}, err: cartsync.ErrUnavailable},
		{name: "update 401: it stays", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 401})
		}, mode: cartsync.Change, calls: []string{"update"}, err: cartsync.ErrUnavailable},
		{name: "create 401: unavailable", given: func(w *world, _ string) {
			w.Fake.Advance(49 * time.Hour)
			w.fault("POST", createPath, fakeklarna.Fault{Status: 401})
		}, calls: []string{"read", "create"}, err: cartsync.ErrUnavailable},
		{name: "read 500 three times: create", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Status: 500, Count: 3}) }, calls: []string{"read", "read", "read", "create"}, created: true},
		{name: "read broken once: again", given: func(w *world, _ string) { w.fault("GET", orderPath, fakeklarna.Fault{Truncate: true}) }, calls: []string{"read", "read"}},
		{name: "update locked for a while: again", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 423, Count: 4})
		}, mode: cartsync.Change, calls: []string{"update", "update", "update", "update", "update"}},
		{name: "update 429: again", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 429})
		}, mode: cartsync.Change, calls: []string{"update", "update"}},
		{name: "update 502 three times: create", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 502, Body: "<html>bad gateway</html>", Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "update", "update", "create"}, created: true},
		{name: "update refused: create", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 400, Body: `{"error_code":"BAD_VALUE"}`})
		}, mode: cartsync.Change, calls: []string{"update", "create"}, created: true},
		{name: "update's answer lost: again, then one read compared", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{DropReply: true})
		}, mode: cartsync.Change, calls: []string{"update", "update", "read"}},
		{name: "repair updates", given: func(w *world, _ string) { w.put("MUG-1", 3) }, mode: cartsync.Repair, calls: []string{"read", "update"}},
		{name: "repair refused", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.fault("POST", orderPath, fakeklarna.Fault{Status: 400, Count: 1})
		}, mode: cartsync.Repair, calls: []string{"read", "update"}, err: cartsync.ErrRefused},
		{name: "repair never creates", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, mode: cartsync.Repair, calls: []string{"read"}, err: cartsync.ErrNothingToRepair},
		{name: "create refused: our fault", given: func(w *world, _ string) {
			w.Fake.Advance(49 * time.Hour)
			w.fault("POST", createPath, fakeklarna.Fault{Status: 400, Body: `{"error_code":"BAD_VALUE"}`})
		}, calls: []string{"read", "create"}, err: cartsync.ErrRefused},
		{name: "create 500: unavailable, not asked again", given: func(w *world, _ string) {
			w.Fake.Advance(49 * time.Hour)
			w.fault("POST", createPath, fakeklarna.Fault{Status: 500})
		}, calls: []string{"read", "create"}, err: cartsync.ErrUnavailable},
		{name: "create's answer lost: unavailable, not asked again", given: func(w *world, _ string) {
			w.Fake.Advance(49 * time.Hour)
			w.fault("POST", createPath, fakeklarna.Fault{DropReply: true})
		}, calls: []string{"read", "create"}, err: cartsync.ErrUnavailable},
	} {
		for echo, options := range map[string]fakeklarna.Options{"raw": {}, "filled": {EchoFilledURLs: true, EchoCountryAsSent: true}} {
			t.Run(tc.name+"/"+echo, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, options)
				w.put("MUG-1", 1)
				first, err := w.sync(cartsync.Load)
				if err != nil || !first.Created || first.Outcome != cartsync.InSync {
					t.Fatalf("no order ID: got %+v, %v, want a new order", first, err)
				}
				w.agrees(first.OrderID)
				tc.given(w, first.OrderID)
				before := len(w.calls())
				var known []string
				if tc.known {
					known = []string{first.OrderID}
				}
				got, err := w.sync(tc.mode, known...)
				if !errors.Is(err, tc.err) {
					t.Fatalf("got %v, want %v", err, tc.err)
				}
				if diff := cmp.Diff(tc.calls, append([]string(nil), w.calls()[before:]...)); diff != "" {
					t.Errorf("calls: %s", diff)
				}
				c, _ := w.Carts.Get(t.Context(), w.cartID, sweden)
				switch {
				case tc.err != nil:
					// The old order stays the cart's: a Klarna that is away costs no typed data.
					if c.OrderID != first.OrderID || len(w.leftBehind()) != 0 {
						t.Errorf("after the error the cart's order is %q, left behind %v", c.OrderID, w.leftBehind())
					}
					w.Fake.ClearFaults()
					if tc.mode == cartsync.Repair {
						return
					}
					// Invariant 4: when faults stop the next load works.
					healed, err := w.sync(cartsync.Load)
					if err != nil {
						t.Fatalf("next load: %v", err)
					}
					w.agrees(healed.OrderID)
					return
				case got.Outcome != tc.outcome || got.Created != tc.created:
					t.Errorf("got outcome %d, created %v, want %d, %v", got.Outcome, got.Created, tc.outcome, tc.created)
				case got.Outcome == cartsync.InSync && !tc.created && got.Updated != slices.Contains(tc.calls, "update"):
					t.Errorf("updated %v, by %v", got.Updated, tc.calls)
				}
				if got.Outcome == cartsync.InSync {
					w.agrees(got.OrderID)
					if got.Order.HTMLSnippet == "" {
						t.Error("no snippet")
					}
				}
				if (got.OrderID == first.OrderID) == tc.created && got.Outcome != cartsync.Empty {
					t.Errorf("order %q after %q", got.OrderID, first.OrderID)
				}
				var left []string
				if tc.created {
					left = []string{first.OrderID}
				}
				if diff := cmp.Diff(left, w.leftBehind()); tc.created && diff != "" {
					t.Errorf("left behind: %s", diff)
				}
			})
		}
	}
}

func (w *world) fault(method, path string, f fakeklarna.Fault) {
	w.T.Helper()
	f.Method, f.Path = method, path
	w.Fake.AddFault(f)
}

func (w *world) buy(orderID string) {
	w.T.Helper()
	got, err := w.Fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil {
		w.T.Fatalf("buy: %+v, %v", got, err)
	}
}

func (w *world) abort(orderID string) {
	w.T.Helper()
	if _, err := w.KCO.Client.AbortOrder(w.T.Context(), orderID); err != nil {
		w.T.Fatal(err)
	}
}

// Nothing to sell makes no order.
func TestSyncOfEmptyCart(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	got, err := w.sync(cartsync.Load)
	if err != nil || got.Outcome != cartsync.Empty || len(w.calls()) != 0 {
		t.Errorf("got %+v, %v after %v", got, err, w.calls())
	}
}

// A session that knows an order which is not the cart's leaves it behind.
func TestSyncLeavesTheSessionsOrderBehind(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	got, err := w.sync(cartsync.Load, "old-order")
	if err != nil || !got.Created {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"old-order"}, w.leftBehind()); diff != "" {
		t.Error(diff)
	}
}

// The cart changes while Klarna is being asked: the newest is sent before the answer is given.
func TestSyncFollowsTheCart(t *testing.T) {
	for _, mode := range []cartsync.Mode{cartsync.Load, cartsync.Change} {
		for _, first := range []bool{true, false} {
			w := newWorld(t, fakeklarna.Options{})
			w.put("MUG-1", 1)
			path := createPath
			if !first {
				if _, err := w.sync(cartsync.Load); err != nil {
					t.Fatal(err)
				}
				w.put("MUG-1", 2)
				path = orderPath
			}
			w.fault("POST", path, fakeklarna.Fault{Delay: fakeklarna.Duration(300 * time.Millisecond)})
			go func() {
				time.Sleep(100 * time.Millisecond)
				_, _ = w.Carts.Update(context.Background(), w.cartID, sweden, func(c *cart.Cart) error {
					c.Lines[0].Quantity = 7
					return nil
				})
			}()
			got, err := w.sync(mode)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cart.Quantity("MUG-1") != 7 || got.Order.OrderLines[0].Quantity != 7 {
				t.Errorf("mode %d: got quantity %d, Klarna's %d, want 7", mode, got.Cart.Quantity("MUG-1"), got.Order.OrderLines[0].Quantity)
			}
			w.agrees(got.OrderID)
		}
	}
}

// busyTabs change the cart while each of the first calls is answered.
type busyTabs struct {
	w    *world
	left int
}

func (b *busyTabs) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.left > 0 {
		b.left--
		b.w.put("MUG-1", 1+b.left%2)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// However often other tabs are faster, a Sync ends with what the cart says when they rest.
func TestSyncOutlastsBusyTabs(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 5)
	tabs := &busyTabs{w: w}
	client, err := klarna.NewClient(klarna.Config{BaseURL: w.Fake.URL, Username: "demo", Password: "demo", Transport: tabs})
	if err != nil {
		t.Fatal(err)
	}
	w.KCO.Client = kco.NewClient(client)
	for _, mode := range []cartsync.Mode{cartsync.Load, cartsync.Change} {
		tabs.left = 30
		got, err := w.sync(mode)
		if err != nil || tabs.left != 0 {
			t.Fatalf("mode %d: got error %v, %d changes to come", mode, err, tabs.left)
		}
		w.agrees(got.OrderID)
	}
}

// Invariant 2, without the lock's help: of many creates at once one wins, the others are left behind and aborted.
func TestSyncCreatesAtOnce(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	// All of them see a cart without an order before the first has made one.
	w.fault("POST", createPath, fakeklarna.Fault{Delay: fakeklarna.Duration(300 * time.Millisecond), Count: -1})
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			got, err := w.sync(cartsync.Load)
			if err != nil {
				t.Error(err)
			}
			ids[i] = got.OrderID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("got orders %v", ids)
		}
	}
	w.agrees(ids[0])
	if n := len(w.Fake.Orders()); n < 2 {
		t.Errorf("got %d orders made: nobody lost", n)
	}
	// Sweeping twice: the second time there is nothing left to do.
	for range 2 {
		if err := w.KCO.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range w.Fake.Orders() {
		if order.Fake.Aborted == (order.OrderID == ids[0]) {
			t.Errorf("order %s aborted: %v", order.OrderID, order.Fake.Aborted)
		}
	}
	if left := w.leftBehind(); len(left) != 0 {
		t.Errorf("still listed: %v", left)
	}
}

func TestSweep(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	got, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	ctx, list := t.Context(), w.KCO.LeftBehind
	for _, id := range []string{got.OrderID, "gone"} {
		if err := list.Add(ctx, w.cartID, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Sweep(ctx, time.Now().Add(-time.Minute)); err != nil || len(w.leftBehind()) != 2 {
		t.Errorf("too young to be aborted: %v, left %v", err, w.leftBehind())
	}
	if err := list.Sweep(ctx, time.Now().Add(time.Second)); err != nil || len(w.leftBehind()) != 0 {
		t.Errorf("got %v, left %v", err, w.leftBehind())
	}
	w.agrees(got.OrderID) // its cart's own order was not aborted
	if order, ok := w.Fake.Order(got.OrderID); !ok || order.Fake.Aborted {
		t.Errorf("got %+v, %v", order.Fake, ok)
	}
	// A Klarna that is away: the entry stays for the next sweep.
	if err := list.Add(ctx, w.cartID, "later"); err != nil {
		t.Fatal(err)
	}
	w.fault("POST", "/checkout/v3/orders/*/abort", fakeklarna.Fault{Status: 500, Count: 3})
	if err := list.Sweep(ctx, time.Now().Add(time.Second)); err == nil || len(w.leftBehind()) != 1 {
		t.Errorf("got %v, left %v", err, w.leftBehind())
	}
	if err := list.Sweep(ctx, time.Now().Add(time.Second)); err != nil || len(w.leftBehind()) != 0 {
		t.Errorf("got %v, left %v", err, w.leftBehind())
	}
}

// Redis goes away between create and compare-and-set: nothing is shown, and the next load heals.
func TestSyncWithoutRedis(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	w.fault("POST", createPath, fakeklarna.Fault{Delay: fakeklarna.Duration(300 * time.Millisecond)})
	var outage sync.WaitGroup
	outage.Go(func() {
		time.Sleep(100 * time.Millisecond)
		w.Redis.Stop()
	})
	if got, err := w.sync(cartsync.Load); !errors.Is(err, cartsync.ErrUnavailable) {
		t.Fatalf("got %+v, %v", got, err)
	}
	outage.Wait()
	w.Redis.Restart()
	got, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	w.agrees(got.OrderID)
}

// Of an answer that breaks off the address is kept: the order is at Klarna, and is aborted.
func TestSyncBrokenCreate(t *testing.T) {
	for name, fault := range map[string]fakeklarna.Fault{"half": {Truncate: true}, "a page": {NotJSON: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, fakeklarna.Options{})
			w.put("MUG-1", 1)
			w.fault("POST", createPath, fault)
			if got, err := w.sync(cartsync.Load); !errors.Is(err, cartsync.ErrUnavailable) {
				t.Fatalf("got %+v, %v", got, err)
			}
			made := w.Fake.Orders()
			if len(made) != 1 {
				t.Fatalf("%d orders at Klarna", len(made))
			}
			if got := w.leftBehind(); !slices.Equal(got, []string{made[0].OrderID}) {
				t.Errorf("listed %q", got)
			}
		})
	}
}

// A Klarna that never answers costs a try 4 s, and the create is still tried in time.
func TestSyncTimeBudget(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	w.put("MUG-1", 2)
	w.fault("POST", orderPath, fakeklarna.Fault{Delay: fakeklarna.Duration(time.Minute), Count: 9})
	start := time.Now()
	got, err := w.syncWithin(6*time.Second, cartsync.Change)
	if err != nil || !got.Created || got.OrderID == first.OrderID {
		t.Fatalf("got %+v, %v", got, err)
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("took %v", took)
	}
	w.agrees(got.OrderID)
}

// What Klarna hands back is compared with what was sent: delivery of several rates, of a
// state's rate and without VAT is found to be the same.
func TestSyncAgreesOnTax(t *testing.T) {
	for name, ch := range map[string]cart.Change{
		"two rates of delivery": {Country: "DE", Set: []cart.Line{{SKU: "BOK-1", Quantity: 1}}},
		"three decimals":        {Country: "US", Place: &cart.Place{Region: "NJ"}},
		"Åland":                 {Country: "FI", Place: &cart.Place{PostalCode: "22100"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, fakeklarna.Options{})
			w.put("MUG-1", 1)
			w.change(ch)
			made, err := w.sync(cartsync.Load)
			if err != nil || !made.Created {
				t.Fatalf("%+v, %v", made, err)
			}
			again, err := w.sync(cartsync.Load, made.OrderID)
			if calls := w.calls(); err != nil || again.OrderID != made.OrderID || again.Updated || !cmp.Equal(calls, []string{"create", "read"}) {
				t.Errorf("calls %v, updated %t, %v", calls, again.Updated, err)
			}
		})
	}
}
