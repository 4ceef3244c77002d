package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/story"
)

const (
	secret    = "a secret for the tests"
	oldSecret = "the secret of yesterday"
	publicURL = "http://shop.example"
)

// names are the callbacks.
var names = []string{"push", "notification", "validation", "address_update", "shipping_option_update", "country_change"}

// world is a shop that only Klarna calls.
type world struct {
	t       testing.TB
	redis   *redistest.Server
	carts   *cart.Store
	wants   *kco.Wants
	stock   *stock
	book    *book
	log     logBuffer
	handler http.Handler

	mu      sync.Mutex
	results []string // "callback result", as the observer was told
}

// Record and Counts make a world the story of its shop.
func (w *world) Record(e story.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results = append(w.results, e.Operation+" "+e.Result)
}

func (*world) Counts() (written, dropped int64) { return 0, 0 }

// stock is a stock that refuses on demand and keeps what was reserved.
type stock struct {
	mu       sync.Mutex
	reserved []catalog.Reservation
	err      error
}

func (s *stock) Reserve(_ context.Context, r catalog.Reservation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.reserved = append(s.reserved, r)
	return nil
}

// book is an order book that answers on demand.
type book struct {
	mu    sync.Mutex
	calls []string
	err   error
	wait  chan struct{} // not nil: answers when it is closed
	panic bool
	ended chan error // the context's error at the end of a call
}

func (b *book) Place(ctx context.Context, orderID string) (order.Order, error) {
	return b.tell(ctx, "place "+orderID)
}

func (b *book) Refresh(ctx context.Context, orderID string) (order.Order, error) {
	return b.tell(ctx, "refresh "+orderID)
}

func (b *book) tell(ctx context.Context, call string) (order.Order, error) {
	b.mu.Lock()
	b.calls = append(b.calls, call)
	b.mu.Unlock()
	if b.panic {
		panic("the book fell down")
	}
	if b.wait != nil {
		<-b.wait
		b.ended <- ctx.Err()
	}
	return order.Order{}, b.err
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// personal is what a shopper types; no log may have any of it.
var personal = []string{"Testperson", "Approved", "ada@example.com", "Stårgatan", "12345", "99999", "+46701234567", "California"}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, redis: redistest.StartServer(t), stock: new(stock), book: new(book)}
	signer, err := kco.NewSigner(secret + "\n" + oldSecret)
	if err != nil {
		t.Fatal(err)
	}
	w.carts = cart.NewStore(w.redis.Client())
	w.wants = &kco.Wants{
		Pricer: &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: publicURL},
		Signer: signer, PublicURL: publicURL, CallbackURL: "http://shop.internal",
	}
	w.handler = serve(w.callbacks(w.carts))
	t.Cleanup(func() {
		for _, hidden := range append([]string{signer.CallbackToken(), secret}, personal...) {
			if strings.Contains(w.log.String(), hidden) {
				t.Errorf("the log has %q:\n%s", hidden, &w.log)
			}
		}
	})
	return w
}

func (w *world) callbacks(carts *cart.Store) *callback.Callbacks {
	return &callback.Callbacks{
		Signer: w.wants.Signer, Wants: w.wants, Carts: carts, Stock: w.stock, Book: w.book,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)), Observer: observetest.With(w.t, observe.Options{Story: w}),
	}
}

func serve(c *callback.Callbacks) http.Handler {
	router := chi.NewRouter()
	c.Routes(router)
	return router
}

// path is the address of a callback about an order.
func (w *world) path(name, orderID string) string {
	return "/klarna/" + w.wants.Signer.CallbackToken() + "/" + name + "?order_id=" + orderID
}

// call posts a callback.
func (w *world) call(path, body string) *http.Response {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest("POST", path, strings.NewReader(body)))
	return rec.Result()
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

// cart makes a cart with an order; edit may change it first.
func (w *world) cart(orderID string, edit func(*cart.Contents)) cart.Cart {
	w.t.Helper()
	id := cart.NewID()
	c, err := w.carts.Update(w.t.Context(), id, sweden, func(c *cart.Cart) error {
		c.Lines = []cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "BOK-1", Quantity: 1}}
		if edit != nil {
			edit(&c.Contents)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := w.carts.SetOrderID(w.t.Context(), id, "", orderID, nil); err != nil {
		w.t.Fatal(err)
	}
	c.OrderID = orderID
	return c
}

// now is a cart as it is stored now.
func (w *world) now(id string) cart.Cart {
	w.t.Helper()
	c, err := w.carts.Get(w.t.Context(), id, cart.Fallback{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// unchanged holds that a cart is as it was.
func (w *world) unchanged(before cart.Cart) {
	w.t.Helper()
	if diff := cmp.Diff(before, w.now(before.ID)); diff != "" {
		w.t.Errorf("the cart changed (-before +after):\n%s", diff)
	}
	if n := len(w.stock.reserved); n != 0 {
		w.t.Errorf("%d reservations, want none", n)
	}
}

// content is what the order of a cart says.
func (w *world) content(c cart.Cart) kco.Content {
	w.t.Helper()
	content, _, err := w.wants.Want(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

// person is somebody in a country.
func person(country string, change func(*klarna.Address)) klarna.Address {
	a := klarna.Address{
		GivenName: "Testperson", FamilyName: "Approved", Email: "ada@example.com", Phone: "+46701234567",
		StreetAddress: "Stårgatan 1", City: "Ankeborg", Country: country,
	}
	if change != nil {
		change(&a)
	}
	return a
}

// order is the cart's order as Klarna has it, with a shopper of the cart's country.
func (w *world) order(c cart.Cart) kco.Order {
	w.t.Helper()
	content := w.content(c)
	content.PurchaseCountry = strings.ToLower(content.PurchaseCountry) // as Klarna echoes it
	o := kco.Order{
		Content: content, OrderID: c.OrderID, Status: kco.StatusIncomplete,
		BillingAddress: person(c.Country, nil), ShippingAddress: person(c.Country, nil),
	}
	for i := range content.ShippingOptions {
		if content.ShippingOptions[i].Preselected {
			o.SelectedShippingOption = &content.ShippingOptions[i]
		}
	}
	return o
}

// body is the JSON of v with Klarna's further members, which are none of our business.
func (w *world) body(v any) string {
	w.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	return `{"customer":{"type":"person"},"merchant_requested":{"additional_checkboxes":[]},` + string(data[1:])
}

// change is the body of an address callback for an order.
func change(o kco.Order) kco.AddressChange {
	return kco.AddressChange{
		BillingAddress: o.BillingAddress, ShippingAddress: o.ShippingAddress, SelectedShippingOption: o.SelectedShippingOption,
		MerchantData: o.MerchantData, Locale: o.Locale,
	}
}

func salesTax(lines []klarna.OrderLine) money.Amount {
	for _, line := range lines {
		if line.Type == klarna.SalesTax {
			return line.TotalAmount
		}
	}
	return 0
}
