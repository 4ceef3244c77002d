package order_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

var numberLike = regexp.MustCompile(`^SK-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$`)

// The book says what Klarna authorised.
func TestPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale("email", "eva@example.com")
	w.Put(cartID, "MUG-1", 5) // in another tab, meanwhile
	before := w.Left("MUG-1")
	o := w.Place(orderID)
	if diff := cmp.Diff(o, w.once(cartID, orderID)); diff != "" {
		t.Errorf("Place answered another order than the book has: %s", diff)
	}
	there, _ := w.Fake.Order(orderID)
	sold := there.Fake.OrderManagement
	if !numberLike.MatchString(o.Number) || len(o.Key) < 20 || o.CartID != cartID || len(o.Flags) != 0 {
		t.Errorf("got number %q, key of %d, cart %q, flags %v", o.Number, len(o.Key), o.CartID, o.Flags)
	}
	got := []any{o.PurchaseCountry, string(o.PurchaseCurrency), o.Locale, int64(o.OrderAmount), int64(o.OrderTaxAmount), o.KlarnaReference,
		o.BillingAddress.Email, o.ShippingAddress.City, string(o.Status), string(o.FraudStatus), o.PaymentMethod.Description, o.PlacedAt.Format("2006-01-02T15:04:05.000Z")}
	want := []any{"SE", "SEK", "sv-SE", there.OrderAmount, there.OrderTaxAmount, sold.KlarnaReference,
		"eva@example.com", sold.ShippingAddress.City, "AUTHORIZED", "ACCEPTED", sold.InitialPaymentMethod.Description, sold.CreatedAt}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "JAM-1", Quantity: 1}}, o.Goods()); diff != "" {
		t.Error(diff)
	}
	// What was added meanwhile stays; the stock was taken by the reservation.
	if diff := cmp.Diff([]cart.Line{{SKU: "MUG-1", Quantity: 3}}, w.Cart(cartID).Lines); diff != "" {
		t.Errorf("the cart: %s", diff)
	}
	if left := w.Left("MUG-1"); left != before {
		t.Errorf("%d mugs left, there were %d", left, before)
	}
	calls := len(w.Fake.Requests(""))
	for range 4 { // pushed again and again
		if again := w.Place(orderID); !cmp.Equal(o, again) {
			t.Errorf("placed again: %s", cmp.Diff(o, again))
		}
	}
	if again := len(w.Fake.Requests("")) - calls; again != 0 {
		t.Errorf("placed again: %d calls of Klarna, want none", again)
	}
	if lower, found, err := w.Book.ByNumber(t.Context(), strings.ToLower(o.Number)); err != nil || !found || lower.OrderID != orderID {
		t.Errorf("in lower case: %v, %v", found, err)
	}
	for _, number := range []string{"", "SK-", "SK-AAAA-AAAA", "SK-0000-0000", "*", "SK-AAAA-AAAAA", "XX-AAAA-AAAA"} {
		if _, found, err := w.Book.ByNumber(t.Context(), number); found || err != nil {
			t.Errorf("%q: %v, %v", number, found, err)
		}
	}
}

// Any number of callers at once, in three processes, and the loop among them: one order in the book, one
// acknowledgement that counts (invariant 6).
func TestPlaceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	books := []*order.Book{w.Book, w.another(nil, nil), w.another(nil, nil)}
	for range 3 {
		cartID, orderID := w.Sale()
		since := len(w.Fake.Requests(orderID))
		var mu sync.Mutex
		var got []order.Order
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if i%5 == 0 { // the loop, late enough for all that a placer begins
					if err := books[i%3].Reconcile(t.Context(), time.Now().Add(time.Hour), order.Work{}); err != nil {
						t.Error(err)
					}
					return
				}
				o, err := books[i%3].Place(t.Context(), orderID)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, o)
			})
		}
		wg.Wait()
		o := w.once(cartID, orderID)
		for _, other := range got {
			if other.Number != o.Number || other.Key != o.Key {
				t.Errorf("one was answered %s, the book has %s", other.Number, o.Number)
			}
		}
		keys := map[string]bool{}
		for _, r := range w.Fake.Requests(orderID)[since:] {
			if strings.HasSuffix(r.Path, "/acknowledge") && r.Status != http.StatusNoContent {
				t.Errorf("acknowledge: %d", r.Status)
			}
			keys[r.Path] = true
		}
		if !keys["/ordermanagement/v1/orders/"+orderID+"/acknowledge"] {
			t.Errorf("not acknowledged by %v", keys)
		}
	}
}

