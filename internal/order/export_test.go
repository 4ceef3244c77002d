package order

import (
	"context"
	"database/sql"
	"encoding/json"
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

// Rows are the rows of an order in orders and order_words, and the columns of the first.
func (o Order) Rows(now time.Time) (names []string, row []any, words [][]any, err error) {
	record, err := json.Marshal(o)
	var due time.Time
	if !o.finished() {
		due = o.due(now)
	}
	for _, word := range wordsOf(o) {
		words = append(words, []any{word, o.PlacedAt.UnixMilli(), o.ID})
	}
	return columns, o.values(string(record), now, due), words, err
}

var wordsOf = words

// WasRead is what follows when Klarna had nothing new to say of an order.
var WasRead = (*Book).wasRead

// SearchLimits sets the limits of searches, until back.
func SearchLimits(few, some, walked, compared, many int) (back func()) {
	before := limits
	limits.few, limits.some, limits.walked, limits.compared, limits.many = few, some, walked, compared, many
	return func() { limits = before }
}
