package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// exportBatch is how many orders Each holds at a time: some hundred kilobytes.
const exportBatch = 200

// Each hands the orders that are asked for to yield, oldest first, some at a
// time: memory does not grow with their number, and no read of the database lasts.
// Cursor and Limit do not count. Orders that are stored meanwhile are handed over if
// they are older than the newest when Each was called; each order is at most once. An
// error of yield ends it and is returned; else it is ErrUnavailable, wrapped.
func (b *Book) Each(ctx context.Context, q Query, yield func(Order) error) error {
	var all selection
	var newest position
	err := b.DB.View(ctx, func(tx *sql.Tx) (err error) {
		if all, err = q.selection(ctx, tx); err != nil {
			return err
		}
		// So that it comes to an end also where orders arrive faster than they leave.
		return tx.QueryRowContext(ctx, "select placed_at, id from orders "+all.where()+" order by placed_at desc, id desc limit 1", all.args...).
			Scan(&newest.at, &newest.id)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
	}
	all = all.and("(placed_at, id) <= ($, $)", newest.at, newest.id)
	for part := all; ; {
		orders, err := several(ctx, b.DB.Read,
			"select record from orders "+part.where()+fmt.Sprintf(" order by placed_at, id limit %d", exportBatch), part.args...)
		if err != nil {
			return err
		}
		for _, o := range orders {
			if err := yield(o); err != nil {
				return err
			}
		}
		if len(orders) < exportBatch {
			return nil
		}
		last := orders[len(orders)-1].position()
		part = all.and("(placed_at, id) > ($, $)", last.at, last.id)
	}
}