// A process is killed before any of its calls; the next caller, or the loop alone, finishes (invariant 6).
func TestPlaceKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.Stocked("MUG-1", 10000)
	w.Stocked("JAM-1", 10000)
	for _, finisher := range []string{"next caller", "loop"} {
		deaths := 0
		for n := 1; ; n++ {
			cartID, orderID := w.Sale()
			r := &shoptest.Reaper{N: n}
			book := w.Doomed(r).Book
			_, err := book.Place(t.Context(), orderID)
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
			w.acknowledgedOnlyStored(orderID)
			if finisher == "loop" {
				w.Round(10 * time.Minute)
			} else {
				w.Place(orderID)
			}
			w.once(cartID, orderID)
			if t.Failed() {
				t.Fatalf("after a death at call %d, finished by the %s", n, finisher)
			}
		}
		if deaths < 6 {
			t.Errorf("died at %d points, want at least 6", deaths)
		}
		if open := w.Number("select count(*) from orders where due_at is not null"); open != 0 {
			t.Errorf("%d orders are not finished", open)
		}
	}
}

// Klarna answers badly at each of Place's calls: nothing is acknowledged that
// is not stored, and the next call makes it good.
func TestPlaceFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const path = "/ordermanagement/v1/orders/*"
	calls := []struct{ name, method, path string }{
		{"read", "GET", path}, {"references", "PATCH", path + "/merchant-references"}, {"acknowledge", "POST", path + "/acknowledge"},
	}
	for _, call := range calls {
		for name, tc := range map[string]struct {
			fault fakeklarna.Fault
			heals bool // by the retries
		}{
			"500":                {fakeklarna.Fault{Status: 500, Count: 3}, false},
			"503 once":           {fakeklarna.Fault{Status: 503}, true},
			"429 once":           {fakeklarna.Fault{Status: 429}, true},
			"401 HTML":           {fakeklarna.Fault{Status: 401}, false},
			"403 something else": {fakeklarna.Fault{Status: 403}, false},
			"reset":              {fakeklarna.Fault{Reset: true, Count: -1}, false},
			"answer lost once":   {fakeklarna.Fault{DropReply: true}, true},
			"answers lost":       {fakeklarna.Fault{DropReply: true, Count: -1}, false},
			"lands late":         {fakeklarna.Fault{Late: true, Delay: fakeklarna.Duration(300 * time.Millisecond)}, true},
			"all land late":      {fakeklarna.Fault{Late: true, Delay: fakeklarna.Duration(time.Second), Count: -1}, false},
			"half a body":        {fakeklarna.Fault{Truncate: true, Count: 3}, call.method != "GET"}, // the others have none
			"HTML":               {fakeklarna.Fault{NotJSON: true, Count: 3}, call.method != "GET"},
		} {
			t.Run(call.name+"/"+name, func(t *testing.T) {
				cartID, orderID := w.Sale()
				tc.fault.Method, tc.fault.Path = call.method, call.path
				w.Fake.AddFault(tc.fault)
				_, err := w.Book.Place(t.Context(), orderID)
				if (err == nil) != tc.heals || err != nil && !errors.Is(err, order.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable: %v", err, !tc.heals)
				}
				w.acknowledgedOnlyStored(orderID)
				w.Fake.ClearFaults()
				w.Place(orderID)
				shoptest.Landed(t, w.Fake)
				w.once(cartID, orderID)
			})
		}
	}
}

