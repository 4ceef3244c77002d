package order_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// authorized is a cart with two mugs and a jam, authorized and not placed.
func (w *world) authorized() (in order.Authorized) {
	w.T.Helper()
	in.CartID = cart.NewID()
	w.Put(in.CartID, "MUG-1", 2)
	w.Put(in.CartID, "JAM-1", 1)
	in.SessionID = w.Session(in.CartID).SessionID
	in.Token = w.Authorize(in.SessionID)
	return in
}

// ordersOf are the orders that Klarna has placed for a cart's sessions.
func (w *world) ordersOf(cartID string) []string {
	w.T.Helper()
	var ids []string
	for _, s := range w.Fake.Sessions() {
		if made, err := w.Book.Signer.Verify(s.MerchantData); err == nil && made == cartID && s.Fake.OrderID != "" {
			ids = append(ids, s.Fake.OrderID)
		}
	}
	return ids
}

// paidOnce holds invariants 5 and 6 for an authorized cart that was placed: one
// order at Klarna, of what the cart said, in the book exactly once and
// acknowledged; cart and stock settled, no authorization left over.
func (w *world) paidOnce(in order.Authorized) order.Order {
	w.T.Helper()
	ids := w.ordersOf(in.CartID)
	if len(ids) != 1 {
		w.T.Fatalf("Klarna has %d orders of the cart, want 1", len(ids))
	}
	o, found, err := w.Book.ByOrderID(w.T.Context(), ids[0])
	if err != nil || !found {
		w.T.Fatalf("the order is not in the book: %v", err)
	}
	if o.CartID != in.CartID || o.Origin != payments.Purchase(in.SessionID) || len(o.Flags) != 0 || !o.Acknowledged || !o.CartClosed {
		w.T.Errorf("cart %q, origin %q, flags %v, acknowledged %v, cart closed %v", o.CartID, o.Origin, o.Flags, o.Acknowledged, o.CartClosed)
	}
	if diff := cmp.Diff([]cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "JAM-1", Quantity: 1}}, o.Goods()); diff != "" {
		w.T.Errorf("what was bought: %s", diff)
	}
	sold, err := w.Book.Management.GetOrder(w.T.Context(), o.OrderID)
	if err != nil || sold.OrderAmount != o.OrderAmount {
		w.T.Errorf("Klarna has %d, the book %d: %v", sold.OrderAmount, o.OrderAmount, err)
	}
	c := w.Cart(in.CartID)
	if !c.BoughtBy(o.OrderID) || c.SessionID == in.SessionID {
		w.T.Errorf("the cart is not closed: session %q, bought by %v", c.SessionID, c.Bought)
	}
	if list := w.Approved(in.CartID); len(list) > 0 {
		w.T.Errorf("there are still approved orders: %+v", list)
	}
	if n := w.Number("select count(*) from orders where cart_id = $1", in.CartID); n != 1 {
		w.T.Errorf("%d orders of the cart", n)
	}
	return o
}

// notPlaced demands that nothing of a cart was bought, and that its stock is there.
func (w *world) notPlaced(in order.Authorized, left int) {
	w.T.Helper()
	if ids := w.ordersOf(in.CartID); len(ids) != 0 {
		w.T.Errorf("Klarna has the orders %v", ids)
	}
	if list := w.Approved(in.CartID); len(list) > 0 {
		w.T.Errorf("there are approved orders: %+v", list)
	}
	if got := w.Left("MUG-1"); got != left {
		w.T.Errorf("%d mugs left, want %d", got, left)
	}
}

