package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The book in Redis. One hash tag, so that a script can store an order with
// its number and its place in the lists. Nothing here has a TTL.
const (
	orderKey  = "shopd:{orders}:order:"  // + Klarna's order ID → the order as JSON
	numberKey = "shopd:{orders}:number:" // + number → Klarna's order ID
	// placedKey is a sorted set of the numbers by the time of purchase, in ms.
	placedKey = "shopd:{orders}:placed"
	// openKey is a sorted set of the IDs of orders that are not finished, by the
	// time from which the loop looks after them, in ms.
	openKey = "shopd:{orders}:open"
)

// ByOrderID returns the order that Klarna knows by this ID; false when it is
// not in the book.
func (b *Book) ByOrderID(ctx context.Context, id string) (Order, bool, error) {
	o, _, found, err := b.read(ctx, id)
	return o, found, err
}

// ByNumber returns the order with this number, in either case; false when
// there is none.
func (b *Book) ByNumber(ctx context.Context, number string) (Order, bool, error) {
	if number = strings.ToUpper(number); !isNumber(number) {
		return Order{}, false, nil
	}
	id, err := b.Redis.Get(ctx, numberKey+number).Result()
	if errors.Is(err, redis.Nil) {
		return Order{}, false, nil
	}
	if err != nil {
		return Order{}, false, fmt.Errorf("%w: find order number: %w", ErrUnavailable, err)
	}
	return b.ByOrderID(ctx, id)
}

// read returns an order with the text that it is stored as.
func (b *Book) read(ctx context.Context, id string) (o Order, text string, found bool, err error) {
	text, err = b.Redis.Get(ctx, orderKey+id).Result()
	if errors.Is(err, redis.Nil) {
		return Order{}, "", false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &o)
	}
	if err != nil {
		return Order{}, "", false, fmt.Errorf("%w: read order: %w", ErrUnavailable, err)
	}
	return o, text, true, nil
}

// storeOrder writes an order that the book does not have: KEYS order, number,
// placed, open, index; ARGV record, number, order ID, time of purchase, time from
// which the loop looks after it, and those of reindex. It answers what the book
// has then, or "" when the number is another order's. What was there is written
// again: so whoever comes second, on another connection, can wait for it to be
// durable too.
var storeOrder = redis.NewScript(reindex + `
local known = redis.call('GET', KEYS[1])
if known then
  redis.call('SET', KEYS[1], known)
  return known
end
if not redis.call('SET', KEYS[2], ARGV[3], 'NX') then return '' end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[3])
reindex(KEYS[5], 6)
return ARGV[1]
`)

// numberTries bounds the search for a free number: of 2^40 few are taken.
const numberTries = 10

// store puts an order in the book unless it is there, and returns what the
// book says: number, key and all are those of whoever came first. It returns
// only when the order is durable. stored is whether this call put it there.
func (b *Book) store(ctx context.Context, o Order) (_ Order, stored bool, err error) {
	o.Version = version
	var kept string
	err = b.durably(ctx, func(conn *redis.Conn) error {
		for range numberTries {
			if o.Number == "" {
				o.Number = newNumber()
			}
			record, err := json.Marshal(o)
			if err != nil {
				return err
			}
			keys, args := storeArgs(o, record, time.Now())
			kept, err = storeOrder.Run(ctx, conn, keys, args...).Text()
			if err != nil || kept != "" {
				stored = kept == string(record)
				return err
			}
			o.Number = ""
		}
		return errors.New("no free order number")
	})
	if err == nil {
		var known Order
		if err = json.Unmarshal([]byte(kept), &known); err == nil {
			return known, stored, nil
		}
	}
	return Order{}, false, fmt.Errorf("%w: store order: %w", ErrUnavailable, err)
}

// storeArgs are the keys and arguments of storeOrder.
func storeArgs(o Order, record []byte, now time.Time) (keys []string, args []any) {
	keys = []string{orderKey + o.OrderID, numberKey + o.Number, placedKey, openKey, indexKey}
	args = []any{record, o.Number, o.OrderID, o.PlacedAt.UnixMilli(), now.Add(patience).UnixMilli()}
	return keys, append(args, indexArgs(o, o)...)
}

// compareAndSet replaces an order if it is still as it was read: KEYS order,
// open, index; ARGV before, after, order ID, when the loop looks after it ("" =
// it is finished), and those of reindex.
var compareAndSet = redis.NewScript(reindex + `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] == '' then
  redis.call('ZREM', KEYS[2], ARGV[3])
else
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
end
reindex(KEYS[3], 5)
return 1
`)

// update changes an order of the book; where somebody else was faster, edit
// runs again on what they stored. An edit that changes nothing is not stored.
func (b *Book) update(ctx context.Context, id string, edit func(*Order)) (Order, error) {
	for {
		was, before, found, err := b.read(ctx, id)
		if err != nil {
			return Order{}, err
		}
		if !found {
			return Order{}, fmt.Errorf("%w: the order is gone from the book", ErrUnavailable)
		}
		o := was
		edit(&o)
		after, err := json.Marshal(o)
		if err != nil || string(after) == before {
			return o, err
		}
		due := ""
		if !o.finished() {
			due = strconv.FormatInt(o.due(time.Now()).UnixMilli(), 10)
		}
		args := append([]any{before, after, id, due}, indexArgs(was, o)...)
		set, err := compareAndSet.Run(ctx, b.Redis, []string{orderKey + id, openKey, indexKey}, args...).Bool()
		if err != nil {
			return Order{}, fmt.Errorf("%w: update order: %w", ErrUnavailable, err)
		}
		if set {
			return o, nil
		}
	}
}
