// Package underway notes in Redis the updates that are under way at Klarna. A try of one
// that had no answer, because its time was up, its connection broke or its process was
// killed, may land after a later update that was answered. Its note stays, and says that
// Klarna's copy wants to be looked at once that try can no longer land.
package underway

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
)

// Update is an update of a cart's copy at Klarna. Its JSON is a member of the sorted set.
type Update struct {
	Version int             `json:"v"`
	Product observe.Product `json:"product"` // which of the cart's copies
	CartID  string          `json:"cart_id"`
	// Lease names the lease under which the update is made: that of the shopper's session.
	// "": it is the cart's.
	Lease   string    `json:"lease,omitempty"`
	Started time.Time `json:"started"`
	ID      string    `json:"id"` // two updates of a cart are two
	// Full: Redis was too full to note it, so a cart may have missed what its form shows.
	Full bool `json:"-"`
}

// List is the list of updates. A sorted set has them by when to look at them.
type List struct{ Redis redis.UniversalClient }

const (
	key     = "shopd:{underway}"
	life    = 49 * time.Hour // of the list, after its newest update: an order lives 48 h after its last touch
	version = 1
)

// FirstLook is when an update without an answer is looked at first. Most tries that land
// late have landed by then.
const FirstLook = 10 * time.Second

// LastLook is when no try of an update can land any more: Klarna works on a call for 30 s
// at most, and an update is tried for 9 s. Source: docs.kustom.co, Errors in checkout.
const LastLook = 45 * time.Second

// Begin notes an update before its first try. Whoever has its answer ends it. A Redis that is
// full keeps no note: a try of it that lands late is found when the cart is touched next.
func (l *List) Begin(ctx context.Context, u Update) (Update, error) {
	u.Version, u.Started, u.ID = version, time.Now().UTC().Truncate(time.Millisecond), rand.Text()[:8]
	pipe := l.Redis.Pipeline()
	pipe.ZAdd(ctx, key, at(u.Started.Add(FirstLook), u))
	pipe.Expire(ctx, key, life)
	_, err := pipe.Exec(ctx)
	if u.Full = redisconn.Full(err); u.Full { // purchases under way go on
		return u, nil
	}
	return u, redisconn.Wrap("note update", err)
}

// Ended takes an update off the list, unless it was lost: a try of it had no answer. agreed:
// its caller reads Redis next, and sends ended along; else it goes at once. One that Redis
// keeps is looked at once too often.
func (l *List) Ended(ctx context.Context, u Update, lost, agreed bool) (ended func(redis.Pipeliner)) {
	switch {
	case lost:
		return func(redis.Pipeliner) {}
	case agreed:
		return func(p redis.Pipeliner) { p.ZRem(ctx, key, u.member()) }
	}
	_ = l.Redis.ZRem(context.WithoutCancel(ctx), key, u.member()).Err() // the Redis client limits the time
	return func(redis.Pipeliner) {}
}

// End takes an update off the list: it was looked at for the last time.
func (l *List) End(ctx context.Context, u Update) error {
	return redisconn.Wrap("end update", l.Redis.ZRem(ctx, key, u.member()).Err())
}

// Due returns at most limit updates that are to be looked at, longest due first.
func (l *List) Due(ctx context.Context, now time.Time, limit int64) ([]Update, error) {
	members, err := l.Redis.ZRangeByScore(ctx, key, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: limit,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("read updates under way: %w", err)
	}
	updates := make([]Update, 0, len(members))
	for _, member := range members {
		var u Update
		if err := json.Unmarshal([]byte(member), &u); err != nil || u.Version != version || u.member() != member {
			// Nobody can look at it, and it would be due for ever.
			if err := l.Redis.ZRem(ctx, key, member).Err(); err != nil {
				return nil, fmt.Errorf("clear update under way: %w", err)
			}
			continue
		}
		updates = append(updates, u)
	}
	return updates, nil
}

// Again sets when to look at an update next. One that was ended stays so.
func (l *List) Again(ctx context.Context, u Update, next time.Time) error {
	err := l.Redis.ZAddArgs(ctx, key, redis.ZAddArgs{XX: true, Members: []redis.Z{at(next, u)}}).Err()
	return redisconn.Wrap("note update", err)
}

// Queue is the queue of updates that are to be looked at.
func (l *List) Queue() observe.Queue { return observe.SortedQueue(l.Redis, "underway", key, 0) }

func (u Update) member() string {
	text, _ := json.Marshal(u) // it has nothing but texts and a time
	return string(text)
}

// at is an entry of the sorted set, by a time in milliseconds.
func at(t time.Time, u Update) redis.Z {
	return redis.Z{Score: float64(t.UnixMilli()), Member: u.member()}
}
