package order_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/order"
)

// Orders that are stored while Each runs do no harm: it comes to an end, and hands
// over each order of before once, oldest first.
func TestEachWhileOrdersArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	source := newOrders(9, time.Hour)
	all := source.take(450) // more than two batches
	w.fill(all)
	want := idsOf(newestFirst(all))
	slices.Reverse(want)
	known := map[string]bool{}
	for _, id := range want {
		known[id] = true
	}
	var got []string
	later := firstSale.Add(2 * time.Hour)
	err := w.Book.Each(t.Context(), order.Query{}, func(o order.Order) error {
		if known[o.OrderID] {
			got = append(got, o.OrderID)
		}
		if !o.PlacedAt.Before(later) {
			return errors.New("it goes on with what has arrived, perhaps for ever")
		}
		newer := source.next()
		newer.PlacedAt = later
		w.fill([]order.Order{newer, source.next()})
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	newest, err := w.Book.List(t.Context(), order.Query{Limit: 1})
	if err != nil || known[newest.Orders[0].OrderID] {
		t.Errorf("no order arrived: %v", err)
	}
}

func TestEachEndsWithAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	all := newOrders(10, time.Hour).take(5)
	w.fill(all)
	enough := errors.New("enough")
	for name, q := range map[string]order.Query{"all": {}, "one": {Text: all[0].Number}} {
		n := 0
		err := w.Book.Each(t.Context(), q, func(order.Order) error {
			n++
			return enough
		})
		if !errors.Is(err, enough) || n != 1 {
			t.Errorf("%s: %v after %d orders", name, err, n)
		}
	}
}
