package kco

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
)

// LeftBehind is the list of orders that were made for a cart and are no
// longer its order: a sorted set of "cart ID:order ID" by time. They are
// aborted, not on the shopper's time.
type LeftBehind struct {
	Redis  redis.UniversalClient
	Carts  *cart.Store
	Client *Client
	Logger *slog.Logger
}

const (
	leftBehindKey  = "shopd:{left_behind}"
	leftBehindLock = "shopd:{left_behind}:lock"
	leftBehindLife = 49 * time.Hour   // an order lives 48 h after its last touch
	abortAfter     = 10 * time.Second // a request under way may still set it as its cart's order
	abortBatch     = 50               // entries a sweep
	sweepEvery     = 5 * time.Second
)

// Add puts an order on the list, also when ctx has ended: what is not on it is
// never aborted. It takes as long as the Redis client lets it.
func (l *LeftBehind) Add(ctx context.Context, cartID, orderID string) error {
	ctx = context.WithoutCancel(ctx)
	pipe := l.Redis.Pipeline()
	l.queue(ctx, pipe, cartID, orderID)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("list left-behind order: %w", err)
	}
	return nil
}

func (l *LeftBehind) queue(ctx context.Context, p redis.Pipeliner, cartID, orderID string) {
	now := float64(time.Now().UnixMilli()) //nolint:forbidigo // Redis knows no other scores
	p.ZAddNX(ctx, leftBehindKey, redis.Z{Score: now, Member: cartID + ":" + orderID})
	p.Expire(ctx, leftBehindKey, leftBehindLife)
}

// Orders returns the IDs of the listed orders, oldest first.
func (l *LeftBehind) Orders(ctx context.Context) ([]string, error) {
	members, err := l.Redis.ZRange(ctx, leftBehindKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read left-behind orders: %w", err)
	}
	ids := make([]string, len(members))
	for i, m := range members {
		_, ids[i], _ = strings.Cut(m, ":")
	}
	return ids, nil
}

// Run sweeps every 5 s until ctx ends.
func (l *LeftBehind) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := l.Sweep(ctx, time.Now().Add(-abortAfter)); err != nil && ctx.Err() == nil {
			l.Logger.WarnContext(ctx, "left-behind orders", "error", err)
		}
	}
}

// Sweep aborts the orders listed before the given time, at most 50. One that
// is its cart's order is dropped from the list instead. One process at a
// time; where another is at it, Sweep does nothing.
func (l *LeftBehind) Sweep(ctx context.Context, before time.Time) error {
	lock, err := redislock.Obtain(ctx, l.Redis, leftBehindLock, time.Minute, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock left-behind orders: %w", err)
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // else it runs out by itself
	ctx, cancel := context.WithTimeout(ctx, 50*time.Second)
	defer cancel()
	members, err := l.Redis.ZRangeByScore(ctx, leftBehindKey, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(before.UnixMilli(), 10), Count: abortBatch,
	}).Result()
	if err != nil {
		return fmt.Errorf("read left-behind orders: %w", err)
	}
	var failed []error
	for _, member := range members {
		if err := l.abort(ctx, member); err != nil {
			failed = append(failed, err)
			continue
		}
		if err := l.Redis.ZRem(ctx, leftBehindKey, member).Err(); err != nil {
			return fmt.Errorf("clear left-behind order: %w", err)
		}
	}
	return errors.Join(failed...)
}

// abort ends one order. 200, 403 (finished) and 404 (gone) all end the matter.
func (l *LeftBehind) abort(ctx context.Context, member string) error {
	cartID, orderID, _ := strings.Cut(member, ":")
	c, err := l.Carts.Get(ctx, cartID, cart.Fallback{})
	if err != nil || c.OrderID == orderID {
		return err
	}
	err = l.Client.AbortOrder(ctx, orderID)
	apiErr, answered := errors.AsType[*klarna.Error](err)
	switch {
	case answered && apiErr.Status == http.StatusForbidden:
		l.Logger.WarnContext(ctx, "left-behind order could not be aborted, it may be bought", "order_id", orderID, "error", err)
		return nil
	case answered && apiErr.Status == http.StatusNotFound:
		return nil
	}
	return err
}
