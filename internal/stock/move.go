package stock

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/db"
)

// Kind is why goods moved.
type Kind string

// The kinds of moves.
const (
	Counted  Kind = "counted"  // the warehouse has counted
	Reserved Kind = "reserved" // a purchase was approved
	Sold     Kind = "sold"
	Released Kind = "released" // what was reserved or sold is not wanted any more
	Shipped  Kind = "shipped"
	Returned Kind = "returned" // it is in the warehouse again
	Adjusted Kind = "adjusted"
)

// Move is an entry of the ledger: what was added to each number, below 0 = taken.
type Move struct {
	SKU       string
	At        time.Time // when the goods moved, to the millisecond
	Kind      Kind
	OnHand    int64
	Reserved  int64
	Committed int64
	OrderID   string // "" = none
	Who       string // of staff or an API key; "" = shopd
	Reason    string
}

// Ledger returns the newest moves of a product, newest first.
func (s *Store) Ledger(ctx context.Context, sku string, limit int) ([]Move, error) {
	moves, err := db.All(ctx, s.DB.Read, func(rows *sql.Rows) (Move, error) {
		m, at := Move{SKU: sku}, int64(0)
		err := rows.Scan(&at, &m.Kind, &m.OnHand, &m.Reserved, &m.Committed, &m.OrderID, &m.Who, &m.Reason)
		m.At = time.UnixMilli(at).UTC()
		return m, err
	}, `select at, kind, on_hand, reserved, committed, coalesce(order_id, ''), who, reason
		from stock_moves where sku = $1 order by at desc, position desc limit $2`, sku, limit)
	if err != nil {
		return nil, fmt.Errorf("read ledger of stock: %w", err)
	}
	return moves, nil
}

// apply makes moves and writes them down, and returns the levels after them; what is
// not counted does not move. Every change of stock goes through here, but for the
// merchant's (Set): the rows are locked one by one, in the order of their SKUs. Any other
// order, or one update for several rows that are not locked, ends in deadlocks.
//
// With limited, a SKU of which more would be reserved than is available is a
// *ShortError.
func apply(ctx context.Context, tx *sql.Tx, moves []Move, limited bool) (map[string]Level, error) {
	sum := map[string]Level{}
	var skus []string
	for _, m := range moves {
		l, known := sum[m.SKU]
		if !known {
			skus = append(skus, m.SKU)
		}
		sum[m.SKU] = Level{m.SKU, l.OnHand + m.OnHand, l.Reserved + m.Reserved, l.Committed + m.Committed}
	}
	slices.Sort(skus)
	after := make(map[string]Level, len(skus))
	for _, sku := range skus {
		l, counted, err := add(ctx, tx, sum[sku], limited)
		if err != nil {
			return nil, err
		}
		if counted {
			after[sku] = l
		}
	}
	moves = slices.DeleteFunc(slices.Clone(moves), func(m Move) bool {
		_, counted := after[m.SKU]
		return !counted
	})
	return after, write(ctx, tx, moves)
}

// add changes one product's numbers; false where it is not counted.
func add(ctx context.Context, tx *sql.Tx, by Level, limited bool) (l Level, counted bool, err error) {
	query := "update stock set on_hand = on_hand + $2, reserved = reserved + $3, committed = committed + $4 where sku = $1"
	if limited && by.Reserved > 0 {
		query += " and on_hand - reserved - committed >= $3"
	}
	l.SKU = by.SKU
	err = tx.QueryRowContext(ctx, query+" returning on_hand, reserved, committed", by.SKU, by.OnHand, by.Reserved, by.Committed).
		Scan(&l.OnHand, &l.Reserved, &l.Committed)
	if err != sql.ErrNoRows { //nolint:errorlint // Scan returns it as it is
		return l, err == nil, err
	}
	l, counted, err = level(ctx, tx, by.SKU)
	if err == nil && counted {
		err = &ShortError{SKU: by.SKU, Left: int(max(l.Available(), 0))}
	}
	return l, false, err
}

// batchSize is how many rows one statement is about: SQLite and PostgreSQL take at least
// 32,766 arguments.
const batchSize = 1000

// write adds entries to the ledger.
func write(ctx context.Context, tx *sql.Tx, moves []Move) error {
	for batch := range slices.Chunk(moves, batchSize) {
		var query strings.Builder
		var args []any
		query.WriteString("insert into stock_moves (sku, at, kind, on_hand, reserved, committed, order_id, who, reason) values ")
		for i, m := range batch {
			if i > 0 {
				query.WriteString(", ")
			}
			orderID := sql.NullString{String: m.OrderID, Valid: m.OrderID != ""}
			values := []any{m.SKU, m.At.UnixMilli(), string(m.Kind), m.OnHand, m.Reserved, m.Committed, orderID, m.Who, m.Reason}
			for j, v := range values {
				query.WriteString(map[bool]string{true: "($", false: ", $"}[j == 0] + strconv.Itoa(len(args)+1))
				args = append(args, v)
			}
			query.WriteString(")")
		}
		if _, err := tx.ExecContext(ctx, query.String(), args...); err != nil {
			return err
		}
	}
	return nil
}
