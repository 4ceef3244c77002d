package storefront_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// The story of a cart, as Klarna sees it: one order all the way.
func TestCheckout(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	if got := b.get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/cart" {
		t.Fatalf("checkout without a cart: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	b.add("MUG-1", "2")
	first := b.open(s)
	if diff := cmp.Diff(map[string]int64{"MUG-1": 2}, quantities(first)); diff != "" {
		t.Fatal(diff)
	}
	if c := b.cart(); c.TotalAmount != first.OrderAmount || c.TotalTaxAmount != first.OrderTaxAmount {
		t.Errorf("cart says %d / %d, Klarna %d / %d", c.TotalAmount, c.TotalTaxAmount, first.OrderAmount, first.OrderTaxAmount)
	}
	b.add("JAM-1", "1")
	if again := b.open(s); again.OrderID != first.OrderID || quantities(again)["JAM-1"] != 1 {
		t.Errorf("after going back and adding: order %s with %v, was %s", again.OrderID, quantities(again), first.OrderID)
	}
	got := b.update(fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":"MUG-1","quantity":5},{"sku":"JAM-1","quantity":0}],"discount_code":"fog10"}`, first.OrderID)).json(t)
	order := s.order()
	if got.OrderID != first.OrderID || got.Replaced || got.HTMLSnippet != "" || got.OrderAmount != order.OrderAmount || got.CartRevision != 3 {
		t.Errorf("update: got %+v, order %d", got, order.OrderAmount)
	}
	if diff := cmp.Diff(map[string]int64{"MUG-1": 5}, quantities(order)); diff != "" {
		t.Error(diff)
	}
	if want := int64(5*14900 - 7450 + 4900); order.OrderAmount != want {
		t.Errorf("got %d, want %d", order.OrderAmount, want)
	}
	for _, part := range []string{`data-region="lines"`, `data-region="totals"`, "MUG-1"} {
		if !strings.Contains(got.SummaryHTML, part) {
			t.Errorf("the summary lacks %s", part)
		}
	}
	got = b.update(fmt.Sprintf(`{"order_id":%q,"country":"NO"}`, first.OrderID)).json(t)
	if order := s.order(); got.PurchaseCurrency != "NOK" || order.Locale != "nb-NO" || order.OrderID != first.OrderID {
		t.Errorf("to Norway: got %+v, order %s %s", got, order.OrderID, order.Locale)
	}
	s.fake.Advance(49 * time.Hour)
	renewed := b.open(s)
	if renewed.OrderID == first.OrderID {
		t.Error("49 h later: got the expired order")
	}
	got = b.update(`{"order_id":"` + first.OrderID + `"}`).json(t)
	if !got.Replaced || got.OrderID != renewed.OrderID || !strings.Contains(got.HTMLSnippet, "klarna-checkout-container") {
		t.Errorf("an old page: got %+v", got)
	}
}

// What each request costs at Klarna and at Redis.
func TestCost(t *testing.T) {
	s := newShop(t, fakeklarna.Options{EchoFilledURLs: true})
	warm := s.browser() // Redis has its scripts after this
	warm.add("MUG-1", "1")
	warm.open(s)
	b := s.browser()
	b.add("MUG-1", "1")
	for _, step := range []struct {
		name  string
		do    func() answer
		calls map[string]int
		redis int64
	}{
		{"first checkout", func() answer { return b.get("/checkout") }, map[string]int{"create": 1}, 5},
		{"nothing changed", func() answer { return b.get("/checkout") }, map[string]int{"read": 1}, 3},
		{"catalogue", func() answer { return b.get("/") }, map[string]int{}, 2},
		{"product", func() answer { return b.get("/products/MUG-1") }, map[string]int{}, 2},
		{"update", func() answer { return b.update(`{"lines":[{"sku":"MUG-1","quantity":2}]}`) }, map[string]int{"update": 1}, 8},
		{"empty update", func() answer { return b.update(`{}`) }, map[string]int{"update": 1}, 8},
		{"add", func() answer { return b.post("/cart/lines", "sku", "JAM-1") }, map[string]int{}, 4},
		{"cart changed", func() answer { return b.get("/checkout") }, map[string]int{"read": 1, "update": 1}, 4},
		{"expired", func() answer {
			s.fake.Advance(49 * time.Hour)
			return b.get("/checkout")
		}, map[string]int{"read": 1, "create": 1}, 5},
	} {
		t.Run(step.name, func(t *testing.T) {
			b.get("/terms") // the stock is in memory now, as it is on a shop in use
			before, trips := len(s.fake.Requests("")), s.trips.Load()
			if got := step.do(); got.StatusCode != http.StatusOK && got.StatusCode != http.StatusSeeOther {
				t.Fatalf("got %d\n%s", got.StatusCode, got.body)
			}
			if diff := cmp.Diff(step.calls, s.calls(before)); diff != "" {
				t.Errorf("calls of Klarna: %s", diff)
			}
			if got := s.trips.Load() - trips; got > step.redis {
				t.Errorf("got %d round trips to Redis, want at most %d", got, step.redis)
			}
		})
	}
}

// Invariant 2: loads and updates of one session at once, on two processes, end with one order.
func TestOneOrder(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	other := s.serve(s.redis.Client())
	for round := range 20 {
		b := s.browser()
		b.add("MUG-1", "1")
		tab := *b
		tab.base = other
		// Both processes are one host to the browser.
		jar := b.client.Jar
		tab.client = &http.Client{Jar: sameSession{jar, b.base}, CheckRedirect: b.client.CheckRedirect}
		before := len(s.fake.Requests(""))
		var wg sync.WaitGroup
		for _, do := range []func() answer{
			func() answer { return b.get("/checkout") }, func() answer { return tab.get("/checkout") },
			func() answer { return tab.update(`{"lines":[{"sku":"JAM-1","quantity":3}]}`) },
		} {
			wg.Go(func() {
				if got := do(); got.StatusCode != http.StatusOK {
					t.Errorf("round %d: got %d %s", round, got.StatusCode, got.body)
				}
			})
		}
		wg.Wait()
		if n := s.calls(before)["create"]; n != 1 {
			t.Fatalf("round %d: got %d orders, want 1", round, n)
		}
		if order := s.fake.Orders()[0]; quantities(order)["JAM-1"] != 3 {
			t.Errorf("round %d: Klarna has %v", round, quantities(order))
		}
	}
}
