package storefront_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
)

// memory is how much Redis may have; 1: it is full.
func (s *shopWorld) memory(most string) {
	s.T.Helper()
	if err := s.Client.ConfigSet(s.T.Context(), "maxmemory", most).Err(); err != nil {
		s.T.Fatal(err)
	}
}

// A Redis whose memory is full takes no new carts and no changes, and says so. Whoever has an open checkout goes on
// and buys: nothing of that needs Redis to take more. When there is room again, what it was to know it is told.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	open := b.open(s)
	s.memory("1")
	defer s.memory("0")

	page := s.browser().Post("/cart/lines", "sku", "MUG-1")
	if page.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page.Text, "Varukorgar kan inte ändras just nu.") {
		t.Errorf("a new cart: %d\n%s", page.StatusCode, page.Text)
	}
	if got := b.Post("/cart/lines", "sku", "JAM-1"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a change: %d", got.StatusCode)
	}
	for _, path := range []string{"/", "/cart", "/checkout"} {
		if got := b.Get(path); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := b.Update(`{}`); got.StatusCode != http.StatusOK {
		t.Errorf("an update without a change: %d %s", got.StatusCode, got.Text)
	}
	if got := b.Update(`{"lines":[{"sku":"MUG-1","quantity":3}]}`); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.Text, "carts_full") {
		t.Errorf("an update: %d %s", got.StatusCode, got.Text)
	}
	confirmation := s.buyAs(open.OrderID, eva)
	if got := b.Get(confirmation); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "Eva") {
		t.Errorf("confirmation: %d\n%s", got.StatusCode, got.Text)
	}
	o := s.placed(open.OrderID)
	if !o.Acknowledged {
		t.Error("the order is not acknowledged")
	}
	if got := b.Get(confirmation); got.StatusCode != http.StatusOK {
		t.Errorf("confirmation again: %d", got.StatusCode)
	}

	// The round that places and finishes orders goes well; those of which lists in Redis say what is to be done wait.
	if err := s.Book.Reconcile(t.Context(), o.PlacedAt.Add(2*time.Hour), order.Work{}); err != nil {
		t.Errorf("a round: %v", err)
	}
	others := map[string]func(context.Context) error{
		"left behind": func(ctx context.Context) error { return s.LeftBehind.Sweep(ctx, time.Now()) },
		"mend":        func(ctx context.Context) error { return s.Mender.Round(ctx, time.Now()) },
		"erase":       func(ctx context.Context) error { return s.Book.EraseDue(ctx, time.Now()) },
	}
	for name, round := range others {
		if err := round(t.Context()); !redisconn.Full(err) {
			t.Errorf("%s: %v, want that Redis is full", name, err)
		}
	}

	s.memory("0")
	others["reconcile"] = func(ctx context.Context) error {
		return s.Book.Reconcile(ctx, o.PlacedAt.Add(4*time.Hour), order.Work{})
	}
	for name, round := range others {
		if err := round(t.Context()); err != nil {
			t.Errorf("%s, when there is room: %v", name, err)
		}
	}
	if got := b.Get("/cart"); got.StatusCode != http.StatusOK || strings.Contains(got.Text, "MUG-1") {
		t.Errorf("the cart was not closed: %d\n%s", got.StatusCode, got.Text)
	}
}

// The first checkout of a cart says that Redis is full, and not that Klarna is away. It leaves no order at Klarna, however
// often the page tries.
func TestRedisFullAtFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	s.memory("1")
	defer s.memory("0")
	for range 2 {
		if page := b.Get("/checkout"); page.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page.Text, "Varukorgar kan inte ändras just nu.") {
			t.Errorf("%d\n%s", page.StatusCode, page.Text)
		}
	}
	if got := updateOf(t, b.Update(`{}`)); got.Error.Code != "carts_full" {
		t.Errorf("an update: %+v", got.Error)
	}
	for _, o := range s.Fake.Orders() {
		if !o.Fake.Aborted {
			t.Errorf("order %s is open", o.OrderID)
		}
	}
	s.memory("0")
	s.holds(b, 0)
}

// What is published meanwhile keeps no open checkout from being brought up to date, and bought.
func TestRedisFullPublished(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	b.open(s)
	later := s.becomes(b, func(c *shop.Config) {
		review(c)
		own := *skerry.Version().Shop
		c.Published = publish.Fixed(publish.NewVersion(2, &own, skerry.Version().Catalog))
	})
	s.memory("1")
	defer s.memory("0")
	if got := later.Get("/checkout"); got.StatusCode != http.StatusOK {
		t.Errorf("checkout: %d\n%s", got.StatusCode, got.Text)
	}
	if got := later.Update(`{}`); got.StatusCode != http.StatusOK {
		t.Errorf("update: %d %s", got.StatusCode, got.Text)
	}
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
		t.Errorf("not bought: %+v", out.Refused)
	}
}

// A way of delivery and an address that are chosen meanwhile are what is bought, although the cart cannot be told of them.
func TestRedisFullChosen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		language string
		chosen   fakeklarna.Action
	}{
		"delivery":         {"nb-NO", fakeklarna.Action{ShippingOption: "express"}},
		"state":            {"en-US", fakeklarna.Action{Type: map[string]string{"region": "CA", "postal_code": "90001"}}},
		"delivery country": {"en-SE", fakeklarna.Action{Country: "NO", Type: map[string]string{"postal_code": "0150"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Header.Set("Accept-Language", tc.language)
			b.Add("MUG-1", "1")
			open := b.open(s)
			s.shopper(fakeklarna.Action{Load: true})
			s.memory("1")
			defer s.memory("0")

			chosen := s.shopper(tc.chosen)
			if chosen.Refused != nil || chosen.Total == open.OrderAmount {
				t.Fatalf("the form shows %+v", chosen)
			}
			for range 2 {
				got := updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q}`, open.OrderID)))
				if got.OrderAmount != chosen.Total || got.Replaced || s.order().OrderAmount != chosen.Total {
					t.Errorf("the page shows %d, the form %d, Klarna %d", got.OrderAmount, chosen.Total, s.order().OrderAmount)
				}
			}
			if page := b.Get("/checkout"); page.StatusCode != http.StatusOK || s.order().OrderAmount != chosen.Total {
				t.Errorf("a load: %d, Klarna has %d", page.StatusCode, s.order().OrderAmount)
			}
			if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
				t.Errorf("not bought: %+v", out.Refused)
			}
		})
	}
}
