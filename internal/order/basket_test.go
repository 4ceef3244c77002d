package order_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/stock"
)

// put says what the basket of a checkout session is, as the merchant's server does.
func (w *world) put(cartID string, revision, mugs int64) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Update(w.T.Context(), cartID, sweden, func(c *cart.Cart) error {
		c.Put(&cart.Basket{
			Reference: cartID, OrderNumber: "W-" + cartID, Country: "SE", Locale: "sv-SE", Revision: revision,
			ShippingCountries: []string{"SE"}, BillingCountries: []string{"SE"},
			Lines: []cart.BasketLine{{ID: "a", Type: klarna.Physical, Reference: "MUG-1", Quantity: mugs}},
		}, w.Published.Now())
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// A checkout session is ended while its widget is open: what is authorized then is not bought,
// the shopper is told that nothing can be, and gets his money back. So it is where the cart does
// not know of the end.
func TestAuthorizedAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, known := range map[string]bool{"the cart knows": true, "the cart does not know": false} {
		for _, first := range []string{"browser", "loop"} {
			t.Run(name+"/"+first, func(t *testing.T) {
				before := w.Left("MUG-1")
				in := order.Authorized{CartID: cart.NewID()}
				if err := w.CheckoutSessions.Add(t.Context(), checkoutsession.Session{
					CartID: in.CartID, Reference: in.CartID, OrderNumber: "W-" + in.CartID, Revision: 1, CreatedAt: time.Now(),
				}); err != nil {
					t.Fatal(err)
				}
				w.put(in.CartID, 1, 2)
				in.SessionID = w.Session(in.CartID).SessionID
				if err := w.CheckoutSessions.Expire(t.Context(), w.Stock, in.CartID); err != nil {
					t.Fatal(err)
				}
				if known {
					if _, err := w.Carts.Update(t.Context(), in.CartID, sweden, func(c *cart.Cart) error {
						b := *c.Basket
						b.Ended, c.Basket = true, &b
						return nil
					}); err != nil {
						t.Fatal(err)
					}
				}
				in.Token = w.Authorize(in.SessionID)
				if first == "loop" {
					w.told(in)
				} else if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCartChanged) {
					t.Errorf("got %v, want ErrCartChanged", err)
				}
				w.Round(time.Minute)
				w.notPlaced(in, before)
				if state := w.state(in.SessionID); state != "token deleted" {
					t.Errorf("the session is %s", state)
				}
			})
		}
	}
}

// The merchant's server changes the basket while it is being bought: the old one is not, from when
// its session says so until the cart has the new one, or until it is clear that it never will.
func TestBoughtWhileChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.put(cart.NewID(), 1, 2)
	row := checkoutsession.Session{CartID: c.ID, Reference: c.ID, OrderNumber: "W-" + c.ID, Status: checkoutsession.Open, Revision: 1, CreatedAt: time.Now()}
	if err := w.CheckoutSessions.Add(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	raise := func() {
		t.Helper()
		from := row.Revision
		row.Revision++
		if err := w.CheckoutSessions.Change(t.Context(), from, row); err != nil {
			t.Fatal(err)
		}
	}
	a := stock.Approved{CartID: c.ID, OrderID: "order-" + c.ID, Lines: []stock.Line{{SKU: "MUG-1", Quantity: 2}}}
	refused := func(c cart.Cart, approved int) {
		t.Helper()
		if err := w.Book.Approve(t.Context(), c, a); !errors.Is(err, order.ErrCartChanged) {
			t.Errorf("got %v, want ErrCartChanged", err)
		}
		if n := len(w.Approved(c.ID)); n != approved {
			t.Errorf("%d approved, want %d", n, approved)
		}
	}
	approved := func(c cart.Cart) {
		t.Helper()
		if err := w.Book.Approve(t.Context(), c, a); err != nil {
			t.Error(err)
		}
	}
	raise()
	refused(c, 0)
	c2 := w.put(c.ID, 2, 3)
	refused(c, 0) // as it was read before
	approved(c2)
	raise()
	refused(c2, 1)
	w.Exec("update checkout_sessions set expires_at = $1 where cart_id = $2", time.Now().Add(checkoutsession.Life-time.Minute).UnixMilli(), c.ID)
	approved(c2)
}

// So it is with an order of nothing, which is placed at once.
func TestFreeWhileChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := cart.NewID()
	row := checkoutsession.Session{CartID: id, Reference: id, OrderNumber: "W-" + id, Status: checkoutsession.Open, Revision: 1, CreatedAt: time.Now()}
	if err := w.CheckoutSessions.Add(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Carts.Update(t.Context(), id, sweden, func(c *cart.Cart) error {
		c.Put(&cart.Basket{
			Reference: id, OrderNumber: "W-" + id, Country: "SE", Locale: "sv-SE", Revision: 1, ShippingCountries: []string{"SE"}, BillingCountries: []string{"SE"},
			Lines: []cart.BasketLine{{ID: "a", Type: klarna.Digital, Reference: "MAP", Name: "Map", Quantity: 1, UnitPrice: new(money.Amount), TaxRate: new(klarna.Rate)}},
		}, w.Published.Now())
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Sync(id, cartsync.Load); err != nil || got.Outcome != cartsync.Free {
		t.Fatalf("got outcome %d, %v", got.Outcome, err)
	}
	c := w.Cart(id)
	row.Revision = 2
	if err := w.CheckoutSessions.Change(t.Context(), 1, row); err != nil {
		t.Fatal(err)
	}
	if o, err := w.PlaceFree(w.Book, c); !errors.Is(err, order.ErrCartChanged) {
		t.Errorf("placed %s, %v", o.ID, err)
	}
	if _, err := w.Carts.Update(t.Context(), id, sweden, func(c *cart.Cart) error {
		b := *c.Basket
		b.Revision, c.Basket = 2, &b
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if o, err := w.PlaceFree(w.Book, w.Cart(id)); err != nil || o.Number != row.OrderNumber {
		t.Errorf("placed %q, %v", o.Number, err)
	}
}
