package api

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/shopd/shopd/internal/permission"
)

// How many calls a key may make a minute.
const (
	checkoutCalls = 6000 // with the scope checkout: baskets change often
	otherCalls    = 600
)

func (k Key) perMinute() int64 {
	if k.may(permission.Checkout) {
		return checkoutCalls
	}
	return otherCalls
}

// takeCall counts a call. KEYS: the counter. ARGV: the time in ms for which it counts, and
// the limit. It answers 0, or the ms until the next call.
var takeCall = redis.NewScript(`
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
if n <= tonumber(ARGV[2]) then return 0 end
local left = redis.call('PTTL', KEYS[1])
if left < 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return left
`)

// count counts a call of a key, for all processes together. wait is 0, or the time until
// the key may call again.
func (a *API) count(ctx context.Context, key Key) (wait time.Duration, err error) {
	ms, err := takeCall.Run(ctx, a.Redis, []string{"shopd:api:calls:{" + key.Name + "}"}, time.Minute.Milliseconds(), key.perMinute()).Int64()
	if err != nil {
		return 0, fmt.Errorf("count calls: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}
