package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
)

// Authorizations stores the authorizations of each session: the newest token, the tokens
// it replaced, and the order that the session became. Every token ends as an order or is
// released. The keys share the hash tag of the order book, which makes the orders.
type Authorizations struct {
	Redis redis.UniversalClient
	// Review: the shopper reviews the order after it is authorized. Then the callback of
	// the authorization places no order.
	Review bool
}

const (
	authorizationKey = "shopd:{orders}:authorization:"     // + session ID → a hash: v, token, at (ms), place, order_id
	replacedKey      = "shopd:{orders}:authorization_old:" // + session ID → a set of replaced tokens
	dueKey           = "shopd:{orders}:authorizations"     // sorted set of session IDs, by when the loop checks them

	// authorizationLife is that of the keys: a session lives 48 h.
	authorizationLife = 49 * time.Hour
	// TokenLife is how long an order can be placed with an authorization.
	// Source: docs.klarna.com, Create an order.
	TokenLife = 60 * time.Minute
	// browserTime is how long the browser has to send the token itself.
	browserTime = 15 * time.Second
	// maxReplaced bounds the waiting tokens of a session: anybody can send invented ones.
	maxReplaced = 50
)

// Authorization describes the authorizations of a session.
type Authorization struct {
	SessionID string
	Token     string    // the newest that came; "" when it is used or released
	At        time.Time // when it came, to the millisecond
	Agreed    bool      // the shopper agreed: the loop may place the order
	OrderID   string    // the order that the session became, "" = not known
	Replaced  []string  // tokens to be released
}

// addAuthorization adds a token. KEYS record, replaced, due; ARGV token, now (ms),
// whether the shopper agreed, due (ms), life (ms), session ID, the most replaced tokens.
// Tokens may come late: a replaced token stays replaced, and one with an order is used.
var addAuthorization = redis.NewScript(`
local token, order = unpack(redis.call('HMGET', KEYS[1], 'token', 'order_id'))
if order or redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return 0 end
if token ~= ARGV[1] then
  if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[7]) then return 0 end
  if token then redis.call('SADD', KEYS[2], token) end
  redis.call('HSET', KEYS[1], 'v', 1, 'token', ARGV[1], 'at', ARGV[2])
  redis.call('HDEL', KEYS[1], 'place')
end
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'place', 1) end
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[6])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
return 1
`)

// Add stores a token, on the caller's connection. agreed: the shopper agreed to what was
// authorized. For a known token it can only set agreed.
func (a *Authorizations) Add(ctx context.Context, on redis.Scripter, sessionID, token string, agreed bool) error {
	now := time.Now()
	return redisconn.Wrap("write down authorization", addAuthorization.Run(ctx, on, []string{authorizationKey + sessionID, replacedKey + sessionID, dueKey},
		token, now.UnixMilli(), agreed, now.Add(browserTime).UnixMilli(), authorizationLife.Milliseconds(), sessionID, maxReplaced).Err())
}

