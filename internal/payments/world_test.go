package payments_test

import (
	"context"
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// world is a shop that does not listen, with a cart that is bought by Klarna Payments.
type world struct {
	*shoptest.World
	cartID string
}

func newWorld(t testing.TB, rdb *redistest.Server) *world {
	t.Helper()
	return &world{shoptest.New(t, shoptest.Options{Redis: rdb}), cart.NewID()}
}

func (w *world) client(password string, transport http.RoundTripper) *payments.Client {
	w.T.Helper()
	api, err := klarna.NewClient(klarna.Config{BaseURL: w.Fake.URL, Username: "demo", Password: password, Transport: transport})
	if err != nil {
		w.T.Fatal(err)
	}
	return payments.NewClient(api)
}

var sweden = shoptest.Sweden

func (w *world) change(ch cart.Change) cart.Cart {
	w.T.Helper()
	return w.Change(w.cartID, ch)
}

// put sets the quantity of a SKU.
func (w *world) put(sku string, quantity int) cart.Cart {
	w.T.Helper()
	return w.Put(w.cartID, sku, quantity)
}

// sync runs a Sync with 12 s, as under the session's lock.
func (w *world) sync(mode cartsync.Mode, sessionID string) (payments.Result, error) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), 12*time.Second)
	defer cancel()
	return w.Payments.Sync(ctx, payments.Request{CartID: w.cartID, Fallback: sweden, Mode: mode, SessionID: sessionID})
}

// open is a cart with two mugs and its session.
func (w *world) open() payments.Session {
	w.T.Helper()
	w.put("MUG-1", 2)
	got, err := w.sync(cartsync.Load, "")
	if err != nil || got.Outcome != cartsync.InSync || !got.Created {
		w.T.Fatalf("open: %+v, %v", got.Outcome, err)
	}
	return got.Session
}

// order is what a session's order must say.
func (w *world) order(sessionID string) payments.OrderRequest {
	w.T.Helper()
	session, err := w.Payments.Client.GetSession(w.T.Context(), sessionID)
	if err != nil {
		w.T.Fatal(err)
	}
	return w.Payments.Wants.Order(w.cartID, session.Content, session, settings.Form{})
}

func (w *world) cart() cart.Cart {
	w.T.Helper()
	return w.Cart(w.cartID)
}

// calls are the API calls of sessions so far.
func (w *world) calls() []string {
	w.T.Helper()
	calls := []string{}
	for _, r := range w.Fake.Requests("") {
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
	w.T.Helper()
	got, err := w.sync(cartsync.Load, "")
	if err != nil || got.Outcome != cartsync.InSync {
		w.T.Fatalf("the next load: outcome %d, %v", got.Outcome, err)
	}
	c := w.cart()
	want, _, err := w.Payments.Wants.Want(c)
	if err != nil {
		w.T.Fatal(err)
	}
	there, err := w.Payments.Client.GetSession(w.T.Context(), c.SessionID)
	if err != nil {
		w.T.Fatal(err)
	}
	if diff := payments.Differences(want, there); len(diff) > 0 || c.SessionID != got.Session.SessionID || there.ClientToken != got.Session.ClientToken {
		w.T.Errorf("cart and session differ in %v; the cart has session %s, the page %s", diff, c.SessionID, got.Session.SessionID)
	}
	return got.Session
}

// Most of what takes long here waits for a Klarna that does not answer, so more
// tests run at once than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "12")
	m.Run()
}
