package storefront_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/stock"
)

// Stock that a purchase holds which came to nothing goes back at once when Klarna's form says so and Klarna says that
// the order is open, or when its shopper changes the cart; else after its time. Whoever may be at the bank keeps it.
func TestHeldStock(t *testing.T) {
	t.Parallel()
	const update = `{"order_id":"ORDER"`
	post := func(fields ...string) func(*testing.T, *shopWorld, *browser, string) {
		return func(_ *testing.T, _ *shopWorld, b *browser, _ string) { b.Post(fields[0], fields[1:]...) }
	}
	send := func(members string) func(*testing.T, *shopWorld, *browser, string) {
		return func(t *testing.T, _ *shopWorld, b *browser, orderID string) {
			t.Helper()
			if got := b.Update(strings.ReplaceAll(update, "ORDER", orderID) + members + "}"); got.StatusCode != 200 && got.StatusCode != 409 {
				t.Errorf("update: %d %s", got.StatusCode, got.Text)
			}
		}
	}
	old := func(after time.Duration) func(*testing.T, *shopWorld, *browser, string) {
		return func(t *testing.T, s *shopWorld, _ *browser, _ string) {
			t.Helper()
			if _, err := s.Stock.ReturnOld(t.Context(), time.Now().Add(after)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, tt := range []struct {
		name string
		do   func(*testing.T, *shopWorld, *browser, string)
		held int // mugs, in pairs
	}{
		{"the form says that it was declined", send(`,"declined":true`), 0},
		{"it says so of another order", func(_ *testing.T, _ *shopWorld, b *browser, _ string) {
			b.Update(`{"order_id":"another","declined":true}`)
		}, 1},
		{"another shopper says so", func(_ *testing.T, s *shopWorld, _ *browser, orderID string) {
			other := s.browser()
			other.Add("JAM-1", "1")
			other.Get("/checkout")
			other.Update(strings.ReplaceAll(update, "ORDER", orderID) + `,"declined":true}`)
		}, 1},
		{"an open page syncs", send(``), 1},
		{"the page is loaded", func(_ *testing.T, _ *shopWorld, b *browser, _ string) { b.Get("/checkout") }, 1},
		{"more on the open page", send(`,"lines":[{"sku":"MUG-1","quantity":3}]`), 0},
		{"the same on the open page", send(`,"lines":[{"sku":"MUG-1","quantity":2}]`), 1},
		{"emptied", send(`,"lines":[{"sku":"MUG-1","quantity":0}]`), 0},
		{"removed in the cart", post("/cart/lines/MUG-1", "quantity", "0"), 0},
		{"added in another tab", post("/cart/lines", "sku", "JAM-1"), 0},
		{"refused in another tab", post("/cart/lines", "sku", "NONE-1"), 1},
		{"9 minutes", old(9 * time.Minute), 1},
		{"10 minutes", old(stock.Held), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			s.Stocked("MUG-1", 5)
			b := s.norwegian()
			orderID := b.open(s).OrderID
			if _, err := s.Fake.Shopper(orderID, fakeklarna.Action{Type: eva}); err != nil {
				t.Fatal(err)
			}
			out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{Decision: "decline"}})
			if out.Refused == nil {
				t.Fatalf("refused: %+v", out.Refused)
			}
			s.Levels("MUG-1", 5, 2, 0)
			tt.do(t, s, b, orderID)
			s.Levels("MUG-1", 5, 2*tt.held, 0)
		})
	}
}

// Who tries again after a declined payment takes the stock anew, and may buy.
func TestHeldStockTakenAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	s.Stocked("MUG-1", 5)
	b := s.norwegian()
	orderID := b.open(s).OrderID
	if _, err := s.Fake.Shopper(orderID, fakeklarna.Action{Type: eva}); err != nil {
		t.Fatal(err)
	}
	s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{Decision: "decline"}})
	b.Update(`{"order_id":"` + orderID + `","declined":true}`)
	s.Levels("MUG-1", 5, 0, 0)
	b.Get(s.buy(orderID))
	s.Levels("MUG-1", 5, 0, 2)
}
