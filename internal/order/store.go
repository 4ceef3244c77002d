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
	o, _, found, err := read(ctx, b.Redis, id)
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
func read(ctx context.Context, rdb redis.Cmdable, id string) (o Order, text string, found bool, err error) {
	text, err = rdb.Get(ctx, orderKey+id).Result()
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
// placed, open, index, audit; ARGV record, number, order ID, time of purchase,
// time from which the loop looks after it, those of reindex, entries of the
// audit. It answers what the book has then, or "" when the number is another
// order's. What was there is written again: so whoever comes second, on another
// connection, can wait for it to be durable too.
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
for i = reindex(KEYS[5], 6), #ARGV do redis.call('RPUSH', KEYS[6], ARGV[i]) end
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
			entries, err := encode(o.beginning())
			if err != nil {
				return err
			}
			keys, args := storeArgs(o, record, time.Now())
			kept, err = storeOrder.Run(ctx, conn, keys, append(args, entries...)...).Text()
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

// storeArgs are the keys and arguments of storeOrder, but the entries of the audit.
func storeArgs(o Order, record []byte, now time.Time) (keys []string, args []any) {
	keys = []string{orderKey + o.OrderID, numberKey + o.Number, placedKey, openKey, indexKey, auditKey + o.OrderID}
	args = []any{record, o.Number, o.OrderID, o.PlacedAt.UnixMilli(), now.Add(placerTime).UnixMilli()}
	return keys, append(args, indexArgs(o, o)...)
}

// compareAndSet replaces an order if it is still as it was read: KEYS order,
// open, index, audit; ARGV before, after, order ID, when the loop looks after it
// ("" = it is finished), those of reindex, entries of the audit.
var compareAndSet = redis.NewScript(reindex + `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] == '' then
  redis.call('ZREM', KEYS[2], ARGV[3])
else
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
end
for i = reindex(KEYS[3], 5), #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
return 1
`)

// Edit changes an order and returns what the audit says of it. With an error
// nothing is stored.
type Edit func(*Order) ([]AuditEntry, error)

// Update changes an order of the book; where somebody else was faster, edit
// runs again on what they stored. An edit that changes nothing and has no
// entries is not stored. The error is ErrUnavailable or the edit's own.
func (b *Book) Update(ctx context.Context, id string, edit Edit) (Order, error) {
	return b.updateOn(ctx, b.Redis, id, edit)
}

// UpdateDurably is Update that returns only when what it stored is durable; else
// the error is ErrNotDurable too. edit gets all entries of the audit, oldest
// first. They are read after the order: what happens meanwhile changes the order,
// and then edit runs again.
func (b *Book) UpdateDurably(ctx context.Context, id string, edit func(*Order, []AuditEntry) ([]AuditEntry, error)) (o Order, err error) {
	err = b.durably(ctx, func(conn *redis.Conn) error {
		var err error
		o, err = b.updateOn(ctx, conn, id, func(o *Order) ([]AuditEntry, error) {
			entries, err := b.entries(ctx, conn, id)
			if err != nil {
				return nil, err
			}
			return edit(o, entries)
		})
		return err
	})
	return o, err
}

// updateOn is Update over one connection.
func (b *Book) updateOn(ctx context.Context, rdb redis.Cmdable, id string, edit Edit) (Order, error) {
	for {
		o, text, found, err := read(ctx, rdb, id)
		if err != nil {
			return Order{}, err
		}
		if !found {
			return Order{}, fmt.Errorf("%w: the order is gone from the book", ErrUnavailable)
		}
		before := o
		list, err := edit(&o)
		if err != nil {
			return before, err
		}
		after, entries, err := o.revised(before, text, list)
		if err != nil || after == text && len(entries) == 0 {
			return o, err
		}
		due := ""
		if !o.finished() {
			due = strconv.FormatInt(o.due(time.Now()).UnixMilli(), 10)
		}
		args := append([]any{text, after, id, due}, indexArgs(before, o)...)
		set, err := compareAndSet.Run(ctx, rdb, []string{orderKey + id, openKey, indexKey, auditKey + id}, append(args, entries...)...).Bool()
		if err != nil {
			return Order{}, fmt.Errorf("%w: update order: %w", ErrUnavailable, err)
		}
		if set {
			return o, nil
		}
	}
}

// revised gives an order that was changed its revision, and returns it and the
// entries of the audit as they are stored.
func (o *Order) revised(before Order, text string, list []AuditEntry) (after string, entries []any, err error) {
	record, err := json.Marshal(*o)
	if err != nil {
		return "", nil, err
	}
	if string(record) != text {
		o.Revision++
		if material(before, *o) {
			o.MaterialRevision = o.Revision
		}
		if record, err = json.Marshal(*o); err != nil {
			return "", nil, err
		}
	}
	entries, err = encode(list)
	return string(record), entries, err
}

// encode returns entries of the audit as arguments of a script.
func encode(entries []AuditEntry) ([]any, error) {
	var texts []any
	for _, e := range entries {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}