// withdrawn: KEYS record, replaced, due; ARGV token, now (ms), life (ms), session ID.
var withdrawn = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'order_id') then return 0 end
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'token', 'at', 'place') end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[4])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[3]) end
return 1
`)

// Withdraw forbids an order with this token, even if the token comes again: the shop has
// told the shopper so. The loop releases it.
func (a *Authorizations) Withdraw(ctx context.Context, sessionID, token string) error {
	return redisconn.Wrap("withdraw authorization", withdrawn.Run(ctx, a.Redis, []string{authorizationKey + sessionID, replacedKey + sessionID, dueKey},
		token, time.Now().UnixMilli(), authorizationLife.Milliseconds(), sessionID).Err())
}

// Get returns the authorizations of a session, zero for none.
func (a *Authorizations) Get(ctx context.Context, sessionID string) (Authorization, error) {
	known := Authorization{SessionID: sessionID}
	pipe := a.Redis.Pipeline()
	record := pipe.HMGet(ctx, authorizationKey+sessionID, "token", "at", "place", "order_id")
	replaced := pipe.SMembers(ctx, replacedKey+sessionID)
	if _, err := pipe.Exec(ctx); err != nil {
		return known, fmt.Errorf("read authorization: %w", err)
	}
	field := func(i int) string { text, _ := record.Val()[i].(string); return text }
	known.Token, known.Agreed, known.OrderID, known.Replaced = field(0), field(2) != "", field(3), replaced.Val()
	if text := field(1); text != "" {
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return known, fmt.Errorf("read authorization: at: %w", err)
		}
		known.At = time.UnixMilli(at)
	}
	return known, nil
}

// OrderOf returns the order that a session became, "" when none is known.
func (a *Authorizations) OrderOf(ctx context.Context, sessionID string) (orderID string, err error) {
	orderID, err = a.Redis.HGet(ctx, authorizationKey+sessionID, "order_id").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read order of payment session: %w", err)
	}
	return orderID, nil
}

// setOrder: KEYS record, due; ARGV order, due (ms), life (ms), session ID.
var setOrder = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'order_id') == ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', 1, 'order_id', ARGV[1])
redis.call('HDEL', KEYS[1], 'token', 'at', 'place')
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[4])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[3]) end
return 1
`)

// SetOrder stores the order that a session became. The loop then makes sure that the
// order is in the book. The newest token is used up; the loop releases the replaced ones.
func (a *Authorizations) SetOrder(ctx context.Context, sessionID, orderID string) error {
	return redisconn.Wrap("write down order of payment session", setOrder.Run(ctx, a.Redis, []string{authorizationKey + sessionID, dueKey},
		orderID, time.Now().Add(browserTime).UnixMilli(), authorizationLife.Milliseconds(), sessionID).Err())
}

// Queues returns the queue of sessions that the loop checks.
func Queues() []redisconn.Queue {
	return []redisconn.Queue{{Name: "authorizations", Key: dueKey}}
}

// Due returns at most limit sessions that the loop must check now.
func (a *Authorizations) Due(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := a.Redis.ZRangeByScore(ctx, dueKey, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	return ids, redisconn.Wrap("due authorizations", err)
}

// released: KEYS record, replaced; ARGV token.
var released = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'token', 'at', 'place') end
redis.call('SREM', KEYS[2], ARGV[1])
return 1
`)

// Released forgets a token that can no longer place an order.
func (a *Authorizations) Released(ctx context.Context, sessionID, token string) error {
	return redisconn.Wrap("forget authorization",
		released.Run(ctx, a.Redis, []string{authorizationKey + sessionID, replacedKey + sessionID}, token).Err())
}

// looked: KEYS due; ARGV session ID, now (ms), next (ms, or ""). A session that was added
// again meanwhile keeps its time.
var looked = redis.NewScript(`
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1
`)

// Looked stores that the loop checked a session at now, and when it checks next. A zero
// next is never, unless the session gets a new authorization.
func (a *Authorizations) Looked(ctx context.Context, sessionID string, now, next time.Time) error {
	again := ""
	if !next.IsZero() {
		again = strconv.FormatInt(next.UnixMilli(), 10)
	}
	return redisconn.Wrap("put off authorization", looked.Run(ctx, a.Redis, []string{dueKey}, sessionID, now.UnixMilli(), again).Err())
}

// Body returns the call as a reservation stores it.
func (c OrderCall) Body() (json.RawMessage, error) { return json.Marshal(c) }

// DecodeCall reads an order call from a reservation.
func DecodeCall(body json.RawMessage) (OrderCall, error) {
	var call OrderCall
	if err := json.Unmarshal(body, &call); err != nil {
		return call, fmt.Errorf("read order call: %w", err)
	}
	if call.Token == "" {
		return call, errors.New("read order call: it has no token")
	}
	return call, nil
}
