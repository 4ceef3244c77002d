package cart

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
)

// Lifetime of a cart after its last change.
const Lifetime = 35 * 24 * time.Hour

// unreturnedLife is how long a new cart lives until somebody reads it, which takes its ID: so that
// clients who keep no cookies fill no memory. A basket was made by the merchant's server, and lives
// as long as any.
const unreturnedLife = time.Hour

// version of the stored JSON.
const version = 1

// Store keeps carts in Redis: a hash per cart with the fields rev, data (JSON with a v),
// order_id, session_id, session_customer, bought (JSON array), seen, held, and new until it is read. Safe for concurrent use, in any number of
// processes. After a fault of Redis, a change may or may not have been made.
type Store struct {
	redis redis.UniversalClient
	// Observer gets each change that is tried again. It may be nil, and is set before the
	// store is used.
	Observer  *observe.Observer
	Logger    *slog.Logger // set before the store is used
	published *publish.Published
}

// NewStore returns the store on a Redis, of carts that can be in the markets of what is
// published.
func NewStore(rdb redis.UniversalClient, published *publish.Published) *Store {
	return &Store{redis: rdb, published: published, Logger: slog.Default()}
}

func key(id string) string { return "shopd:cart:{" + id + "}" }

// Fallback is the market of a visitor without a cart.
type Fallback struct{ Country, Locale string }

// fields are those of a cart's hash, as decode takes them.
var fields = []string{"rev", "data", "order_id", "bought", "session_id", "seen", "held", "session_customer", "new"}

// Get reads a cart. One that is damaged is replaced by an empty one. A cart without a key is empty, at revision 0, in the fallback's
// market, or in the first one when nothing is sold there.
func (s *Store) Get(ctx context.Context, id string, fallback Fallback) (Cart, error) {
	return s.read(ctx, id, fallback, s.redis.HMGet(ctx, key(id), fields...))
}

// GetAfter is Get. It sends the commands of before in the same round trip; what becomes of
// them it does not say.
func (s *Store) GetAfter(ctx context.Context, id string, fallback Fallback, before func(redis.Pipeliner)) (Cart, error) {
	pipe := s.redis.Pipeline()
	before(pipe)
	read := pipe.HMGet(ctx, key(id), fields...)
	_, _ = pipe.Exec(ctx) // each command has its error
	return s.read(ctx, id, fallback, read)
}

func (s *Store) read(ctx context.Context, id string, fallback Fallback, read *redis.SliceCmd) (Cart, error) {
	values, err := read.Result()
	var c Cart
	if err == nil {
		c, err = s.decode(ctx, id, values, fallback)
	}
	if redis.HasErrorPrefix(err, "WRONGTYPE") || errors.Is(err, errDamaged) {
		// Nobody mends it, and its shopper would be told for a month that the shop has a fault.
		s.Logger.ErrorContext(ctx, "damaged cart replaced by an empty one", "cart_id", id, "error", err)
		if err := s.redis.Del(ctx, key(id)).Err(); err != nil {
			return Cart{}, fmt.Errorf("replace damaged cart: %w", err)
		}
		return s.decode(ctx, id, make([]any, len(fields)), fallback)
	}
	if err != nil {
		return Cart{}, fmt.Errorf("read cart: %w", err)
	}
	if isNew, _ := values[len(fields)-1].(string); isNew != "" {
		// Where it fails, the next one does it.
		_ = keepCart.Run(ctx, s.redis, []string{key(id)}, Lifetime.Milliseconds()).Err()
	}
	return c, nil
}

// keepCart gives a cart that was read its whole life.
var keepCart = redis.NewScript(`
if redis.call('HDEL', KEYS[1], 'new') == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0
`)

// errDamaged: what is stored as a cart is none, of this version or of an older one.
var errDamaged = errors.New("damaged")

