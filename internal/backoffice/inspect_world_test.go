package backoffice_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/go-chi/chi/v5"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/story"
)

// inspected is a shop as the inspector sees it.
type inspected struct {
	t      *testing.T
	fake   *fakeklarna.TestServer
	redis  *redistest.Server
	rdb    redis.UniversalClient
	syncer *kco.Syncer
	book   *order.Book
	story  *story.Log
	url    string

	mu  sync.Mutex
	log strings.Builder
}

func (w *inspected) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newInspected(t *testing.T) *inspected {
	t.Helper()
	w := &inspected{t: t, redis: redistest.StartServer(t), fake: fakeklarna.NewServer(t, fakeklarna.Options{
		CallbackHosts: []string{"shop.internal"}, CallbackTransport: fakeklarna.Agree(),
	})}
	w.rdb = w.redis.Client()
	logger := slog.New(slog.NewTextHandler(w, nil))
	w.story = story.New(story.Options{Redis: w.rdb, Logger: logger})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.story.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	api, err := klarna.NewClient(klarna.Config{BaseURL: w.fake.URL, Username: "demo", Password: "demo", Observer: observetest.With(t, observe.Options{Story: w.story})})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := kco.NewSigner("a secret for the tests")
	if err != nil {
		t.Fatal(err)
	}
	stock, carts, checkout := catalog.NewStock(w.rdb, catalog.Builtin()), cart.NewStore(w.rdb), kco.NewClient(api)
	if err := stock.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := &kco.LeftBehind{Redis: w.rdb, Carts: carts, Stock: stock, Client: checkout, Logger: logger}
	w.syncer = &kco.Syncer{Client: checkout, Carts: carts, Stock: stock, LeftBehind: left, Logger: logger, Wants: &kco.Wants{
		Pricer: &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: "http://shop.example"}, Signer: signer,
		PublicURL: "http://shop.example", CallbackURL: "http://shop.internal",
	}}
	w.book = &order.Book{
		Redis: w.rdb, Management: ordermanagement.NewClient(api), Checkout: checkout, Signer: signer, Carts: carts, Stock: stock,
		LeftBehind: left, Logger: logger,
	}
	team, err := backoffice.ParseTeam(staff)
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	(&backoffice.Backoffice{
		Book: w.book, Team: team, Sessions: session.NewStaff(w.rdb, false), Redis: w.rdb, Logger: logger, Story: w.story, Syncer: w.syncer,
	}).Routes(router)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// looker is somebody who is signed in and follows redirects.
type looker struct {
	w *inspected
	http.Client
}

func (w *inspected) signIn(name string) *looker {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	s := &looker{w: w, Client: http.Client{Jar: jar}}
	if page := s.post("/admin/sign-in", "name", name, "password", password); strings.Contains(page.text, "Sign in") && !strings.Contains(page.text, "Sign out") {
		w.t.Fatalf("%s is not signed in:\n%s", name, page.text)
	}
	return s
}

// sight is a page of the back office.
type sight struct {
	*goquery.Document
	status int
	text   string // of the whole page, spaces folded
}

func (s *looker) get(path string) sight {
	s.w.t.Helper()
	res, err := s.Get(s.w.url + path)
	return s.read(res, err)
}

func (s *looker) post(path string, fields ...string) sight {
	s.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	res, err := s.PostForm(s.w.url+path, form)
	return s.read(res, err)
}

func (s *looker) read(res *http.Response, err error) sight {
	s.w.t.Helper()
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	if err != nil {
		s.w.t.Fatal(err)
	}
	return sight{doc, res.StatusCode, strings.Join(strings.Fields(html.UnescapeString(doc.Find("main").Text()+doc.Find("header").Text())), " ")}
}

// inspect looks something up.
func (s *looker) inspect(q string) sight {
	s.w.t.Helper()
	return s.get("/admin/inspect?" + url.Values{"q": {q}}.Encode())
}

// texts are the texts of what a selector finds.
func (p sight) texts(selector string) []string {
	return p.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

// put sets the quantity of a SKU in a cart.
func (w *inspected) put(cartID, sku string, quantity int) {
	w.t.Helper()
	change := cart.Change{Set: []cart.Line{{SKU: sku, Quantity: quantity}}}
	if _, err := w.syncer.Carts.Update(w.t.Context(), cartID, cart.Fallback{Country: "SE", Locale: "sv-SE"}, func(c *cart.Cart) error {
		return change.Apply(&c.Contents, catalog.Builtin(), nil)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// sync is a shopper's checkout page; it returns the cart's order.
func (w *inspected) sync(cartID string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 12*time.Second)
	defer cancel()
	result, err := w.syncer.Sync(ctx, kco.Request{CartID: cartID, Mode: cartsync.Load})
	if err != nil {
		w.t.Fatal(err)
	}
	return result.OrderID
}

// cart is one with three mugs and its order.
func (w *inspected) cart() (cartID, orderID string) {
	w.t.Helper()
	cartID = cart.NewID()
	w.put(cartID, "MUG-1", 3)
	return cartID, w.sync(cartID)
}

func (w *inspected) buy(orderID string) order.Order {
	w.t.Helper()
	if out, err := w.fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		w.t.Fatalf("buy: %+v, %v", out, err)
	}
	o, err := w.book.Place(w.t.Context(), orderID)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// settle waits until n entries of the story are written.
func (w *inspected) settle(n int) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		written, _ := w.story.Counts()
		if written >= int64(n) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d entries were written, want %d", written, n)
		}
	}
}
