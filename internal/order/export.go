package order

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// exportBatch is how many orders Each holds at a time: some hundred kilobytes.
const exportBatch = 200

// Each hands the orders that are asked for to yield, oldest first, some at a
// time: memory does not grow with their number. Cursor and Limit do not count.
// Orders that are stored meanwhile are handed over if they are older than the
// newest when Each was called; each order is at most once. An error of yield
// ends it and is returned; else it is ErrUnavailable, wrapped.
func (b *Book) Each(ctx context.Context, q Query, yield func(Order) error) error {
	a, err := b.find(ctx, q)
	if err != nil {
		return err
	}
	if !a.listed {
		return hand(a.orders, yield)
	}
	// So that it comes to an end also where orders arrive faster than they leave.
	least, below := a.within.between(a.list)
	newest, err := b.Redis.ZRevRangeByLex(ctx, indexKey, &redis.ZRangeBy{Min: least, Max: below, Count: 1}).Result()
	if err != nil {
		return fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
	}
	if len(newest) == 0 {
		return nil
	}
	rest := a.within.before(strings.TrimPrefix(newest[0], a.list) + "\x00")
	for {
		least, below := rest.between(a.list)
		members, err := b.Redis.ZRangeByLex(ctx, indexKey, &redis.ZRangeBy{Min: least, Max: below, Count: exportBatch}).Result()
		if err != nil {
			return fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
		}
		positions := make([]string, len(members))
		for i, member := range members {
			positions[i] = strings.TrimPrefix(member, a.list)
		}
		orders, err := b.records(ctx, positions)
		if err == nil {
			err = hand(orders, yield)
		}
		if err != nil || len(positions) < exportBatch {
			return err
		}
		rest = rest.after(positions[len(positions)-1])
	}
}

func hand(orders []Order, yield func(Order) error) error {
	for _, o := range orders {
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}
