package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// sayShopDown demands the 503 that is due when our own store does not answer.
func sayShopDown(t *testing.T, got shoptest.Answer) {
	t.Helper()
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Fatalf("got %d with Retry-After %q\n%s", got.StatusCode, got.Header.Get("Retry-After"), got.Text)
	}
	if strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
		if u := updateOf(t, got); u.Error.Code != "busy" || u.Error.Message == "" || u.Error.RequestID != got.Header.Get("X-Request-Id") {
			t.Errorf("got %s", got.Text)
		}
		return
	}
	if title := i18n.T("sv", "unavailable.shop.title"); strings.Count(html.UnescapeString(got.Text), "<h1>"+title) != 1 || strings.Count(got.Text, "<html") != 1 {
		t.Errorf("not one page that says %q:\n%s", title, got.Text)
	}
}

// heals waits until a Redis that is back is used again.
func heals(t *testing.T, b *browser) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 5*time.Second; time.Sleep(20 * time.Millisecond) {
		if b.Get("/cart").StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("the shop does not find its Redis again")
}

// Redis is away before a request: each says so, and changes nothing.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	order := b.open(s)
	before := b.cart()
	asJSON := *b
	asJSON.Header = b.Header.Clone()
	asJSON.Header.Set("Accept", "application/json")
	visitor := s.browser()
	s.Redis.Stop()
	for _, tc := range []struct {
		name string
		do   func() shoptest.Answer
	}{
		{"catalogue", func() shoptest.Answer { return b.Get("/") }},
		{"product", func() shoptest.Answer { return b.Get("/products/MUG-1") }},
		{"cart", func() shoptest.Answer { return b.Get("/cart") }},
		{"cart, JSON", func() shoptest.Answer { return asJSON.Get("/cart") }},
		{"terms", func() shoptest.Answer { return b.Get("/terms") }},
		{"unknown path", func() shoptest.Answer { return b.Get("/nowhere") }},
		{"checkout", func() shoptest.Answer { return b.Get("/checkout") }},
		{"confirmation", func() shoptest.Answer { return b.Get("/checkout/confirmation?order_id=" + order.OrderID) }},
		{"market", func() shoptest.Answer { return b.Post("/market", "country", "NO") }},
		{"add", func() shoptest.Answer { return b.Post("/cart/lines", "sku", "JAM-1") }},
		{"add, JSON", func() shoptest.Answer { return asJSON.Post("/cart/lines", "sku", "JAM-1") }},
		{"add, first", func() shoptest.Answer { return visitor.Post("/cart/lines", "sku", "JAM-1") }},
		{"set", func() shoptest.Answer { return b.Post("/cart/lines/MUG-1", "quantity", "5") }},
		{"discount", func() shoptest.Answer { return b.Post("/cart/discount", "code", "FOG10") }},
		{"update", func() shoptest.Answer { return b.Update(`{"lines":[{"sku":"MUG-1","quantity":5}]}`) }},
		{"empty update", func() shoptest.Answer { return b.Update(`{}`) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			sayShopDown(t, tc.do())
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("the answer took %s", took)
			}
		})
	}
	if got := b.Get("//evil.example/?x=1"); got.Header.Get("Refresh") != "2; url=/evil.example/?try=1&x=1" {
		t.Errorf("an address that looks like another site's: Refresh is %q", got.Header.Get("Refresh"))
	}
	if got := visitor.Get("/"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "MUG-1") {
		t.Errorf("somebody without a cookie sees the shelves: got %d", got.StatusCode)
	}
	s.Redis.Restart()
	heals(t, b)
	if after := b.cart(); after.Revision != before.Revision {
		t.Errorf("the cart went from revision %d to %d", before.Revision, after.Revision)
	}
	if healed := s.holds(b, 0); healed.OrderID != order.OrderID {
		t.Errorf("got order %s, it was %s", healed.OrderID, order.OrderID)
	}
}