// An order that Klarna does not sell is not placed; the error says why.
func TestPlaceNotBought(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID := cart.NewID()
	w.Put(cartID, "MUG-1", 2)
	open := w.Open(cartID)
	before := w.Cart(cartID)
	for name, id := range map[string]string{
		"open": open, "unknown": "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44", "no ID": "x", "path": "../x", "query": "x?y=z", "empty": "", "dot": ".", "dots": "..",
	} {
		_, err := w.Book.Place(t.Context(), id)
		if !errors.Is(err, order.ErrUnknown) || !errors.Is(err, order.ErrNotBought) {
			t.Errorf("%s: got %v, want ErrUnknown", name, err)
		}
		if _, err := w.Book.Refresh(t.Context(), id); !errors.Is(err, order.ErrUnknown) {
			t.Errorf("%s: Refresh: got %v, want ErrUnknown", name, err)
		}
	}
	if diff := cmp.Diff(before, w.Cart(cartID)); diff != "" {
		t.Error(diff)
	}

	// Cancelled before we heard of it: the cart is free for another order, the goods are back.
	left := w.Left("MUG-1")
	w.Reserve(cartID, open, time.Now())
	w.Buy(open)
	w.CancelAtKlarna(open)
	if _, err := w.Book.Place(t.Context(), open); !errors.Is(err, order.ErrCancelled) || !errors.Is(err, order.ErrNotBought) {
		t.Errorf("cancelled: got %v", err)
	}
	if c := w.Cart(cartID); c.OrderID != "" || len(c.Bought) != 0 || c.Quantity("MUG-1") != 2 {
		t.Errorf("cancelled: the cart is %+v", c)
	}
	if now := w.Left("MUG-1"); now != left {
		t.Errorf("cancelled: %d mugs left, there were %d", now, left)
	}
	if n := w.Number("select count(*) from orders"); n != 0 {
		t.Errorf("the book has %d orders", n)
	}
}

// Cancelled after it was stored and before it was acknowledged: finished, not failed.
func TestPlaceCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	w.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Status: 500, Count: 3})
	if _, err := w.Book.Place(t.Context(), orderID); !errors.Is(err, order.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	w.CancelAtKlarna(orderID)
	if err := w.Desk.Reconcile(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	o, found, err := w.Book.ByOrderID(t.Context(), orderID)
	if err != nil || !found || !o.Acknowledged || !o.CartClosed || o.Status != ordermanagement.Cancelled {
		t.Errorf("got %v, %v: acknowledged %v, closed %v, %s", found, err, o.Acknowledged, o.CartClosed, o.Status)
	}
	if c := w.Cart(cartID); !c.BoughtBy(orderID) {
		t.Error("the cart is not closed")
	}
	calls := len(w.Fake.Requests(""))
	if err := w.Desk.Reconcile(t.Context(), time.Now().Add(49*time.Hour)); err != nil || len(w.Fake.Requests("")) != calls {
		t.Errorf("the loop asks again: %v", err)
	}
}

// Whose order it is, merchant_data says; an order without any is still a sale.
func TestPlaceMerchantData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	foreign, err := kco.NewSigner("a secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		data func(cartID string) string
		flag order.Flag // placed with it
		err  error
	}{
		{"foreign", func(id string) string { return foreign.Sign(id) }, "", order.ErrNotOurs},
		{"tampered", func(id string) string { return strings.Replace(w.Book.Signer.Sign(id), id, cart.NewID(), 1) }, "", order.ErrNotOurs},
		{"garbage", func(string) string { return "{}" }, "", order.ErrNotOurs},
		{"missing", func(string) string { return "" }, order.NoCart, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cartID := cart.NewID()
			w.Put(cartID, "MUG-1", 2)
			content, _, err := w.KCO.Wants.Want(w.Cart(cartID))
			if err != nil {
				t.Fatal(err)
			}
			content.MerchantData = tc.data(cartID)
			orderID := w.Create(cartID, content)
			w.Buy(orderID)
			w.Book.Observer, _ = observetest.New(t)
			o, err := w.Book.Place(t.Context(), orderID)
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if c := w.Cart(cartID); c.BoughtBy(orderID) || c.Quantity("MUG-1") != 2 {
				t.Errorf("the cart is %+v", c)
			}
			there, _ := w.Fake.Order(orderID)
			if tc.err != nil {
				if there.Fake.Acknowledged || w.Number("select count(*) from orders where order_id = $1", orderID) != 0 {
					t.Error("it was placed")
				}
				if diff := cmp.Diff(map[string]int{`event="place",result="foreign"`: 1}, observetest.Counted(t, w.Book.Observer, "shopd_order_book_total")); diff != "" {
					t.Error(diff)
				}
				if log := w.Log.String(); !strings.Contains(log, orderID) || strings.Contains(log, tc.data(cartID)) {
					t.Errorf("the log is %s", log)
				}
				return
			}
			if !there.Fake.Acknowledged || !o.CartClosed || o.CartID != "" || !slices.Equal(o.Flags, []order.Flag{tc.flag}) {
				t.Errorf("got acknowledged %v, cart %q, flags %v", there.Fake.Acknowledged, o.CartID, o.Flags)
			}
		})
	}

	// An old key of ours still verifies.
	old, err := kco.NewSigner("another of our secrets\n" + shoptest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	cartID, orderID := w.Sale()
	w.Book.Signer = old
	w.Place(orderID)
	w.once(cartID, orderID)
}

