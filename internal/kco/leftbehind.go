package kco

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/rounds"
	"github.com/shopd/shopd/internal/stock"
)

// LeftBehind is the list of orders that were made for a cart and are no longer its order.
// A loop aborts them. Then it asks Klarna about them until they are 49 h old, because
// the shopper may have paid in an old tab. All members but Observer are required.
type LeftBehind struct {
	Redis  redis.UniversalClient
	Carts  *cart.Store
	Stock  *stock.Store // knows of purchases that may be running
	Client *Client
	Logger *slog.Logger
	// Observer gets each order and each sweep; it may be nil.
	Observer *observe.Observer

	mu   sync.Mutex
	kept map[string]string // order ID → cart ID, of those that Redis did not take
}

// The list is three sorted sets. The first holds "cart ID:order ID" of the orders to
// abort, by the time they were listed. The other two hold the IDs of aborted orders: by
// the time they were listed, and by the time to ask Klarna about them.
const (
	leftBehindKey   = "shopd:{left_behind}"
	leftBehindSince = "shopd:{left_behind}:since"
	leftBehindAsk   = "shopd:{left_behind}:ask"
	leftBehindLock  = "shopd:{left_behind}:lock"

	leftBehindLife = 49 * time.Hour             // an order lives 48 h after its last touch
	askLife        = leftBehindLife + time.Hour // of the keys of those that were aborted: asked at the end too
	keptMost       = 10_000                     // orders that Redis did not take; each is some 200 bytes
	askFirst       = 5 * time.Minute            // push and confirmation have had their time
	abortAfter     = 10 * time.Second           // a request under way may still set it as its cart's order
	abortBatch     = 50                         // entries read at a time
	abortFailures  = 5                          // in one sweep; then Klarna or Redis is away
	sweepEvery     = 5 * time.Second
)

// Add puts an order on the list, also when ctx has ended: an order that is not listed is
// never aborted. The Redis client limits the time.
func (l *LeftBehind) Add(ctx context.Context, cartID, orderID string) error {
	ctx = context.WithoutCancel(ctx)
	pipe := l.Redis.Pipeline()
	l.queue(ctx, pipe, cartID, orderID)
	_, err := pipe.Exec(ctx)
	return redisconn.Wrap("list left-behind order", err)
}

// keep remembers an order until Redis takes it.
func (l *LeftBehind) keep(cartID, orderID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[string]string{}
	}
	if len(l.kept) < keptMost {
		l.kept[orderID] = cartID
	}
}

// listKept lists what Redis did not take before.
func (l *LeftBehind) listKept(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == 0 {
		return nil
	}
	pipe := l.Redis.Pipeline()
	for orderID, cartID := range l.kept {
		l.queue(ctx, pipe, cartID, orderID)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return redisconn.Wrap("list left-behind orders", err)
	}
	l.kept = nil
	return nil
}

// queue adds to the list what Klarna knows of.
func (l *LeftBehind) queue(ctx context.Context, p redis.Pipeliner, cartID, orderID string) {
	if orderID == "" || cart.IsOwnOrder(orderID) {
		return
	}
	p.ZAddNX(ctx, leftBehindKey, at(time.Now().UnixMilli(), cartID+":"+orderID))
	p.Expire(ctx, leftBehindKey, leftBehindLife)
}

// at is an entry of a sorted set by time, in milliseconds.
func at(ms int64, member string) redis.Z {
	return redis.Z{Score: float64(ms), Member: member} //nolint:forbidigo // Redis knows no other scores
}

// Run sweeps every 5 s until ctx ends. What this process keeps is listed first, also at the end.
func (l *LeftBehind) Run(ctx context.Context) {
	rounds.Every(ctx, sweepEvery, func() { _ = l.Sweep(ctx, time.Now().Add(-abortAfter)) }) // the observer is told
	_ = l.listKept(context.WithoutCancel(ctx))                                              // the Redis client limits the time
}

// Sweep aborts the orders listed before the given time. It stops after five failures. It
// removes an order that is its cart's order after all, and leaves one that may be in a
// purchase. The error is redisconn.ErrElsewhere while another process sweeps.
func (l *LeftBehind) Sweep(ctx context.Context, before time.Time) error {
	ctx, done := l.Observer.Round(ctx, observe.LoopLeftBehind)
	err := l.listKept(ctx)
	if err != nil {
		done(err)
		return err
	}
	err = redisconn.Alone(ctx, l.Redis, leftBehindLock, func(ctx context.Context) error { return l.sweep(ctx, before) })
	done(err)
	return err
}

