package aftersale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bsm/redislock"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
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
	// bulkJobs bounds a pass over the jobs, bulkFailures how many failures one takes
	// before it leaves the rest to the next.
	bulkJobs, bulkFailures = 50, 3
	// bulkTries is how often an item is tried anew because its order has changed.
	bulkTries = 3
)

// runBulks works on bulk jobs as soon as this process starts one, until ctx
// ends. What it leaves, and what another process has left, the rounds go on with.
func (d *Desk) runBulks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.bulks:
			round, done := d.Book.Observer.Round(ctx, observe.LoopBulk)
			done(d.workBulks(round, time.Now(), time.Time{}))
		}
	}
}

// workBulks goes on with the bulk jobs that are due. No item is begun after
// until, unless that is zero.
func (d *Desk) workBulks(ctx context.Context, now, until time.Time) error {
	ids, err := d.Book.Redis.ZRangeByScore(ctx, bulksKey, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: bulkJobs,
	}).Result()
	if err != nil {
		return fmt.Errorf("due bulk jobs: %w", err)
	}
	var failed []error
	for _, id := range ids {
		if err := d.workBulk(ctx, id, now, until); err != nil {
			failed = append(failed, err)
		}
		if len(failed) >= bulkFailures {
			break
		}
	}
	return errors.Join(failed...)
}

// workBulk goes on with one bulk job, unless another process is at it.
func (d *Desk) workBulk(ctx context.Context, id string, now, until time.Time) error {
	lock, err := redislock.Obtain(ctx, d.Book.Redis, bulkLockKey+id, bulkLockLife, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock bulk job: %w", err)
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // else it runs out by itself
	job, texts, found, err := d.readBulk(ctx, id)
	if err != nil {
		return err
	}
	var failed []error
	if found {
		for i, item := range job.Items {
			if !item.open() {
				continue
			}
			if len(failed) >= bulkFailures || ctx.Err() != nil || !until.IsZero() && time.Now().After(until) {
				break
			}
			if err := lock.Refresh(ctx, bulkLockLife, nil); err != nil {
				return fmt.Errorf("hold bulk job: %w", err) // another process has it
			}
			ended, err := d.doItem(ctx, job, item)
			if err = errors.Join(err, d.storeItem(ctx, id, i, texts[i], ended)); err != nil {
				failed = append(failed, err)
			}
			job.Items[i] = ended
		}
		if !job.Finished() {
			later := redis.ZAddArgs{XX: true, Members: []redis.Z{{Score: float64(now.Add(bulkRetry).UnixMilli()), Member: id}}}
			return errors.Join(errors.Join(failed...), d.Book.Redis.ZAddArgs(ctx, bulksKey, later).Err())
		}
	}
	d.Book.Observer.Book(observe.BookBulk, observe.ResultDone)
	return errors.Join(errors.Join(failed...), d.Book.Redis.ZRem(ctx, bulksKey, id).Err())
}

// storeItem stores what became of an item.
func (d *Desk) storeItem(ctx context.Context, id string, i int, before string, item BulkItem) error {
	after, err := json.Marshal(item)
	if err != nil || string(after) == before {
		return err
	}
	if err := changeBulk.Run(ctx, d.Book.Redis, []string{bulkKey + id}, i, before, after).Err(); err != nil {
		return fmt.Errorf("store item of bulk job: %w", err)
	}
	return nil
}

// doItem does a job's action with all of an order, once however often it is
// called: the command's key is made from job and order. The item that it returns
// is open when it has to be called again. The error says that Klarna or Redis did
// not answer.
func (d *Desk) doItem(ctx context.Context, job Bulk, item BulkItem) (ended BulkItem, err error) {
	ctx, cancel := context.WithTimeout(ctx, itemTime)
	defer cancel()
	ctx, done := d.Book.Observer.Item(ctx, observe.WorkBulkItem, observe.Subject{OrderID: item.OrderID})
	defer func() { done(ended.told(), err) }()
	a := d.Actions.Named(job.Action)
	if a == nil || a.All == nil {
		return item, fmt.Errorf("go on with a bulk job: this version has no action %q", job.Action)
	}
	o, found, err := d.Book.ByOrderID(ctx, item.OrderID)
	if err != nil {
		return item, err
	}
	if !found {
		item.refuse(a, o, ReasonNoOrder)
		return item, nil
	}
	key := bulkCommandKey(job.ID, item.OrderID)
	for range bulkTries {
		if o.Running != nil {
			// The loop finds out how that ends, this one or another; then we go on.
			if o.Running.Key == key {
				item.Result = order.Unknown
			}
			return item, nil
		}
		c := a.All(o)
		if c.Amount != item.Amount {
			c = order.Command{Amount: item.Amount} // of which Do says that it was done, or is too late
		}
		c.Key, c.Action, c.Staff, c.Revision = key, a.Name, job.Staff, item.Revision
		out, err := d.Do(ctx, item.OrderID, c)
		if err == nil {
			return item.after(d, a, out)
		}
		if impossible, ok := errors.AsType[*ImpossibleError](err); ok {
			item.refuse(a, o, impossible.Reason)
			return item, nil
		}
		changed, ok := errors.AsType[*ChangedError](err)
		if !ok {
			return item, err
		}
		o = changed.Order
		if a.All(o).Amount != item.Amount {
			break
		}
		item.Revision = o.Revision // changed, but nothing that counts here
	}
	item.refuse(a, o, ReasonChanged)
	return item, nil
}

// after is the item after its command has ended, or not.
func (i BulkItem) after(d *Desk, a *Action, out Outcome) (BulkItem, error) {
	i.Result = out.Result
	if out.Result == order.Already {
		i.Result = out.Entry.Result
	}
	i.CorrelationID = out.Entry.CorrelationID
	if i.open() {
		i.Result = order.Unknown
		return i, errNoAnswer
	}
	if i.Result == order.Refused {
		_, i.Why = d.Refusal(a, out.Order, out.Entry)
	}
	return i, nil
}

// errNoAnswer is counted like any failure: Klarna is spared the rest of the job.
var errNoAnswer = errors.New("klarna has not answered a command")

// bulkCommandKey is the key of the command for an order of a job.
func bulkCommandKey(job, orderID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("shopd bulk "+job+" "+orderID)).String()
}
