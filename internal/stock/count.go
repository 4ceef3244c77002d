package stock

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/db"
)

// Change is what the merchant says of a product: how many there are, or how many more.
type Change struct {
	SKU    string
	OnHand *int64 // counted; nil: Delta is meant
	Delta  int64  // below 0: fewer
	Seen   *int64 // how many there were when it was typed; another number is ErrMoved. nil: any
}

var (
	// ErrOldCount: the product was counted again after that.
	ErrOldCount = errors.New("a newer count is there")
	// ErrMoved: there are no longer as many as were seen.
	ErrMoved = errors.New("the stock has moved meanwhile")
	// ErrTwice: a product stands twice in a list of changes.
	ErrTwice = errors.New("a product stands twice")
)

// UnknownError refuses to change what is not counted.
type UnknownError struct{ SKU string }

// Error names the SKU.
func (e *UnknownError) Error() string { return "no stock is kept of " + e.SKU }

// BelowError refuses fewer than are reserved and committed.
type BelowError struct{ Level Level }

// Error names the SKU and how many are promised.
func (e *BelowError) Error() string {
	return fmt.Sprintf("%d of %s are reserved and committed", e.Level.Reserved+e.Level.Committed, e.Level.SKU)
}

// Set makes changes of the merchant's, all or none, and returns the levels after them, in
// the order of the changes. A count is of Entry.At: what moved in the warehouse after that
// applies on top of it. The error is an *UnknownError, a *BelowError, ErrOldCount, ErrMoved
// or ErrTwice, wrapped.
func (s *Store) Set(ctx context.Context, tx *sql.Tx, changes []Change, e Entry) ([]Level, error) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.Truncate(time.Millisecond)
	sorted := slices.SortedFunc(slices.Values(changes), func(a, b Change) int { return cmp.Compare(a.SKU, b.SKU) })
	after := make(map[string]Level, len(sorted))
	for batch := range slices.Chunk(sorted, batchSize) {
		if err := s.set(ctx, tx, batch, e, after); err != nil {
			return nil, fmt.Errorf("change stock: %w", err)
		}
	}
	levels := make([]Level, len(changes))
	for i, c := range changes {
		levels[i] = after[c.SKU]
	}
	return levels, nil
}

// shelf is a product's row, which is locked.
type shelf struct {
	Level

	countedAt int64
}

// set makes changes that are sorted, in as many statements for many as for one, and notes
// the levels after them. The rows are locked before the ledger is read.
func (s *Store) set(ctx context.Context, tx *sql.Tx, changes []Change, e Entry, after map[string]Level) error {
	skus := make([]string, len(changes))
	for i, c := range changes {
		skus[i] = c.SKU
	}
	shelves, err := s.lock(ctx, tx, skus)
	if err != nil {
		return err
	}
	later, err := movedAfter(ctx, tx, changes, e.At)
	if err != nil {
		return err
	}
	moves := make([]Move, len(changes))
	for i, c := range changes {
		before, counted := shelves[c.SKU]
		_, twice := after[c.SKU]
		m, at := e.move(c.SKU, Adjusted, ""), before.countedAt
		m.OnHand = c.Delta
		if c.OnHand != nil {
			m.Kind, m.OnHand, at = Counted, *c.OnHand+later[c.SKU]-before.OnHand, e.At.UnixMilli()
		}
		l := before.Level
		l.OnHand += m.OnHand
		switch {
		case twice:
			return fmt.Errorf("%w: %s", ErrTwice, c.SKU)
		case !counted:
			return &UnknownError{c.SKU}
		case before.countedAt > at:
			return ErrOldCount
		case c.Seen != nil && before.OnHand != *c.Seen:
			return ErrMoved
		case l.Available() < 0 && m.OnHand < 0:
			return &BelowError{l}
		}
		moves[i], after[c.SKU], shelves[c.SKU] = m, l, shelf{l, at}
	}
	if err := putBack(ctx, tx, shelves); err != nil {
		return err
	}
	return write(ctx, tx, moves)
}

