package order

import (
	"context"
	"database/sql"
	"time"
)

// Fill stores orders that have a number, many in a transaction.
func (b *Book) Fill(ctx context.Context, orders []Order) error {
	return b.DB.Tx(ctx, func(tx *sql.Tx) error {
		for _, o := range orders {
			o.ID = "ord_" + o.OrderID
			if err := b.insert(ctx, tx, &o, time.Now().Add(placerTime)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Edit is Update.
func (b *Book) Edit(ctx context.Context, id string, edit func(*Order)) (Order, error) {
	return b.Update(ctx, id, func(o *Order) ([]AuditEntry, error) {
		edit(o)
		return nil, nil
	})
}
