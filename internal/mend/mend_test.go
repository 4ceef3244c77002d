package mend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/underway"
)

// gate is the way to Klarna. It can keep tries of calls, which land when the test says so;
// whoever sent them has no answer.
type gate struct {
	of func(*http.Request) bool // which calls; nil: updates

	mu    sync.Mutex
	keep  int  // so many tries are kept
	shut  bool // no such call gets through
	dead  bool // nothing does
	kept  []*http.Request
	onTry func() // with each try that is kept
	after func() // once, after an update that got through
}

func isUpdate(r *http.Request) bool {
	parent := path.Dir(r.URL.Path)
	return r.Method == http.MethodPost && (strings.HasSuffix(parent, "/checkout/v3/orders") || strings.HasSuffix(parent, "/payments/v1/sessions"))
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	update := isUpdate(r)
	if g.of != nil {
		update = g.of(r)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return nil, errors.New("killed")
	}
	if !update || g.keep == 0 && !g.shut {
		after := g.after
		if update {
			g.after = nil
		}
		g.mu.Unlock()
		defer g.mu.Lock()
		res, err := http.DefaultTransport.RoundTrip(r)
		if update && after != nil {
			after()
		}
		return res, err
	}
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	if g.keep > 0 {
		g.keep--
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		later := r.Clone(context.WithoutCancel(r.Context()))
		later.Body = io.NopCloser(bytes.NewReader(body))
		g.kept = append(g.kept, later)
		if g.onTry != nil {
			g.onTry()
		}
	}
	return nil, errors.New("connection reset by peer")
}

func (g *gate) set(keep int, shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep, g.shut = keep, shut
}

// land lets Klarna have the tries that were kept, and returns its answer to the last.
func (g *gate) land(t *testing.T) (status int) {
	t.Helper()
	g.mu.Lock()
	kept := g.kept
	g.kept = nil
	g.mu.Unlock()
	for _, r := range kept {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			continue
		}
		status = res.StatusCode
		_ = res.Body.Close()
	}
	return status
}

const pageOrigin = "https://www.example.com"

// world is a shop that listens, behind a gate, with an API and a page of a merchant's.
type world struct {
	*shoptest.World
	gate *gate
}

func newWorld(t *testing.T, o shoptest.Options) *world {
	t.Helper()
	keys, err := api.ParseKeys(api.KeyLine("shop", "checkout", "sk_test"))
	if err != nil {
		t.Fatal(err)
	}
	version, about := *skerry.Version(), *skerry.Version().Shop
	about.Embed = []string{pageOrigin}
	version.Shop = &about
	w := &world{gate: new(gate)}
	o.Version = &version
	o.Config = func(c *shop.Config) {
		c.Keys, c.Klarna.Transport, c.LockWait = keys, w.gate, 100*time.Millisecond
	}
	w.World = shoptest.Serve(t, o)
	return w
}

// round looks at what is due when so much time has passed.
func (w *world) round(after time.Duration) error {
	return w.Mender.Round(w.T.Context(), time.Now().Add(after))
}

