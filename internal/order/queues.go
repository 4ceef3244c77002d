package order

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
)

// Queues are the orders that are not finished, and the sessions of Klarna Payments whose order nobody knows.
func Queues() []redisconn.Queue {
	return []redisconn.Queue{
		{Name: "unfinished_orders", Key: openKey},
		{Name: "unsettled_payments", Key: problemsKey},
	}
}

// listOfUnacknowledged is the list of the orders of which Klarna has not been told
// that we have them.
const listOfUnacknowledged = "unacknowledged,"

// Unacknowledged returns how many orders of the book are not acknowledged, and
// when the oldest was bought; zero when there is none. One round trip, O(log n).
func Unacknowledged(ctx context.Context, rdb redis.UniversalClient) (n int64, oldest time.Time, err error) {
	var count *redis.IntCmd
	var first *redis.StringSliceCmd
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		// Any moment is digits, all of which sort before a colon.
		least, most := "["+listOfUnacknowledged, "("+listOfUnacknowledged+":"
		count = p.ZLexCount(ctx, indexKey, least, most)
		first = p.ZRangeByLex(ctx, indexKey, &redis.ZRangeBy{Min: least, Max: most, Count: 1})
		return nil
	}); err != nil {
		return 0, time.Time{}, fmt.Errorf("unacknowledged orders: %w", err)
	}
	if found := first.Val(); len(found) > 0 && len(found[0]) > len(listOfUnacknowledged)+momentLength {
		ms, err := strconv.ParseInt(found[0][len(listOfUnacknowledged):][:momentLength], 10, 64)
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("unacknowledged orders: %w", err)
		}
		oldest = time.UnixMilli(ms)
	}
	return count.Val(), oldest, nil
}
