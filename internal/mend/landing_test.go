package mend_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// What else than updates may land after its sender has given it up: one purchase is one order,
// and nothing is held or sold twice. The table is in docs/sync.md; captures, refunds and what
// the book tells of a sale are in the tables of faults of their packages.

// of lets the gate keep calls of a kind.
func of(method, end string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && strings.HasSuffix(r.URL.Path, end) }
}

// ada is who buys in Klarna's form.
var ada = map[string]string{
	"email": "ada@example.com", "given_name": "Ada", "family_name": "Lindqvist", "street_address": "Hamngatan 4", "postal_code": "11147",
	"city": "Stockholm", "phone": "+46701234567",
}

// newest is the cart of which Klarna has the newest order.
func (w *world) newest() cart.Cart {
	w.T.Helper()
	id, err := w.Signer.Verify(w.Fake.Orders()[0].MerchantData)
	if err != nil {
		w.T.Fatal(err)
	}
	return w.Cart(id)
}

// sold demands that so many mugs were sold, by one order.
func (w *world) sold(before, mugs int) {
	w.T.Helper()
	if n, left := w.Number("select count(*) from orders"), w.Left("MUG-1"); n != 1 || left != before-mugs {
		w.T.Errorf("%d orders in the book, %d mugs left of %d; want 1, %d sold", n, left, before, mugs)
	}
}

// An order whose making lands late is nobody's: it is listed nowhere, and cannot be bought.
func TestLateCreate(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	before := w.Left("MUG-1")
	b := w.Browser()
	b.Add("MUG-1", "1")
	w.gate.of = of("POST", "/checkout/v3/orders")
	w.gate.set(1, false)
	if got := b.Get("/checkout"); got.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("without an answer: %d", got.StatusCode)
	}
	if got := b.Get("/checkout"); got.StatusCode != http.StatusOK {
		t.Fatalf("then: %d %s", got.StatusCode, got.Text)
	}
	own := w.newest().OrderID
	if status := w.gate.land(t); status != http.StatusCreated || len(w.Fake.Orders()) != 2 {
		t.Fatalf("landed: %d, %d orders", status, len(w.Fake.Orders()))
	}
	late := w.Fake.Orders()[0].OrderID
	mugs(b, 3)
	if now := w.newest().OrderID; now != own || late == own || w.Fake.Orders()[1].OrderLines[0].Quantity != 3 || w.Fake.Orders()[0].OrderLines[0].Quantity != 1 {
		t.Errorf("the cart has order %s, it had %s: %+v", now, own, w.Fake.Orders())
	}
	if listed := shoptest.ToAbort(t, w.LeftBehind); len(listed) > 0 {
		t.Errorf("listed: %v", listed)
	}
	refused := func(reason string) {
		t.Helper()
		out, err := w.Fake.Shopper(late, fakeklarna.Action{Type: ada, Buy: &fakeklarna.Buy{}})
		if err != nil || out.Refused == nil || !strings.Contains(out.Refused.RedirectURL, "reason="+reason) {
			t.Errorf("bought by an order that no page has shown: %+v, %v", out, err)
		}
	}
	refused("unknown_order")
	w.Buy(own)
	if got := b.Get("/checkout/confirmation?order_id=" + own); got.StatusCode != http.StatusOK {
		t.Errorf("confirmation: %d", got.StatusCode)
	}
	refused("unknown_order")
	w.sold(before, 3)
}

