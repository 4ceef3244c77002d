package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// exportBatch is how many orders Each holds at a time: some hundred kilobytes.
const exportBatch = 200

// Each hands the orders that are asked for to yield, oldest first, some at a
// time: memory does not grow with their number, and no read of the database lasts.
// Cursor, Limit and order do not count. Orders that are stored meanwhile are handed over if
// they are older than the newest when Each was called; each order is at most once. An
// error of yield ends it and is returned; else it is ErrUnavailable, wrapped.
func (b *Book) Each(ctx context.Context, q Query, yield func(Order) error) error {
	q.Sort, q.Ascending, q.Limit = ByPlaced, true, exportBatch
	var all selection
	var newest position
	err := b.view(ctx, func(tx *sql.Tx) (err error) {
		if all, err = q.selection(ctx, tx); err != nil {
			return err
		}
		// So that it comes to an end also where orders arrive faster than they leave.
		return sqlf("$ select o.placed_at, o.id from "+all.from+" o$$ limit 1", all.with, where(all.where), q.order(true)).scan(ctx, tx, &newest.at, &newest.id)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	all.where = append(all.where, q.beyond(newest, "=", true))
	for part := all; ; {
		var orders []Order
		err := b.view(ctx, func(tx *sql.Tx) error {
			places, err := q.read(ctx, tx, nil, nil, sqlf("$ select 0, false, o.id, o.placed_at, 0 from "+part.from+fmt.Sprintf(" o$$ limit %d", exportBatch),
				part.with, where(part.where), q.order(false)))
			if err == nil {
				orders, err = ordersAt(ctx, tx, places)
			}
			return err
		})
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
		part.where = append(slices.Clip(all.where), q.beyond(orders[len(orders)-1].position(), "", false))
	}
}
