package backoffice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	throttleTime = 5 * time.Minute // from the first try that failed
	nameTries    = 5               // that may fail for one name in this time
	addressTries = 20              // that may fail from one address: an office may be behind it

	// The keys hold no name and no address, only their hashes. One hash tag, since
	// a script counts both.
	throttlePrefix = "shopd:{signin}:"
)

// throttle counts tries to sign in, in Redis: all replicas count together.
type throttle struct{ rdb redis.UniversalClient }

// takeTry takes one try of each counter, or none where one has no try left: KEYS the
// counters; ARGV the time in ms, then what each allows. It answers 0, or after how
// many ms there is a try again. A try is taken before the password is looked at, so
// that many at once are no more than that.
var takeTry = redis.NewScript(`
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('PTTL', key))
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
end
return 0
`)

// giveBack gives the try back to the address, and all of them to the name: KEYS name,
// address.
var giveBack = redis.NewScript(`
redis.call('DEL', KEYS[1])
if tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then redis.call('DECR', KEYS[2]) end
return 0
`)

// take takes one try. wait is 0, or how long there is none; then none is taken.
func (t throttle) take(ctx context.Context, name, address string) (wait time.Duration, err error) {
	ms, err := takeTry.Run(ctx, t.rdb, throttleKeys(name, address), throttleTime.Milliseconds(), nameTries, addressTries).Int64()
	if err != nil {
		return 0, fmt.Errorf("count tries to sign in: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// clear says that the password was right.
func (t throttle) clear(ctx context.Context, name, address string) error {
	if err := giveBack.Run(ctx, t.rdb, throttleKeys(name, address)).Err(); err != nil {
		return fmt.Errorf("clear tries to sign in: %w", err)
	}
	return nil
}

func throttleKeys(name, address string) []string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	return []string{throttlePrefix + "name:" + hash(name), throttlePrefix + "address:" + hash(address)}
}