// unreadable is why stored JSON could not be decoded. That of a newer version is not damaged: a process that knows it can
// read it.
func unreadable(data string, err error) error {
	var is struct {
		Version int `json:"v"`
	}
	if json.Unmarshal([]byte(data), &is) == nil && is.Version > version {
		return err
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

func (s *Store) decode(ctx context.Context, id string, values []any, fallback Fallback) (Cart, error) {
	observe.Cart(ctx, id)
	c := Cart{ID: id}
	field := func(i int) string { text, _ := values[i].(string); return text }
	if rev := field(0); rev != "" {
		n, err := strconv.ParseInt(rev, 10, 64)
		if err != nil {
			return Cart{}, fmt.Errorf("revision: %w: %w", errDamaged, err)
		}
		if err := json.Unmarshal([]byte(field(1)), &c.Contents); err != nil {
			return Cart{}, unreadable(field(1), err)
		}
		c.Revision = n
	}
	c.OrderID, c.SessionID, c.Held, c.SessionCustomer = field(2), field(4), field(6) != "", field(7)
	c.Seen, _ = strconv.ParseInt(field(5), 10, 64) // what cannot be read was not seen
	if bought := field(3); bought != "" {
		if err := json.Unmarshal([]byte(bought), &c.Bought); err != nil {
			return Cart{}, fmt.Errorf("bought: %w: %w", errDamaged, err)
		}
	}
	if err := s.published.Reach(ctx, c.Published); err != nil {
		return Cart{}, err
	}
	s.settle(&c.Contents, fallback)
	return c, nil
}

// Priced is Get for a cart that is about to be priced: it stores the version by which, so
// that no process prices it by an older one afterwards. A Redis that is full keeps no cart from
// being priced: another process may refuse it until it knows the version too.
func (s *Store) Priced(ctx context.Context, id string, fallback Fallback) (Cart, error) {
	c, err := s.Get(ctx, id, fallback)
	if err != nil || len(c.Lines) == 0 && c.Basket == nil || c.Published == s.published.Now().Number {
		return c, err
	}
	stored, err := s.Update(ctx, id, fallback, func(c *Cart) error {
		c.Published = s.published.Now().Number
		return nil
	})
	if redisconn.Full(err) {
		c.Published = s.published.Now().Number
		return c, nil
	}
	return stored, err
}

// settle moves a cart without a market, or in one where nothing is sold any more, to the
// fallback. It keeps the language if that market has it. One without a language, as some
// were stored, gets that of its market. A basket of a checkout session stays where the
// merchant's server has put it: its amounts are of that currency.
func (s *Store) settle(c *Contents, fallback Fallback) {
	sold := s.published.Now().Markets
	if m, served := sold.Lookup(c.Country); served || c.Basket != nil || len(sold) == 0 { // nothing is published: it is only to be erased
		if served && c.Locale == "" {
			c.Locale = m.Locales[0]
		}
		return
	}
	m, served := sold.Lookup(fallback.Country)
	if !served || !m.HasLocale(fallback.Locale) {
		fallback.Country, fallback.Locale = sold.FromAcceptLanguage("")
		m, _ = sold.Lookup(fallback.Country)
	}
	spoken, locale := i18n.LangOf(c.Locale), fallback.Locale
	if kept := m.LocaleFor(spoken); c.Locale != "" && i18n.LangOf(kept) == spoken {
		locale = kept
	}
	c.Country, c.Locale, c.ShippingOption, c.ShipTo, c.Prices = m.Country, locale, "", nil, nil
}

// compareAndSet stores data as the next revision if the stored revision is still the one
// that was read, and the order too if one is named. A new cart has another life until it is read. It returns the new revision, or -1.
var compareAndSet = redis.NewScript(`
local rev = tonumber(redis.call('HGET', KEYS[1], 'rev') or '0')
if rev ~= tonumber(ARGV[1]) then return -1 end
if ARGV[4] ~= '' and redis.call('HGET', KEYS[1], 'order_id') ~= ARGV[4] then return -1 end
if ARGV[5] ~= '0' and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'rev', 1, 'data', ARGV[2], 'new', 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return 1
end
redis.call('HSET', KEYS[1], 'rev', rev + 1, 'data', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return rev + 1
`)

// Update reads the cart, lets edit change its contents and stores them as the next
// revision. When another change was faster it starts again, until ctx ends. An edit that
// changes nothing is not stored. An error of edit is returned as it is, with the stored
// cart.
func (s *Store) Update(ctx context.Context, id string, fallback Fallback, edit func(*Cart) error) (Cart, error) {
	return s.update(ctx, id, "", fallback, edit)
}

// ErrNotItsOrder: the order is not the newest one of the cart.
var ErrNotItsOrder = errors.New("not the cart's order")

// UpdateFor is Update for an order. It stores the contents only if the order is the
// cart's newest at that moment; otherwise the error is ErrNotItsOrder.
func (s *Store) UpdateFor(ctx context.Context, id, orderID string, edit func(*Cart) error) (Cart, error) {
	return s.update(ctx, id, orderID, Fallback{}, func(c *Cart) error {
		if orderID == "" || c.OrderID != orderID {
			return ErrNotItsOrder
		}
		return edit(c)
	})
}

func (s *Store) update(ctx context.Context, id, orderID string, fallback Fallback, edit func(*Cart) error) (Cart, error) {
	for {
		c, err := s.Get(ctx, id, fallback)
		if err != nil {
			return Cart{}, err
		}
		next := c
		next.Lines = slices.Clone(c.Lines)
		if err := edit(&next); err != nil {
			return c, err
		}
		next.Version = version
		if c.Version == version && sameContents(c.Contents, next.Contents) {
			return c, nil
		}
		next.Published = s.published.Now().Number
		if next.Revision, err = s.store(ctx, next, orderID); err != nil {
			return Cart{}, err
		}
		if next.Revision > 0 {
			return next, nil
		}
		s.Observer.CartRetry()
	}
}

func sameContents(a, b Contents) bool {
	return slices.Equal(a.Lines, b.Lines) && reflect.DeepEqual(withoutLines(a), withoutLines(b))
}

func withoutLines(c Contents) Contents { c.Lines = nil; return c }

func (s *Store) store(ctx context.Context, c Cart, orderID string) (revision int64, err error) {
	observe.Cart(ctx, c.ID)
	data, err := json.Marshal(c.Contents)
	if err != nil {
		return 0, fmt.Errorf("store cart: %w", err)
	}
	unread := unreturnedLife
	if c.Basket != nil {
		unread = 0
	}
	revision, err = compareAndSet.Run(ctx, s.redis, []string{key(c.ID)}, c.Revision, data, Lifetime.Milliseconds(), orderID, unread.Milliseconds()).Int64()
	return revision, redisconn.Wrap("store cart", err)
}

// These scripts replace an ID in a field of the cart if it is still the given one. They
// return whether they did, and the revision. A cart without a key gets one: the order or
// session exists.
var setOrderID, setSessionID = setID("order_id", ""), setID("session_id", ", 'session_customer', ARGV[4]")

func setID(field, more string) string {
	return strings.NewReplacer("FIELD", field, "MORE", more).Replace(`
local rev = tonumber(redis.call('HGET', KEYS[1], 'rev') or '0')
if (redis.call('HGET', KEYS[1], 'FIELD') or '') ~= ARGV[1] then return {0, rev} end
redis.call('HSET', KEYS[1], 'FIELD', ARGV[2]MORE)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1, rev}
`)
}

// SetOrderID makes next the cart's newest order if that is still from. It sends the
// commands of before in the same round trip. It returns whether it did, and the revision
// of the cart at that moment.
func (s *Store) SetOrderID(ctx context.Context, id, from, next string, before func(redis.Pipeliner)) (set bool, revision int64, err error) {
	return s.set(ctx, setOrderID, id, before, from, next, Lifetime.Milliseconds())
}

// SetSessionID is SetOrderID for the cart's newest session of Klarna Payments, which may stay the same, and
// who buys as that was told.
func (s *Store) SetSessionID(ctx context.Context, id, from, next, customer string) (set bool, revision int64, err error) {
	return s.set(ctx, setSessionID, id, nil, from, next, Lifetime.Milliseconds(), customer)
}

func (s *Store) set(ctx context.Context, script, id string, before func(redis.Pipeliner), args ...any) (set bool, revision int64, err error) {
	pipe := s.redis.Pipeline()
	if before != nil {
		before(pipe)
	}
	reply := pipe.Eval(ctx, script, []string{key(id)}, args...)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, 0, fmt.Errorf("set order of cart: %w", err)
	}
	values, err := reply.Int64Slice()
	if err != nil || len(values) != 2 {
		return false, 0, fmt.Errorf("set order of cart: %w", errors.Join(err, errors.New("unexpected reply")))
	}
	return values[0] == 1, values[1], nil
}

// setSeen notes a revision of the basket, if it is newer than what was noted.
var setSeen = redis.NewScript(`
local seen = tonumber(redis.call('HGET', KEYS[1], 'seen') or '0')
if seen < tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'seen', ARGV[1]) end
return 0
`)

// SetSeen notes that a form has shown this revision of the basket.
func (s *Store) SetSeen(ctx context.Context, id string, revision int64) error {
	return redisconn.Wrap("note what was seen", setSeen.Run(ctx, s.redis, []string{key(id)}, revision).Err())
}

// setHeld notes in a cart that there is whether stock was taken for it.
var setHeld = redis.NewScript(`
if ARGV[1] == '0' then return redis.call('HDEL', KEYS[1], 'held') end
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('HSET', KEYS[1], 'held', 1) end
return 0
`)

// SetHeld notes whether stock was taken for a cart, so that a change knows whether to let it go.
func (s *Store) SetHeld(ctx context.Context, id string, held bool) error {
	return redisconn.Wrap("note held stock", setHeld.Run(ctx, s.redis, []string{key(id)}, held).Err())
}

// TouchedAt is when a cart, its order or its form was changed last; zero: there is no cart.
func (s *Store) TouchedAt(ctx context.Context, id string) (time.Time, error) {
	left, err := s.redis.PTTL(ctx, key(id)).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("read age of cart: %w", err)
	}
	if left <= 0 {
		return time.Time{}, nil
	}
	return time.Now().Add(left - Lifetime), nil
}