// lock reads products and lets the transaction alone change them until it ends. They are
// locked one after another in the order of their SKUs, see apply.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, skus []string) (map[string]shelf, error) {
	among, args := db.In(skus)
	list, err := db.All(ctx, tx, func(rows *sql.Rows) (l shelf, err error) {
		err = rows.Scan(&l.SKU, &l.OnHand, &l.Reserved, &l.Committed, &l.countedAt)
		return l, err
	}, "select sku, on_hand, reserved, committed, counted_at from stock where sku "+among+" order by sku"+s.DB.ForUpdate(), args...)
	shelves := make(map[string]shelf, len(list))
	for _, l := range list {
		shelves[l.SKU] = l
	}
	return shelves, err
}

// movedAfter is what has moved in the warehouse after a time, of what is counted.
func movedAfter(ctx context.Context, tx *sql.Tx, changes []Change, at time.Time) (map[string]int64, error) {
	var skus []string
	for _, c := range changes {
		if c.OnHand != nil {
			skus = append(skus, c.SKU)
		}
	}
	if len(skus) == 0 {
		return nil, nil
	}
	among, args := db.In(skus)
	list, err := db.All(ctx, tx, func(rows *sql.Rows) (l Level, err error) {
		err = rows.Scan(&l.SKU, &l.OnHand)
		return l, err
	}, fmt.Sprintf("select sku, sum(on_hand) from stock_moves where sku %s and at > $%d and kind <> $%d group by sku", among, len(args)+1, len(args)+2),
		append(args, at.UnixMilli(), string(Counted))...)
	later := make(map[string]int64, len(list))
	for _, l := range list {
		later[l.SKU] = l.OnHand
	}
	return later, err
}

// putBack writes what is on hand of products whose rows are locked. So one statement for
// all of them ends in no deadlock.
func putBack(ctx context.Context, tx *sql.Tx, shelves map[string]shelf) error {
	var places []string
	var args []any
	for _, l := range shelves {
		n := len(args)
		places = append(places, fmt.Sprintf("(cast($%d as text), cast($%d as bigint), cast($%d as bigint))", n+1, n+2, n+3))
		args = append(args, l.SKU, l.OnHand, l.countedAt)
	}
	var query strings.Builder
	query.WriteString("update stock set on_hand = v.column2, counted_at = v.column3 from (values ")
	query.WriteString(strings.Join(places, ", "))
	query.WriteString(") v where sku = v.column1")
	_, err := tx.ExecContext(ctx, query.String(), args...)
	return err
}

// Recount sets how many there are of what is counted, whatever is reserved and committed:
// how often campaigns can be used.
func (s *Store) Recount(ctx context.Context, tx *sql.Tx, lines []Line) error {
	skus := make([]string, len(lines))
	for i, line := range lines {
		skus[i] = line.SKU
	}
	levels, err := read(ctx, tx, skus)
	if err != nil {
		return fmt.Errorf("recount stock: %w", err)
	}
	var moves []Move
	for _, l := range levels {
		i := slices.Index(skus, l.SKU)
		if delta := int64(lines[i].Quantity) - l.OnHand; delta != 0 {
			moves = append(moves, Move{SKU: l.SKU, At: time.Now(), Kind: Counted, OnHand: delta, Reason: "published"})
		}
	}
	if _, err := apply(ctx, tx, moves, false); err != nil {
		return fmt.Errorf("recount stock: %w", err)
	}
	return nil
}

// Seed begins to count products that are not counted yet. What is there stays, so
// every publish and every process may seed.
func (s *Store) Seed(ctx context.Context, tx *sql.Tx, lines []Line) error {
	sorted := slices.SortedFunc(slices.Values(lines), func(a, b Line) int { return cmp.Compare(a.SKU, b.SKU) })
	now := time.Now()
	for batch := range slices.Chunk(sorted, batchSize) {
		var places []string
		var args []any
		for _, line := range batch {
			n := len(args)
			places = append(places, fmt.Sprintf("($%d, $%d, 0, 0, 0)", n+1, n+2))
			args = append(args, line.SKU, line.Quantity)
		}
		moves, err := db.All(ctx, tx, func(rows *sql.Rows) (Move, error) {
			m := Move{At: now, Kind: Counted, Reason: "published"}
			err := rows.Scan(&m.SKU, &m.OnHand)
			return m, err
		}, "insert into stock (sku, on_hand, reserved, committed, counted_at) values "+strings.Join(places, ", ")+" on conflict (sku) do nothing returning sku, on_hand", args...)
		if err == nil {
			err = write(ctx, tx, moves)
		}
		if err != nil {
			return fmt.Errorf("seed stock: %w", err)
		}
	}
	return nil
}
