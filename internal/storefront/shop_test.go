package storefront_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/storefront"
)

// shop is a whole shop in process, on a real Redis and the fake Klarna.
type shop struct {
	t     testing.TB
	url   string
	fake  *fakeklarna.TestServer
	redis *redistest.Server
	log   logBuffer // of all its processes
	carts *cart.Store
	wants *kco.Wants
	list  *kco.LeftBehind
	book  *order.Book
	trips atomic.Int64 // round trips to Redis of all its processes
	// handler is what the process that was started last serves.
	handler http.Handler
}

// sameSession is a cookie jar that sends to any host what was set by one.
type sameSession struct {
	http.CookieJar
	host string
}

// Cookies returns the cookies of the one host.
func (j sameSession) Cookies(*url.URL) []*http.Cookie {
	u, _ := url.Parse(j.host)
	return j.CookieJar.Cookies(u)
}

// SetCookies sets them for the one host.
func (j sameSession) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	u, _ := url.Parse(j.host)
	j.CookieJar.SetCookies(u, cookies)
}

// tripCounter counts round trips: a command or a pipeline is one.
type tripCounter struct{ n *atomic.Int64 }

func (c tripCounter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c tripCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c tripCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}

func newShop(t testing.TB, o fakeklarna.Options) *shop {
	t.Helper()
	return newShopOn(t, redistest.StartServer(t), o)
}

// newShopOn is newShop on a Redis that shops share: their carts and sessions do not meet.
func newShopOn(t testing.TB, rdb *redistest.Server, o fakeklarna.Options) *shop {
	t.Helper()
	if o.PushDelay == 0 {
		o.PushDelay = time.Hour // these tests do without
	}
	s := &shop{t: t, fake: fakeklarna.NewServer(t, o), redis: rdb}
	s.url = s.serve(rdb.Client())
	t.Cleanup(func() {
		if log := s.log.String(); strings.Contains(log, "panic") {
			t.Errorf("a panic:\n%s", log)
		}
	})
	return s
}