// Touch lets a cart live as long as after a change: what is kept beside it has changed.
func (s *Store) Touch(ctx context.Context, id string) error {
	return redisconn.Wrap("touch cart", s.redis.PExpire(ctx, key(id), Lifetime).Err())
}

// closeCart stores data and bought if revision and order are still those that were read.
// It always removes the payment session.
var closeCart = redis.NewScript(`
local rev = tonumber(redis.call('HGET', KEYS[1], 'rev') or '0')
if rev ~= tonumber(ARGV[1]) then return -1 end
if (redis.call('HGET', KEYS[1], 'order_id') or '') ~= ARGV[2] then return -1 end
if (redis.call('HGET', KEYS[1], 'bought') or '') ~= ARGV[3] then return -1 end
redis.call('HSET', KEYS[1], 'rev', rev + 1, 'data', ARGV[4], 'order_id', ARGV[5], 'bought', ARGV[6])
redis.call('HDEL', KEYS[1], 'session_id', 'session_customer', 'held')
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return rev + 1
`)

// Close removes what the order bought from the cart. It subtracts quantities by SKU,
// never below 0, drops discount code, campaigns and session_id, clears order_id if it is this
// order, and stores the order as bought. What the shopper added meanwhile stays; so does the
// basket of a checkout session, which cannot be bought again. Closing
// again changes nothing; closed reports whether this call did it.
func (s *Store) Close(ctx context.Context, id, orderID string, bought []Line) (c Cart, closed bool, err error) {
	for {
		c, err := s.Get(ctx, id, Fallback{})
		if err != nil || c.BoughtBy(orderID) {
			return c, false, err
		}
		next, before := c, ""
		if len(c.Bought) > 0 {
			before = encodeBought(c.Bought)
		}
		next.Version, next.Lines, next.DiscountCode, next.Campaigns, next.Turned = version, nil, "", nil, nil
		for _, line := range c.Lines {
			for _, b := range bought {
				if b.SKU == line.SKU {
					line.Quantity -= b.Quantity
				}
			}
			if line.Quantity > 0 {
				next.Lines = append(next.Lines, line)
			}
		}
		if next.OrderID == orderID {
			next.OrderID = ""
		}
		next.SessionID, next.SessionCustomer = "", ""
		next.Bought = append(slices.Clone(c.Bought), orderID)
		data, err := json.Marshal(next.Contents)
		if err != nil {
			return c, false, fmt.Errorf("close cart: %w", err)
		}
		next.Revision, err = closeCart.Run(ctx, s.redis, []string{key(id)},
			c.Revision, c.OrderID, before, data, next.OrderID, encodeBought(next.Bought), Lifetime.Milliseconds()).Int64()
		if err != nil {
			return c, false, fmt.Errorf("close cart: %w", err)
		}
		if next.Revision > 0 {
			return next, true, nil
		}
		s.Observer.CartRetry()
	}
}

func encodeBought(ids []string) string {
	data, _ := json.Marshal(ids) // strings always encode
	return string(data)
}