// noted are all updates on the list.
func (w *world) noted() []underway.Update {
	w.T.Helper()
	all, err := w.Underway.Due(w.T.Context(), time.Now().Add(1000*time.Hour), 100)
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// amount is what the newest copy at Klarna comes to.
func (w *world) amount() int64 {
	if orders := w.Fake.Orders(); len(orders) > 0 {
		return orders[0].OrderAmount
	}
	return w.Fake.Sessions()[0].OrderAmount
}

// open adds a mug to a new cart and opens its checkout.
func (w *world) open(page string) *shoptest.Browser {
	w.T.Helper()
	b := w.Browser()
	b.Add("MUG-1", "1")
	if got := b.Get(page); got.StatusCode != http.StatusOK {
		w.T.Fatalf("%s: %d %s", page, got.StatusCode, got.Text)
	}
	return b
}

// mugs changes the open checkout of a browser.
func mugs(b *shoptest.Browser, quantity int) {
	b.T.Helper()
	if got := b.Update(fmt.Sprintf(`{"lines": [{"sku": "MUG-1", "quantity": %d}]}`, quantity)); got.StatusCode != http.StatusOK {
		b.T.Fatalf("update: %d %s", got.StatusCode, got.Text)
	}
}

// A try of an update that had no answer lands after a later update that was answered. Klarna
// is looked at when it can have landed, and mended, whichever way the cart is bought; and
// once more when it can no longer land.
func TestLateLanding(t *testing.T) {
	for name, opens := range map[string]func(*world) func(quantity int){
		"own storefront": func(w *world) func(int) {
			b := w.open("/checkout")
			return func(quantity int) { mugs(b, quantity) }
		},
		"klarna payments": func(w *world) func(int) {
			b := w.open("/checkout/payments")
			return func(quantity int) {
				b.Post("/cart/lines/MUG-1", "quantity", fmt.Sprint(quantity))
				if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusOK {
					w.T.Fatalf("page: %d %s", got.StatusCode, got.Text)
				}
			}
		},
		"checkout session": func(w *world) func(int) {
			put, page := w.session()
			page()
			return func(quantity int) {
				if got := put(quantity); got.StatusCode != http.StatusOK {
					w.T.Fatalf("put: %d %s", got.StatusCode, got.Text)
				}
			}
		},
		"embedded page": func(w *world) func(int) {
			put, page := w.session()
			page()
			return func(quantity int) { // the page tells Klarna what the merchant's call could not
				keep := w.gate.keep
				w.gate.set(0, true)
				if got := put(quantity); got.StatusCode != http.StatusServiceUnavailable {
					w.T.Fatalf("put: %d %s", got.StatusCode, got.Text)
				}
				w.gate.set(keep, false)
				page()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, shoptest.Options{})
			set := opens(w)
			w.gate.set(1, false)
			set(2)
			two := w.amount()
			set(5)
			five := w.amount()
			if two == five || len(w.noted()) == 0 {
				t.Fatalf("%d, then %d, noted: %v", two, five, w.noted())
			}
			w.gate.land(t)
			if got := w.amount(); got != two {
				t.Fatalf("landed late: Klarna says %d, want %d", got, two)
			}
			if err := w.round(0); err != nil || w.amount() != two {
				t.Errorf("too soon: %d, %v", w.amount(), err)
			}
			if err := w.round(underway.FirstLook); err != nil || w.amount() != five {
				t.Errorf("Klarna says %d, want %d, %v", w.amount(), five, err)
			}
			if err := w.round(underway.LastLook); err != nil || len(w.noted()) > 0 {
				t.Errorf("still noted: %v, %v", w.noted(), err)
			}
		})
	}
}

// session makes a checkout session: put changes it, page is the merchant's page that holds it.
func (w *world) session() (put func(quantity int) shoptest.Answer, page func()) {
	w.T.Helper()
	caller := w.Browser()
	caller.Header = http.Header{"Authorization": {"Bearer sk_test"}}
	put = func(quantity int) shoptest.Answer {
		w.T.Helper()
		return caller.Do(http.MethodPut, "/v1/checkout_sessions/b-1", "application/json", fmt.Sprintf(`{"country": "SE", "mode": "embedded",
			"success_url": "https://www.example.com/thanks", "checkout_url": "https://www.example.com/checkout",
			"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500}],
			"order_lines": [{"id": "t", "name": "Tent", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}]}`, quantity))
	}
	var made struct {
		ClientSecret string `json:"client_secret"`
	}
	if got := put(1); json.Unmarshal([]byte(got.Text), &made) != nil || made.ClientSecret == "" {
		w.T.Fatalf("put: %d %s", got.StatusCode, got.Text)
	}
	b := w.Browser()
	b.Header = http.Header{"Origin": {pageOrigin}}
	return put, func() {
		w.T.Helper()
		if got := b.Do(http.MethodPost, "/v1/embed", "application/json", `{"client_secret": "`+made.ClientSecret+`"}`); got.StatusCode != http.StatusOK {
			w.T.Fatalf("page: %d %s", got.StatusCode, got.Text)
		}
	}
}

