package order

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/rounds"
	"github.com/shopd/shopd/internal/stock"
)

const (
	// eraseKey is a sorted set of the IDs (Order.Ref) of the orders whose erasing was asked for, by
	// when, in ms. It is apart from the database, so that a restored one is erased again.
	eraseKey = "shopd:erase"
	// eraseLife is for how long it has them: longer than backups should live.
	eraseLife = 400 * 24 * time.Hour
	// eraseLock is held by the process that erases what is old or was asked for.
	eraseLock = "shopd:erase_lock"

	eraseEvery = time.Minute
	// eraseItems is how many orders a round erases: some 250,000 a day.
	eraseItems = 200
)

// NeededError: the order is not finished, so its personal data cannot be erased. Nothing
// was.
type NeededError struct {
	Why string // the second half of a sentence
}

// Error says why.
func (e *NeededError) Error() string { return "personal data cannot be erased yet: " + e.Why }

// Erase erases the personal data of an order of the book, everywhere; what Klarna says
// later brings nothing back. It may be repeated, also after a crash, and returns the order
// as it is then. It is on the list of what a restored database erases again. The error is a
// *NeededError, ErrUnknown when the book has no such order, or ErrUnavailable.
func (b *Book) Erase(ctx context.Context, orderID string, by Source) (Order, error) {
	o, found, err := b.ByOrderID(ctx, orderID)
	switch {
	case err != nil:
		return Order{}, err
	case !found:
		return Order{}, fmt.Errorf("%w: not in the book", ErrUnknown)
	}
	added := false
	if o.Erased() || o.Needed() == "" {
		if added, err = b.listErased(ctx, orderID); err != nil {
			return o, err
		}
	}
	o, err = b.erase(ctx, o, by)
	if _, needed := errors.AsType[*NeededError](err); needed && added {
		// Who asked is told that nothing is erased, so nothing is later.
		if rem := b.Redis.ZRem(ctx, eraseKey, orderID).Err(); rem != nil {
			return o, fmt.Errorf("%w: take order %s off the list: %w", ErrUnavailable, orderID, rem)
		}
	}
	return o, err
}

// EraseListed puts an order on the list, and erases it: now, or when it is finished, or when
// a restored book has it again. The error is that of Erase.
func (b *Book) EraseListed(ctx context.Context, orderID string) (Order, error) {
	if _, err := b.listErased(ctx, orderID); err != nil {
		return Order{}, err
	}
	return b.Erase(ctx, orderID, BySystem)
}

// listErased writes down that an order is to be erased. added: it was not on the list.
func (b *Book) listErased(ctx context.Context, orderID string) (added bool, err error) {
	now := time.Now()
	var adding *redis.IntCmd
	_, err = b.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		adding = p.ZAddNX(ctx, eraseKey, redis.Z{Score: float64(now.UnixMilli()), Member: orderID})
		p.ZRemRangeByScore(ctx, eraseKey, "-inf", strconv.FormatInt(now.Add(-eraseLife).UnixMilli(), 10))
		p.Expire(ctx, eraseKey, eraseLife)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("%w: list order %s as erased: %w", ErrUnavailable, orderID, err)
	}
	return adding.Val() > 0, nil
}

// erase erases Redis first: where a crash comes between, the order is not erased yet and
// the whole is done again.
func (b *Book) erase(ctx context.Context, o Order, by Source) (Order, error) {
	o, err := b.eraseAll(ctx, o, by)
	result := observe.ResultDone
	_, needed := errors.AsType[*NeededError](err)
	switch {
	case needed:
		result = observe.ResultRefused
	case err != nil:
		result = observe.ResultFailed
	default:
		b.Logger.InfoContext(ctx, "personal data erased", "order_id", o.Ref(), "order_number", o.Number)
	}
	b.Observer.Book(observe.BookErase, result)
	return o, err
}