// serve starts one more process of the shop, as far as anybody can tell.
func (s *shop) serve(rdb redis.UniversalClient) string {
	s.t.Helper()
	rdb.AddHook(tripCounter{&s.trips})
	listener := httptest.NewUnstartedServer(nil)
	publicURL := "http://" + listener.Listener.Addr().String()
	logger := slog.New(server.LogHandler(slog.NewTextHandler(&s.log, nil)))
	transport, err := klarna.NewClient(klarna.Config{BaseURL: s.fake.URL, Username: "demo", Password: "demo"})
	if err != nil {
		s.t.Fatal(err)
	}
	signer, err := kco.NewSigner("a secret for the tests")
	if err != nil {
		s.t.Fatal(err)
	}
	products, orders := catalog.Builtin(), kco.NewClient(transport)
	stock := catalog.NewStock(rdb, products)
	if err := stock.Seed(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.carts = cart.NewStore(rdb)
	pricer := &cart.Pricer{Catalog: products, PublicURL: publicURL}
	s.wants = &kco.Wants{Pricer: pricer, Signer: signer, PublicURL: publicURL, CallbackURL: publicURL}
	s.list = &kco.LeftBehind{Redis: rdb, Carts: s.carts, Stock: stock, Client: orders, Logger: logger}
	s.book = &order.Book{
		Redis: rdb, Management: ordermanagement.NewClientFor(transport, ordermanagement.Klarna), Checkout: orders, Signer: signer,
		Carts: s.carts, Stock: stock, LeftBehind: s.list, Logger: logger,
	}
	front := &storefront.Storefront{
		Catalog: products, Stock: stock, Carts: s.carts, Pricer: pricer, Orders: orders, Book: s.book, Logger: logger,
		Syncer: &kco.Syncer{
			Client: orders, Carts: s.carts, Stock: stock, Wants: s.wants, Logger: logger, LeftBehind: s.list,
		},
	}
	s.book.Payments = &payments.Syncer{
		Client: payments.NewClient(transport), Carts: s.carts, Stock: stock, Logger: logger,
		Authorizations: &payments.Authorizations{Redis: rdb},
		Wants:          &payments.Wants{Pricer: pricer, Signer: signer, PublicURL: publicURL, CallbackURL: publicURL},
	}
	front.Payments = &storefront.Payments{
		Syncer: s.book.Payments, Library: s.fake.URL + "/kp/lib/v1/api.js", Origins: []string{"https://library.example"}, Review: true,
	}
	front.Sessions = session.New(session.Options{Redis: rdb, Logger: logger, Fail: front.PageError})
	srv, err := server.New(server.Options{
		Storefront: front, Redis: rdb, Metrics: server.NewMetrics(rdb), Logger: logger,
		Callbacks: &callback.Callbacks{Signer: signer, Wants: s.wants, Carts: s.carts, Stock: stock, Book: s.book, Logger: logger},
		PublicURL: publicURL, BrowserOrigins: []string{s.fake.URL},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.handler = srv.Handler()
	listener.Config.Handler = s.handler
	listener.Start()
	s.t.Cleanup(listener.Close)
	return publicURL
}

// browser is a visitor with a cookie jar who does not follow redirects.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
	header http.Header // sent with each request
}

func (s *shop) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{t: s.t, base: s.url, header: http.Header{"Accept-Language": {"sv-SE"}}, client: &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a whole answer.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path, contentType, body string) answer {
	b.t.Helper()
	got, err := b.try(b.t.Context(), method, path, contentType, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b *browser) try(ctx context.Context, method, path, contentType, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	maps.Copy(req.Header, b.header)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return answer{res, string(data)}, err
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.do("GET", path, "", "") }

func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.do("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

// update is what the open checkout page sends.
func (b *browser) update(body string) answer {
	b.t.Helper()
	return b.do("POST", "/checkout/update", "application/json", body)
}

// add puts goods in the cart and demands success.
func (b *browser) add(sku, quantity string) {
	b.t.Helper()
	if got := b.post("/cart/lines", "sku", sku, "quantity", quantity); got.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("add %s: got %d\n%s", sku, got.StatusCode, got.body)
	}
}

// cart is the cart as JSON.
func (b *browser) cart() cartJSON {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", b.base+"/cart", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var c cartJSON
	if err := json.NewDecoder(res.Body).Decode(&c); err != nil {
		b.t.Fatal(err)
	}
	return c
}

type cartJSON struct {
	Revision       int64
	Country        string
	Locale         string
	Currency       string
	Lines          []lineJSON
	DiscountCode   string `json:"discount_code"`
	TotalAmount    int64  `json:"total_amount"`
	TotalTaxAmount int64  `json:"total_tax_amount"`
}

type lineJSON struct {
	SKU         string
	Name        string
	Quantity    int
	UnitPrice   int64 `json:"unit_price"`
	TotalAmount int64 `json:"total_amount"`
}

type updateJSON struct {
	OrderID          string `json:"order_id"`
	OrderAmount      int64  `json:"order_amount"`
	OrderTaxAmount   int64  `json:"order_tax_amount"`
	PurchaseCurrency string `json:"purchase_currency"`
	PurchaseCountry  string `json:"purchase_country"`
	Locale           string `json:"locale"`
	CartRevision     int64  `json:"cart_revision"`
	Replaced         bool   `json:"replaced"`
	HTMLSnippet      string `json:"html_snippet"`
	SummaryHTML      string `json:"summary_html"`
	Redirect         string `json:"redirect"`
	SKU              string `json:"sku"`  // of an error
	Left             *int   `json:"left"` // of sold_out
	Error            struct {
		Code      string `json:"code"`
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	} `json:"error"`
}

func (a answer) json(t testing.TB) updateJSON {
	t.Helper()
	var u updateJSON
	if err := json.Unmarshal([]byte(a.body), &u); err != nil {
		t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return u
}

// open loads the checkout and returns the one open order of the shop.
func (b *browser) open(s *shop) fakeklarna.Order {
	b.t.Helper()
	if got := b.get("/checkout"); got.StatusCode != http.StatusOK {
		b.t.Fatalf("checkout: got %d\n%s", got.StatusCode, got.body)
	}
	return s.order()
}

// order is the only order that is not aborted.
func (s *shop) order() fakeklarna.Order {
	s.t.Helper()
	var open []fakeklarna.Order
	for _, o := range s.fake.Orders() {
		if !o.Fake.Aborted && !o.Fake.Expired {
			open = append(open, o)
		}
	}
	if len(open) != 1 {
		s.t.Fatalf("got %d open orders, want 1", len(open))
	}
	return open[0]
}

// newest is the ID of the order that was made last, "" for none.
func (s *shop) newest() string {
	for _, o := range s.fake.Orders() {
		return o.OrderID
	}
	return ""
}

var shownOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// holds checks invariants 1 to 4 of design.md for a shopper: the checkout
// loads, its order is the cart's and says what the cart says, and every other
// open order is listed to be aborted. unknown is how many orders were made
// whose ID never reached the shop. It returns the order.
func (s *shop) holds(b *browser, unknown int) fakeklarna.Order {
	b.t.Helper()
	page := b.get("/checkout")
	if page.StatusCode != http.StatusOK {
		b.t.Fatalf("checkout: got %d\n%s", page.StatusCode, page.body)
	}
	id := shownOrder.FindStringSubmatch(page.body)
	if id == nil {
		b.t.Fatal("the checkout shows no order")
	}
	order, err := s.list.Client.GetOrder(b.t.Context(), id[1])
	if err != nil {
		b.t.Fatal(err)
	}
	cartID, err := s.wants.Signer.Verify(order.MerchantData)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := s.carts.Get(b.t.Context(), cartID, cart.Fallback{})
	if err != nil {
		b.t.Fatal(err)
	}
	if shown := b.cart(); c.OrderID != order.OrderID || c.Revision != shown.Revision || int64(order.OrderAmount) != shown.TotalAmount {
		b.t.Errorf("the shopper's cart is at revision %d with %d to pay; order %s is that of cart revision %d with order %s and %d",
			shown.Revision, shown.TotalAmount, order.OrderID, c.Revision, c.OrderID, order.OrderAmount)
	}
	want, _, err := s.wants.Want(c)
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := kco.Differences(want, order); len(diff) > 0 {
		b.t.Errorf("cart and order differ in %v", diff)
	}
	left, _, err := s.list.List(b.t.Context(), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	var shown fakeklarna.Order
	for _, o := range s.fake.Orders() {
		switch {
		case o.OrderID == order.OrderID:
			shown = o
		case o.Fake.Aborted || o.Fake.Expired || o.Status == fakeklarna.StatusComplete || slices.ContainsFunc(left, func(l kco.Left) bool { return !l.Aborted && l.OrderID == o.OrderID }):
		default:
			unknown--
		}
	}
	if unknown != 0 {
		b.t.Errorf("further open orders that nobody will abort: %d more than expected", -unknown)
	}
	return shown
}

// quantities are the goods of an order, by SKU.
func quantities(o fakeklarna.Order) map[string]int64 {
	q := map[string]int64{}
	for _, line := range o.OrderLines {
		if line.Type == "physical" || line.Type == "digital" {
			q[line.Reference] = line.Quantity
		}
	}
	return q
}

// calls counts the API calls by kind since n calls ago were made.
func (s *shop) calls(since int) map[string]int {
	s.t.Helper()
	counts := map[string]int{}
	for _, r := range s.fake.Requests("")[since:] {
		switch {
		case r.Method == "GET":
			counts["read"]++
		case strings.HasSuffix(r.Path, "/abort"):
			counts["abort"]++
		case strings.HasSuffix(r.Path, "/orders"):
			counts["create"]++
		default:
			counts["update"]++
		}
	}
	return counts
}