// The process that sent the try is killed, and another one mends what it left.
func TestLateLandingOfKilled(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	b := w.open("/checkout")
	order := w.Fake.Orders()[0].OrderID
	rdb, doomed := w.Redis.Client(), &gate{keep: 1}
	dies, _ := w.Listen(shoptest.On(rdb, doomed))
	doomed.onTry = func() {
		doomed.dead = true
		_ = rdb.Close()
	}
	var id string
	for _, key := range w.Client.Keys(t.Context(), "shopd:cart:*").Val() {
		id = strings.Trim(strings.TrimPrefix(key, "shopd:cart:"), "{}")
	}
	w.Put(id, "MUG-1", 2)
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	if _, err := dies.KCO.Sync(ctx, kco.Request{CartID: id, Mode: cartsync.Change}); err == nil {
		t.Fatal("it was to be killed")
	}
	mugs(b, 5)
	five := w.amount()
	if doomed.land(t); w.amount() == five {
		t.Fatal("nothing has landed late")
	}
	if err := w.round(underway.FirstLook); err != nil || w.amount() != five || w.Fake.Orders()[0].OrderID != order {
		t.Errorf("Klarna says %d, want %d, %v", w.amount(), five, err)
	}
}

// lateOne is a shop whose Klarna says two mugs, by a try that landed late, and whose cart five.
func lateOne(t *testing.T, o shoptest.Options) (w *world, b *shoptest.Browser, c cart.Cart) {
	t.Helper()
	w = newWorld(t, o)
	b = w.open("/checkout")
	w.gate.set(1, false)
	mugs(b, 2)
	mugs(b, 5)
	return w, b, w.Cart(w.noted()[0].CartID)
}

// Nothing is mended while somebody holds the lock, or while a purchase may be running; and
// nothing of an order that was replaced or bought.
func TestMendsNot(t *testing.T) {
	w, b, c := lateOne(t, shoptest.Options{})
	w.gate.land(t)
	two, calls := w.amount(), len(w.Fake.Requests(c.OrderID))
	stays := func(why string) {
		t.Helper()
		if n := len(w.Fake.Requests(c.OrderID)); w.amount() != two || n != calls || len(w.noted()) == 0 {
			t.Errorf("%s: Klarna says %d after %d calls, noted %v", why, w.amount(), n-calls, w.noted())
		}
	}
	release, err := w.Storefront.Sessions.LockAgain(t.Context(), w.noted()[0].Lease)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.round(time.Minute); !errors.Is(err, session.ErrBusy) {
		t.Errorf("locked: %v", err)
	}
	stays("locked")
	release()

	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", Status: http.StatusServiceUnavailable, Count: 3})
	if err := w.round(10 * time.Minute); !errors.Is(err, cartsync.ErrUnavailable) || w.amount() != two || len(w.noted()) == 0 {
		t.Errorf("no answer: Klarna says %d, noted %v, %v", w.amount(), w.noted(), err)
	}
	calls = len(w.Fake.Requests(c.OrderID))
	w.Reserve(c.ID, c.OrderID, time.Now())
	if err := w.round(time.Hour); err != nil {
		t.Error(err)
	}
	stays("a purchase may be running")
	w.Exec("update approved_orders set made_at = made_at - $1", int64(stock.Young/time.Millisecond))
	if err := w.round(2 * time.Hour); err != nil || w.amount() == two || len(w.noted()) > 0 {
		t.Errorf("the purchase is over: Klarna says %d, noted %v, %v", w.amount(), w.noted(), err)
	}

	w.gate.set(1, false)
	mugs(b, 3)
	mugs(b, 4)
	w.Buy(c.OrderID)
	if status := w.gate.land(t); status != http.StatusForbidden {
		t.Errorf("landed after the purchase: %d", status)
	}
	if got := b.Get("/checkout/confirmation?order_id=" + c.OrderID); got.StatusCode != http.StatusOK {
		t.Errorf("confirmation: %d", got.StatusCode)
	}
	if err := w.round(3 * time.Hour); err != nil || len(w.noted()) > 0 {
		t.Errorf("bought: noted %v, %v", w.noted(), err)
	}
	for _, o := range w.Fake.Orders() {
		if o.OrderID == c.OrderID && o.OrderLines[0].Quantity != 4 {
			t.Errorf("bought: %+v", o.OrderLines[0])
		}
	}
}

