package redisconn

import (
	"context"
	"errors"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// ErrElsewhere: another process is at it.
var ErrElsewhere = errors.New("another process is at it")

const (
	aloneLease = time.Minute // for which a process that is gone keeps the others out
	aloneTime  = 50 * time.Second
)

// Alone runs do, for at most 50 s, unless another process is in an Alone with the same key,
// which is a key in Redis. The error is ErrElsewhere, that of do, or Redis's; after the last
// do was not called. A Redis that is full (Full) has no room for the lock, nor for what do
// would note, without which it would do the same again in each round.
func Alone(ctx context.Context, rdb redis.UniversalClient, key string, do func(context.Context) error) error {
	lock, err := redislock.Obtain(ctx, rdb, key, aloneLease, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return ErrElsewhere
	}
	if err != nil {
		return Wrap("lock "+key, err)
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // else it runs out by itself
	ctx, cancel := context.WithTimeout(ctx, aloneTime)
	defer cancel()
	return do(ctx)
}
