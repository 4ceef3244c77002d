package aftersale

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redisconn"
)

const (
	// bulkKey + ID is a job: a hash with "job" and its items by number, as JSON.
	bulkKey = "shopd:{orders}:bulk:"
	// bulksKey is a sorted set of the IDs of jobs that are not finished, by the
	// time from which the loop goes on with them, in ms.
	bulksKey = "shopd:{orders}:bulks"
	// bulkLife is how long a job can be looked at after its start.
	bulkLife = 30 * 24 * time.Hour
)

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

// bulkJob is the head of a job as it is stored.
type bulkJob struct {
	Version int          `json:"v"`
	Action  order.Action `json:"action"`
	Staff   string       `json:"staff"`
	At      time.Time    `json:"at"`
	Items   int          `json:"items"`
}

// version of the stored JSON.
const version = 1

// Queues are the bulk jobs that are not finished.
func Queues() []redisconn.Queue { return []redisconn.Queue{{Name: "bulk_captures", Key: bulksKey}} }

// createBulk stores a job: KEYS job, jobs; ARGV head, ID, time from which it is
// gone on with ("" = it has ended), life in ms, items. A job that is there stays.
var createBulk = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'job', ARGV[1])
for i = 5, #ARGV do redis.call('HSET', KEYS[1], i - 5, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return 1
`)

// changeBulk replaces an item that is as it was read: KEYS job; ARGV number,
// before, after.
var changeBulk = redis.NewScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`)

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
	head, err := json.Marshal(bulkJob{Version: version, Action: a.Name, Staff: staff, At: time.Now().UTC(), Items: len(items)})
	if err != nil {
		return err
	}
	args, due := []any{head, id, "", bulkLife.Milliseconds()}, false
	for _, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return err
		}
		args, due = append(args, text), due || item.open()
	}
	if due {
		args[2] = time.Now().UnixMilli()
	}
	if err := createBulk.Run(ctx, d.Book.Redis, []string{bulkKey + id, bulksKey}, args...).Err(); err != nil {
		return fmt.Errorf("%w: store bulk job: %w", order.ErrUnavailable, err)
	}
	select {
	case d.bulks <- struct{}{}:
	default: // it has been told already
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
	orders, err := d.Book.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]order.Order, len(orders))
	for _, o := range orders {
		byID[o.OrderID] = o
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
func (d *Desk) Bulk(ctx context.Context, id string) (Bulk, bool, error) {
	job, _, found, err := d.readBulk(ctx, id)
	return job, found, err
}

// readBulk returns a job with the texts that its items are stored as.
func (d *Desk) readBulk(ctx context.Context, id string) (job Bulk, texts []string, found bool, err error) {
	fields, err := d.Book.Redis.HGetAll(ctx, bulkKey+id).Result()
	if err != nil {
		return Bulk{}, nil, false, fmt.Errorf("%w: read bulk job: %w", order.ErrUnavailable, err)
	}
	if len(fields) == 0 {
		return Bulk{}, nil, false, nil
	}
	var head bulkJob
	if err := json.Unmarshal([]byte(fields["job"]), &head); err != nil {
		return Bulk{}, nil, false, fmt.Errorf("%w: read bulk job: %w", order.ErrUnavailable, err)
	}
	job = Bulk{ID: id, Action: head.Action, Staff: head.Staff, At: head.At, Items: make([]BulkItem, head.Items)}
	texts = make([]string, head.Items)
	for i := range job.Items {
		texts[i] = fields[strconv.Itoa(i)]
		if err := json.Unmarshal([]byte(texts[i]), &job.Items[i]); err != nil {
			return Bulk{}, nil, false, fmt.Errorf("%w: read item of bulk job: %w", order.ErrUnavailable, err)
		}
	}
	return job, texts, true, nil
}