func (l *LeftBehind) sweep(ctx context.Context, before time.Time) error {
	var failed []error
	for stayed := 0; ; {
		entries, err := l.Redis.ZRangeByScoreWithScores(ctx, leftBehindKey, &redis.ZRangeBy{
			Min: "-inf", Max: strconv.FormatInt(before.UnixMilli(), 10), Offset: int64(stayed), Count: abortBatch,
		}).Result()
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("read left-behind orders: %w", err))...)
		}
		for _, entry := range entries {
			stays, err := l.end(ctx, entry)
			if err != nil {
				failed = append(failed, err)
			}
			if len(failed) == abortFailures {
				return errors.Join(failed...)
			}
			if stays || err != nil {
				stayed++
			}
		}
		if len(entries) < abortBatch {
			return errors.Join(failed...)
		}
	}
}

// end aborts one order, unless it is its cart's or may be in a purchase. stays: the order
// stays on the list. 200, 403 (finished) and 404 (gone) complete the abort, and so does
// an age at which the order must have expired.
func (l *LeftBehind) end(ctx context.Context, entry redis.Z) (stays bool, err error) {
	member, _ := entry.Member.(string)
	cartID, orderID, _ := strings.Cut(member, ":")
	ctx, done := l.Observer.Item(ctx, observe.WorkAbort, observe.Subject{OrderID: orderID, CartID: cartID})
	result := observe.ResultExpired
	defer func() {
		if err != nil {
			result = observe.ResultFailed
		}
		done(result, err)
	}()
	c, err := l.Carts.Get(ctx, cartID, cart.Fallback{})
	if err != nil {
		return true, err
	}
	if c.OrderID == orderID {
		if err := l.Redis.ZRem(ctx, leftBehindKey, member).Err(); err != nil {
			return true, fmt.Errorf("clear left-behind order: %w", err)
		}
		result = observe.ResultInUse
		return false, nil
	}
	approved, ok, err := l.Stock.OfOrder(ctx, orderID)
	if err != nil {
		return true, err
	}
	if ok && time.Since(approved.Made) < stock.Young {
		result = observe.ResultReserved
		return true, nil
	}
	listed, ask := time.UnixMilli(int64(entry.Score)), time.Now().Add(askFirst)
	if time.Since(listed) < leftBehindLife {
		result = observe.ResultAborted
		_, err = l.Client.AbortOrder(ctx, orderID)
		switch klarna.Status(err) {
		case http.StatusForbidden:
			l.Logger.WarnContext(ctx, "left-behind order could not be aborted, it may be bought", "cart_id", cartID, "order_id", orderID, "error", err)
			result, ask = observe.ResultReadOnly, time.Now()
		case http.StatusNotFound:
			result = observe.ResultGone
		default:
			if err != nil {
				return true, err
			}
		}
	}
	// An order that is listed again after its abort keeps its age.
	_, err = l.Redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, leftBehindKey, member)
		p.ZAddNX(ctx, leftBehindSince, at(listed.UnixMilli(), orderID))
		p.ZAddNX(ctx, leftBehindAsk, at(ask.UnixMilli(), orderID))
		p.Expire(ctx, leftBehindSince, askLife)
		p.Expire(ctx, leftBehindAsk, askLife)
		return nil
	})
	return err != nil, redisconn.Wrap("note left-behind order", err)
}

// Unsettled returns the IDs of at most limit aborted orders that are due for a question
// to Order Management. They come in random order, so that failing ones do not block the
// others. The caller reports the answer with Asked or Settled.
func (l *LeftBehind) Unsettled(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := l.Redis.ZRangeByScore(ctx, leftBehindAsk, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("read left-behind orders: %w", err)
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] }) //nolint:gosec // no secret
	return ids, nil
}

// Asked stores that Order Management knew of no sale at now. The order is due again after
// half of its time on the list, at least 5 min, and a last time at 49 h. Then it leaves
// the list.
func (l *LeftBehind) Asked(ctx context.Context, orderID string, now time.Time) error {
	score, err := l.Redis.ZScore(ctx, leftBehindSince, orderID).Result()
	if errors.Is(err, redis.Nil) {
		return l.Settled(ctx, orderID)
	}
	if err != nil {
		return fmt.Errorf("read left-behind order: %w", err)
	}
	ends := time.UnixMilli(int64(score)).Add(leftBehindLife)
	if !now.Before(ends) {
		return l.Settled(ctx, orderID)
	}
	next := now.Add(max(askFirst, (leftBehindLife-ends.Sub(now))/2))
	if next.After(ends) {
		next = ends
	}
	// XX: it may have been settled meanwhile.
	again := redis.ZAddArgs{XX: true, Members: []redis.Z{at(next.UnixMilli(), orderID)}}
	return redisconn.Wrap("note left-behind order", l.Redis.ZAddArgs(ctx, leftBehindAsk, again).Err())
}

// Settled removes an order from the list: it is placed, cancelled, or not ours.
func (l *LeftBehind) Settled(ctx context.Context, orderID string) error {
	_, err := l.Redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, leftBehindAsk, orderID)
		p.ZRem(ctx, leftBehindSince, orderID)
		return nil
	})
	return redisconn.Wrap("clear left-behind order", err)
}
