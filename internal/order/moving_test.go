package order_test

import (
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/redistest"
)

// The book's slot moves to another server of the Cluster while orders are placed:
// they are, there or here, without an error.
func TestBookMoves(t *testing.T) {
	w := newWorld(t, redistest.Cluster(t))
	cartID, orderID := w.sale()
	w.place(orderID) // now the client knows where the book is
	carts := map[string]string{orderID: cartID}
	for range 8 {
		cartID, orderID := w.sale()
		carts[orderID] = cartID
	}
	var wg sync.WaitGroup
	wg.Go(func() { w.redis.MoveSlot("{orders}", 100*time.Millisecond) })
	for orderID := range carts {
		wg.Go(func() { w.place(orderID) })
	}
	wg.Wait()
	for orderID, cartID := range carts {
		w.once(cartID, orderID)
	}
}
