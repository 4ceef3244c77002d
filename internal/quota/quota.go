// Package quota counts what somebody does, in Redis for all processes together, and says when it
// is too often. Keys have hashes of whom they are about, never the text.
package quota

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Counter is one of what a try is taken of, and how many it has.
type Counter struct {
	Key   string
	Limit int64
}

// Of is a counter of a kind for a text. What is taken together has one tag, for Cluster.
func Of(tag, kind, text string, limit int64) Counter {
	return Counter{"shopd:{" + tag + "}:" + kind + ":" + hashed(text), limit}
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// take takes one try of each counter, or none when one counter is used up. KEYS: the
// counters. ARGV: the time in ms, then each counter's limit. It answers 0, or the ms until
// the next try.
var take = redis.NewScript(`
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('PTTL', key), 1)
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
end
return 0
`)

// Take takes one try of each counter, which count for a time from their first try. wait is 0, or
// the time until the next try; then none is taken.
func Take(ctx context.Context, rdb redis.UniversalClient, within time.Duration, counters ...Counter) (wait time.Duration, err error) {
	keys, args := make([]string, len(counters)), []any{within.Milliseconds()}
	for i, c := range counters {
		keys[i] = c.Key
		args = append(args, c.Limit)
	}
	ms, err := take.Run(ctx, rdb, keys, args...).Int64()
	if err != nil {
		return 0, fmt.Errorf("count tries: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// How much more than one client a network of IPv6 may do. A home has a /56 or a /64. A /48 is a
// company, or tens of thousands of telephones, each with a /64 of its own.
const (
	homes     = 2 // /56
	companies = 8 // /48
)

// Client are the counters of a client, as respond.Client names it, for something that one address
// may do so often: IPv4 by address, IPv6 by /64, /56 and /48. None without an address.
func Client(kind string, client netip.Prefix, limit int64) []Counter {
	if !client.IsValid() {
		return nil
	}
	if client.Addr().Is4() {
		return []Counter{{"shopd:" + kind + ":{" + hashed(client.String()) + "}:32", limit}}
	}
	at := func(bits int, limit int64) Counter {
		network, whole := netip.PrefixFrom(client.Addr(), bits).Masked(), netip.PrefixFrom(client.Addr(), 48).Masked()
		return Counter{"shopd:" + kind + ":{" + hashed(whole.String()) + "}:" + strconv.Itoa(bits) + ":" + hashed(network.String()), limit}
	}
	return []Counter{at(64, limit), at(56, homes*limit), at(48, companies*limit)}
}
