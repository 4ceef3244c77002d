package redisconn

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Full reports whether Redis refused a write because its memory is full (maxmemory, noeviction). Inside
// a script it says so in the middle of its answer.
func Full(err error) bool {
	refused, ok := errors.AsType[redis.Error](err)
	return ok && (strings.HasPrefix(refused.Error(), "OOM ") || strings.Contains(refused.Error(), "-OOM "))
}
