package order_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// orderCalls is how many order calls Klarna has had.
func (w *world) orderCalls() int {
	n := 0
	for _, r := range w.Fake.Requests("") {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/order") {
			n++
		}
	}
	return n
}

// The cart is changed between authorization and placing: no order for another
// amount than the cart's, and an authorization for it brings one.
func TestPlaceAuthorizedStaleCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name   string
		change func(in order.Authorized)
		asked  int // order calls: Klarna too refuses what was not authorized
	}{
		{"another tab", func(in order.Authorized) { w.Put(in.CartID, "MUG-1", 3) }, 0},
		{"another tab, with its sync", func(in order.Authorized) { w.Put(in.CartID, "MUG-1", 3); w.Session(in.CartID) }, 1},
		{"emptied", func(in order.Authorized) { w.Put(in.CartID, "MUG-1", 0); w.Put(in.CartID, "JAM-1", 0) }, 0},
		{"another session", func(in order.Authorized) {
			if set, _, err := w.Carts.SetSessionID(t.Context(), in.CartID, in.SessionID, "another", "person"); err != nil || !set {
				t.Fatal(set, err)
			}
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := w.Left("MUG-1")
			in := w.authorized()
			tc.change(in)
			asked := w.orderCalls()
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCartChanged) {
				t.Errorf("got %v, want ErrCartChanged", err)
			}
			if asked = w.orderCalls() - asked; asked != tc.asked {
				t.Errorf("%d order calls, want %d", asked, tc.asked)
			}
			w.notPlaced(in, before)
			// Callback or not, the loop places nothing of it, and lets go of it.
			w.Round(time.Minute)
			w.notPlaced(in, before)
			if s, _ := w.Fake.Session(in.SessionID); s.Fake.State != "token deleted" {
				t.Errorf("the authorization is not released: the session is %s", s.Fake.State)
			}
			// Asked again, the shopper approves what the cart says now.
			w.Put(in.CartID, "MUG-1", 2)
			w.Put(in.CartID, "JAM-1", 1)
			in.SessionID = w.Session(in.CartID).SessionID
			in.Token = w.Authorize(in.SessionID)
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			w.paidOnce(in)
		})
	}
}

// What the shopper was told is not bought is not bought later either, not even
// when the cart and its session say the same by then, and the callback comes late.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before := w.Left("MUG-1")
	in := w.authorized()
	if err := w.Book.Authorized(t.Context(), in.SessionID, in.Token); err != nil { // Klarna's callback
		t.Fatal(err)
	}
	w.Book.Withdraw(t.Context(), in.SessionID, in.Token)
	if err := w.Book.Authorized(t.Context(), in.SessionID, in.Token); err != nil {
		t.Fatal(err)
	}
	w.Round(time.Minute)
	w.notPlaced(in, before)
	if s, _ := w.Fake.Session(in.SessionID); s.Fake.State != "token deleted" {
		t.Errorf("the authorization is not released: the session is %s", s.Fake.State)
	}
}

// Wrong credentials are our mistake: the authorization waits until it is mended.
func TestAuthorizationOutlivesBadCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	if err := w.Book.Authorized(t.Context(), in.SessionID, in.Token); err != nil {
		t.Fatal(err)
	}
	w.Fake.AddFault(fakeklarna.Fault{Status: 401, Count: -1})
	_ = w.Desk.Reconcile(t.Context(), time.Now().Add(time.Minute)) // fails, and says so
	w.Fake.ClearFaults()
	w.Round(3 * time.Minute)
	w.paidOnce(in)
}

