package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
)

const (
	// bulkLockKey + ID is held by the process that works on a job.
	bulkLockKey = "shopd:{orders}:bulklock:"
	// bulkLockLife is that of the lock without being renewed, which it is before
	// each item: above itemTime, and how long a job stands still after a crash.
	bulkLockLife = 30 * time.Second
	itemTime     = 20 * time.Second
	// bulkShare is how long a round of the loop starts with further items.
	bulkShare = 15 * time.Second
	// bulkRetry is when the loop goes on with a job that could not be finished.
	bulkRetry = 10 * time.Second
	// bulkTries is how often an item is tried anew because its order has changed.
	bulkTries = 3
)

// bell wakes the one who waits for it; rung meanwhile, it is heard afterwards.
type bell struct {
	once sync.Once
	c    chan struct{}
}

func (b *bell) heard() <-chan struct{} {
	b.once.Do(func() { b.c = make(chan struct{}, 1) })
	return b.c
}

func (b *bell) ring() {
	b.heard()
	select {
	case b.c <- struct{}{}:
	default:
	}
}

// runBulks works on bulk captures as soon as this process starts one, until ctx
// ends. What it leaves, and what another process has left, the rounds go on with.
func (b *Book) runBulks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.bulks.heard():
			round, done := b.Observer.Round(ctx, observe.LoopBulk)
			done(b.workBulks(round, time.Now(), time.Time{}))
		}
	}
}

// workBulks goes on with the bulk captures that are due. No item is begun after
// until, unless that is zero.
func (b *Book) workBulks(ctx context.Context, now, until time.Time) error {
	ids, err := b.Redis.ZRangeByScore(ctx, bulksKey, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: roundItems,
	}).Result()
	if err != nil {
		return fmt.Errorf("due bulk captures: %w", err)
	}
	var failed failures
	for _, id := range ids {
		if failed.add(b.workBulk(ctx, id, now, until)); failed.enough() {
			break
		}
	}
	return errors.Join(failed...)
}

// workBulk goes on with one bulk capture, unless another process is at it.
func (b *Book) workBulk(ctx context.Context, id string, now, until time.Time) error {
	lock, err := redislock.Obtain(ctx, b.Redis, bulkLockKey+id, bulkLockLife, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock bulk capture: %w", err)
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // else it runs out by itself
	job, texts, found, err := b.readBulk(ctx, id)
	if err != nil {
		return err
	}
	var failed failures
	if found {
		for i, item := range job.Items {
			if !item.open() {
				continue
			}
			if failed.enough() || ctx.Err() != nil || !until.IsZero() && time.Now().After(until) {
				break
			}
			if err := lock.Refresh(ctx, bulkLockLife, nil); err != nil {
				return fmt.Errorf("hold bulk capture: %w", err) // another process has it
			}
			ended, err := b.captureItem(ctx, job, item)
			failed.add(err)
			failed.add(b.storeItem(ctx, id, i, texts[i], ended))
			job.Items[i] = ended
		}
		if !job.Finished() {
			later := redis.ZAddArgs{XX: true, Members: []redis.Z{{Score: float64(now.Add(bulkRetry).UnixMilli()), Member: id}}}
			failed.add(b.Redis.ZAddArgs(ctx, bulksKey, later).Err())
			return errors.Join(failed...)
		}
	}
	b.Observer.Book(observe.BookBulk, observe.ResultDone)
	failed.add(b.Redis.ZRem(ctx, bulksKey, id).Err())
	return errors.Join(failed...)
}

// storeItem stores what became of an item.
func (b *Book) storeItem(ctx context.Context, id string, i int, before string, item BulkItem) error {
	after, err := json.Marshal(item)
	if err != nil || string(after) == before {
		return err
	}
	if err := changeBulk.Run(ctx, b.Redis, []string{bulkKey + id}, i, before, after).Err(); err != nil {
		return fmt.Errorf("store item of bulk capture: %w", err)
	}
	return nil
}

// captureItem captures what remains of an order, once however often it is
// called: the command's key is made from job and order. The item that it
// returns is open when it has to be called again. The error says that Klarna or
// Redis did not answer.
func (b *Book) captureItem(ctx context.Context, job Bulk, item BulkItem) (ended BulkItem, err error) {
	ctx, cancel := context.WithTimeout(ctx, itemTime)
	defer cancel()
	ctx, done := b.Observer.Item(ctx, observe.WorkBulkItem, observe.Subject{OrderID: item.OrderID})
	defer func() { done(ended.told(), err) }()
	o, found, err := b.ByOrderID(ctx, item.OrderID)
	if err != nil {
		return item, err
	}
	if !found {
		item.refuse(ReasonNoOrder)
		return item, nil
	}
	key := bulkCommandKey(job.ID, item.OrderID)
	for range bulkTries {
		if o.Running != nil {
			// The loop finds out how that ends, this one or another; then we go on.
			if o.Running.Key == key {
				item.Result = Unknown
			}
			return item, nil
		}
		c := Command{
			Key: key, Action: ActionCapture, Staff: job.Staff,
			Revision: item.Revision, Amount: item.Amount,
		}
		if lines, amount := o.Rest(); amount == item.Amount {
			c.OrderLines = lines
		}
		out, err := b.Do(ctx, item.OrderID, c)
		if err == nil {
			return item.after(out)
		}
		if impossible, ok := errors.AsType[*ImpossibleError](err); ok {
			item.refuse(impossible.Reason)
			return item, nil
		}
		changed, ok := errors.AsType[*ChangedError](err)
		if !ok {
			return item, err
		}
		o = changed.Order
		if _, amount := o.Rest(); amount != item.Amount {
			break
		}
		item.Revision = o.Revision // changed, but nothing that counts here
	}
	item.refuse(ReasonChanged)
	return item, nil
}

// after is the item after its command has ended, or not.
func (i BulkItem) after(out Outcome) (BulkItem, error) {
	i.Result = out.Result
	if out.Result == Already {
		i.Result = out.Entry.Result
	}
	i.Status, i.Code, i.Messages, i.CorrelationID = out.Entry.Status, out.Entry.Code, out.Entry.Messages, out.Entry.CorrelationID
	if i.open() {
		i.Result = Unknown
		return i, errNoAnswer
	}
	return i, nil
}

// errNoAnswer is counted like any failure: Klarna is spared the rest of the job.
var errNoAnswer = errors.New("klarna has not answered a capture")

// bulkCommandKey is the key of the command for an order of a job.
func bulkCommandKey(job, orderID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("shopd bulk "+job+" "+orderID)).String()
}
