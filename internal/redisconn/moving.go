package redisconn

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Moving reports whether a server of a Cluster refused a command because the slot of its
// keys moves to another server, or has moved. The command was not run. While keys move,
// both servers refuse a script that needs a key of the other.
func Moving(err error) bool {
	if _, moved := redis.IsMovedError(err); moved {
		return true
	}
	_, ask := redis.IsAskError(err)
	return ask || redis.IsTryAgainError(err)
}

// patient repeats a refused command while its slot moves, for at most limit. The client's
// own tries end after a tenth of a second.
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

// ProcessPipelineHook changes nothing: only loops use pipelines, and their next round
// repeats what failed.
func (patient) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
