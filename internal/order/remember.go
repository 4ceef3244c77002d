package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/rounds"
)

const (
	// placedKey is a sorted set of the IDs of orders that were placed, by when, in ms. A
	// failover or restore of the database may have lost what it has.
	placedKey  = "shopd:placed"
	placedLife = 48 * time.Hour
	// sweepItems is how many of them a round looks at.
	sweepItems = 500
)

// remember writes down in Redis that an order is in the book, if it can be placed again.
func (b *Book) remember(ctx context.Context, o Order) error {
	if o.Free() {
		return nil
	}
	now := time.Now()
	_, err := b.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAdd(ctx, placedKey, redis.Z{Score: float64(now.UnixMilli()), Member: o.OrderID})
		p.ZRemRangeByScore(ctx, placedKey, "-inf", strconv.FormatInt(now.Add(-placedLife).UnixMilli(), 10))
		p.Expire(ctx, placedKey, placedLife)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember order %s: %w: %w", o.OrderID, ErrUnavailable, err)
	}
	return nil
}

// lost places orders that were placed and that the book does not have: the database has
// lost them. Each round goes on where the one before has ended.
func (b *Book) lost(ctx context.Context) error {
	start := b.swept.Load()
	ids, err := b.Redis.ZRange(ctx, placedKey, start, start+sweepItems-1).Result()
	if err != nil {
		return fmt.Errorf("orders that were placed: %w", err)
	}
	if b.swept.Store(start + int64(len(ids))); len(ids) < sweepItems {
		b.swept.Store(0)
	}
	if len(ids) == 0 {
		return nil
	}
	there, err := b.among(ctx, ids)
	if err != nil {
		return err
	}
	return rounds.Each(ids, roundFailures, func(id string) error {
		if slices.Contains(there, id) {
			return nil
		}
		b.Logger.WarnContext(ctx, "the database has lost an order, which is placed again", "order_id", id)
		if _, err := b.Place(ctx, id); errors.Is(err, ErrUnavailable) {
			return err
		}
		return nil
	})
}

// among are those of Klarna's order IDs that the book has.
func (b *Book) among(ctx context.Context, ids []string) ([]string, error) {
	in, args := db.In(ids)
	there, err := db.All(ctx, b.DB.Read, func(rows *sql.Rows) (id string, err error) {
		err = rows.Scan(&id)
		return id, err
	}, "select order_id from orders where order_id "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: read orders: %w", ErrUnavailable, err)
	}
	return there, nil
}