// Order Management may lose merchant_data; the checkout has it for a while.
func TestPlaceAsksTheCheckout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name   string
		status int // of the checkout read, 0 = as it is
		flag   bool
		err    error
	}{
		{"known there", 0, false, nil},
		{"gone there too", 404, true, nil},
		{"away", 500, false, order.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, orderID := w.Sale()
			book := w.another(w.Client, withoutData{orderID})
			if tc.status != 0 {
				w.Fake.AddFault(fakeklarna.Fault{Method: "GET", Path: "/checkout/v3/orders/*", Status: tc.status, Count: 3})
			}
			o, err := book.Place(t.Context(), orderID)
			w.Fake.ClearFaults()
			if !errors.Is(err, tc.err) || o.Flagged(order.NoCart) != tc.flag {
				t.Errorf("got %v, flags %v", err, o.Flags)
			}
		})
	}
}

// Two orders of one cart are bought, the older in an old tab: both are placed
// once, and the one that was not the cart's newest is flagged.
func TestPlaceNotCurrent(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"old", "new"} {
		t.Run(first, func(t *testing.T) {
			w := newWorld(t, nil)
			cartID := cart.NewID()
			w.Put(cartID, "MUG-1", 2)
			old := w.Open(cartID)
			current := w.Open(cartID)
			w.Buy(old)
			w.Buy(current)
			w.Reserve(cartID, current, time.Now())
			order2 := []string{old, current}
			if first == "new" {
				slices.Reverse(order2)
			}
			for _, id := range order2 {
				w.Place(id)
			}
			for _, id := range order2 {
				o := w.once(cartID, id)
				if o.Flagged(order.NotCurrent) != (id == old) {
					t.Errorf("%s: flags %v", map[bool]string{true: "old", false: "new"}[id == old], o.Flags)
				}
				if id == old {
					w.Tells(id, "placed", "flag", "acknowledged")
				} else {
					w.Tells(id, "placed", "acknowledged")
				}
			}
			if got := len(w.Cart(cartID).Bought); got != 2 {
				t.Errorf("bought by %d orders", got)
			}
		})
	}
}

// The stock was given back and sold to others meanwhile: flagged.
func TestPlaceOversold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID := cart.NewID()
	w.Put(cartID, "CLK-1", 1) // there is one
	orderID := w.Open(cartID)
	w.Buy(orderID)
	other := cart.NewID()
	w.Put(other, "CLK-1", 1)
	w.Reserve(other, w.Open(other), time.Now())
	o := w.Place(orderID)
	if !o.Flagged(order.Oversold) || w.Left("CLK-1") != -1 {
		t.Errorf("got flags %v, %d left", o.Flags, w.Left("CLK-1"))
	}
	if diff := cmp.Diff(o, w.once(cartID, orderID)); diff != "" {
		t.Error(diff)
	}
	w.Tells(orderID, "placed", "flag", "acknowledged")
}

// An order is stored and acknowledged without Redis; what Redis has to do with it is done
// when it is there again.
func TestPlaceWithoutRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cartID, orderID := w.Sale()
	w.Redis.Stop()
	if _, err := w.Book.Place(t.Context(), orderID); !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if there, _ := w.Fake.Order(orderID); !there.Fake.Acknowledged {
		t.Error("it is not acknowledged")
	}
	w.acknowledgedOnlyStored(orderID)
	if err := w.Desk.Reconcile(t.Context(), time.Now().Add(time.Minute)); err == nil {
		t.Error("the loop says nothing")
	}
	w.Redis.Restart()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err := w.Book.Place(t.Context(), orderID); err == nil {
			break
		} else if time.Since(start) > 5*time.Second {
			t.Fatal(err)
		}
	}
	w.once(cartID, orderID)
}

// withoutData is a Klarna whose Order Management does not tell merchant_data of an order.
type withoutData struct{ orderID string }

func (d withoutData) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/ordermanagement/") {
		return res, err
	}
	return without(res, "merchant_data")
}

func fraud(decision string) string { return fmt.Sprintf("eva+pend-%s-05@example.com", decision) }
