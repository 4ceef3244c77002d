package order_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
)

// put says what the basket of a checkout session is, as the merchant's server does.
func (w *world) put(cartID string, revision, mugs int64) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Update(w.T.Context(), cartID, sweden, func(c *cart.Cart) error {
		c.Put(&cart.Basket{
			Reference: cartID, OrderNumber: "W-" + cartID, Country: "SE", Locale: "sv-SE", Revision: revision,
			ShippingCountries: []string{"SE"}, BillingCountries: []string{"SE"},
			Lines: []cart.BasketLine{{ID: "a", Type: klarna.Physical, Reference: "MUG-1", Quantity: mugs}},
		}, w.Published.Now().Markets)
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
