// Package shoptest is the one world for tests of a shop: a real Redis, a fake Klarna,
// processes of the shop, shoppers and staff.
//
// New makes a world whose parts are called directly: w.Book, w.Carts, w.KCO. Serve makes
// one that listens. At the end of each test the world checks that nothing panicked and that
// no log has a word that a shopper typed.
package shoptest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
)

// Secret is the shop's signing secret.
const Secret = "a secret for the tests"

// The addresses of a world that does not listen. Klarna's callbacks get the answers of a
// shop that agrees to everything.
const (
	PublicURL   = "http://shop.example"
	CallbackURL = "http://shop.internal"
)

// The staff of a world: ada and bea may manage, bo may look. All have the same password,
// with bcrypt's lowest cost.
const (
	Staff = "ada:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y\n" +
		"bo:view:$2a$04$ZSNPQ5qNa06grQNyg9pj7uaImC7uxHsPUK95SmjSgUxT3.abCEdMi\n" +
		"bea:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y"
	Password = "correct horse"
)

// Sweden is the market of shoppers, unless a test names another one.
var Sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

// Options change the usual world. The zero value changes nothing.
type Options struct {
	Fake  fakeklarna.Options // a PushDelay of 0 is an hour: most tests push by hand
	Redis *redistest.Server  // nil: a server of the package's, flushed
	// Config changes the settings of the first process.
	Config func(*shop.Config)
}

// World is a shop and its surroundings.
type World struct {
	*shop.Shop // the first process

	T       testing.TB
	Fake    *fakeklarna.TestServer
	Redis   *redistest.Server
	Client  redis.UniversalClient // of the first process
	URL     string                // where the first process listens, "" where none does
	Log     Log                   // of all processes
	Trips   atomic.Int64          // round trips to Redis of all processes: a command or a pipeline is one
	Catalog *catalog.Catalog
}

// New returns a world whose shop does not listen. Tests call its parts directly.
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
	w := &World{T: t, Redis: o.Redis, Fake: fakeklarna.NewServer(t, o.Fake), Catalog: catalog.Builtin()}
	t.Cleanup(w.logsNothingPrivate)
	return w
}

// Process makes one more process of the shop, without a listener.
func (w *World) Process(change func(*shop.Config)) *shop.Shop {
	w.T.Helper()
	s, _ := w.process(PublicURL, CallbackURL, change)
	return s
}

// Listen makes one more process with a listener and returns its address.
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
	team, err := backoffice.ParseTeam(Staff)
	if err != nil {
		w.T.Fatal(err)
	}
	c := shop.Config{
		PublicURL: publicURL, CallbackURL: callbackURL, Secret: Secret, Catalog: w.Catalog, Team: team,
		Klarna: shop.Klarna{
			URL: w.Fake.URL, Username: "demo", Password: "demo", Platform: ordermanagement.Klarna, Transport: http.DefaultTransport,
			BrowserOrigins: []string{w.Fake.URL}, Library: w.Fake.URL + "/kp/lib/v1/api.js",
		},
		Checkout: shop.Checkout{Both: true},
		Logger:   slog.New(observe.LogHandler(slog.NewTextHandler(&w.Log, nil))),
	}
	if change != nil {
		change(&c)
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

// Beside runs a loop of a process until the test ends.
func (w *World) Beside(loop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.T.Context()))
	var running sync.WaitGroup
	running.Go(func() { loop(ctx) })
	w.T.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// seed writes the stock once for all processes.
func (w *World) seed() {
	w.T.Helper()
	if err := w.Seed(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

// On gives a process another Redis client and another transport to Klarna. nil keeps the
// old one.
func On(rdb redis.UniversalClient, transport http.RoundTripper) func(*shop.Config) {
	return func(c *shop.Config) {
		c.Redis = rdb
		if transport != nil {
			c.Klarna.Transport = transport
		}
	}
}

// Keys returns the book's keys that match a pattern, sorted.
func (w *World) Keys(pattern string) []string {
	w.T.Helper()
	var keys []string
	var mu sync.Mutex
	scan := func(ctx context.Context, c *redis.Client) error {
		found, err := c.Keys(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, found...)
		return err
	}
	var err error
	if cluster, ok := w.Client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(w.T.Context(), scan)
	} else {
		err = scan(w.T.Context(), w.Client.(*redis.Client))
	}
	if err != nil {
		w.T.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// Replica returns a client of the master's replica, once it has caught up.
func (w *World) Replica() *redis.Client {
	w.T.Helper()
	port := ""
	for start := time.Now(); port == ""; time.Sleep(10 * time.Millisecond) {
		info, err := w.Client.Info(w.T.Context(), "replication").Result()
		if err != nil || time.Since(start) > 15*time.Second {
			w.T.Fatalf("no replica in %s (%v)", info, err)
		}
		if _, rest, ok := strings.Cut(info, "slave0:ip=127.0.0.1,port="); ok && strings.Contains(rest, "state=online") {
			port, _, _ = strings.Cut(rest, ",")
		}
	}
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, ReadTimeout: 300 * time.Millisecond, MaxRetries: -1, PoolSize: 10})
	w.T.Cleanup(func() { _ = c.Close() })
	return c
}