// A browser may tell the widget another address than the form that the shop has
// checked: what would cost another tax there, or cannot be brought there, is not
// placed.
func TestPlaceAuthorizedElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const us = `{"given_name":"Eva","family_name":"Lind","email":"eva@example.com","street_address":"1 Main Street","postal_code":"73301","city":"Austin","region":"%s","country":"US"}`
	for _, tc := range []struct {
		name, country, region string
		data                  string
		want                  error
	}{
		{"nothing is brought there", "SE", "", `{"billing_address":` + strings.Replace(shoptest.Buyer, "11122", "99999", 1) + `}`, order.ErrCartChanged},
		{"delivery to a country with another tax", "SE", "", `{"billing_address":` + shoptest.Buyer + `,"shipping_address":` +
			strings.NewReplacer("11122", "1011 AB", `"SE"`, `"NL"`).Replace(shoptest.Buyer) + `}`, order.ErrCartChanged},
		{"another state", "US", "CA", `{"billing_address":` + fmt.Sprintf(us, "TX") + `}`, order.ErrCartChanged},
		{"the state of the form", "US", "TX", `{"billing_address":` + fmt.Sprintf(us, "TX") + `}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := w.Left("MUG-1")
			in := order.Authorized{CartID: cart.NewID()}
			w.Put(in.CartID, "MUG-1", 2)
			change := cart.Change{Country: tc.country, Place: &cart.Place{Region: tc.region}}
			if tc.country == "SE" {
				change = cart.Change{}
			}
			if _, err := w.Carts.Update(t.Context(), in.CartID, sweden, func(c *cart.Cart) error {
				return change.Apply(&c.Contents, skerry.Version(), nil)
			}); err != nil {
				t.Fatal(err)
			}
			in.SessionID = w.Session(in.CartID).SessionID
			out, err := w.Fake.Pay(in.SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Data: json.RawMessage(tc.data)}})
			if err != nil || !out.Approved {
				t.Fatalf("authorize: %+v, %v", out, err)
			}
			in.Token = out.AuthorizationToken
			asked := w.orderCalls()
			_, _, err = w.Book.PlaceAuthorized(t.Context(), in)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if tc.want != nil {
				if got := w.orderCalls() - asked; got != 0 {
					t.Errorf("%d order calls", got)
				}
				w.notPlaced(in, before)
			}
		})
	}
}

// What is too old, or given back, is authorized again.
func TestPlaceAuthorizedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name string
		over func(in order.Authorized)
	}{
		{"released", func(in order.Authorized) {
			if err := w.Book.Payments.Client.CancelAuthorization(t.Context(), in.Token); err != nil {
				t.Fatal(err)
			}
		}},
		{"60 minutes old", func(order.Authorized) { w.Fake.Advance(61 * time.Minute) }},
		{"the session too", func(order.Authorized) { w.Fake.Advance(49 * time.Hour) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := w.Left("MUG-1")
			in := w.authorized()
			tc.over(in)
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrTokenGone) {
				t.Errorf("got %v, want ErrTokenGone", err)
			}
			w.Round(time.Minute)
			w.notPlaced(in, before)
			in.SessionID = w.Session(in.CartID).SessionID
			in.Token = w.Authorize(in.SessionID)
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			w.paidOnce(in)
		})
	}
}

// Two carts want the last ones: one gets them, the other is told, and nothing
// of it is at Klarna, also when they are there again before the loop looks.
func TestPlaceAuthorizedSoldOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in, before := w.authorized(), w.Left("MUG-1")
	others := cart.NewID()
	w.Approve(stock.Approved{CartID: others, OrderID: "other", Lines: []stock.Line{{SKU: "MUG-1", Quantity: w.Left("MUG-1") - 1}}})
	_, _, err := w.Book.PlaceAuthorized(t.Context(), in)
	if soldOut, ok := errors.AsType[*cart.SoldOutError](err); !ok || soldOut.SKU != "MUG-1" || soldOut.Left != 1 {
		t.Errorf("got %v, want one left of MUG-1", err)
	}
	if err := w.Stock.Drop(t.Context(), others, "other"); err != nil {
		t.Fatal(err)
	}
	w.Round(time.Minute)
	w.notPlaced(in, before)
	if s, _ := w.Fake.Session(in.SessionID); s.Fake.State != "token deleted" {
		t.Errorf("the authorization is not released: the session is %s", s.Fake.State)
	}
}

// The last one is sold once and not oversold, whether browser or push tells of
// the order that its reservation has become.
func TestPlaceAuthorizedLastOne(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"browser", "push"} {
		t.Run(first, func(t *testing.T) {
			w := newWorld(t, nil)
			in := order.Authorized{CartID: cart.NewID()}
			w.Put(in.CartID, "CLK-1", 1)
			in.SessionID = w.Session(in.CartID).SessionID
			in.Token = w.Authorize(in.SessionID)
			if first == "push" {
				w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: orderCall, DropReply: true, Count: 3})
			}
			if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); (err == nil) != (first == "browser") {
				t.Fatal(err)
			}
			o := w.Place(w.ordersOf(in.CartID)[0])
			if left := w.Left("CLK-1"); left != 0 || len(o.Flags) != 0 {
				t.Errorf("%d left, flags %v", left, o.Flags)
			}
			if list := w.Approved(in.CartID); len(list) > 0 {
				t.Errorf("there are still approved orders: %+v", list)
			}
		})
	}
}