func (b *Book) eraseAll(ctx context.Context, o Order, by Source) (Order, error) {
	if why := o.Needed(); why != "" && !o.Erased() {
		return o, &NeededError{Why: why}
	}
	err := b.Observer.Forget(ctx, o.CartID, o.Ref(), payments.SessionOf(o.Origin))
	if err == nil && o.CartID != "" {
		var by *publish.Version
		if by, err = b.Published.At(ctx, o.Priced); err == nil {
			err = b.Carts.Erase(ctx, o.CartID, by)
		}
	}
	if err != nil {
		return o, fmt.Errorf("%w: erase order %s in redis: %w", ErrUnavailable, o.Ref(), err)
	}
	erased, err := b.Update(ctx, o.Ref(), func(o *Order) ([]AuditEntry, error) {
		if o.Erased() {
			return nil, nil
		}
		if why := o.Needed(); why != "" {
			return nil, &NeededError{Why: why}
		}
		now := time.Now().UTC()
		o.ErasedAt = now
		return []AuditEntry{{At: now, Source: by, Event: AuditErased}}, nil
	})
	if needed, ok := errors.AsType[*NeededError](err); ok {
		return o, needed
	}
	if err != nil {
		return o, err
	}
	return erased, nil
}

// settled lets the transaction that erases an order alone decide about its cart. The error
// is a *NeededError where a purchase of it is not settled, which has an address.
func (b *Book) settled(ctx context.Context, tx *sql.Tx, o Order) error {
	if err := stock.LockCart(ctx, tx, cmp.Or(o.CartID, o.Ref())); err != nil {
		return err
	}
	approved, err := b.Stock.OfCart(ctx, tx, o.CartID)
	if err != nil {
		return err
	}
	unsettled, err := payments.IsUnsettled(ctx, tx, payments.SessionOf(o.Origin))
	if err != nil {
		return err
	}
	if unsettled || o.CartID != "" && len(approved) > 0 {
		return &NeededError{Why: "a purchase of its cart, or its authorization, is not settled. That takes two days at most."}
	}
	return nil
}

// eraseAudit takes what may name a person out of the audit of an order that the
// transaction has locked.
func eraseAudit(ctx context.Context, tx *sql.Tx, o Order) error {
	type row struct {
		position int64
		text     string
	}
	rows, err := db.All(ctx, tx, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.position, &r.text)
		return r, err
	}, "select position, entry from audit where order_id = $1", o.ID)
	for _, r := range rows {
		var entry AuditEntry
		if err = json.Unmarshal([]byte(r.text), &entry); err != nil {
			break
		}
		var text []byte
		if text, err = json.Marshal(entry.bare()); err != nil {
			break
		}
		if string(text) == r.text {
			continue
		}
		if _, err = tx.ExecContext(ctx, "update audit set entry = $2 where position = $1", r.position, string(text)); err != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("erase audit: %w", err)
	}
	return nil
}

// OfEmail are the IDs (Order.Ref) of the orders that an e-mail address is in, the newest first,
// in any case. The error is ErrUnavailable.
func (b *Book) OfEmail(ctx context.Context, email string) (orderIDs []string, err error) {
	email = strings.TrimSpace(email)
	among, args := db.In(words(Order{BillingAddress: klarna.Address{Email: email}}))
	orders, err := several(ctx, b.DB.Read,
		"select record from orders where id in (select order_id from order_words where word "+among+") order by placed_at desc, id desc", args...)
	for _, o := range orders {
		if slices.ContainsFunc(o.emails(), func(of string) bool { return strings.EqualFold(of, email) }) {
			orderIDs = append(orderIDs, o.Ref())
		}
	}
	return orderIDs, err
}

// Listed is an order that is erased, or is to be.
type Listed struct {
	OrderID string // Order.Ref
	At      time.Time
}

