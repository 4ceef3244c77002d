package storefront_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// shopWorld is a shop that listens, seen by its shoppers.
type shopWorld struct{ *shoptest.World }

func newShop(t testing.TB, o fakeklarna.Options) *shopWorld {
	t.Helper()
	return newShopOn(t, nil, o)
}

// newShopOn is newShop on a Redis that shops share: their carts and sessions do not meet.
func newShopOn(t testing.TB, rdb *redistest.Server, o fakeklarna.Options) *shopWorld {
	t.Helper()
	return &shopWorld{shoptest.Serve(t, shoptest.Options{Redis: rdb, Fake: o, Config: review})}
}

// review offers the flow of Klarna Payments that has two pages, and no back office.
func review(c *shop.Config) {
	c.Published = shoptest.Published(func(s *settings.Shop) { s.Checkout.Review = true })
	c.Klarna.LibraryOrigins = []string{"https://library.example"}
	c.Team = nil
}

// serve starts one more process of the shop on a Redis, and returns where it listens.
func (s *shopWorld) serve(rdb redis.UniversalClient) (process *shop.Shop, url string) {
	s.T.Helper()
	return s.Listen(func(c *shop.Config) {
		review(c)
		c.Redis = rdb
	})
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

// browser is a shopper's.
type browser struct{ shoptest.Browser }

func (s *shopWorld) browser() *browser { s.T.Helper(); return &browser{*s.Browser()} }

// cart is the cart as JSON.
func (b *browser) cart() (c cartJSON) {
	b.T.Helper()
	b.JSON("/cart", &c)
	return c
}

type cartJSON struct {
	Revision     int64
	Country      string
	Locale       string
	Currency     string
	Lines        []lineJSON
	DiscountCode string `json:"discount_code"`
	Unavailable  []lineJSON
	// DiscountProblem is zero when the code has an effect.
	DiscountProblem struct{ Code, Message string } `json:"discount_problem"`
	TotalAmount     int64                          `json:"total_amount"`
	TotalTaxAmount  int64                          `json:"total_tax_amount"`
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

// updateOf reads an answer of the update endpoint.
func updateOf(t testing.TB, a shoptest.Answer) (u updateJSON) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Text), &u); err != nil {
		t.Fatalf("%d %s: %v", a.StatusCode, a.Text, err)
	}
	return u
}

// open loads the checkout and returns the one open order of the shop.
func (b *browser) open(s *shopWorld) fakeklarna.Order {
	b.T.Helper()
	if got := b.Get("/checkout"); got.StatusCode != http.StatusOK {
		b.T.Fatalf("checkout: got %d\n%s", got.StatusCode, got.Text)
	}
	return s.order()
}

// order is the only order that is not aborted.
func (s *shopWorld) order() fakeklarna.Order {
	s.T.Helper()
	var open []fakeklarna.Order
	for _, o := range s.Fake.Orders() {
		if !o.Fake.Aborted && !o.Fake.Expired {
			open = append(open, o)
		}
	}
	if len(open) != 1 {
		s.T.Fatalf("got %d open orders, want 1", len(open))
	}
	return open[0]
}

// newest is the ID of the order that was made last, "" for none.
func (s *shopWorld) newest() string {
	for _, o := range s.Fake.Orders() {
		return o.OrderID
	}
	return ""
}

var shownOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// holds checks invariants 1 to 4 of design.md for a shopper: the checkout
// loads, its order is the cart's and says what the cart says, and every other
// open order is listed to be aborted. unknown is how many orders were made
// whose ID never reached the shop. It returns the order.
func (s *shopWorld) holds(b *browser, unknown int) fakeklarna.Order {
	b.T.Helper()
	page := b.Get("/checkout")
	if page.StatusCode != http.StatusOK {
		b.T.Fatalf("checkout: got %d\n%s", page.StatusCode, page.Text)
	}
	id := shownOrder.FindStringSubmatch(page.Text)
	if id == nil {
		b.T.Fatal("the checkout shows no order")
	}
	order, err := s.LeftBehind.Client.GetOrder(b.T.Context(), id[1])
	if err != nil {
		b.T.Fatal(err)
	}
	cartID, err := s.KCO.Wants.Signer.Verify(order.MerchantData)
	if err != nil {
		b.T.Fatal(err)
	}
	c, err := s.Carts.Get(b.T.Context(), cartID, cart.Fallback{})
	if err != nil {
		b.T.Fatal(err)
	}
	if shown := b.cart(); c.OrderID != order.OrderID || c.Revision != shown.Revision || int64(order.OrderAmount) != shown.TotalAmount {
		b.T.Errorf("the shopper's cart is at revision %d with %d to pay; order %s is that of cart revision %d with order %s and %d",
			shown.Revision, shown.TotalAmount, order.OrderID, c.Revision, c.OrderID, order.OrderAmount)
	}
	want, _, err := s.KCO.Wants.Want(c)
	if err != nil {
		b.T.Fatal(err)
	}
	if diff := kco.Differences(want, order); len(diff) > 0 {
		b.T.Errorf("cart and order differ in %v", diff)
	}
	listed := shoptest.ToAbort(b.T, s.LeftBehind)
	var shown fakeklarna.Order
	for _, o := range s.Fake.Orders() {
		switch {
		case o.OrderID == order.OrderID:
			shown = o
		case o.Fake.Aborted || o.Fake.Expired || o.Status == fakeklarna.StatusComplete || slices.Contains(listed, o.OrderID):
		default:
			unknown--
		}
	}
	if unknown != 0 {
		b.T.Errorf("further open orders that nobody will abort: %d more than expected", -unknown)
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
func (s *shopWorld) calls(since int) map[string]int {
	s.T.Helper()
	counts := map[string]int{}
	for _, r := range s.Fake.Requests("")[since:] {
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
