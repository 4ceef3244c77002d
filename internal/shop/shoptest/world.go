// Package shoptest is the one world for tests of a shop: a real database and Redis, a fake
// Klarna, one or more processes of the shop, its shoppers and its staff.
//
// A test asks for a world with New, or with Serve for one that listens, and finds
// the parts of its first process in it: w.Book, w.Carts, w.KCO. What every test
// must hold is held when it ends: nothing panicked, and no log has a word of
// what a shopper typed.
package shoptest

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/until"
)

// Secret is what the shop of a world signs with.
const Secret = "a secret for the tests"

// The addresses of a world that does not listen. Klarna's callbacks to it are
// answered as a shop answers that agrees to everything.
const (
	PublicURL   = "http://shop.example"
	CallbackURL = "http://shop.internal"
)

// The staff of a world, with the lowest cost that bcrypt has: ada and
// bea may manage, bo may look. All have the same password.
const (
	Staff = "ada:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y\n" +
		"bo:view:$2a$04$ZSNPQ5qNa06grQNyg9pj7uaImC7uxHsPUK95SmjSgUxT3.abCEdMi\n" +
		"bea:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y"
	Password = "correct horse"
)

// Sweden is where shoppers are when nothing else is said.
var Sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

// Options are what a world differs in from the usual one; the zero value is that one.
type Options struct {
	Fake    fakeklarna.Options // a PushDelay of 0 is an hour: most tests push by hand
	Redis   *redistest.Server  // nil: a server of the package's, flushed
	DB      *db.DB             // nil: an empty one of PostgreSQL
	URL     string             // of the database; "": an empty one of PostgreSQL, when DB is nil
	Version *publish.Version   // of all processes; nil: the demo's
	// Config changes the settings of the first process.
	Config func(*shop.Config)
}

// World is a shop with all that is around it.
type World struct {
	*shop.Shop // the first process

	T         testing.TB
	Fake      *fakeklarna.TestServer
	DB        *db.DB // of all processes
	url       string // of the database; "" where the test brought it
	Redis     *redistest.Server
	Client    redis.UniversalClient // of the first process
	URL       string                // where the first process listens, "" where none does
	Log       Log                   // of all processes
	Trips     atomic.Int64          // round trips to Redis of all processes: a command or a pipeline is one
	Published *publish.Published    // of all processes
}

// New returns a world whose shop does not listen: its parts are called directly.
func New(t testing.TB, o Options) *World {
	t.Helper()
	o.Fake.CallbackHosts = append(o.Fake.CallbackHosts, "shop.internal")
	if o.Fake.CallbackTransport == nil {
		o.Fake.CallbackTransport = fakeklarna.Agree()
	}
	w := newWorld(t, o)
	w.Shop, w.Client = w.process(PublicURL, CallbackURL, o.Config)
	w.seed()
	return w
}

// Serve returns a world whose shop listens on loopback, for browsers and for Klarna.
func Serve(t testing.TB, o Options) *World {
	t.Helper()
	w := newWorld(t, o)
	w.Shop, w.Client, w.URL = w.listen(o.Config)
	w.seed()
	return w
}

func newWorld(t testing.TB, o Options) *World {
	t.Helper()
	if o.Redis == nil {
		o.Redis = redistest.StartServer(t)
	}
	if o.Fake.PushDelay == 0 {
		o.Fake.PushDelay = time.Hour
	}
	if o.DB == nil {
		if o.URL == "" {
			o.URL = dbtest.PostgresURL(t)
		}
		o.DB = dbtest.Open(t, db.Config{URL: o.URL})
	}
	if o.Version == nil {
		o.Version = skerry.Version()
	}
	w := &World{T: t, DB: o.DB, url: o.URL, Redis: o.Redis, Fake: fakeklarna.NewServer(t, o.Fake), Published: publish.Fixed(o.Version)}
	t.Cleanup(w.logsNothingPrivate)
	t.Cleanup(func() {
		w.T = t // a subtest may have set another
		w.stockAdds()
	})
	return w
}

// Process is one more process of the shop, which does not listen.
func (w *World) Process(change func(*shop.Config)) *shop.Shop {
	w.T.Helper()
	s, _ := w.process(PublicURL, CallbackURL, change)
	return s
}

// Listen is one more process, and where it listens.
func (w *World) Listen(change func(*shop.Config)) (s *shop.Shop, url string) {
	w.T.Helper()
	s, _, url = w.listen(change)
	return s, url
}