// Redis goes away in the middle of a request, while Klarna is being asked.
func TestRedisLeaves(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		given  func(*shopWorld, *browser)
		do     func(*browser) shoptest.Answer
		status int
		code   string // of the JSON
		kept   bool   // an order waits in memory to be listed
	}{
		{"create, page", nothing, func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, "", true},
		{"create, update", nothing, func(b *browser) shoptest.Answer { return b.Update(`{}`) }, 503, "klarna_unavailable", true},
		{"read, page", opened, func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 200, "", false},
		{"update, page", openedAndChanged, func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, "", false},
		{"update, update", opened, func(b *browser) shoptest.Answer { return b.Update(`{"lines":[{"sku":"MUG-1","quantity":5}]}`) }, 503, "klarna_unavailable", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Add("MUG-1", "2")
			tc.given(s, b)
			calls := len(s.Fake.Requests(""))
			s.Fake.AddFault(fakeklarna.Fault{Delay: fakeklarna.Duration(time.Second), Count: -1})
			done := make(chan shoptest.Answer, 1)
			go func() { done <- tc.do(b) }()
			for len(s.Fake.Requests("")) == calls {
				time.Sleep(time.Millisecond)
			}
			s.Redis.Stop()
			got := <-done
			if got.StatusCode != tc.status || tc.code != "" && updateOf(t, got).Error.Code != tc.code {
				t.Errorf("got %d, want %d %s\n%s", got.StatusCode, tc.status, tc.code, got.Text)
			}
			if told := strings.Contains(s.Log.String(), "left behind, listed later"); told != tc.kept {
				t.Errorf("the log tells of an order that could not be listed: %v", told)
			}
			s.Redis.Restart()
			s.Fake.ClearFaults()
			heals(t, b)
			if err := s.KCO.LeftBehind.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil { // nothing is so old: it only lists
				t.Fatal(err)
			}
			s.holds(b, 0)
		})
	}
}

// Redis does what it is asked for, but its reply is lost. Nothing is done
// twice, and what is left hanging is found by the next load.
func TestRedisReplyLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.StartServer(t)
	for _, tc := range []struct {
		name   string
		given  func(*shopWorld, *browser)
		after  int
		parts  []string
		do     func(*browser) shoptest.Answer
		status int
		mugs   int // in the cart afterwards
		orders int // made in all, the last load included
	}{
		{"change of a cart", nothing, 0, []string{"evalsha", "shopd:cart:"},
			func(b *browser) shoptest.Answer { return b.Post("/cart/lines", "sku", "MUG-1") }, 503, 3, 1},
		{"change by an update", opened, 0, []string{"evalsha", "shopd:cart:"},
			func(b *browser) shoptest.Answer { return b.Update(`{"lines":[{"sku":"MUG-1","quantity":5}]}`) }, 503, 5, 1},
		{"a new order becomes the cart's", nothing, 0, []string{"'order_id', argv[2]"},
			func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, 2, 1},
		{"a new order becomes the cart's, by an update", nothing, 0, []string{"'order_id', argv[2]"},
			func(b *browser) shoptest.Answer { return b.Update(`{}`) }, 503, 2, 1},
		{"an order is replaced", func(s *shopWorld, b *browser) { b.open(s); s.Fake.Advance(49 * time.Hour) }, 0, []string{"'order_id', argv[2]"},
			func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, 2, 2},
		{"the order is stored in the session", nothing, 0, []string{"evalsha", "shopd:session:"},
			func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, 2, 1},
		{"the session's lease is taken", opened, 0, []string{"shopd:lock:"},
			func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 503, 2, 1},
		{"the session's lease is given back", opened, 1, []string{"shopd:lock:"},
			func(b *browser) shoptest.Answer { return b.Get("/checkout") }, 200, 2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShopOn(t, rdb, fakeklarna.Options{})
			lossy, client := newLossyRedis(t, rdb)
			s.Shop, s.URL = s.serve(client)
			b := s.browser()
			b.Add("MUG-1", "2")
			b.Get("/cart") // neither cart nor session is new any more
			tc.given(s, b)
			lossy.lose(tc.after, tc.parts...)
			got := tc.do(b)
			if got.StatusCode != tc.status || lossy.waits() {
				t.Fatalf("got %d, want %d (no reply was lost: %v)\n%s", got.StatusCode, tc.status, lossy.waits(), got.Text)
			}
			start := time.Now()
			order := s.holds(b, 0)
			// A lease that nobody holds runs out after 4 s.
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("the next load took %s", took)
			}
			if n := quantities(order)["MUG-1"]; n != int64(tc.mugs) || len(s.Fake.Orders()) != tc.orders {
				t.Errorf("got %d mugs and %d orders, want %d and %d", n, len(s.Fake.Orders()), tc.mugs, tc.orders)
			}
		})
	}
}

