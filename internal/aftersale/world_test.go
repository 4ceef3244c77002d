package aftersale_test

import (
	"flag"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/aftersale"
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

// world is a shop that does not listen, seen by its desk.
type world struct{ *shoptest.World }

func newWorld(t testing.TB, rdb *redistest.Server) *world {
	t.Helper()
	return &world{shoptest.New(t, shoptest.Options{Redis: rdb})}
}

// another is the desk of one more process, on a Redis client and with a transport
// to Klarna; nil: ones of its own.
func (w *world) another(rdb redis.UniversalClient, transport http.RoundTripper) *aftersale.Desk {
	w.T.Helper()
	return w.Process(shoptest.On(rdb, transport)).Desk
}

func amount(n int64) func(*order.Command) {
	return func(c *order.Command) { c.Amount = moneyOf(n) }
}