// An authorization becomes an order of the book like any other.
func TestPlaceAuthorized(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	before := w.Left("MUG-1")
	o, redirect, err := w.Book.PlaceAuthorized(t.Context(), in)
	if err != nil || !strings.HasPrefix(redirect, w.Fake.URL) {
		t.Fatalf("redirect to %q: %v", redirect, err)
	}
	if diff := cmp.Diff(o, w.paidOnce(in)); diff != "" {
		t.Errorf("it answered another order than the book has: %s", diff)
	}
	if got := w.Left("MUG-1"); got != before-2 {
		t.Errorf("%d mugs left, there were %d", got, before)
	}
	if o.BillingAddress.Email != "eva@example.com" || o.ShippingAddress.StreetAddress != "Storgatan 1" || o.PurchaseCountry != "SE" {
		t.Errorf("billing %+v, shipping %+v, country %s", o.BillingAddress, o.ShippingAddress, o.PurchaseCountry)
	}
	for range 3 { // sent again, and told by push
		again, _, err := w.Book.PlaceAuthorized(t.Context(), in)
		if err != nil || !cmp.Equal(o, again) {
			t.Errorf("again: %v %s", err, cmp.Diff(o, again))
		}
		if again = w.Place(o.OrderID); !cmp.Equal(o, again) {
			t.Error(cmp.Diff(o, again))
		}
	}
	w.Round(time.Minute)
	w.Round(time.Hour)
	w.paidOnce(in)
	if got := w.Left("MUG-1"); got != before-2 {
		t.Errorf("in the end %d mugs left, there were %d", got, before)
	}
	// The shopper's session still knows the payment session: it leads to the order.
	got, err := w.Book.Payments.Sync(t.Context(), payments.Request{CartID: in.CartID, Fallback: sweden, SessionID: in.SessionID})
	if err != nil || got.Outcome != cartsync.Bought || got.OrderID != o.OrderID {
		t.Errorf("sync: outcome %d with %q, %v", got.Outcome, got.OrderID, err)
	}
	// Nobody else's authorization is placed for this cart.
	other := w.authorized()
	other.CartID = in.CartID
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), other); !errors.Is(err, order.ErrNotOurs) {
		t.Errorf("another cart's session: %v", err)
	}
	in.CartID = cart.NewID()
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrNotOurs) {
		t.Errorf("another cart's order: %v", err)
	}
}

