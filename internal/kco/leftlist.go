package kco

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
)

// Left is an order that was made for a cart and is no longer its order.
type Left struct {
	OrderID string
	CartID  string    // "" once Klarna's abort is over: then only the order is known
	Since   time.Time // when it was left behind
	// Aborted: the abort is complete. Klarna is asked until 49 h after Since whether the
	// order was paid in an old tab.
	Aborted bool
}

// List returns the newest left-behind orders that are not settled, at most limit, and
// how many there are.
func (l *LeftBehind) List(ctx context.Context, limit int) (left []Left, total int64, err error) {
	var waiting, aborted *redis.ZSliceCmd
	var counts [2]*redis.IntCmd
	_, err = l.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		waiting = p.ZRevRangeWithScores(ctx, leftBehindKey, 0, int64(limit)-1)
		aborted = p.ZRevRangeWithScores(ctx, leftBehindSince, 0, int64(limit)-1)
		counts = [2]*redis.IntCmd{p.ZCard(ctx, leftBehindKey), p.ZCard(ctx, leftBehindSince)}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list left-behind orders: %w", err)
	}
	for _, z := range waiting.Val() {
		member, _ := z.Member.(string)
		cartID, orderID, _ := strings.Cut(member, ":")
		left = append(left, Left{OrderID: orderID, CartID: cartID, Since: time.UnixMilli(int64(z.Score))})
	}
	for _, z := range aborted.Val() {
		id, _ := z.Member.(string)
		left = append(left, Left{OrderID: id, Since: time.UnixMilli(int64(z.Score)), Aborted: true})
	}
	slices.SortStableFunc(left, func(a, b Left) int { return cmp.Compare(b.Since.UnixMilli(), a.Since.UnixMilli()) })
	return left[:min(len(left), limit)], counts[0].Val() + counts[1].Val(), nil
}

// Among returns those of a cart's orders that were left behind and are not settled.
func (l *LeftBehind) Among(ctx context.Context, cartID string, orderIDs []string) ([]Left, error) {
	type scores struct{ waiting, aborted *redis.FloatCmd }
	found := make([]scores, len(orderIDs))
	_, err := l.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range orderIDs {
			found[i] = scores{p.ZScore(ctx, leftBehindKey, cartID+":"+id), p.ZScore(ctx, leftBehindSince, id)}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("find left-behind orders: %w", err)
	}
	var left []Left
	for i, id := range orderIDs {
		for _, score := range []*redis.FloatCmd{found[i].waiting, found[i].aborted} {
			if score.Err() == nil {
				left = append(left, Left{
					OrderID: id, CartID: cartID, Since: time.UnixMilli(int64(score.Val())), Aborted: score == found[i].aborted,
				})
				break
			}
		}
	}
	return left, nil
}

// Queues returns the queues of orders to abort and to ask about.
func (l *LeftBehind) Queues() []observe.Queue {
	return []observe.Queue{
		observe.SortedQueue(l.Redis, "left_behind_abort", leftBehindKey, abortAfter), observe.SortedQueue(l.Redis, "left_behind_ask", leftBehindAsk, 0),
	}
}
