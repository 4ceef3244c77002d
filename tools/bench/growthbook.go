package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	orderbook "github.com/shopd/shopd/internal/order"
)

// bookPrefix begins the keys of the order book.
const bookPrefix = "shopd:{orders}:"

// bookIndex is the sorted set of all its lists.
const bookIndex = bookPrefix + "index:1"

// sale is an order of the book as the shop wrote it, to be copied under another ID,
// number, reference and time of purchase.
type sale struct {
	order  orderbook.Order
	record string
	audit  []string
	index  []string // its members of the index
}

// readSale reads what the book has of an order.
func readSale(ctx context.Context, rdb redis.UniversalClient, orderID string) (sale, error) {
	o, found, err := (&orderbook.Book{Redis: rdb}).ByOrderID(ctx, orderID)
	if err != nil || !found {
		return sale{}, fmt.Errorf("a bought order is not in the book: %w", errors.Join(err, redis.Nil))
	}
	s := sale{order: o}
	if s.record, err = rdb.Get(ctx, bookPrefix+"order:"+orderID).Result(); err != nil {
		return sale{}, err
	}
	if s.audit, err = rdb.LRange(ctx, bookPrefix+"audit:"+orderID, 0, -1).Result(); err != nil {
		return sale{}, err
	}
	members, err := rdb.ZRange(ctx, bookIndex, 0, -1).Result()
	if err != nil {
		return sale{}, err
	}
	for _, member := range members {
		if strings.HasSuffix(member, ":"+orderID) {
			s.index = append(s.index, member)
		}
	}
	if !o.Acknowledged || len(s.audit) == 0 || len(s.index) == 0 {
		return sale{}, errors.New("the book has not finished a bought order")
	}
	return s, nil
}

// orderNumber is the n-th of 2^40 different order numbers, in no visible order.
func orderNumber(n int) string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	mixed := uint64(n+1) * 0x9E3779B97F //nolint:gosec // n counts from 0; odd, so no two are the same
	var b strings.Builder
	b.WriteString("SK-")
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[mixed>>(5*i)&31])
	}
	return b.String()
}

// seedOrders writes n copies of sales, one bought every five minutes before them, and
// returns the bytes of Redis that they took.
func seedOrders(ctx context.Context, rdb redis.UniversalClient, sales []sale, n int) (bytes int64, err error) {
	before, err := memoryOf(ctx, rdb)
	if err != nil {
		return 0, err
	}
	if err := inBatches(ctx, rdb, n, func(p redis.Pipeliner, i int) {
		s := sales[i%len(sales)]
		id, number, reference := uuid.NewString(), orderNumber(i), strings.ToUpper(randomText(len(s.order.KlarnaReference)))
		at := s.order.PlacedAt.Add(-time.Duration(i+1) * 5 * time.Minute)
		as := strings.NewReplacer(
			s.order.OrderID, id, s.order.Number, number, s.order.KlarnaReference, reference,
			moment(s.order.PlacedAt), moment(at),
			`"placed_at":"`+s.order.PlacedAt.Format(time.RFC3339Nano), `"placed_at":"`+at.Format(time.RFC3339Nano),
		)
		p.Set(ctx, bookPrefix+"order:"+id, as.Replace(s.record), 0)
		p.Set(ctx, bookPrefix+"number:"+number, id, 0)
		p.ZAdd(ctx, bookPrefix+"placed", redis.Z{Score: float64(at.UnixMilli()), Member: number})
		members := make([]redis.Z, len(s.index))
		for k, member := range s.index {
			members[k].Member = as.Replace(member)
		}
		p.ZAdd(ctx, bookIndex, members...)
		entries := make([]any, len(s.audit))
		for k, entry := range s.audit {
			entries[k] = as.Replace(entry)
		}
		p.RPush(ctx, bookPrefix+"audit:"+id, entries...)
	}); err != nil {
		return 0, fmt.Errorf("copy orders: %w", err)
	}
	after, err := memoryOf(ctx, rdb)
	return after - before, err
}

// moment is a time as the index has it.
func moment(t time.Time) string { return fmt.Sprintf("%013d", t.UnixMilli()) }

// readBook does what the back office does with the book: the newest page, one order by
// its number, those of a buyer. It fails unless copies are read as the orders that they
// are.
func (s *site) readBook(ctx context.Context) error {
	book := &orderbook.Book{Redis: s.redis}
	page, err := book.List(ctx, orderbook.Query{})
	if err != nil {
		return err
	}
	if int(page.Total) != s.orders {
		return fmt.Errorf("the book lists %d orders, there are %d", page.Total, s.orders)
	}
	number := orderNumber(0)
	o, found, err := book.ByNumber(ctx, number)
	if err != nil || !found || o.Number != number {
		return fmt.Errorf("the copied order %s is not found as itself: %v, %w", number, found, errors.Join(err, redis.Nil))
	}
	for _, q := range []orderbook.Query{
		{Text: o.BillingAddress.Email}, {Text: o.KlarnaReference}, {Country: o.PurchaseCountry, Status: o.Status},
		{From: o.PlacedAt, To: o.PlacedAt.Add(time.Millisecond)},
	} {
		page, err := book.List(ctx, q)
		if err != nil {
			return err
		}
		if len(page.Orders) == 0 {
			return fmt.Errorf("a copied order is not found by %+v", q)
		}
	}
	return nil
}
