package redisconn

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Queue is a sorted set of the tasks of a loop, by time in ms.
type Queue struct {
	Name string // for metrics, of a bounded set
	Key  string
	// After is how long after its time an entry is due.
	After time.Duration
}

// Length is how long a queue is.
type Length struct {
	Queue
	Entries int64
	// Due is when the first entry is due, zero for an empty queue.
	Due time.Time
}

// Lengths reads the lengths of queues in one round trip, O(log n) each.
func Lengths(ctx context.Context, rdb redis.UniversalClient, queues []Queue) ([]Length, error) {
	counts, firsts := make([]*redis.IntCmd, len(queues)), make([]*redis.ZSliceCmd, len(queues))
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, q := range queues {
			counts[i], firsts[i] = p.ZCard(ctx, q.Key), p.ZRangeWithScores(ctx, q.Key, 0, 0)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("lengths of queues: %w", err)
	}
	lengths := make([]Length, len(queues))
	for i, q := range queues {
		lengths[i] = Length{Queue: q, Entries: counts[i].Val()}
		if first := firsts[i].Val(); len(first) > 0 {
			lengths[i].Due = time.UnixMilli(int64(first[0].Score)).Add(q.After)
		}
	}
	return lengths, nil
}
