package order

import (
	"context"
	"time"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/stock"
)

// Queues are what the loops of the book look after in the database.
func (b *Book) Queues() []observe.Queue {
	queue := func(name, query string, after time.Duration) observe.Queue {
		return observe.Queue{Name: name, Length: func(ctx context.Context) (int64, time.Time, error) {
			n, due, err := b.DB.Waiting(ctx, query)
			if !due.IsZero() {
				due = due.Add(after)
			}
			return n, due, err
		}}
	}
	return []observe.Queue{
		queue("reservations", "select count(*), min(ask_at) from approved_orders where ask_at is not null", 0),
		queue("reserved_stock", "select count(*), min(made_at) from approved_orders where held is not null", stock.Held),
		queue("authorizations", "select count(*), min(due_at) from authorizations where due_at is not null", 0),
		queue("unsettled_payments", "select count(*), min(problem_at) from authorizations where problem_at is not null", 0),
		queue("unfinished_orders", "select count(*), min(due_at) from orders where due_at is not null", 0),
		queue("unread_orders", "select count(*), min(read_at) from orders where read_at is not null", 0),
	}
}
