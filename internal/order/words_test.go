package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// An order is found by the name and the address that somebody has stated a withdrawal with, also
// where they are not those of the purchase; they go with the rest.
func TestWordsOfWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed("email", "eva@work.example")
	if _, err := w.Book.TakeWithdrawal(t.Context(), o.OrderID, order.Withdrawal{
		ID: "FIRST", Name: "Evelina Quistgaard", Email: "Eva@Home.example", Lines: []order.WithdrawnLine{{ID: o.Lines()[0].ID, Quantity: 1}},
	}, time.Now()); err != nil {
		t.Fatal(err)
	}
	known := func(want bool) {
		t.Helper()
		for _, text := range []string{"quistgaard", "eva@home.example"} {
			if got := w.found(order.Query{Text: text}); slices.Contains(got, o.Number) != want {
				t.Errorf("by %s: %q, want %v", text, got, want)
			}
		}
		if ids, err := w.Book.OfEmail(t.Context(), "eva@home.EXAMPLE"); err != nil || slices.Contains(ids, o.OrderID) != want {
			t.Errorf("of the address: %q, %v, want %v", ids, err, want)
		}
	}
	known(true)
	o = w.InBook(o.OrderID)
	lines, amount := o.Rest()
	w.Do(o, shoptest.Command(o, aftersale.Capture.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, amount }), order.Done)
	if _, err := w.Book.Update(t.Context(), o.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		o.Reference = "basket-2026/77"
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	w.erase(o.OrderID)
	known(false)
	if got := w.found(order.Query{Text: "basket-2026/77"}); len(got) != 1 {
		t.Errorf("erased, by the reference of its session: %q", got)
	}
	if places := w.Found("Quistgaard", "quistgaard", "home.example", "homeexample"); len(places) > 0 {
		t.Errorf("erased: %q", places)
	}
}
