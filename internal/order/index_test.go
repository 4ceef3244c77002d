package order_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// An order is in the lists that its record says, whatever is done with it.
func TestIndexFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, orderID := w.Sale("email", fraud("accept"))
	w.Place(orderID)
	w.indexed()
	page, err := w.Book.List(t.Context(), order.Query{Pending: true, Text: fraud("accept"), Country: "SE", Status: ordermanagement.Authorized})
	if err != nil || len(page.Orders) != 1 || page.Orders[0].OrderID != orderID {
		t.Fatalf("%d orders, %v", len(page.Orders), err)
	}
	w.Fake.Advance(time.Hour)
	if _, err := w.Book.Refresh(t.Context(), orderID); err != nil {
		t.Fatal(err)
	}
	w.indexed()
	if _, err := w.Book.Edit(t.Context(), orderID, func(o *order.Order) {
		o.Status, o.OrderAmount, o.ShippingAddress.Email = ordermanagement.PartCaptured, 4900, "other@example.com"
	}); err != nil {
		t.Fatal(err)
	}
	w.indexed()
	for _, q := range []order.Query{{Text: "49"}, {Text: "other@example.com"}, {Text: fraud("accept")}, {Status: ordermanagement.PartCaptured}} {
		if page, err := w.Book.List(t.Context(), q); err != nil || len(page.Orders) != 1 {
			t.Errorf("%+v: %d orders, %v", q, len(page.Orders), err)
		}
	}
	for _, q := range []order.Query{{Pending: true}, {Status: ordermanagement.Authorized}} {
		if page, err := w.Book.List(t.Context(), q); err != nil || len(page.Orders) != 0 || page.Total != 0 {
			t.Errorf("%+v: %d orders, %v", q, len(page.Orders), err)
		}
	}
}

// indexed holds that the index has what the records ask for, and nothing else.
func (w *world) indexed() {
	w.T.Helper()
	var want []string
	for _, key := range w.Keys(order.OrderKey + "*") {
		o, found, err := w.Book.ByOrderID(w.T.Context(), strings.TrimPrefix(key, order.OrderKey))
		if err != nil || !found {
			w.T.Fatal(err)
		}
		want = append(want, order.IndexMembers(o)...)
	}
	got, err := w.Client.ZRange(w.T.Context(), order.IndexKey, 0, -1).Result()
	if err != nil {
		w.T.Fatal(err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		w.T.Errorf("the index: %s", diff)
	}
}

// Orders that were stored before there was an index are in the lists after the
// next round, also when a round ends half-way.
func TestIndexOfOldOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.fill(newOrders(6, time.Hour).take(1200))
	if err := w.Client.Del(t.Context(), order.IndexKey).Err(); err != nil {
		t.Fatal(err)
	}
	// Processes die one after another, each a call later than the one before.
	halfway := false
	for n := 1; ; n++ {
		r := &shoptest.Reaper{N: n}
		rdb := w.Redis.Client()
		book := w.another(rdb, nil)
		rdb.AddHook(r)
		err := book.Reconcile(t.Context(), time.Now(), order.Work{})
		if !r.Died() {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		page, err := w.Book.List(t.Context(), order.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		halfway = halfway || page.Total > 0 && page.Total < 1200
		unlock(t, w.Client)
	}
	if !halfway {
		t.Error("none died half-way")
	}
	w.indexed()
	if page, err := w.Book.List(t.Context(), order.Query{}); err != nil || page.Total != 1200 {
		t.Errorf("%d orders, %v", page.Total, err)
	}
}

func unlock(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	if err := rdb.Del(context.WithoutCancel(t.Context()), "shopd:{orders}:lock").Err(); err != nil {
		t.Fatal(err)
	}
}
