package order_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/redistest"
)

// world is a shop without pages: carts, their orders at a fake Klarna, and the
// order book on a Redis.
type world struct {
	t      testing.TB
	fake   *fakeklarna.TestServer
	redis  *redistest.Server
	rdb    redis.UniversalClient
	carts  *cart.Store
	wants  *kco.Wants
	orders *kco.Client
	log    logBuffer
	book   *order.Book
}

// logBuffer is what all books of a world log.
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

// identifiers are what a log names things by: UUIDs, and the times of its lines.
var identifiers = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|time=\S+`)

const secret = "a secret for the tests"

func newWorld(t testing.TB, rdb *redistest.Server) *world {
	t.Helper()
	w := &world{t: t, fake: fakeklarna.NewServer(t, fakeklarna.Options{CallbackHosts: []string{"shop.internal"}, CallbackTransport: fakeklarna.Agree()}), redis: rdb}
	w.rdb = w.redis.Client()
	w.book = w.newBook(w.rdb, http.DefaultTransport)
	w.orders = w.book.Checkout
	w.wants = &kco.Wants{
		Pricer:    &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: "http://shop.example"},
		Signer:    w.book.Signer,
		PublicURL: "http://shop.example", CallbackURL: "http://shop.internal",
	}
	w.carts = cart.NewStore(w.rdb)
	t.Cleanup(func() {
		// Invariant 9: no log says who bought. The digits of an ID may look like a postal code.
		log := identifiers.ReplaceAllString(w.log.String(), "")
		for _, o := range w.fake.Orders() {
			for member, typed := range o.Fake.Typed {
				if member != "country" && len(typed) > 2 && strings.Contains(log, typed) {
					t.Errorf("the log has the shopper's %s", member)
				}
			}
		}
	})
	return w
}

// newBook is the order book of one more process.
func (w *world) newBook(rdb redis.UniversalClient, transport http.RoundTripper) *order.Book {
	w.t.Helper()
	api, err := klarna.NewClient(klarna.Config{BaseURL: w.fake.URL, Username: "demo", Password: "demo", Transport: transport})
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := kco.NewSigner(secret)
	if err != nil {
		w.t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(&w.log, nil))
	stock, carts, checkout := catalog.NewStock(rdb, catalog.Builtin()), cart.NewStore(rdb), kco.NewClient(api)
	if err := stock.Seed(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return &order.Book{
		Redis: rdb, Management: ordermanagement.NewClientFor(api, ordermanagement.Klarna), Checkout: checkout, Signer: signer, Carts: carts, Stock: stock, Logger: logger,
		LeftBehind: &kco.LeftBehind{Redis: rdb, Carts: carts, Stock: stock, Client: checkout, Logger: logger},
	}
}

var sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

// put sets the quantity of a SKU in a cart.
func (w *world) put(cartID, sku string, quantity int) {
	w.t.Helper()
	ch := cart.Change{Set: []cart.Line{{SKU: sku, Quantity: quantity}}}
	if _, err := w.carts.Update(w.t.Context(), cartID, sweden, func(c *cart.Cart) error {
		return ch.Apply(&c.Contents, catalog.Builtin(), nil)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// open makes an order at Klarna for what the cart says, the cart's newest.
func (w *world) open(cartID string) (orderID string) {
	w.t.Helper()
	c := w.cart(cartID)
	content, _, err := w.wants.Want(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.create(cartID, content)
}

func (w *world) create(cartID string, content kco.Content) (orderID string) {
	w.t.Helper()
	o, err := w.orders.CreateOrder(w.t.Context(), content)
	if err != nil {
		w.t.Fatal(err)
	}
	if set, _, err := w.carts.SetOrderID(w.t.Context(), cartID, w.cart(cartID).OrderID, o.OrderID, nil); err != nil || !set {
		w.t.Fatal(set, err)
	}
	return o.OrderID
}

func (w *world) cart(id string) cart.Cart {
	w.t.Helper()
	c, err := w.carts.Get(w.t.Context(), id, sweden)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// buy presses the button in the iframe. typed are address members, by name and text.
func (w *world) buy(orderID string, typed ...string) {
	w.t.Helper()
	action := fakeklarna.Action{Type: map[string]string{}, Buy: &fakeklarna.Buy{}}
	for i := 0; i < len(typed); i += 2 {
		action.Type[typed[i]] = typed[i+1]
	}
	if out, err := w.fake.Shopper(orderID, action); err != nil || out.Refused != nil {
		w.t.Fatalf("buy: %+v, %v", out, err)
	}
}

// sale is a cart with two mugs and a jam, bought.
func (w *world) sale(typed ...string) (cartID, orderID string) {
	w.t.Helper()
	cartID = cart.NewID()
	w.put(cartID, "MUG-1", 2)
	w.put(cartID, "JAM-1", 1)
	orderID = w.open(cartID)
	w.reserve(cartID, orderID, time.Now())
	w.buy(orderID, typed...)
	return cartID, orderID
}

// reserve does what the validation of a purchase does.
func (w *world) reserve(cartID, orderID string, made time.Time) {
	w.t.Helper()
	var lines []catalog.ReservedLine
	for _, line := range w.cart(cartID).Lines {
		lines = append(lines, catalog.ReservedLine(line))
	}
	if err := w.stock().Reserve(w.t.Context(), catalog.Reservation{CartID: cartID, OrderID: orderID, Lines: lines, Made: made}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stock() *catalog.Stock { return w.book.Stock }

// left is the stock of a SKU.
func (w *world) left(sku string) int {
	w.t.Helper()
	left, err := w.stock().Left(w.t.Context(), sku)
	if err != nil {
		w.t.Fatal(err)
	}
	return left[sku]
}

// place places an order and demands success.
func (w *world) place(orderID string) order.Order {
	w.t.Helper()
	o, err := w.book.Place(w.t.Context(), orderID)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// keys are the keys of the book that match a pattern, sorted.
func (w *world) keys(pattern string) []string {
	w.t.Helper()
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
	if cluster, ok := w.rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(w.t.Context(), scan)
	} else {
		err = scan(w.t.Context(), w.rdb.(*redis.Client))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// once holds invariant 6 for a sale: it is in the book exactly once, Klarna has
// its number and the acknowledgement, and what was bought is out of the cart.
func (w *world) once(cartID, orderID string) order.Order {
	w.t.Helper()
	o, found, err := w.book.ByOrderID(w.t.Context(), orderID)
	if err != nil || !found {
		w.t.Fatalf("the order is not in the book: %v", err)
	}
	if byNumber, found, err := w.book.ByNumber(w.t.Context(), o.Number); err != nil || !found || byNumber.OrderID != orderID {
		w.t.Errorf("by number %s: got %q, %v, %v", o.Number, byNumber.OrderID, found, err)
	}
	numbers := 0
	for _, key := range w.keys("shopd:{orders}:number:*") {
		if id, err := w.rdb.Get(w.t.Context(), key).Result(); err != nil || id == orderID {
			numbers++
		}
	}
	placed, err := w.rdb.ZRange(w.t.Context(), "shopd:{orders}:placed", 0, -1).Result()
	if err != nil || numbers != 1 || len(slices.DeleteFunc(placed, func(n string) bool { return n != o.Number })) != 1 {
		w.t.Errorf("the order has %d numbers, and is listed as %v (%v)", numbers, placed, err)
	}
	there, _ := w.fake.Order(orderID)
	if !there.Fake.Acknowledged || there.Fake.OrderManagement.MerchantReference1 != o.Number {
		t := there.Fake.OrderManagement
		w.t.Errorf("Klarna has number %q for %q, acknowledged %v", t.MerchantReference1, o.Number, there.Fake.Acknowledged)
	}
	if !o.Acknowledged || !o.CartClosed {
		w.t.Errorf("the book says acknowledged %v, cart closed %v", o.Acknowledged, o.CartClosed)
	}
	c := w.cart(cartID)
	if !c.BoughtBy(orderID) || c.OrderID == orderID {
		w.t.Errorf("the cart is not closed: order %q, bought by %v", c.OrderID, c.Bought)
	}
	if _, running, err := w.stock().Reservation(w.t.Context(), cartID); err != nil || running {
		w.t.Errorf("there is still a reservation: %v, %v", running, err)
	}
	return o
}

// acknowledgedOnlyStored holds the other half of invariant 6 at any moment.
func (w *world) acknowledgedOnlyStored(orderID string) {
	w.t.Helper()
	there, _ := w.fake.Order(orderID)
	if !there.Fake.Acknowledged {
		return
	}
	if _, found, err := w.book.ByOrderID(w.t.Context(), orderID); err != nil || !found {
		w.t.Errorf("acknowledged and not in the book: %v", err)
	}
}

// errKilled is what a process sees that does not live any more.
var errKilled = errors.New("killed")

// reaper kills a process at its n-th call of Klarna or Redis: that call and all
// after it fail. When late, the call itself is carried out and its answer lost.
type reaper struct {
	mu   sync.Mutex
	n    int // calls until death
	late bool
	dead bool
}

// call runs one call in the life of the process.
func (r *reaper) call(do func() error) error {
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return errKilled
	}
	r.n--
	r.dead = r.n <= 0
	last, late := r.dead, r.late
	r.mu.Unlock()
	if !last {
		return do()
	}
	if late {
		_ = do()
	}
	return errKilled
}

func (r *reaper) died() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// RoundTrip is a call of Klarna.
func (r *reaper) RoundTrip(req *http.Request) (res *http.Response, err error) {
	err = r.call(func() error {
		res, err = http.DefaultTransport.RoundTrip(req)
		return err
	})
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// DialHook leaves connections alone.
func (r *reaper) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is a call of Redis.
func (r *reaper) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := r.call(func() error { return next(ctx, cmd) })
		if errors.Is(err, errKilled) {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is a call of Redis.
func (r *reaper) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return r.call(func() error { return next(ctx, cmds) })
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
