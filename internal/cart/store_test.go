package cart_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/settings"
)

var sweden = cart.Fallback{Country: "SE", Locale: "sv-SE"}

func set(lines ...cart.Line) func(*cart.Cart) error {
	return func(c *cart.Cart) error {
		c.Lines = lines
		return nil
	}
}

func TestStore(t *testing.T) {
	store := cart.NewStore(redistest.Start(t), publish.Fixed(skerry.Version()))
	ctx, id := t.Context(), cart.NewID()

	c, err := store.Get(ctx, id, sweden)
	if err != nil {
		t.Fatal(err)
	}
	if c.Revision != 0 || c.Country != "SE" || c.Locale != "sv-SE" || len(c.Lines) != 0 {
		t.Fatalf("a cart without a key: got %+v", c)
	}
	c, err = store.Update(ctx, id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 2}))
	if err != nil || c.Revision != 1 {
		t.Fatalf("first change: got revision %d, %v", c.Revision, err)
	}
	if c, err = store.Update(ctx, id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 2})); err != nil || c.Revision != 1 {
		t.Fatalf("a change to the same: got revision %d, %v, want 1", c.Revision, err)
	}
	refused := errors.New("refused")
	c, err = store.Update(ctx, id, sweden, func(c *cart.Cart) error {
		c.Lines[0].Quantity = 99
		return refused
	})
	if !errors.Is(err, refused) || c.Revision != 1 || c.Quantity("MUG-1") != 2 {
		t.Fatalf("refused change: got %+v, %v", c, err)
	}
	got, err := store.Get(ctx, id, cart.Fallback{Country: "NO", Locale: "nb-NO"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("read again: %s", diff)
	}
}

// A cart that was stored without a language gets that of its market: Klarna takes no order
// without one.
func TestStoreWithoutLocale(t *testing.T) {
	rdb := redistest.Start(t)
	store, id := cart.NewStore(rdb, publish.Fixed(skerry.Version())), cart.NewID()
	if err := rdb.HSet(t.Context(), "shopd:cart:{"+id+"}", "rev", "3", "data", `{"v":1,"country":"FI","locale":"","lines":[]}`).Err(); err != nil {
		t.Fatal(err)
	}
	if c, err := store.Get(t.Context(), id, sweden); err != nil || c.Country != "FI" || c.Locale != "fi-FI" {
		t.Errorf("got %s %q, %v, want FI fi-FI", c.Country, c.Locale, err)
	}
}

// Invariant 1: no change that was answered is lost, whoever else changes the cart.
// A cart that cannot be read is replaced, with a record; one of a newer version stays.
func TestStoreDamaged(t *testing.T) {
	rdb := redistest.Start(t)
	sweden := cart.Fallback{Country: "SE", Locale: "sv-SE"}
	for name, tc := range map[string]struct {
		store func(key string) error
		stays bool
	}{
		"a list": {store: func(key string) error { return rdb.RPush(t.Context(), key, "x").Err() }},
		"a text": {store: func(key string) error { return rdb.Set(t.Context(), key, "x", 0).Err() }},
		"half a record": {store: func(key string) error {
			return rdb.HSet(t.Context(), key, "rev", "3", "data", `{"v":1,"lines":[{`).Err()
		}},
		"another type": {store: func(key string) error {
			return rdb.HSet(t.Context(), key, "rev", "3", "data", `{"v":1,"lines":7}`).Err()
		}},
		"no revision": {store: func(key string) error { return rdb.HSet(t.Context(), key, "rev", "x", "data", `{"v":1}`).Err() }},
		"bought": {store: func(key string) error {
			return rdb.HSet(t.Context(), key, "rev", "3", "data", `{"v":1}`, "bought", "{").Err()
		}},
		"of a newer version": {store: func(key string) error {
			return rdb.HSet(t.Context(), key, "rev", "3", "data", `{"v":2,"lines":{}}`).Err()
		}, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			store, id := cart.NewStore(rdb, publish.Fixed(skerry.Version())), cart.NewID()
			store.Logger = slog.New(slog.NewTextHandler(&log, nil))
			key := "shopd:cart:{" + id + "}"
			if err := tc.store(key); err != nil {
				t.Fatal(err)
			}
			c, err := store.Update(t.Context(), id, sweden, func(c *cart.Cart) error { c.Lines = []cart.Line{{SKU: "MUG-1", Quantity: 1}}; return nil })
			if tc.stays {
				if kept := rdb.HGet(t.Context(), key, "rev").Val(); err == nil || kept != "3" || log.Len() > 0 {
					t.Errorf("got %v, kept revision %q, logged %s", err, kept, &log)
				}
				return
			}
			if err != nil || c.Revision != 1 || len(c.Lines) != 1 {
				t.Errorf("got %+v, %v", c, err)
			}
			if strings.Count(log.String(), "damaged cart replaced") != 1 || !strings.Contains(log.String(), id) {
				t.Errorf("logged %s", &log)
			}
		})
	}
}