// So is a payment session.
func TestLateSession(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	before := w.Left("MUG-1")
	b := w.Browser()
	b.Add("MUG-1", "1")
	w.gate.of = of("POST", "/payments/v1/sessions")
	w.gate.set(1, false)
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("without an answer: %d", got.StatusCode)
	}
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusOK {
		t.Fatalf("then: %d %s", got.StatusCode, got.Text)
	}
	own := w.Fake.Sessions()[0]
	if status := w.gate.land(t); status != http.StatusOK || len(w.Fake.Sessions()) != 2 {
		t.Fatalf("landed: %d, %d sessions", status, len(w.Fake.Sessions()))
	}
	id, err := w.Signer.Verify(own.MerchantData)
	if err != nil || w.Cart(id).SessionID != own.SessionID {
		t.Fatalf("the cart has %q, %v", w.Cart(id).SessionID, err)
	}
	late := order.Authorized{SessionID: w.Fake.Sessions()[0].SessionID}
	late.Token = w.Authorize(late.SessionID)
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), late); !errors.Is(err, order.ErrCartChanged) {
		t.Errorf("bought by a session that no page has shown: %v", err)
	}
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), order.Authorized{CartID: id, SessionID: own.SessionID, Token: w.Authorize(own.SessionID)}); err != nil {
		t.Error(err)
	}
	w.sold(before, 1)
}

// An abort of an order that may be being bought lands after the shopper has pressed Buy once
// more: what was approved then ends with the order, and the checkout goes on at once.
func TestLateAbort(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	before := w.Left("MUG-1")
	b := w.open("/checkout")
	c := w.newest()
	w.Reserve(c.ID, c.OrderID, time.Now())
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", Status: http.StatusBadRequest})
	w.gate.of = of("POST", "/abort")
	w.gate.set(3, false)
	if got := b.Update(`{"lines": [{"sku": "MUG-1", "quantity": 3}]}`); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.Text, "purchase_running") {
		t.Fatalf("update: %d %s", got.StatusCode, got.Text)
	}
	w.Reserve(c.ID, c.OrderID, time.Now())
	if status := w.gate.land(t); status != http.StatusForbidden { // the third
		t.Fatalf("landed: %d", status)
	}
	if got := b.Get("/checkout"); got.StatusCode != http.StatusOK || w.newest().OrderID == c.OrderID {
		t.Errorf("the checkout: %d, order %s", got.StatusCode, w.newest().OrderID)
	}
	if held := w.Approved(c.ID); len(held) > 0 || w.Left("MUG-1") != before {
		t.Errorf("%d mugs left of %d, approved: %+v", w.Left("MUG-1"), before, held)
	}
	own := w.newest().OrderID
	w.Buy(own)
	w.Place(own)
	w.sold(before, 3)
}

// The abort of an order that was left behind changes nothing of the cart's.
func TestLateAbortOfLeftBehind(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	b := w.open("/checkout")
	old := w.newest().OrderID
	w.Fake.AddFault(fakeklarna.Fault{Method: "GET", OrderID: old, Status: http.StatusForbidden})
	if got := b.Get("/checkout"); got.StatusCode != http.StatusOK {
		t.Fatalf("checkout: %d", got.StatusCode)
	}
	own := w.newest().OrderID
	w.gate.of = of("POST", "/abort")
	w.gate.set(3, false)
	if err := w.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Minute)); err == nil {
		t.Error("a sweep without an answer")
	}
	if err := w.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	w.gate.land(t)
	mugs(b, 3)
	if o, _ := w.Fake.Order(old); !o.Fake.Aborted || w.newest().OrderID != own || own == old || w.amount() == 0 || w.Fake.Orders()[0].OrderLines[0].Quantity != 3 {
		t.Errorf("the cart's order is %s, it was %s: %+v", w.newest().OrderID, own, w.Fake.Orders())
	}
}

// authorized is a cart with a mug whose payment is authorized.
func (w *world) authorized() (in order.Authorized) {
	in.CartID = cart.NewID()
	w.Put(in.CartID, "MUG-1", 1)
	in.SessionID = w.Session(in.CartID).SessionID
	in.Token = w.Authorize(in.SessionID)
	return in
}

