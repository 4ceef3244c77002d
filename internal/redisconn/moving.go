package redisconn

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Moving reports whether a server of a Cluster has refused a command, undone,
// because the slot of its keys is on the way to another server, or is there. A
// script that misses one of its keys is refused by both servers until all have
// moved.
func Moving(err error) bool {
	if _, moved := redis.IsMovedError(err); moved {
		return true
	}
	_, ask := redis.IsAskError(err)
	return ask || redis.IsTryAgainError(err)
}

// patient asks again while the slot of a command's keys moves, for at most limit:
// the client's own tries are over in a tenth of a second.
type patient struct{}

const movingPoll = 20 * time.Millisecond

// DialHook changes nothing.
func (patient) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook repeats a command that was refused.
func (patient) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		for end := time.Now().Add(limit); Moving(err) && time.Now().Before(end); {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(movingPoll):
			}
			err = next(ctx, cmd)
		}
		return err
	}
}

// ProcessPipelineHook changes nothing: what is pipelined is a loop's, whose next round
// does what failed in this one.
func (patient) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
