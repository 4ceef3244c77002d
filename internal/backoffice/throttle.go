package backoffice

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/quota"
)

const (
	throttleTime = 5 * time.Minute // from the first try that failed
	nameTries    = 5               // that may fail for one name in this time
	addressTries = 20              // that may fail from one address: an office may be behind it
	browserTries = 5               // that may fail from a browser that is known
)

// throttle counts tries to sign in, in Redis, for all replicas together. A browser with which the
// member has signed in before has a counter of its own, and neither that of the name nor that of the
// address: so nobody can lock a colleague out.
type throttle struct {
	rdb      redis.UniversalClient
	counters []quota.Counter // of name and address, or of the browser
}

// newThrottle counts for a name from an address, or from a known browser of the name ("" = it is
// not known).
func newThrottle(rdb redis.UniversalClient, name, address, browser string) throttle {
	const tag = "signin"
	if browser != "" {
		return throttle{rdb, []quota.Counter{quota.Of(tag, "browser", browser, browserTries)}}
	}
	return throttle{rdb, []quota.Counter{quota.Of(tag, "name", name, nameTries), quota.Of(tag, "address", address, addressTries)}}
}

// giveBack returns all tries of the first counter, and one of the address's. KEYS: the counters.
var giveBack = redis.NewScript(`
redis.call('DEL', KEYS[1])
if KEYS[2] and tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then redis.call('DECR', KEYS[2]) end
return 0
`)

// take takes one try, before the password is checked, so simultaneous tries count too. wait is 0,
// or the time until the next try; then none is taken.
func (t throttle) take(ctx context.Context) (wait time.Duration, err error) {
	return quota.Take(ctx, t.rdb, throttleTime, t.counters...)
}

// clear gives tries back after a right password.
func (t throttle) clear(ctx context.Context) error {
	var keys []string
	for _, c := range t.counters {
		keys = append(keys, c.Key)
	}
	if err := giveBack.Run(ctx, t.rdb, keys).Err(); err != nil {
		return fmt.Errorf("clear tries to sign in: %w", err)
	}
	return nil
}