func (w *World) listen(change func(*shop.Config)) (s *shop.Shop, rdb redis.UniversalClient, url string) {
	w.T.Helper()
	listener := httptest.NewUnstartedServer(nil)
	url = "http://" + listener.Listener.Addr().String()
	s, rdb = w.process(url, url, change)
	listener.Config.Handler = s.Server.Handler()
	listener.Start()
	w.T.Cleanup(listener.Close)
	return s, rdb, url
}

func (w *World) process(publicURL, callbackURL string, change func(*shop.Config)) (*shop.Shop, redis.UniversalClient) {
	w.T.Helper()
	members, err := team.Parse(Staff)
	if err != nil {
		w.T.Fatal(err)
	}
	c := shop.Config{
		PublicURL: publicURL, CallbackURL: callbackURL, Secret: Secret, Published: w.Published, Team: members,
		Klarna: shop.Klarna{
			URL: w.Fake.URL, Username: "demo", Password: "demo", Platform: ordermanagement.Klarna, Transport: http.DefaultTransport,
			BrowserOrigins: []string{w.Fake.URL}, Library: w.Fake.URL + "/kp/lib/v1/api.js",
		},
		BothCheckouts: true,
		Logger:        slog.New(observe.LogHandler(slog.NewTextHandler(&w.Log, nil))),
	}
	if change != nil {
		change(&c)
	}
	if c.DB == nil {
		c.DB = w.DB
	}
	if c.Redis == nil {
		c.Redis = w.Redis.Client()
	}
	c.Redis.AddHook(tripCounter{&w.Trips})
	s, err := shop.New(c)
	if err != nil {
		w.T.Fatal(err)
	}
	return s, c.Redis
}

// Beside runs a loop of a process beside the test, until it ends.
func (w *World) Beside(loop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.T.Context()))
	var running sync.WaitGroup
	running.Go(func() { loop(ctx) })
	w.T.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// seed writes the stock: it is the same for all processes.
func (w *World) seed() {
	w.T.Helper()
	if err := w.DB.Tx(w.T.Context(), func(tx *sql.Tx) error {
		return w.Stock.Seed(w.T.Context(), tx, w.Published.Now().Counted())
	}); err != nil {
		w.T.Fatal(err)
	}
}

// Landed waits until a fake Klarna has carried out what was to land late.
func Landed(t testing.TB, fake *fakeklarna.TestServer) {
	t.Helper()
	until.Holds(t, "calls that were to land late have landed", func() bool { return !slices.ContainsFunc(fake.Requests(""), Landing) })
}

// Landing reports whether a call is to land late, and has not yet.
func Landing(call fakeklarna.Request) bool {
	return slices.Contains(call.Faults, "late") && call.DurationMS == 0
}

// On makes a process use a Redis client, and Klarna a transport: what may be nil
// stays as it is.
func On(rdb redis.UniversalClient, transport http.RoundTripper) func(*shop.Config) {
	return func(c *shop.Config) {
		c.Redis = rdb
		if transport != nil {
			c.Klarna.Transport = transport
		}
	}
}

// Number is the number that a query of the database answers.
func (w *World) Number(query string, args ...any) (n int64) {
	w.T.Helper()
	if err := w.DB.Read.QueryRowContext(w.T.Context(), query, args...).Scan(&n); err != nil {
		w.T.Fatal(err)
	}
	return n
}

// Text is the text that a query of the database answers.
func (w *World) Text(query string, args ...any) (text string) {
	w.T.Helper()
	if err := w.DB.Read.QueryRowContext(w.T.Context(), query, args...).Scan(&text); err != nil {
		w.T.Fatal(err)
	}
	return text
}

// Exec runs a statement in the database.
func (w *World) Exec(query string, args ...any) {
	w.T.Helper()
	if _, err := w.DB.Exec(w.T.Context(), query, args...); err != nil {
		w.T.Fatal(err)
	}
}

// SetRecord stores another record of an order, as another version may.
func (w *World) SetRecord(orderID, record string) {
	w.T.Helper()
	w.Exec("update orders set record = $2 where order_id = $1", orderID, record)
}

// Record is an order as it is stored.
func (w *World) Record(orderID string) string {
	w.T.Helper()
	return w.Text("select record from orders where order_id = $1", orderID)
}