// A visitor's first session cannot be stored: the answer is the 503 page
// alone, without a cookie for a session that may not exist.
func TestFirstSessionNotStored(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	lossy, client := newLossyRedis(t, s.Redis)
	s.Shop, s.URL = s.serve(client)
	b := s.browser()
	lossy.lose(0, "\r\nevalsha\r\n", "shopd:session:")
	got := b.Post("/cart/lines", "sku", "MUG-1")
	sayShopDown(t, got)
	if got.Header.Get("Set-Cookie") != "" || got.Header.Get("Location") != "" {
		t.Errorf("got cookie %q, location %q", got.Header.Get("Set-Cookie"), got.Header.Get("Location"))
	}
	b.Add("MUG-1", "1")
	if order := b.open(s); quantities(order)["MUG-1"] != 1 {
		t.Errorf("the order has %v", quantities(order))
	}
}

// A request that waits too long for the session's lock gives up, but
// its change is made: it came in before.
func TestLockHeldTooLong(t *testing.T) {
	t.Parallel()
	const wait = 1500 * time.Millisecond
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		review(c)
		c.LockWait = wait
	}})}
	b := s.norwegian()
	before := b.open(s)
	s.Fake.AddFault(fakeklarna.Fault{Method: "GET", Delay: fakeklarna.Duration(3500 * time.Millisecond), Count: -1})
	slow := make(chan shoptest.Answer, 1)
	go func() { slow <- b.Get("/checkout") }() // holds the lock for 3.5 s
	for calls := len(s.Fake.Requests("")); len(s.Fake.Requests("")) == calls; {
		time.Sleep(time.Millisecond)
	}
	page := make(chan shoptest.Answer, 1)
	go func() { page <- b.Get("/checkout") }()

	start := time.Now()
	if b.Add("JAM-1", "1"); time.Since(start) > wait {
		t.Errorf("a cart's form waited for the lock: %s", time.Since(start))
	}
	start = time.Now()
	got := b.Update(`{"order_id":"` + before.OrderID + `","lines":[{"sku":"MUG-1","quantity":7}]}`)
	if took := time.Since(start); took < wait/2 || took > 3*time.Second {
		t.Errorf("waited %s for the lock, want %s", took, wait)
	}
	u := updateOf(t, got)
	if got.StatusCode != http.StatusServiceUnavailable || u.Error.Code != "busy" || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %+v", got.StatusCode, u.Error)
	}
	if c := b.cart(); u.CartRevision != c.Revision || c.Lines[0].Quantity != 7 ||
		!strings.Contains(u.SummaryHTML, `data-quantity="7"`) || !strings.Contains(u.SummaryHTML, i18n.T("nb", "totals.unconfirmed")) {
		t.Errorf("the cart is %+v, the answer said revision %d and %s", c, u.CartRevision, u.SummaryHTML)
	}
	waited := <-page
	if title := i18n.T("nb", "unavailable.busy.title"); waited.StatusCode != http.StatusServiceUnavailable ||
		!strings.Contains(waited.Text, title) || waited.Header.Get("Refresh") != "2; url=/checkout?try=1" {
		t.Errorf("the other tab: got %d with Refresh %q, want %q\n%s", waited.StatusCode, waited.Header.Get("Refresh"), title, waited.Text)
	}
	if first := <-slow; first.StatusCode != http.StatusOK {
		t.Errorf("who held the lock: got %d", first.StatusCode)
	}
	s.Fake.ClearFaults()
	if order := s.holds(b, 0); quantities(order)["MUG-1"] != 7 || quantities(order)["JAM-1"] != 1 {
		t.Errorf("Klarna has %v", quantities(order))
	}
}
