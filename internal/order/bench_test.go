package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// shelf is a book with many orders, and some of them.
type shelf struct {
	*world
	all    []order.Order
	memory int64  // bytes of the database for all orders
	deep   string // cursor of a page a quarter down the list
}

// newShelf fills a book with orders as a shop has them, of three lines.
func newShelf(b *testing.B, n int) *shelf {
	b.Helper()
	s := &shelf{world: newWorld(b, nil)}
	before := s.Number("select pg_database_size(current_database())")
	source := newOrders(uint64(n), 365*24*time.Hour)
	source.shoppers = n / 50
	for len(s.all) < n {
		part := source.take(min(500, n-len(s.all)))
		for i := range part {
			part[i] = whole(part[i])
		}
		s.fill(part)
		s.all = append(s.all, part...)
	}
	s.memory = s.Number("select pg_database_size(current_database())") - before
	q := order.Query{}
	for range n / 4 / order.DefaultLimit {
		page, err := s.Book.List(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		q.Cursor = page.Older
	}
	s.deep = q.Cursor
	return s
}

// whole gives an order what a record of a real one has.
func whole(o order.Order) order.Order {
	for _, sku := range []string{"JAM-1", "RPE-1"} {
		line := o.OrderLines[0]
		line.Reference, line.Name = sku, "Cloudberry jam, 210 g"
		o.OrderLines = append(o.OrderLines, line)
	}
	o.OrderLines = append(o.OrderLines, klarna.OrderLine{Type: klarna.ShippingFee, Reference: "post", Name: "Mail boat, 3 to 5 days", Quantity: 1, UnitPrice: 4900, TaxRate: 2500, TotalAmount: 4900, TotalTaxAmount: 980})
	for i := range o.OrderLines {
		o.OrderLines[i].ProductURL = "https://shop.example/products/" + o.OrderLines[i].Reference
		o.OrderLines[i].ImageURL = "https://shop.example/static/0123456789abcdef/pictures/" + o.OrderLines[i].Reference + ".svg"
	}
	o.BillingAddress.FamilyName, o.BillingAddress.StreetAddress, o.BillingAddress.Phone = "Ekström", "Storgatan 12", "+46701740615"
	o.ShippingAddress = o.BillingAddress
	o.Key, o.CartID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	o.PaymentMethod = ordermanagement.PaymentMethod{Type: "INVOICE", Description: "Pay later"}
	return o
}

// BenchmarkBook100000 does what the back office does with a book of 100,000
// orders and, in the same run, with one of 1,000: it reports the median of
// both in microseconds, how many times slower the large one is, how many orders
// there were to read (50 are a page), and the bytes of an order in the database.
func BenchmarkBook100000(b *testing.B) {
	few, many := newShelf(b, 1000), newShelf(b, 100_000)
	list := func(query func(*shelf, order.Order) order.Query, some bool) func(*shelf, order.Order) int {
		return func(s *shelf, o order.Order) int {
			page, err := s.Book.List(b.Context(), query(s, o))
			if err != nil || some && len(page.Orders) == 0 {
				b.Fatal(len(page.Orders), err)
			}
			return len(page.Orders)
		}
	}
	middle := firstSale.Add(100 * 24 * time.Hour)
	for _, op := range []struct {
		name string
		do   func(*shelf, order.Order) (found int)
	}{
		{"first page", list(func(*shelf, order.Order) order.Query { return order.Query{} }, true)},
		{"page 500 of 2,000, 5 of 20", list(func(s *shelf, _ order.Order) order.Query { return order.Query{Cursor: s.deep} }, true)},
		{"by number", list(func(_ *shelf, o order.Order) order.Query { return order.Query{Text: o.Number} }, true)},
		{"by Klarna's reference", list(func(_ *shelf, o order.Order) order.Query { return order.Query{Text: o.KlarnaReference} }, true)},
		{"by order ID", list(func(_ *shelf, o order.Order) order.Query { return order.Query{Text: o.OrderID} }, true)},
		{"by e-mail", list(func(_ *shelf, o order.Order) order.Query { return order.Query{Text: o.BillingAddress.Email} }, true)},
		{"by e-mail hash", list(func(_ *shelf, o order.Order) order.Query {
			return order.Query{Text: order.EmailHash(o.BillingAddress.Email)}
		}, true)},
		{"by amount", list(func(_ *shelf, o order.Order) order.Query { return order.Query{Text: o.OrderAmount.Decimal()} }, true)},
		{"status", list(func(*shelf, order.Order) order.Query { return order.Query{State: order.StateCaptured} }, true)},
		{"country and status", list(func(*shelf, order.Order) order.Query {
			return order.Query{Country: "FI", State: order.StateCaptured}
		}, true)},
		{"a month", list(func(*shelf, order.Order) order.Query {
			return order.Query{From: middle, To: middle.AddDate(0, 1, 0)}
		}, true)},
		{"all filters and an amount", list(func(_ *shelf, o order.Order) order.Query {
			return order.Query{Text: o.OrderAmount.Decimal(), Country: "FI", State: order.StateChecking, From: middle, To: middle.AddDate(0, 6, 0)}
		}, false)},
		{"one order", func(s *shelf, o order.Order) int {
			if got, found, err := s.Book.ByNumber(b.Context(), o.Number); err != nil || !found || got.OrderID != o.OrderID {
				b.Fatal(found, err)
			}
			return 1
		}},
	} {
		b.Run(op.name, func(b *testing.B) {
			took, found := map[*shelf][]time.Duration{}, map[*shelf]int{}
			for i := 0; b.Loop(); i++ {
				for _, s := range []*shelf{few, many} {
					o := s.all[i*7919%len(s.all)]
					start := time.Now()
					found[s] += op.do(s, o)
					took[s] = append(took[s], time.Since(start))
				}
			}
			small, large := median(took[few]), median(took[many])
			b.ReportMetric(0, "ns/op") // of both together: says nothing
			b.ReportMetric(float64(small.Microseconds()), "µs/1000")
			b.ReportMetric(float64(large.Microseconds()), "µs/100000")
			b.ReportMetric(float64(large)/float64(small), "times")
			b.ReportMetric(float64(found[few])/float64(b.N), "orders/1000")
			b.ReportMetric(float64(found[many])/float64(b.N), "orders/100000")
		})
	}
	b.Run("memory", func(b *testing.B) {
		for b.Loop() { // it was measured while the books were filled
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(many.memory)/float64(len(many.all)), "B/order")
	})
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}
