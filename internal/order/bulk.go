package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/money"
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

// MaxBulk is the largest number of orders of a bulk capture.
const MaxBulk = 500

// ErrBulkSize: a bulk capture is of 1 to MaxBulk orders.
var ErrBulkSize = fmt.Errorf("a bulk capture needs 1 to %d orders", MaxBulk)

// Reasons of items of a bulk capture, beside those of an ImpossibleError.
const (
	// ReasonChanged: the order is no longer what staff ticked, or another command
	// was under way with it.
	ReasonChanged Reason = "changed"
	// ReasonNoOrder: the book does not have the order.
	ReasonNoOrder Reason = "no_order"
)

// Bulk is a capture of all that remains of several orders: a job that goes on
// whoever looks, on any process.
type Bulk struct {
	ID    string
	Staff string    // who started it
	At    time.Time // when
	Items []BulkItem
}

// BulkItem is one order of a bulk capture, and how far it is.
type BulkItem struct {
	OrderID  string         `json:"order_id"`
	Number   string         `json:"number,omitempty"` // "" with ReasonNoOrder
	Revision int64          `json:"revision"`         // of the order that is captured
	Amount   money.Amount   `json:"amount"`           // minor units; what remained when the job was started
	Currency money.Currency `json:"currency,omitempty"`

	// Result is Done or Refused; Unknown, while Klarna has not answered; "" before
	// it is this order's turn.
	Result Result `json:"result,omitempty"`
	Reason Reason `json:"reason,omitempty"` // of Refused, when Klarna was not asked
	// Klarna's answer.
	Status        int      `json:"status,omitempty"` // HTTP
	Code          string   `json:"code,omitempty"`   // error_code
	Messages      []string `json:"messages,omitempty"`
	CorrelationID string   `json:"correlation_id,omitempty"`
}

// open reports whether the item needs something to be done.
func (i BulkItem) open() bool { return i.Result != Done && i.Result != Refused }

// refuse ends an item for which Klarna is not asked.
func (i *BulkItem) refuse(reason Reason) { i.Result, i.Reason = Refused, reason }

// Count is how many items have a result: "" are those whose turn has not come.
func (b Bulk) Count(r Result) int {
	n := 0
	for _, item := range b.Items {
		if item.Result == r {
			n++
		}
	}
	return n
}

// Finished reports whether every item has ended.
func (b Bulk) Finished() bool { return b.Count("")+b.Count(Unknown) == 0 }

// bulkJob is the head of a job as it is stored.
type bulkJob struct {
	Version int       `json:"v"`
	Staff   string    `json:"staff"`
	At      time.Time `json:"at"`
	Items   int       `json:"items"`
}

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

// StartBulkAs begins to capture all that remains of orders, in the name of a
// member of staff. id, of 1 to 100 characters, is what Bulk tells by how far it
// is; a form makes it (a UUID), so a form that is sent twice is one job. Orders
// that cannot be captured are refused at once, one that is named twice counts
// once. Each is captured only as long as what remains of it is what remained at
// the start. The error is ErrBulkSize or ErrUnavailable, wrapped.
func (b *Book) StartBulkAs(ctx context.Context, id, staff string, orderIDs []string) error {
	items, err := b.bulkItems(ctx, orderIDs, time.Now())
	if err != nil {
		return err
	}
	head, err := json.Marshal(bulkJob{Version: version, Staff: staff, At: time.Now().UTC(), Items: len(items)})
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
	if err := createBulk.Run(ctx, b.Redis, []string{bulkKey + id, bulksKey}, args...).Err(); err != nil {
		return fmt.Errorf("%w: store bulk capture: %w", ErrUnavailable, err)
	}
	b.bulks.ring()
	return nil
}

// bulkItems are the items of a job as it starts.
func (b *Book) bulkItems(ctx context.Context, orderIDs []string, now time.Time) ([]BulkItem, error) {
	var ids []string
	named := map[string]bool{}
	for _, id := range orderIDs {
		if !named[id] {
			named[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > MaxBulk {
		return nil, ErrBulkSize
	}
	orders, err := b.byIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Order, len(orders))
	for _, o := range orders {
		byID[o.OrderID] = o
	}
	items := make([]BulkItem, len(ids))
	for i, id := range ids {
		item := BulkItem{OrderID: id}
		o, found := byID[id]
		impossible, _ := errors.AsType[*ImpossibleError](b.Possible(o, ActionCapture, now))
		if found && impossible == nil && o.RemainingAuthorizedAmount == 0 {
			// Stored by a version that did not know.
			if o, err = b.Refresh(ctx, id); err != nil {
				return nil, err
			}
			impossible, _ = errors.AsType[*ImpossibleError](b.Possible(o, ActionCapture, now))
		}
		if found {
			_, item.Amount = o.Rest()
			item.Number, item.Revision, item.Currency = o.Number, o.Revision, o.PurchaseCurrency
		}
		switch {
		case !found:
			item.refuse(ReasonNoOrder)
		case impossible != nil:
			item.refuse(impossible.Reason)
		case o.Running != nil:
			item.refuse(ReasonChanged)
		}
		items[i] = item
	}
	return items, nil
}

// Bulk returns a bulk capture; false when there is none with the ID, or it was
// started more than 30 days ago. The error is ErrUnavailable, wrapped.
func (b *Book) Bulk(ctx context.Context, id string) (Bulk, bool, error) {
	job, _, found, err := b.readBulk(ctx, id)
	return job, found, err
}

// readBulk returns a job with the texts that its items are stored as.
func (b *Book) readBulk(ctx context.Context, id string) (job Bulk, texts []string, found bool, err error) {
	fields, err := b.Redis.HGetAll(ctx, bulkKey+id).Result()
	if err != nil {
		return Bulk{}, nil, false, fmt.Errorf("%w: read bulk capture: %w", ErrUnavailable, err)
	}
	if len(fields) == 0 {
		return Bulk{}, nil, false, nil
	}
	var head bulkJob
	if err := json.Unmarshal([]byte(fields["job"]), &head); err != nil {
		return Bulk{}, nil, false, fmt.Errorf("%w: read bulk capture: %w", ErrUnavailable, err)
	}
	job = Bulk{ID: id, Staff: head.Staff, At: head.At, Items: make([]BulkItem, head.Items)}
	texts = make([]string, head.Items)
	for i := range job.Items {
		texts[i] = fields[strconv.Itoa(i)]
		if err := json.Unmarshal([]byte(texts[i]), &job.Items[i]); err != nil {
			return Bulk{}, nil, false, fmt.Errorf("%w: read item of bulk capture: %w", ErrUnavailable, err)
		}
	}
	return job, texts, true, nil
}
