package order_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The tests wait more than they work: for a Klarna that does not answer, for a loop.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8")
	m.Run()
}

// world is a shop that does not listen, seen by its order book.
type world struct{ *shoptest.World }

func newWorld(t testing.TB, rdb *redistest.Server) *world {
	t.Helper()
	return &world{shoptest.New(t, shoptest.Options{Redis: rdb})}
}

var sweden = shoptest.Sweden

// another is the order book of one more process, on a Redis client and with a
// transport to Klarna; nil: ones of its own.
func (w *world) another(rdb redis.UniversalClient, transport http.RoundTripper) *order.Book {
	w.T.Helper()
	return w.Process(shoptest.On(rdb, transport)).Book
}

// once holds invariant 6 for a sale: it is in the book exactly once, Klarna has
// its number and the acknowledgement, and what was bought is out of the cart.
func (w *world) once(cartID, orderID string) order.Order {
	w.T.Helper()
	o, found, err := w.Book.ByOrderID(w.T.Context(), orderID)
	if err != nil || !found {
		w.T.Fatalf("the order is not in the book: %v", err)
	}
	if byNumber, found, err := w.Book.ByNumber(w.T.Context(), o.Number); err != nil || !found || byNumber.OrderID != orderID {
		w.T.Errorf("by number %s: got %q, %v, %v", o.Number, byNumber.OrderID, found, err)
	}
	if n := w.Number("select count(*) from orders where order_id = $1", orderID); n != 1 {
		w.T.Errorf("the order is in the book %d times", n)
	}
	there, _ := w.Fake.Order(orderID)
	if !there.Fake.Acknowledged || there.Fake.OrderManagement.MerchantReference1 != o.Number {
		t := there.Fake.OrderManagement
		w.T.Errorf("Klarna has number %q for %q, acknowledged %v", t.MerchantReference1, o.Number, there.Fake.Acknowledged)
	}
	if !o.Acknowledged || !o.CartClosed {
		w.T.Errorf("the book says acknowledged %v, cart closed %v", o.Acknowledged, o.CartClosed)
	}
	c := w.Cart(cartID)
	if !c.BoughtBy(orderID) || c.OrderID == orderID {
		w.T.Errorf("the cart is not closed: order %q, bought by %v", c.OrderID, c.Bought)
	}
	if a, running, err := w.Stock.OfOrder(w.T.Context(), orderID); err != nil || running {
		w.T.Errorf("it is still an approved order: %+v, %v", a, err)
	}
	return o
}

// acknowledgedOnlyStored holds the other half of invariant 6 at any moment.
func (w *world) acknowledgedOnlyStored(orderID string) {
	w.T.Helper()
	there, _ := w.Fake.Order(orderID)
	if !there.Fake.Acknowledged {
		return
	}
	if _, found, err := w.Book.ByOrderID(w.T.Context(), orderID); err != nil || !found {
		w.T.Errorf("acknowledged and not in the book: %v", err)
	}
}

// without drops a member of a JSON answer.
func without(res *http.Response, member string) (*http.Response, error) {
	defer func() { _ = res.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return nil, err
	}
	delete(body, member)
	text, err := json.Marshal(body)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return res, err
}
