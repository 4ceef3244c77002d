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
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The story of a cart, as Klarna sees it: one order all the way.
func TestCheckout(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	if got := b.Get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/cart" {
		t.Fatalf("checkout without a cart: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	b.Add("MUG-1", "2")
	first := b.open(s)
	if diff := cmp.Diff(map[string]int64{"MUG-1": 2}, quantities(first)); diff != "" {
		t.Fatal(diff)
	}
	if c := b.cart(); c.TotalAmount != first.OrderAmount || c.TotalTaxAmount != first.OrderTaxAmount {
		t.Errorf("cart says %d / %d, Klarna %d / %d", c.TotalAmount, c.TotalTaxAmount, first.OrderAmount, first.OrderTaxAmount)
	}
	b.Add("JAM-1", "1")
	if again := b.open(s); again.OrderID != first.OrderID || quantities(again)["JAM-1"] != 1 {
		t.Errorf("after going back and adding: order %s with %v, was %s", again.OrderID, quantities(again), first.OrderID)
	}
	got := updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":"MUG-1","quantity":5},{"sku":"JAM-1","quantity":0}],"discount_code":"fog10"}`, first.OrderID)))
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
	got = updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q,"country":"NO"}`, first.OrderID)))
	if order := s.order(); got.PurchaseCurrency != "NOK" || order.Locale != "nb-NO" || order.OrderID != first.OrderID {
		t.Errorf("to Norway: got %+v, order %s %s", got, order.OrderID, order.Locale)
	}
	s.Fake.Advance(49 * time.Hour)
	renewed := b.open(s)
	if renewed.OrderID == first.OrderID {
		t.Error("49 h later: got the expired order")
	}
	got = updateOf(t, b.Update(`{"order_id":"`+first.OrderID+`"}`))
	if !got.Replaced || got.OrderID != renewed.OrderID || !strings.Contains(got.HTMLSnippet, "klarna-checkout-container") {
		t.Errorf("an old page: got %+v", got)
	}
}

// What each request costs at Klarna and at Redis.
func TestCost(t *testing.T) {
	s := newShop(t, fakeklarna.Options{EchoFilledURLs: true})
	warm := s.browser() // Redis has its scripts after this
	warm.Add("MUG-1", "1")
	warm.open(s)
	b := s.browser()
	b.Add("MUG-1", "1")
	for _, step := range []struct {
		name  string
		do    func() shoptest.Answer
		calls map[string]int
		redis int64
	}{
		{"first checkout", func() shoptest.Answer { return b.Get("/checkout") }, map[string]int{"create": 1}, 5},
		{"nothing changed", func() shoptest.Answer { return b.Get("/checkout") }, map[string]int{"read": 1}, 3},
		{"catalogue", func() shoptest.Answer { return b.Get("/") }, map[string]int{}, 2},
		{"product", func() shoptest.Answer { return b.Get("/products/MUG-1") }, map[string]int{}, 2},
		{"update", func() shoptest.Answer { return b.Update(`{"lines":[{"sku":"MUG-1","quantity":2}]}`) }, map[string]int{"update": 1}, 8},
		{"empty update", func() shoptest.Answer { return b.Update(`{}`) }, map[string]int{"update": 1}, 8},
		{"add", func() shoptest.Answer { return b.Post("/cart/lines", "sku", "JAM-1") }, map[string]int{}, 4},
		{"cart changed", func() shoptest.Answer { return b.Get("/checkout") }, map[string]int{"read": 1, "update": 1}, 5},
		{"expired", func() shoptest.Answer {
			s.Fake.Advance(49 * time.Hour)
			return b.Get("/checkout")
		}, map[string]int{"read": 1, "create": 1}, 5},
	} {
		t.Run(step.name, func(t *testing.T) {
			b.Get("/terms") // the stock is in memory now, as it is on a shop in use
			before, trips := len(s.Fake.Requests("")), s.Trips.Load()
			if got := step.do(); got.StatusCode != http.StatusOK && got.StatusCode != http.StatusSeeOther {
				t.Fatalf("got %d\n%s", got.StatusCode, got.Text)
			}
			if diff := cmp.Diff(step.calls, s.calls(before)); diff != "" {
				t.Errorf("calls of Klarna: %s", diff)
			}
			if got := s.Trips.Load() - trips; got > step.redis {
				t.Errorf("got %d round trips to Redis, want at most %d", got, step.redis)
			}
		})
	}
}

// Invariant 2: loads and updates of one session at once, on two processes, end with one order.
func TestOneOrder(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	_, other := s.serve(s.Redis.Client())
	for round := range 20 {
		b := s.browser()
		b.Add("MUG-1", "1")
		tab := *b
		tab.Base = other
		// Both processes are one host to the browser.
		jar := b.Client.Jar
		tab.Client = &http.Client{Jar: sameSession{jar, b.Base}, CheckRedirect: b.Client.CheckRedirect}
		before := len(s.Fake.Requests(""))
		var wg sync.WaitGroup
		for _, do := range []func() shoptest.Answer{
			func() shoptest.Answer { return b.Get("/checkout") }, func() shoptest.Answer { return tab.Get("/checkout") },
			func() shoptest.Answer { return tab.Update(`{"lines":[{"sku":"JAM-1","quantity":3}]}`) },
		} {
			wg.Go(func() {
				if got := do(); got.StatusCode != http.StatusOK {
					t.Errorf("round %d: got %d %s", round, got.StatusCode, got.Text)
				}
			})
		}
		wg.Wait()
		if n := s.calls(before)["create"]; n != 1 {
			t.Fatalf("round %d: got %d orders, want 1", round, n)
		}
		if order := s.Fake.Orders()[0]; quantities(order)["JAM-1"] != 3 {
			t.Errorf("round %d: Klarna has %v", round, quantities(order))
		}
	}
}
