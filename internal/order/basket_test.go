package order_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
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

// The merchant's server changes the basket while its purchase is approved: it is approved no
// more. One that was approved before stays, since it may be bought.
func TestApproveLooksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, again := range map[string]bool{"the first time": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			c := w.put(cart.NewID(), 1, 2)
			a := stock.Approved{CartID: c.ID, OrderID: "order-" + c.ID, Lines: []stock.Line{{SKU: "MUG-1", Quantity: 2}}}
			if again {
				if err := w.Book.Approve(t.Context(), c, a); err != nil {
					t.Fatal(err)
				}
			}
			w.put(c.ID, 2, 3)
			if err := w.Book.Approve(t.Context(), c, a); !errors.Is(err, order.ErrCartChanged) {
				t.Errorf("got %v, want ErrCartChanged", err)
			}
			if is := len(w.Approved(c.ID)) > 0; is != again {
				t.Errorf("approved: %v", is)
			}
			w.put(c.ID, 3, 2)
			if err := w.Book.Approve(t.Context(), w.Cart(c.ID), a); err != nil {
				t.Fatal(err)
			}
		})
	}
}
