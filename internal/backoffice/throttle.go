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
	browserTries = 5               // that may fail from a browser that is known

	// Keys have hashes of name and address, never the text. One script counts both, so they
	// share a hash tag.
	throttlePrefix = "shopd:{signin}:"
)

// throttle counts tries to sign in, in Redis, for all replicas together. A browser with which the
// member has signed in before has a counter of its own, and neither that of the name nor that of the
// address: so nobody can lock a colleague out.
type throttle struct {
	rdb    redis.UniversalClient
	keys   []string // of name and address, or of the browser
	limits []any
}

// newThrottle counts for a name from an address, or from a known browser of the name ("" = it is
// not known).
func newThrottle(rdb redis.UniversalClient, name, address, browser string) throttle {
	key := func(kind, text string) string {
		sum := sha256.Sum256([]byte(text))
		return throttlePrefix + kind + ":" + hex.EncodeToString(sum[:])
	}
	if browser != "" {
		return throttle{rdb, []string{key("browser", browser)}, []any{browserTries}}
	}
	return throttle{rdb, []string{key("name", name), key("address", address)}, []any{nameTries, addressTries}}
}

// takeTry takes one try of each counter, or none when one counter is used up. KEYS: the
// counters. ARGV: the time in ms, then each counter's limit. It answers 0, or the ms until
// the next try. A try is taken before the password is checked, so simultaneous tries count
// too.
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

// giveBack returns all tries of the first counter, and one of the address's. KEYS: the counters.
var giveBack = redis.NewScript(`
redis.call('DEL', KEYS[1])
if KEYS[2] and tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then redis.call('DECR', KEYS[2]) end
return 0
`)

// take takes one try. wait is 0, or the time until the next try; then none is taken.
func (t throttle) take(ctx context.Context) (wait time.Duration, err error) {
	ms, err := takeTry.Run(ctx, t.rdb, t.keys, append([]any{throttleTime.Milliseconds()}, t.limits...)...).Int64()
	if err != nil {
		return 0, fmt.Errorf("count tries to sign in: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// clear gives tries back after a right password.
func (t throttle) clear(ctx context.Context) error {
	if err := giveBack.Run(ctx, t.rdb, t.keys).Err(); err != nil {
		return fmt.Errorf("clear tries to sign in: %w", err)
	}
	return nil
}
