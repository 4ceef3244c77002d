package publish_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// typed is all that the form asks for, so that pressing the button changes nothing more.
var typed = map[string]string{
	"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Sveavägen 5",
	"postal_code": "11157", "city": "Stockholm", "phone": "+46700000000",
}

var shownOrder = regexp.MustCompile(`"order_id":"([\w-]+)"`)

// Two processes, asked in turn, price one cart alike while a new price is published in the
// middle of 200 purchases: none is refused that was right, none approved that was wrong, and
// whoever is refused reads what changed and buys at the new price.
func TestPublishWhileBuying(t *testing.T) {
	const before, after = 14900, 15900
	const fee, purchases = 4900, 200
	d := dbtest.Postgres(t)
	p := publisher(d)
	if _, err := p.Publish(t.Context(), first(skerry.Files()), goods("a", "14900")); err != nil {
		t.Fatal(err)
	}
	follow := func(c *shop.Config) {
		published, err := publish.Open(t.Context(), d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		c.Published = published
		go published.Run(t.Context())
	}
	w := shoptest.Serve(t, shoptest.Options{DB: d, Config: follow})
	_, other := w.Listen(follow)
	bases := []string{w.URL, other}

	var begun, done atomic.Int64 // of the publish, in nanoseconds
	var refused, bought, old atomic.Int64
	buy := func(n int) {
		b := w.Browser()
		turn := n
		at := func() *shoptest.Browser {
			b.Base = bases[turn%2]
			turn++
			return b
		}
		at().Add("MUG-1", "1")
		for range 5 {
			page := at().Get("/checkout")
			match := shownOrder.FindStringSubmatch(page.Text)
			if page.StatusCode != http.StatusOK || match == nil {
				t.Errorf("checkout: %d %q", page.StatusCode, page.Header.Get("Location"))
				return
			}
			if out, err := w.Fake.Shopper(match[1], fakeklarna.Action{Type: typed}); err != nil || out.Refused != nil {
				t.Errorf("typed: %+v, %v", out, err)
				return
			}
			if held := n - purchases/2 + 8; held >= 0 && held < 6 { // an open page, while others go on
				for done.Load() == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(time.Duration(held) * 300 * time.Millisecond)
			}
			pressed := time.Now().UnixNano()
			out, err := w.Fake.Shopper(match[1], fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if err != nil {
				t.Error(err)
				return
			}
			order, _ := w.Fake.Order(match[1])
			price := order.OrderAmount - fee
			if out.Refused != nil {
				refused.Add(1)
				if price == after || begun.Load() == 0 {
					t.Errorf("refused at %d, which was right: %+v", price, out.Refused)
				}
				if page := at().Get("/checkout"); !strings.Contains(page.Text, "Priset har ändrats: ") || !strings.Contains(page.Text, "159") {
					t.Error("the page does not say what has changed")
				}
				continue
			}
			if end := done.Load(); price != after && end > 0 && pressed > end+time.Second.Nanoseconds() {
				t.Errorf("approved at %d, long after another price was published", price)
			}
			if price == before {
				old.Add(1)
			}
			if got := at().Get("/checkout/confirmation?order_id=" + match[1]); got.StatusCode != http.StatusOK {
				t.Errorf("confirmation: %d", got.StatusCode)
			}
			bought.Add(1)
			return
		}
		t.Error("refused again and again")
	}
	const at = 8
	var running sync.WaitGroup
	next := make(chan int)
	for range at {
		running.Go(func() {
			for n := range next {
				buy(n)
			}
		})
	}
	for n := range purchases {
		if n == purchases/2 {
			running.Go(func() {
				begun.Store(time.Now().UnixNano())
				if _, err := p.Publish(t.Context(), nil, goods("a", "15900")); err != nil {
					t.Error(err)
				}
				done.Store(time.Now().UnixNano())
			})
		}
		next <- n
	}
	close(next)
	running.Wait()
	var orders int
	if err := d.Read.QueryRowContext(t.Context(), "select count(*) from orders").Scan(&orders); err != nil || orders != purchases || bought.Load() != purchases {
		t.Errorf("%d orders of %d purchases, %d bought, %v", orders, purchases, bought.Load(), err)
	}
	t.Logf("%d bought at the old price, %d refused", old.Load(), refused.Load())
	if old.Load() == 0 || old.Load() == purchases || refused.Load() == 0 {
		t.Error("the publish was not in the middle, or nobody had a page open")
	}
}

// A process that has missed a publish prices no cart by old prices that another process
// has priced by the new ones.
func TestCartNamesItsVersion(t *testing.T) {
	d, rdb := dbtest.SQLite(t), redistest.Start(t)
	p := publisher(d)
	open := func() *publish.Published {
		published, err := publish.Open(t.Context(), d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return published
	}
	if _, err := p.Publish(t.Context(), first(skerry.Files()), goods("a", "14900")); err != nil {
		t.Fatal(err)
	}
	missed := open() // follows nothing
	if _, err := p.Publish(t.Context(), nil, goods("a", "15900")); err != nil {
		t.Fatal(err)
	}
	sweden := cart.Fallback{Country: "SE", Locale: "sv-SE"}
	old, id := cart.NewStore(rdb, missed), cart.NewID()
	put := func(c *cart.Cart) error {
		return c.Apply(cart.Change{Set: []cart.Line{{SKU: "MUG-1", Quantity: 1}}}, missed.Now(), nil)
	}
	if c, err := old.Update(t.Context(), id, sweden, put); err != nil || c.Published != 1 {
		t.Fatalf("priced by %d, %v", c.Published, err)
	}
	c, err := cart.NewStore(rdb, open()).Priced(t.Context(), id, sweden)
	if err != nil || c.Published != 2 || c.Revision != 2 {
		t.Fatalf("priced by %d at revision %d, %v", c.Published, c.Revision, err)
	}
	if c, err = old.Priced(t.Context(), id, sweden); err != nil || c.Revision != 2 || mug(t, missed.Now()) != 15900 {
		t.Errorf("the other process has %d at revision %d, %v", mug(t, missed.Now()), c.Revision, err)
	}
	before, now, changed := c.PriceBefore("MUG-1", missed.Now())
	if before != 14900 || now != 15900 || !changed {
		t.Errorf("the price was %d and is %d, %t", before, now, changed)
	}
}