// Browser and callback bring the same token at once, to two processes: one
// order (invariants 5 and 6). Every caller that is told of an order is told of that.
func TestPlaceAuthorizedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	books := []*order.Book{w.Book, w.another(nil, nil)}
	for range 3 {
		in := w.authorized()
		before := w.Left("MUG-1")
		var mu sync.Mutex
		told := map[string]bool{}
		var wg sync.WaitGroup
		for i := range 12 {
			book := books[i%2]
			wg.Go(func() {
				if i < 4 {
					err := book.Authorized(t.Context(), in.SessionID, in.Token)
					if err = errors.Join(err, book.Reconcile(t.Context(), time.Now().Add(time.Minute), order.Work{})); err != nil {
						t.Error(err)
					}
					return
				}
				o, _, err := book.PlaceAuthorized(t.Context(), in)
				switch {
				case err == nil:
					mu.Lock()
					defer mu.Unlock()
					told[o.OrderID] = true
				case !errors.Is(err, order.ErrPurchaseRunning):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.Round(time.Minute)
		w.Round(10 * time.Minute) // what a late one has reserved
		o := w.paidOnce(in)
		if len(told) != 1 || !told[o.OrderID] {
			t.Errorf("callers were told of %v, the book has %s", told, o.OrderID)
		}
		if got := w.Left("MUG-1"); got != before-2 {
			t.Errorf("%d mugs left, there were %d", got, before)
		}
	}
}

// A process is killed before any of its calls; the browser's next try, or the loop alone, finishes.
func TestPlaceAuthorizedKilled(t *testing.T) {
	t.Parallel()
	for _, finisher := range []string{"next try", "loop"} {
		w := newWorld(t, nil)
		w.Stocked("MUG-1", 10000)
		w.Stocked("JAM-1", 10000)
		deaths := 0
		for n := 1; ; n++ {
			in := w.authorized()
			if finisher == "loop" {
				// Klarna's callback has come; the process that dies is another one.
				if err := w.Book.Authorized(t.Context(), in.SessionID, in.Token); err != nil {
					t.Fatal(err)
				}
			}
			before := w.Left("MUG-1")
			r := &shoptest.Reaper{N: n}
			book := w.Doomed(r).Book
			_, _, err := book.PlaceAuthorized(t.Context(), in)
			if !r.Died() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			deaths++
			w.Buried()
			if err != nil && !errors.Is(err, order.ErrUnavailable) {
				t.Errorf("killed at call %d: got %v, want ErrUnavailable", n, err)
			}
			if finisher == "loop" {
				w.Round(time.Minute)
			} else if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
				t.Error(err)
			}
			w.paidOnce(in)
			if got := w.Left("MUG-1"); got != before-2 {
				t.Errorf("%d mugs left, there were %d", got, before)
			}
			if t.Failed() {
				t.Fatalf("after a death at call %d, finished by the %s", n, finisher)
			}
		}
		if deaths < 12 {
			t.Errorf("died at %d points, want at least 12", deaths)
		}
	}
}

const orderCall = "/payments/v1/authorizations/*/order"

// Klarna answers badly to the order call: it is never placed twice, and when the
// faults stop the next try, or the loop, knows how it came out.
func TestPlaceAuthorizedFaults(t *testing.T) {
	t.Parallel()
	running, over := order.ErrUnavailable, order.ErrTokenGone
	for _, tc := range []struct {
		name         string
		fault        fakeklarna.Fault
		always, once error // nil: placed
	}{
		{"400", fakeklarna.Fault{Status: 400}, cartsync.ErrRefused, cartsync.ErrRefused},
		{"401 in HTML", fakeklarna.Fault{Status: 401}, running, running},
		{"403", fakeklarna.Fault{Status: 403, Body: `{"error_code":"PERMISSION_DENIED","error_messages":[],"correlation_id":"c"}`}, cartsync.ErrRefused, cartsync.ErrRefused},
		{"403 rejected", fakeklarna.Fault{Status: 403, Body: `{"error_code":"REJECTED","error_messages":["Rejected"],"correlation_id":"c"}`}, order.ErrDeclined, order.ErrDeclined},
		{"403 consumed", fakeklarna.Fault{Status: 403, Body: `{"error_code":"INVALID_OPERATION","error_messages":["Authorization token already consumed"],"correlation_id":"c"}`}, over, over},
		{"404 empty", fakeklarna.Fault{Status: 404}, over, over},
		{"409", fakeklarna.Fault{Status: 409}, order.ErrCartChanged, order.ErrCartChanged},
		{"429", fakeklarna.Fault{Status: 429}, running, nil},
		{"500", fakeklarna.Fault{Status: 500}, running, nil},
		{"502 in HTML", fakeklarna.Fault{Status: 502, Body: "<html><h1>Bad gateway</h1></html>"}, running, nil},
		{"503", fakeklarna.Fault{Status: 503}, running, nil},
		{"504", fakeklarna.Fault{Status: 504}, running, nil},
		{"slow", fakeklarna.Fault{DelayAfter: fakeklarna.Duration(time.Minute)}, running, nil},
		{"connection reset", fakeklarna.Fault{Reset: true}, running, nil},
		{"truncated JSON", fakeklarna.Fault{Truncate: true}, running, nil},
		{"reply lost", fakeklarna.Fault{DropReply: true}, running, nil},
		{"lands late", fakeklarna.Fault{Late: true, Delay: fakeklarna.Duration(time.Second)}, running, nil},
		{"not JSON", fakeklarna.Fault{NotJSON: true}, running, nil},
	} {
		for _, count := range []int{-1, 1} {
			for _, finisher := range []string{"next try", "loop"}[:1+(1-count)/2] { // the loop too, after those that go on
				t.Run(fmt.Sprintf("%s/%d times/%s", tc.name, count, finisher), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, nil) // the loop is alone
					before := w.Left("MUG-1")
					in := w.authorized()
					want := tc.once
					if count < 0 {
						want = tc.always
					}
					fault := tc.fault
					fault.Method, fault.Path, fault.Count = "POST", orderCall, count
					w.Fake.AddFault(fault)
					_, _, err := w.Book.PlaceAuthorized(t.Context(), in)
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
					reserved := len(w.Approved(in.CartID)) > 0
					if mayBe := errors.Is(want, running) && want != nil; reserved != mayBe {
						t.Errorf("reserved: %v, it may have been placed: %v", reserved, mayBe)
					}
					w.Fake.ClearFaults()
					if finisher == "loop" {
						w.Round(time.Minute)
						if errors.Is(want, order.ErrCartChanged) || errors.Is(want, order.ErrDeclined) {
							w.notPlaced(in, before) // the shopper was told that nothing is bought
							return
						}
					} else if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
						t.Error(err)
					}
					shoptest.Landed(t, w.Fake)
					w.paidOnce(in)
				})
			}
		}
	}
}