// Tries of an order call had no answer, and land after what happened since: there is one order,
// which the shopper has approved, and it gets into the book.
func TestLatePlacing(t *testing.T) {
	for name, tc := range map[string]struct {
		tries int
		// then is what happens before they land, and after is what happens then.
		then, after func(w *world, in order.Authorized)
		landed      int // what Klarna answers to the last one
		mugs        int // that are sold
	}{
		"the next try is answered": {tries: 1, landed: http.StatusOK, mugs: 1},
		"the shopper presses again": {tries: 3, then: func(w *world, in order.Authorized) {
			if _, _, err := w.Book.PlaceAuthorized(w.T.Context(), in); err != nil {
				w.T.Error(err)
			}
		}, landed: http.StatusOK, mugs: 1},
		"the shopper approves anew": {tries: 3, then: func(w *world, in order.Authorized) {
			in.Token = w.Authorize(in.SessionID)
			if _, _, err := w.Book.PlaceAuthorized(w.T.Context(), in); err != nil {
				w.T.Error(err)
			}
		}, landed: http.StatusNotFound, mugs: 1},
		"nobody asks again": {tries: 3, after: func(w *world, in order.Authorized) {
			w.Round(time.Minute)
		}, landed: http.StatusOK, mugs: 1},
		"the cart is another, and the session": {tries: 3, then: func(w *world, in order.Authorized) {
			w.Put(in.CartID, "MUG-1", 5)
			w.Session(in.CartID)
		}, landed: http.StatusConflict, after: func(w *world, in order.Authorized) {
			if _, _, err := w.Book.PlaceAuthorized(w.T.Context(), in); !errors.Is(err, order.ErrCartChanged) {
				w.T.Errorf("what was approved before: %v", err)
			}
			in.Token = w.Authorize(in.SessionID)
			if _, _, err := w.Book.PlaceAuthorized(w.T.Context(), in); err != nil {
				w.T.Error(err)
			}
		}, mugs: 5},
		"the cart is another, and Klarna does not know": {tries: 3, then: func(w *world, in order.Authorized) {
			w.Put(in.CartID, "MUG-1", 5)
		}, landed: http.StatusOK, after: func(w *world, in order.Authorized) {
			if got, err := w.Payments.Sync(w.T.Context(), payments.Request{CartID: in.CartID, Fallback: shoptest.Sweden}); !errors.Is(err, cartsync.ErrPurchaseRunning) {
				w.T.Errorf("the page, before it is known what was bought: %+v, %v", got.Ending, err)
			}
			w.Round(time.Minute)
			if c := w.Cart(in.CartID); c.Quantity("MUG-1") != 4 {
				w.T.Errorf("left in the cart: %+v", c.Lines)
			}
		}, mugs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shoptest.Options{})
			before := w.Left("MUG-1")
			in := w.authorized()
			w.gate.of = of("POST", "/order")
			w.gate.set(tc.tries, false)
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); errors.Is(err, order.ErrUnavailable) != (tc.tries == 3) {
				t.Fatal(err)
			}
			if tc.then != nil {
				tc.then(w, in)
			}
			if status := w.gate.land(t); status != tc.landed {
				t.Errorf("landed: %d, want %d", status, tc.landed)
			}
			if tc.after != nil {
				tc.after(w, in)
			}
			w.Round(time.Minute)
			w.sold(before, tc.mugs)
			if held := w.Approved(in.CartID); len(held) > 0 {
				t.Errorf("approved: %+v", held)
			}
		})
	}
}

// An authorization is given back late: one that took its place, and its order, stay.
func TestLateRelease(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	before := w.Left("MUG-1")
	in := w.authorized()
	if err := w.Book.Authorized(t.Context(), in.SessionID, in.Token); err != nil {
		t.Fatal(err)
	}
	w.Put(in.CartID, "MUG-1", 0)
	w.gate.of = func(r *http.Request) bool { return r.Method == http.MethodDelete }
	w.gate.set(3, false)
	if err := w.Desk.Reconcile(t.Context(), time.Now().Add(time.Minute)); err == nil {
		t.Error("a round without an answer")
	}
	w.Put(in.CartID, "MUG-1", 2)
	w.Session(in.CartID)
	in.Token = w.Authorize(in.SessionID)
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if status := w.gate.land(t); status != http.StatusNotFound {
		t.Errorf("landed: %d", status)
	}
	w.Round(2 * time.Minute)
	w.sold(before, 2)
}
