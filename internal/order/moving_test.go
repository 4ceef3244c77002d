package order_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/internal/redistest"
)

// The book's slot moves to another server of the Cluster while orders are placed:
// they are, there or here, without an error.
func TestBookMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.Cluster(t))
	carts := map[string]string{} // by order
	place := func() {
		cartID, orderID := w.Sale()
		carts[orderID] = cartID
		w.Place(orderID)
	}
	for range 5 { // keys to move
		place()
	}
	for range 3 { // to each of the masters
		done := make(chan int, 1)
		go func() {
			defer close(done) // also where it fails, and has nothing to tell
			done <- w.Redis.MoveSlot("{orders}", 100*time.Millisecond)
		}()
		for moved := 0; moved == 0 && !t.Failed(); {
			place()
			select {
			case moved = <-done:
			default:
			}
		}
		if t.Failed() {
			return
		}
	}
	place()
	for orderID, cartID := range carts {
		w.once(cartID, orderID)
	}
}