// An address in the form changes cart and order while an update is sent, which undoes that at
// Klarna; then Klarna fails. The model has found it (docs/model): the order stayed so until
// the next touch.
func TestOvertaken(t *testing.T) {
	w := newWorld(t, shoptest.Options{})
	b := w.open("/checkout")
	order := w.Fake.Orders()[0].OrderID
	w.gate.set(1, false)
	mugs(b, 2)
	id := w.noted()[0].CartID
	w.gate.land(t)
	if err := w.round(underway.LastLook); err != nil || len(w.noted()) > 0 {
		t.Fatalf("noted %v, %v", w.noted(), err)
	}
	w.gate.after = func() {
		w.Put(id, "JAM-1", 1)
		w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders", Status: http.StatusServiceUnavailable, Count: -1})
		w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", Status: http.StatusServiceUnavailable, Count: -1})
	}
	if got := b.Update(`{"lines": [{"sku": "MUG-1", "quantity": 3}]}`); got.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("update: %d %s", got.StatusCode, got.Text)
	}
	w.Fake.ClearFaults()
	if err := w.round(underway.FirstLook); err != nil || w.Fake.Orders()[0].OrderID != order || len(w.Fake.Orders()[0].OrderLines) != 3 {
		t.Errorf("the order is %+v, %v", w.Fake.Orders()[0].OrderLines, err)
	}
}

// landing lets the late try land while the shop is asked about the purchase.
type landing struct {
	gate   *gate
	t      *testing.T
	landed chan int
}

func (l *landing) RoundTrip(r *http.Request) (*http.Response, error) {
	if path.Base(r.URL.Path) == "validation" && l.landed == nil {
		l.landed = make(chan int, 1)
		go func() { l.landed <- l.gate.land(l.t) }()
		time.Sleep(100 * time.Millisecond) // it reaches Klarna, where the order is locked
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The shopper presses Buy: when the late try has landed before, the validation refuses the
// old total; when it lands while the shop is asked, Klarna has the order locked and then sold
// (invariants 3, 5 and 13).
func TestLateLandingWhileBuying(t *testing.T) {
	during := &landing{t: t}
	w, b, c := lateOne(t, shoptest.Options{Fake: fakeklarna.Options{CallbackTransport: during}})
	during.gate = new(gate) // has nothing yet
	if _, err := w.Fake.Shopper(c.OrderID, fakeklarna.Action{Type: map[string]string{
		"email": "ada@example.com", "given_name": "Ada", "family_name": "Lindqvist", "street_address": "Hamngatan 4", "postal_code": "11147",
		"city": "Stockholm", "phone": "+46701234567",
	}}); err != nil {
		t.Fatal(err)
	}
	five := w.amount()
	w.gate.land(t)
	out, err := w.Fake.Shopper(c.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil || !strings.Contains(out.Refused.RedirectURL, "reason=cart_changed") {
		t.Fatalf("bought for %d, which no page has shown: %+v, %v", out.Total, out, err)
	}
	if got := b.Get("/checkout"); got.StatusCode != http.StatusOK || w.amount() != five {
		t.Fatalf("the page: %d, Klarna says %d", got.StatusCode, w.amount())
	}

	w.gate.set(1, false)
	mugs(b, 2)
	mugs(b, 5)
	during.gate, during.landed = w.gate, nil
	out, err = w.Fake.Shopper(c.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused != nil || out.Total != five {
		t.Fatalf("got %+v, %v", out, err)
	}
	if status := <-during.landed; status != http.StatusForbidden || w.amount() != five {
		t.Errorf("landed: %d, Klarna says %d", status, w.amount())
	}
}