// ErasedList are all orders that are erased or on the list, the first first. The error is
// ErrUnavailable.
func (b *Book) ErasedList(ctx context.Context) (list []Listed, err error) {
	list, err = db.All(ctx, b.DB.Read, func(rows *sql.Rows) (l Listed, err error) {
		var at int64
		err = rows.Scan(&l.OrderID, &at)
		l.At = time.UnixMilli(at).UTC()
		return l, err
	}, "select coalesce(order_id, id), erased_at from orders where erased_at is not null")
	if err != nil {
		return nil, fmt.Errorf("%w: read erased orders: %w", ErrUnavailable, err)
	}
	asked, err := b.Redis.ZRangeWithScores(ctx, eraseKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("%w: read orders to be erased: %w", ErrUnavailable, err)
	}
	there := make(map[string]bool, len(list))
	for _, l := range list {
		there[l.OrderID] = true
	}
	for _, z := range asked {
		if id, _ := z.Member.(string); !there[id] {
			list = append(list, Listed{OrderID: id, At: time.UnixMilli(int64(z.Score)).UTC()})
		}
	}
	slices.SortFunc(list, func(x, y Listed) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.OrderID, y.OrderID)) })
	return list, nil
}

// RunErase erases in rounds, a minute apart, until ctx ends: see EraseDue.
func (b *Book) RunErase(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(eraseEvery/2 + rand.N(eraseEvery)): //nolint:gosec // jitter, so that replicas take turns
		}
		_ = b.EraseDue(ctx, time.Now()) // the observer is told
	}
}

// EraseDue does one round: it erases what is on the list and not erased, because the
// database was restored or the order was not finished, and what is older than the shop
// keeps at now. What is not finished stays for the rounds after. The error is
// redisconn.ErrElsewhere while another process is at it.
func (b *Book) EraseDue(ctx context.Context, now time.Time) error {
	ctx, done := b.Observer.Round(ctx, observe.LoopErase)
	err := redisconn.Alone(ctx, b.Redis, eraseLock, func(ctx context.Context) error { return b.eraseDue(ctx, now) })
	done(err)
	return err
}

func (b *Book) eraseDue(ctx context.Context, now time.Time) error {
	listed, err := b.listedDue(ctx)
	if err != nil {
		return err
	}
	old, err := b.oldDue(ctx, now)
	if err != nil {
		return err
	}
	return rounds.Each(append(listed, old...), roundFailures, func(o Order) error {
		_, err := b.erase(observe.About(ctx, observe.Subject{OrderID: o.Ref()}), o, BySystem)
		if _, needed := errors.AsType[*NeededError](err); needed {
			return nil
		}
		return err
	})
}

// listedDue are orders on the list that are not erased. The list is gone through in parts:
// it has all that was asked for.
func (b *Book) listedDue(ctx context.Context) (due []Order, err error) {
	for start := int64(0); len(due) < eraseItems; start += sweepItems {
		ids, err := b.Redis.ZRange(ctx, eraseKey, start, start+sweepItems-1).Result()
		if err != nil {
			return nil, fmt.Errorf("orders to be erased: %w", err)
		}
		among, args := db.In(ids)
		orders, err := several(ctx, b.DB.Read, "select record from orders where erased_at is null and (order_id "+among+" or id "+among+")", args...)
		if err != nil {
			return nil, err
		}
		if due = append(due, orders...); len(ids) < sweepItems {
			break
		}
	}
	return due, nil
}

// oldDue are finished orders that were bought before the time for which personal data is
// kept, the oldest first.
func (b *Book) oldDue(ctx context.Context, now time.Time) ([]Order, error) {
	before := b.Published.Now().Shop.Retention.Before(now)
	if before.IsZero() {
		return nil, nil
	}
	return several(ctx, b.DB.Read, `select record from orders where erased_at is null and placed_at < $1 and due_at is null and not pending
		and status not in ($2, $3) order by placed_at, id limit $4`, before.UnixMilli(), string(ordermanagement.Authorized), string(ordermanagement.PartCaptured), eraseItems)
}
