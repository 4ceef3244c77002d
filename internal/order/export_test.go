package order

import (
	"context"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"
)

// Fill stores orders that have a number as store does, many at a time and
// without waiting for them to be durable.
func (b *Book) Fill(ctx context.Context, orders []Order) error {
	_, err := b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, o := range orders {
			o.Version = version
			record, err := json.Marshal(o)
			if err != nil {
				return err
			}
			keys, args := storeArgs(o, record, time.Now())
			storeOrder.Eval(ctx, pipe, keys, args...)
		}
		return nil
	})
	return err
}

// Edit is update.
func (b *Book) Edit(ctx context.Context, id string, edit func(*Order)) (Order, error) {
	return b.Update(ctx, id, func(o *Order) ([]AuditEntry, error) {
		edit(o)
		return nil, nil
	})
}

// The keys of the index and of what may be done about an order.
const (
	IndexKey = indexKey
	OrderKey = orderKey
)

// IndexMembers are those of an order.
func IndexMembers(o Order) []string { return indexMembers(o) }