func TestStoreUpdateConcurrently(t *testing.T) {
	store, id := cart.NewStore(redistest.Start(t), publish.Fixed(skerry.Version())), cart.NewID()
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := store.Update(t.Context(), id, sweden, func(c *cart.Cart) error {
					sku := fmt.Sprint(writer)
					for i, line := range c.Lines {
						if line.SKU == sku {
							c.Lines[i].Quantity++
							return nil
						}
					}
					c.Lines = append(c.Lines, cart.Line{SKU: sku, Quantity: 1})
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, err := store.Get(t.Context(), id, sweden)
	if err != nil || c.Revision != 200 || items(c) != 200 || len(c.Lines) != 8 {
		t.Errorf("got revision %d, %d items in %d lines, %v", c.Revision, items(c), len(c.Lines), err)
	}
}

func TestStoreSetOrderID(t *testing.T) {
	rdb := redistest.Start(t)
	store, id := cart.NewStore(rdb, publish.Fixed(skerry.Version())), cart.NewID()
	if _, err := store.Update(t.Context(), id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 1})); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		from, next string
		want       bool
	}{{"", "a", true}, {"", "b", false}, {"a", "b", true}, {"a", "c", false}} {
		got, revision, err := store.SetOrderID(t.Context(), id, step.from, step.next, nil)
		if err != nil || got != step.want || revision != 1 {
			t.Errorf("%+v: got %v at revision %d, %v", step, got, revision, err)
		}
	}
	if c, err := store.Get(t.Context(), id, sweden); err != nil || c.OrderID != "b" || c.Revision != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
	if ttl := rdb.TTL(t.Context(), "shopd:cart:{"+id+"}").Val(); ttl <= 0 || ttl > cart.Lifetime {
		t.Errorf("lives %v", ttl)
	}
}

// A payment session is the cart's as an order is, and beside it; it goes when
// the cart is bought, by whatever.
func TestStoreSetSessionID(t *testing.T) {
	store, id := cart.NewStore(redistest.Start(t), publish.Fixed(skerry.Version())), cart.NewID()
	ctx := t.Context()
	if _, err := store.Update(ctx, id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 1})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.SetOrderID(ctx, id, "", "order", nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		from, next string
		want       bool
	}{{"", "a", true}, {"", "b", false}, {"order", "b", false}, {"a", "b", true}, {"a", "c", false}} {
		got, revision, err := store.SetSessionID(ctx, id, step.from, step.next, "to "+step.next)
		if err != nil || got != step.want || revision != 1 {
			t.Errorf("%+v: got %v at revision %d, %v", step, got, revision, err)
		}
	}
	if c, err := store.Get(ctx, id, sweden); err != nil || c.SessionID != "b" || c.SessionCustomer != "to b" || c.OrderID != "order" || c.Revision != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
	closed, _, err := store.Close(ctx, id, "order", nil)
	if c, getErr := store.Get(ctx, id, sweden); err != nil || getErr != nil || c.SessionID+c.SessionCustomer != "" || closed.SessionID+closed.SessionCustomer != "" {
		t.Errorf("once it is bought: got %+v, %v, %v", c, err, getErr)
	}
}

