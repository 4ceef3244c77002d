package aftersale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/rounds"
)

const (
	// bulkLease is how long a job is left to the process that works on it, without being
	// renewed, which it is before each item: above itemTime, and how long a job stands
	// still after a crash.
	bulkLease = 30 * time.Second
	itemTime  = 20 * time.Second
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

// workBulks goes on with the bulk jobs that are due, and forgets old ones. No item is
// begun after until, unless that is zero.
func (d *Desk) workBulks(ctx context.Context, now, until time.Time) error {
	due, err := d.Book.DB.Due(ctx, "select id, due_at from bulk_jobs where due_at <= $1 order by due_at limit $2", now, bulkJobs)
	if err != nil {
		return fmt.Errorf("due bulk jobs: %w", err)
	}
	err = rounds.Each(due, bulkFailures, func(job db.Due) error { return d.workBulk(ctx, job, now, until) })
	return errors.Join(err, d.forgetBulks(ctx, now))
}

// hold gives a job to the caller for a while more; false where another process has it.
func (d *Desk) hold(ctx context.Context, job *db.Due, now time.Time) (ok bool, err error) {
	until := now.Add(bulkLease)
	ok, err = d.Book.DB.Claim(ctx, "update bulk_jobs set due_at = $3 where id = $1 and due_at = $2", job.Key, job.At, until)
	job.At = until.UnixMilli()
	return ok, err
}

// workBulk goes on with one bulk job, unless another process is at it.
func (d *Desk) workBulk(ctx context.Context, due db.Due, now, until time.Time) error {
	start := time.Now()
	if mine, err := d.hold(ctx, &due, now); err != nil || !mine {
		return err
	}
	job, _, err := d.Bulk(ctx, due.Key)
	if err != nil {
		return err
	}
	var failed []error
	for i, item := range job.Items {
		if !item.open() {
			continue
		}
		if len(failed) >= bulkFailures || ctx.Err() != nil || !until.IsZero() && time.Now().After(until) {
			break
		}
		if mine, err := d.hold(ctx, &due, now.Add(time.Since(start))); err != nil || !mine {
			return err
		}
		ended, err := d.doItem(ctx, job, item)
		if err = errors.Join(err, d.storeItem(ctx, due.Key, i, item, ended)); err != nil {
			failed = append(failed, err)
		}
		job.Items[i] = ended
	}
	next := sql.NullInt64{Int64: now.Add(bulkRetry).UnixMilli(), Valid: !job.Finished()}
	if job.Finished() {
		d.Book.Observer.Book(observe.BookBulk, observe.ResultDone)
	}
	_, err = d.Book.DB.Exec(ctx, "update bulk_jobs set due_at = $3 where id = $1 and due_at = $2", due.Key, due.At, next)
	return errors.Join(append(failed, err)...)
}

// storeItem stores what became of an item.
func (d *Desk) storeItem(ctx context.Context, id string, i int, before, item BulkItem) error {
	if item == before {
		return nil
	}
	record, err := json.Marshal(item)
	if err == nil {
		_, err = d.Book.DB.Exec(ctx, "update bulk_items set result = $3, record = $4 where job_id = $1 and item = $2",
			id, i, sql.NullString{String: string(item.Result), Valid: item.Result != ""}, string(record))
	}
	if err != nil {
		return fmt.Errorf("store item of bulk job: %w", err)
	}
	return nil
}

// forgetBulks deletes jobs that nobody can look at any more.
func (d *Desk) forgetBulks(ctx context.Context, now time.Time) error {
	before := now.Add(-bulkLife).UnixMilli()
	err := d.Book.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "delete from bulk_items where job_id in (select id from bulk_jobs where at < $1)", before)
		if err == nil {
			_, err = tx.ExecContext(ctx, "delete from bulk_jobs where at < $1", before)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("forget bulk jobs: %w", err)
	}
	return nil
}

// doItem does a job's action with all of an order, once however often it is
// called: the command's key is made from job and order. The item that it returns
// is open when it has to be called again. The error says that Klarna or the database did
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
