package aftersale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
)

// bulkLife is how long a job can be looked at after its start.
const bulkLife = 30 * 24 * time.Hour

// MaxBulk is the largest number of orders of a bulk job.
const MaxBulk = 500

// ErrBulkSize: a bulk job is of 1 to MaxBulk orders.
var ErrBulkSize = fmt.Errorf("a bulk job needs 1 to %d orders", MaxBulk)

// Bulk is an action with all of several orders: a job that goes on whoever looks,
// on any process.
type Bulk struct {
	ID     string
	Action order.Action
	Staff  string    // who started it
	At     time.Time // when
	Items  []BulkItem
}

// BulkItem is one order of a bulk job, and how far it is.
type BulkItem struct {
	OrderID  string         `json:"order_id"`
	Number   string         `json:"number,omitempty"` // "" with ReasonNoOrder
	Revision int64          `json:"revision"`         // of the order that it is done with
	Amount   money.Amount   `json:"amount"`           // minor units; that of the command when the job was started
	Currency money.Currency `json:"currency,omitempty"`

	// Result is Done or Refused; Unknown, while Klarna has not answered; "" before
	// it is this order's turn.
	Result order.Result `json:"result,omitempty"`
	Reason Reason       `json:"reason,omitempty"` // of Refused, when Klarna was not asked
	// Why is Result in words: they are made when the order was read anyway.
	Why           string `json:"why,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"` // of Klarna's answer
}

// open reports whether the item needs something to be done.
func (i BulkItem) open() bool { return i.Result != order.Done && i.Result != order.Refused }

// refuse ends an item for which Klarna is not asked.
func (i *BulkItem) refuse(a *Action, o order.Order, reason Reason) {
	i.Result, i.Reason, i.Why = order.Refused, reason, a.Impossible(o, reason)
}

// told is what the observer is told of an item that was tried.
func (i BulkItem) told() observe.Result {
	if i.open() {
		return observe.ResultPending
	}
	return observe.Result(i.Result)
}

// Count is how many items have a result: "" are those whose turn has not come.
func (b Bulk) Count(r order.Result) int {
	n := 0
	for _, item := range b.Items {
		if item.Result == r {
			n++
		}
	}
	return n
}

// Finished reports whether every item has ended.
func (b Bulk) Finished() bool { return b.Count("")+b.Count(order.Unknown) == 0 }

// Queues are the bulk jobs that are not finished.
func (d *Desk) Queues() []observe.Queue {
	return []observe.Queue{{Name: "bulk_captures", Length: func(ctx context.Context) (int64, time.Time, error) {
		return d.Book.DB.Waiting(ctx, "select count(*), min(due_at) from bulk_jobs where due_at is not null")
	}}}
}

// StartBulk begins an action with all of several orders, in the name of a member
// of staff. id, of 1 to 100 characters, is what Bulk tells by how far it is; a
// form makes it (a UUID), so a form that is sent twice is one job. Orders with
// which it is not possible are refused at once, one that is named twice counts
// once. With each it is done only as long as the command comes to what it came to
// at the start. The error is ErrBulkSize or ErrUnavailable, wrapped.
func (d *Desk) StartBulk(ctx context.Context, id string, a *Action, staff string, orderIDs []string) error {
	items, err := d.bulkItems(ctx, a, orderIDs, time.Now())
	if err != nil {
		return err
	}
	err = d.Book.DB.Tx(ctx, func(tx *sql.Tx) error {
		return createBulk(ctx, tx, Bulk{ID: id, Action: a.Name, Staff: staff, Items: items})
	})
	if err != nil {
		return fmt.Errorf("%w: store bulk job: %w", order.ErrUnavailable, err)
	}
	select {
	case d.bulks <- struct{}{}:
	default: // it has been told already
	}
	return nil
}

// createBulk stores a job. One that is there stays.
func createBulk(ctx context.Context, tx *sql.Tx, job Bulk) error {
	now := time.Now().UnixMilli()
	due := sql.NullInt64{Int64: now, Valid: !job.Finished()}
	result, err := tx.ExecContext(ctx, "insert into bulk_jobs (id, action, who, at, due_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
		job.ID, string(job.Action), job.Staff, now, due)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for i, item := range job.Items {
		record, err := json.Marshal(item)
		if err == nil {
			_, err = tx.ExecContext(ctx, "insert into bulk_items (job_id, item, order_id, result, record) values ($1, $2, $3, $4, $5)",
				job.ID, i, item.OrderID, sql.NullString{String: string(item.Result), Valid: item.Result != ""}, string(record))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bulkItems are the items of a job as it starts.
func (d *Desk) bulkItems(ctx context.Context, a *Action, orderIDs []string, now time.Time) ([]BulkItem, error) {
	var ids []string
	for _, id := range orderIDs {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > MaxBulk {
		return nil, ErrBulkSize
	}
	orders, err := d.Book.ByRefs(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]order.Order, len(orders))
	for _, o := range orders {
		byID[o.Ref()] = o
	}
	items := make([]BulkItem, len(ids))
	for i, id := range ids {
		item := &items[i]
		item.OrderID = id
		o, found := byID[id]
		if !found {
			item.refuse(a, o, ReasonNoOrder)
			continue
		}
		if !o.Followed() { // stored by a version that did not know
			if o, err = d.Book.Refresh(ctx, id); err != nil {
				return nil, err
			}
		}
		item.Number, item.Revision, item.Currency = o.Number, o.Revision, o.PurchaseCurrency
		item.Amount = a.All(o).Amount
		if impossible := d.Possible(o, a, now); impossible != nil {
			item.refuse(a, o, impossible.Reason)
		} else if o.Running != nil {
			item.refuse(a, o, ReasonChanged)
		}
	}
	return items, nil
}

// Bulk returns a bulk job; false when there is none with the ID, or it was
// started more than 30 days ago. The error is ErrUnavailable, wrapped.
func (d *Desk) Bulk(ctx context.Context, id string) (job Bulk, found bool, err error) {
	job, found, err = d.readBulk(ctx, id)
	if err != nil {
		return Bulk{}, false, fmt.Errorf("%w: read bulk job: %w", order.ErrUnavailable, err)
	}
	return job, found, nil
}

func (d *Desk) readBulk(ctx context.Context, id string) (job Bulk, found bool, err error) {
	var at int64
	job.ID = id
	err = d.Book.DB.Read.QueryRowContext(ctx, "select action, who, at from bulk_jobs where id = $1", id).Scan(&job.Action, &job.Staff, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Bulk{}, false, nil
	}
	if err != nil {
		return Bulk{}, false, err
	}
	job.At = time.UnixMilli(at).UTC()
	job.Items, err = db.All(ctx, d.Book.DB.Read, func(rows *sql.Rows) (item BulkItem, err error) {
		var text string
		if err = rows.Scan(&text); err == nil {
			err = json.Unmarshal([]byte(text), &item)
		}
		return item, err
	}, "select record from bulk_items where job_id = $1 order by item", id)
	return job, true, err
}
