package stock

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
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

// Set makes changes of the merchant's, all or none. A count is of Entry.At: what moved
// in the warehouse after that applies on top of it. The error is an *UnknownError, a
// *BelowError, ErrOldCount, ErrMoved or ErrTwice, wrapped.
func (s *Store) Set(ctx context.Context, tx *sql.Tx, changes []Change, e Entry) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.Truncate(time.Millisecond)
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.SKU, b.SKU) })
	for i, c := range changes {
		if i > 0 && changes[i-1].SKU == c.SKU {
			return fmt.Errorf("%w: %s", ErrTwice, c.SKU)
		}
		if err := s.set(ctx, tx, c, e); err != nil {
			return fmt.Errorf("change stock: %w", err)
		}
	}
	return nil
}

// set makes one change. Its row is locked before the ledger is read.
func (s *Store) set(ctx context.Context, tx *sql.Tx, c Change, e Entry) error {
	kind := Adjusted
	if c.OnHand != nil {
		kind = Counted
	}
	m := e.move(c.SKU, kind, "")
	m.OnHand = c.Delta
	if c.OnHand != nil {
		var err error
		if m.OnHand, err = counts(ctx, tx, c.SKU, *c.OnHand, e.At); err != nil {
			return err
		}
	}
	after, err := apply(ctx, tx, []Move{m}, false)
	if err != nil {
		return err
	}
	l, counted := after[c.SKU]
	switch {
	case !counted:
		return &UnknownError{c.SKU}
	case c.Seen != nil && l.OnHand-m.OnHand != *c.Seen:
		return ErrMoved
	case l.Available() < 0 && m.OnHand < 0:
		return &BelowError{l}
	}
	return nil
}

// counts notes when a product was counted and returns what to add to what is on hand.
func counts(ctx context.Context, tx *sql.Tx, sku string, n int64, at time.Time) (delta int64, err error) {
	var onHand int64
	err = tx.QueryRowContext(ctx, "update stock set counted_at = $2 where sku = $1 and counted_at <= $2 returning on_hand", sku, at.UnixMilli()).Scan(&onHand)
	if errors.Is(err, sql.ErrNoRows) {
		if _, known, err := level(ctx, tx, sku); err != nil || known {
			return 0, cmp.Or(err, ErrOldCount)
		}
		return 0, &UnknownError{sku}
	}
	var later int64
	if err == nil {
		err = tx.QueryRowContext(ctx, "select coalesce(sum(on_hand), 0) from stock_moves where sku = $1 and at > $2 and kind <> $3",
			sku, at.UnixMilli(), string(Counted)).Scan(&later)
	}
	return n + later - onHand, err
}

// Recount sets how many there are of what is counted, whatever is reserved and committed:
// how often campaigns can be used.
func (s *Store) Recount(ctx context.Context, tx *sql.Tx, lines []Line) error {
	var moves []Move
	for _, line := range lines {
		l, counted, err := level(ctx, tx, line.SKU)
		if err != nil {
			return fmt.Errorf("recount stock: %w", err)
		}
		if delta := int64(line.Quantity) - l.OnHand; counted && delta != 0 {
			moves = append(moves, Move{SKU: line.SKU, At: time.Now(), Kind: Counted, OnHand: delta, Reason: "published"})
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
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.SKU, b.SKU) })
	now := time.Now()
	for _, line := range lines {
		result, err := tx.ExecContext(ctx, `insert into stock (sku, on_hand, reserved, committed, counted_at) values ($1, $2, 0, 0, 0)
			on conflict (sku) do nothing`, line.SKU, line.Quantity)
		if err != nil {
			return fmt.Errorf("seed stock: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			continue
		}
		if err := write(ctx, tx, []Move{{SKU: line.SKU, At: now, Kind: Counted, OnHand: int64(line.Quantity), Reason: "published"}}); err != nil {
			return fmt.Errorf("seed stock: %w", err)
		}
	}
	return nil
}
