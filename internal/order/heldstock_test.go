package order_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/internal/order"
)

// A purchase whose stock was let go may become a sale all the same, by a bank that took its time: it is placed, and
// flagged where others have bought the last one meanwhile.
func TestSoldAfterLettingGo(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"there is one": 1, "there is none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.Stocked("MUG-1", 1)
			cartID := "cart-let-go"
			w.Put(cartID, "MUG-1", 1)
			orderID := w.Open(cartID)
			w.Reserve(cartID, orderID, time.Now())
			w.Levels("MUG-1", 1, 1, 0)
			for range 2 {
				if err := w.Stock.LetGo(t.Context(), cartID); err != nil {
					t.Fatal(err)
				}
			}
			w.Levels("MUG-1", 1, 0, 0)
			w.Stocked("MUG-1", left)
			w.Buy(orderID)
			o := w.Place(orderID)
			if o.Flagged(order.Oversold) != (left == 0) {
				t.Errorf("flags: %v", o.Flags)
			}
			if list := w.Approved(cartID); len(list) > 0 {
				t.Errorf("still approved: %v", list)
			}
		})
	}
}
