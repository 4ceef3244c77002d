package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// What is before and after an order is what the list has beside it, whatever it is sorted by; what is counted is
// what the lists have; and a customer's other orders are those with the same e-mail address.
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"postgres": newWorld(t, nil), "sqlite": {shoptest.New(t, shoptest.Options{DB: dbtest.SQLite(t)})}} {
		t.Run(name, func(t *testing.T) {
			all := newOrders(31, time.Hour).take(60)
			for i := range all {
				all[i].BillingAddress.Email = []string{"eva@example.com", "Eva@Example.com", "bo@example.com"}[i%3]
			}
			w.fill(all)
			for _, q := range []order.Query{
				{}, {Ascending: true}, {Sort: order.ByAmount}, {Sort: order.ByStatus, Ascending: true}, {Flagged: true}, {Text: "bo@example.com"}, {Text: "eva@example.com", Country: "SE", Sort: order.ByAmount},
			} {
				list, err := w.Book.List(t.Context(), q)
				if err != nil || len(list.Orders) < 2 {
					t.Fatal(len(list.Orders), err)
				}
				if list.Next != "" {
					q.Cursor = list.Next
					rest, err := w.Book.List(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					list.Orders = append(list.Orders, rest.Orders...)
				}
				for i, o := range list.Orders {
					before, after, err := w.Book.Beside(t.Context(), q, o)
					if err != nil {
						t.Fatal(err)
					}
					want := [2]string{}
					if i > 0 {
						want[0] = list.Orders[i-1].Number
					}
					if i < len(list.Orders)-1 {
						want[1] = list.Orders[i+1].Number
					}
					if got := [2]string{before, after}; got != want {
						t.Errorf("%+v: beside %s are %q, want %q", q, o.Number, got, want)
					}
				}
			}
			counts, err := w.Book.Counts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			total := func(q order.Query) int64 {
				list, err := w.Book.List(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				return list.Total
			}
			if diff := cmp.Diff(order.Counts{
				ToShip: total(order.Query{ToShip: true}), Expiring: total(order.Query{Expiring: true}), Flagged: total(order.Query{Flagged: true}),
				Pending: total(order.Query{Risk: ordermanagement.FraudPending}), Rejected: total(order.Query{Risk: ordermanagement.FraudRejected}),
			}, counts); diff != "" || counts.ToShip == 0 || counts.Pending == 0 {
				t.Error(diff, counts)
			}
			newest := newestFirst(all)
			one := newest[slices.IndexFunc(newest, func(o order.Order) bool { return o.BillingAddress.Email == "eva@example.com" })]
			one, _, err = w.Book.ByOrderID(t.Context(), one.OrderID)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for _, o := range newest {
				if o.OrderID != one.OrderID && o.BillingAddress.Email != "bo@example.com" && len(want) < 3 {
					want = append(want, o.OrderID)
				}
			}
			others, err := w.Book.OthersOf(t.Context(), one, 3)
			for _, o := range others {
				got = append(got, o.OrderID)
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}
