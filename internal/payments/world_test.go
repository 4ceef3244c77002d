package payments_test

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redistest"
)

// world is a shop without pages: a cart, its payment session's sync, a fake
// Klarna and a Redis.
type world struct {
	t      testing.TB
	fake   *fakeklarna.TestServer
	redis  *redistest.Server
	carts  *cart.Store
	stock  *catalog.Stock
	syncer *payments.Syncer
	cartID string
}

const publicURL = "http://shop.example"

func newWorld(t testing.TB, rdb *redistest.Server) *world {
	t.Helper()
	w := &world{
		t: t, redis: rdb, cartID: cart.NewID(),
		fake: fakeklarna.NewServer(t, fakeklarna.Options{CallbackHosts: []string{"shop.internal"}, CallbackTransport: fakeklarna.Agree()}),
	}
	signer, err := kco.NewSigner("a secret for the tests")
	if err != nil {
		t.Fatal(err)
	}
	redisClient := rdb.Client()
	w.carts, w.stock = cart.NewStore(redisClient), catalog.NewStock(redisClient, catalog.Builtin())
	w.syncer = &payments.Syncer{
		Client: w.client("demo", http.DefaultTransport), Carts: w.carts, Stock: w.stock, Logger: slog.New(slog.DiscardHandler),
		Authorizations: &payments.Authorizations{Redis: redisClient},
		Wants: &payments.Wants{
			Pricer: &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: publicURL}, Signer: signer,
			PublicURL: publicURL, CallbackURL: "http://shop.internal",
		},
	}
	return w
}

func (w *world) client(password string, transport http.RoundTripper) *payments.Client {
	w.t.Helper()
	api, err := klarna.NewClient(klarna.Config{BaseURL: w.fake.URL, Username: "demo", Password: password, Transport: transport})
	if err != nil {
		w.t.Fatal(err)
	}
	return payments.NewClient(api)
}

var sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

func (w *world) change(ch cart.Change) cart.Cart {
	w.t.Helper()
	c, err := w.carts.Update(w.t.Context(), w.cartID, sweden, func(c *cart.Cart) error {
		return ch.Apply(&c.Contents, catalog.Builtin(), nil)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// put sets the quantity of a SKU.
func (w *world) put(sku string, quantity int) cart.Cart {
	w.t.Helper()
	return w.change(cart.Change{Set: []cart.Line{{SKU: sku, Quantity: quantity}}})
}

// sync runs a Sync with 12 s, as under the session's lock.
func (w *world) sync(mode cartsync.Mode, sessionID string) (payments.Result, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 12*time.Second)
	defer cancel()
	return w.syncer.Sync(ctx, payments.Request{CartID: w.cartID, Fallback: sweden, Mode: mode, SessionID: sessionID})
}

// open is a cart with two mugs and its session.
func (w *world) open() payments.Session {
	w.t.Helper()
	w.put("MUG-1", 2)
	got, err := w.sync(cartsync.Load, "")
	if err != nil || got.Outcome != cartsync.InSync || !got.Created {
		w.t.Fatalf("open: %+v, %v", got.Outcome, err)
	}
	return got.Session
}

// authorize approves a session as it is, in the browser.
func (w *world) authorize(sessionID string) (token string) {
	w.t.Helper()
	out, err := w.fake.Pay(sessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{
		Data: json.RawMessage(`{"billing_address":{"given_name":"Eva","family_name":"Lind","email":"eva@example.com","title":"Fru","country":"SE"}}`),
	}})
	if err != nil || out.AuthorizationToken == "" {
		w.t.Fatalf("authorize: %+v, %v", out, err)
	}
	return out.AuthorizationToken
}

// order is what a session's order must say.
func (w *world) order(sessionID string) payments.OrderRequest {
	w.t.Helper()
	session, err := w.syncer.Client.GetSession(w.t.Context(), sessionID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.syncer.Wants.Order(w.cartID, session.Content, session)
}

func (w *world) cart() cart.Cart {
	w.t.Helper()
	c, err := w.carts.Get(w.t.Context(), w.cartID, sweden)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// calls are the API calls of sessions so far.
func (w *world) calls() []string {
	w.t.Helper()
	calls := []string{}
	for _, r := range w.fake.Requests("") {
		switch {
		case r.Method == http.MethodGet:
			calls = append(calls, "read")
		case r.Method == http.MethodDelete:
			calls = append(calls, "release")
		case r.Path == "/payments/v1/sessions":
			calls = append(calls, "create")
		default:
			calls = append(calls, "update")
		}
	}
	return calls
}

// holds demands invariants 2 to 4: the next load works, and the cart's session
// says what the cart says. It returns the session.
func (w *world) holds() payments.Session {
	w.t.Helper()
	got, err := w.sync(cartsync.Load, "")
	if err != nil || got.Outcome != cartsync.InSync {
		w.t.Fatalf("the next load: outcome %d, %v", got.Outcome, err)
	}
	c := w.cart()
	want, _, err := w.syncer.Wants.Want(c)
	if err != nil {
		w.t.Fatal(err)
	}
	there, err := w.syncer.Client.GetSession(w.t.Context(), c.SessionID)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := payments.Differences(want, there); len(diff) > 0 || c.SessionID != got.Session.SessionID || there.ClientToken != got.Session.ClientToken {
		w.t.Errorf("cart and session differ in %v; the cart has session %s, the page %s", diff, c.SessionID, got.Session.SessionID)
	}
	return got.Session
}

// Most of what takes long here waits for a Klarna that does not answer, so more
// tests run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "24")
	m.Run()
}