func TestStoreClose(t *testing.T) {
	store, id := cart.NewStore(redistest.Start(t), publish.Fixed(skerry.Version())), cart.NewID()
	ctx := t.Context()
	if _, err := store.Update(ctx, id, sweden, func(c *cart.Cart) error {
		c.Lines = []cart.Line{{SKU: "MUG-1", Quantity: 5}, {SKU: "JAM-1", Quantity: 1}, {SKU: "HAT-1", Quantity: 1}}
		c.DiscountCode = "FOG10"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.SetOrderID(ctx, id, "", "order", nil); err != nil {
		t.Fatal(err)
	}
	bought := []cart.Line{{SKU: "MUG-1", Quantity: 3}, {SKU: "JAM-1", Quantity: 2}, {SKU: "GONE-1", Quantity: 1}}
	closed := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_, did, err := store.Close(ctx, id, "order", bought)
			if err != nil {
				t.Error(err)
			}
			if did {
				mu.Lock()
				closed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	c, err := store.Get(ctx, id, sweden)
	if err != nil {
		t.Fatal(err)
	}
	if closed != 1 || c.OrderID != "" || c.DiscountCode != "" || !c.BoughtBy("order") || c.BoughtBy("") {
		t.Errorf("closed %d times: got %+v", closed, c)
	}
	if diff := cmp.Diff([]cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "HAT-1", Quantity: 1}}, c.Lines); diff != "" {
		t.Errorf("what was added meanwhile: %s", diff)
	}
	// An order that was not the cart's newest leaves the newest alone.
	if _, _, err := store.SetOrderID(ctx, id, "", "newer", nil); err != nil {
		t.Fatal(err)
	}
	if c, did, err := store.Close(ctx, id, "older", nil); err != nil || !did || c.OrderID != "newer" || len(c.Bought) != 2 {
		t.Errorf("got %+v, %v, %v", c, did, err)
	}
}

// The cart of an order that is erased does not say where it went, nor what the merchant wrote
// beside it; what a basket came to stays, whoever offered its way of delivery. No cart is made.
func TestStoreErase(t *testing.T) {
	rdb, own := redistest.Start(t), *skerry.Version().Shop
	own.Hooks.Delivery, own.Markets = &settings.Hook{}, slices.Clone(own.Markets)
	version := publish.NewVersion(1, &own, skerry.Version().Catalog)
	sold := &version.Shop.Markets[slices.IndexFunc(version.Shop.Markets, func(m market.Market) bool { return m.Country == "SE" })]
	sold.ShippingOptions = append(slices.Clone(sold.ShippingOptions), market.ShippingOption{
		ID: "agent", Name: i18n.Text{i18n.Swedish: "Ombud"}, Price: 400, PickupPoints: []market.PickupPoint{{ID: "w", Name: i18n.Text{i18n.Swedish: "by Wilhelmina"}}},
	})
	store, pricer, ctx := cart.NewStore(rdb, publish.Fixed(version)), cart.Pricer{Published: publish.Fixed(version)}, t.Context()
	price, rate := money.Amount(1000), klarna.Rate(2500)
	basket := func(options ...cart.BasketOption) *cart.Basket {
		return &cart.Basket{
			Reference: "r-1", Country: "SE", Locale: "sv-SE", Revision: 1, ShippingCountries: []string{"SE"}, BillingCountries: []string{"SE"},
			Lines: []cart.BasketLine{{
				ID: "a", Type: klarna.Physical, Name: "Mug", Quantity: 1, UnitPrice: &price, TaxRate: &rate, Told: klarna.Told{MerchantData: "for Wilhelmina"},
			}},
			Options: options,
		}
	}
	options := []cart.BasketOption{
		{ID: "home", Name: "Home", Price: 700, TaxRate: rate, Preselected: true},
		{ID: "near", Name: "Locker", Description: "beside Wilhelmina", Price: 500, TaxRate: rate, Location: klarna.PickupLocation{ID: "7", Name: "by Wilhelmina"}},
		{ID: "nearer", Name: "by Wilhelmina", Price: 300, TaxRate: rate},
	}
	for name, tt := range map[string]struct {
		basket *cart.Basket
		asked  cart.Asked
		chosen string
		comes  money.Amount
		way    string
	}{
		"own":                                    {},
		"of a session":                           {basket: basket(options...), chosen: "near", comes: 1500, way: "Locker"},
		"of a session, by the shop file":         {basket: basket(), chosen: "express", comes: 13900, way: "Express"},
		"of a session, with a pickup point":      {basket: basket(), chosen: "agent:w", comes: 1400, way: "Ombud"},
		"of a session, by the merchant's server": {basket: basket(), asked: cart.Asked{Options: options}, chosen: "near", comes: 1500, way: "Locker"},
		"of a session, taxed by the merchant's server": {
			basket: basket(), asked: cart.Asked{Options: options, Rates: map[string]klarna.Rate{"a": 600}}, chosen: "home", comes: 1700, way: "Home",
		},
	} {
		id := cart.NewID()
		c, err := store.Update(ctx, id, sweden, func(c *cart.Cart) error {
			asked := tt.asked
			asked.About, asked.ShipTo = "Wilhelmina", cart.ShipTo{Country: "SE", PostalCode: "413 01"}
			c.ShipTo, c.Asked = &cart.ShipTo{PostalCode: "413 01"}, &asked
			if c.Basket = tt.basket; tt.basket != nil {
				c.ShippingOption, c.Refused = tt.chosen, &cart.Refused{Message: i18n.Text{i18n.English: "Wilhelmina"}}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		before, err := pricer.Quote(c.Contents)
		for range 2 {
			err = errors.Join(err, store.Erase(ctx, id, version))
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err = store.Get(ctx, id, sweden)
		after, errAfter := pricer.Quote(c.Contents)
		if err = errors.Join(err, errAfter); err != nil || after.OrderAmount != before.OrderAmount || after.OrderTaxAmount != before.OrderTaxAmount {
			t.Errorf("%s: comes to %d with tax %d, was %d, %d, %v", name, after.OrderAmount, after.OrderTaxAmount, before.OrderAmount, before.OrderTaxAmount, err)
		}
		if tt.basket != nil && (after.OrderAmount != tt.comes || after.Shipping == nil || after.Shipping.Name != tt.way) {
			t.Errorf("%s: comes to %d, want %d by %q: %+v", name, after.OrderAmount, tt.comes, tt.way, after.Shipping)
		}
		if text := fmt.Sprint(rdb.HGetAll(ctx, "shopd:cart:{"+id+"}").Val()); strings.Contains(text, "Wilhelmina") || strings.Contains(text, "413 01") || strings.Contains(text, "agent:w") {
			t.Errorf("%s: there is still %s", name, text)
		}
	}
	gone := cart.NewID()
	if err := store.Erase(ctx, gone, version); err != nil || rdb.Exists(ctx, "shopd:cart:{"+gone+"}").Val() != 0 {
		t.Errorf("a cart was made: %v", err)
	}
}

func TestStoreWithoutRedis(t *testing.T) {
	server := redistest.StartServer(t)
	store, id := cart.NewStore(server.Client(), publish.Fixed(skerry.Version())), cart.NewID()
	if _, err := store.Update(t.Context(), id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 1})); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if _, err := store.Get(t.Context(), id, sweden); err == nil {
		t.Error("got no error without Redis")
	}
	server.Restart()
	if c, err := store.Get(t.Context(), id, sweden); err != nil || c.Quantity("MUG-1") != 1 {
		t.Errorf("after the outage: got %+v, %v", c, err)
	}
}

// items is how many things are in a cart.
func items(c cart.Cart) (n int) {
	for _, line := range c.Lines {
		n += line.Quantity
	}
	return n
}
