package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// keyKind is what one checkout leaves in Redis in keys of one kind, from the first
// product in the cart to the purchase.
type keyKind struct {
	Kind    string  `json:"kind"`
	Keys    float64 `json:"keys_per_checkout"`
	Bytes   float64 `json:"bytes_per_checkout"`
	Entries float64 `json:"entries_per_checkout,omitempty"` // of sorted sets
	Days    float64 `json:"days"`                           // until it is forgotten
	// Million is the bytes of Redis at a million checkouts a day: those of all days
	// that it is kept.
	Million float64 `json:"bytes_at_a_million_checkouts_a_day"`
}

// aMillion is checkouts a day.
const aMillion = 1_000_000

// set computes Million.
func (k *keyKind) set() { k.Million = k.Bytes * aMillion * k.Days }

// kindOf is the kind of a key: the key without its last part, which is an ID; "" for
// lists that all share.
func kindOf(key string) string {
	at := strings.LastIndex(key, ":") + 1
	if len(key)-at < len("SK-7F3K-92AB") {
		return ""
	}
	return key[:at]
}

// weigh adds up the keys of a Redis in which so many shoppers, and nobody else, have
// bought.
func weigh(ctx context.Context, rdb redis.UniversalClient, shoppers int) ([]keyKind, error) {
	found := map[string]*keyKind{}
	keys := rdb.Scan(ctx, 0, "shopd:*", 1000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		kind := kindOf(key)
		if kind == "" {
			continue
		}
		var bytes *redis.IntCmd
		var life *redis.DurationCmd
		var sort *redis.StatusCmd
		if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			bytes, life, sort = p.MemoryUsage(ctx, key, 0), p.PTTL(ctx, key), p.Type(ctx, key)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("weigh %s…: %w", kind, err)
		}
		if found[kind] == nil {
			found[kind] = &keyKind{Kind: kind}
		}
		k := found[kind]
		k.Keys++
		k.Bytes += float64(bytes.Val())
		k.Days = max(k.Days, (life.Val()+time.Hour).Truncate(time.Hour).Hours()/24)
		if sort.Val() == "zset" {
			k.Entries += float64(rdb.ZCard(ctx, key).Val())
		}
	}
	if err := keys.Err(); err != nil {
		return nil, err
	}
	kinds := make([]keyKind, 0, len(found))
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		k := found[kind]
		for _, sum := range []*float64{&k.Keys, &k.Bytes, &k.Entries} {
			*sum /= float64(shoppers)
		}
		k.set()
		kinds = append(kinds, *k)
	}
	return kinds, nil
}

// packed is the size in Redis of a cart where hash-max-listpack-value allows its fields to be
// packed, against the size with Redis' default.
func packed(ctx context.Context, rdb redis.UniversalClient, m model) (packed, usual int64, err error) {
	const setting = "hash-max-listpack-value"
	before, err := rdb.ConfigGet(ctx, setting).Result()
	if err != nil {
		return 0, 0, err
	}
	if usual, err = rdb.MemoryUsage(ctx, cartKey(m.cartID), 0).Result(); err != nil {
		return 0, 0, err
	}
	if err := rdb.ConfigSet(ctx, setting, "1024").Err(); err != nil {
		return 0, 0, err
	}
	key := cartKey(randomText(len(m.cartID)))
	if err := inBatches(ctx, rdb, 1, func(p redis.Pipeliner, _ int) {
		p.HSet(ctx, key, m.cart)
		p.PExpire(ctx, key, m.cartTTL)
	}); err != nil {
		return 0, 0, err
	}
	if packed, err = rdb.MemoryUsage(ctx, key, 0).Result(); err != nil {
		return 0, 0, err
	}
	if err := rdb.Del(ctx, key).Err(); err != nil {
		return 0, 0, err
	}
	return packed, usual, rdb.ConfigSet(ctx, setting, before[setting]).Err()
}
