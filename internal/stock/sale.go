package stock

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
)

// Sell makes what an approved order holds what was sold, in the transaction that puts
// the order in the book. Where nothing was held (any more) it is taken all the same:
// the sale is made. short are the goods of which more is sold now than there is; an
// event tells so. The row of the approved order stays until Closed. The caller has
// locked the cart and the order. A second time changes nothing.
func (s *Store) Sell(ctx context.Context, tx *sql.Tx, cartID, orderID string, lines []Line) (short []string, err error) {
	a, err := ofOrder(ctx, tx, orderID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = &Approved{CartID: cartID, OrderID: orderID, Lines: lines, Made: time.UnixMilli(0)} // nobody approved it
	}
	var done bool
	if err := tx.QueryRowContext(ctx, "select exists (select 1 from stock_moves where order_id = $1 and kind = $2)", orderID, string(Sold)).Scan(&done); err != nil {
		return nil, fmt.Errorf("sell stock: %w", err)
	}
	if done || a.Sold {
		return nil, nil
	}
	goods, err := counted(ctx, tx, lines)
	if err != nil {
		return nil, err
	}
	own := map[string]int64{}
	var moves []Move
	for _, line := range a.held {
		own[line.SKU] = int64(line.Quantity)
		moves = append(moves, a.move(line, Sold, -1))
	}
	for _, line := range goods {
		moves = append(moves, Move{SKU: line.SKU, At: time.Now(), Kind: Sold, Committed: int64(line.Quantity), OrderID: orderID})
	}
	a.Sold, a.Body = true, nil
	if err := putApproved(ctx, tx, *a, nil); err != nil {
		return nil, err
	}
	after, err := apply(ctx, tx, moves, false)
	if err != nil {
		return nil, fmt.Errorf("sell stock: %w", err)
	}
	for _, line := range goods {
		_, uses := CampaignOf(line.SKU) // a discount that was agreed is no shortage
		if l := after[line.SKU]; !uses && l.Available() < 0 && int64(line.Quantity) > own[line.SKU] {
			short = append(short, line.SKU)
		}
	}
	return short, oversold(ctx, tx, short, after)
}

// oversold sorts the SKUs of which more was sold than there is, and writes their events.
func oversold(ctx context.Context, tx *sql.Tx, short []string, after map[string]Level) error {
	slices.Sort(short)
	for _, sku := range short {
		if err := event.Add(ctx, tx, event.StockOversold, event.Stock{SKU: sku, Available: after[sku].Available()}); err != nil {
			return err
		}
	}
	return nil
}

// Closed forgets the row of an approved order that was sold, when its cart is closed.
func (s *Store) Closed(ctx context.Context, tx *sql.Tx, orderID string) error {
	if _, err := tx.ExecContext(ctx, "delete from approved_orders where order_id = $1 and sold", orderID); err != nil {
		return fmt.Errorf("forget approved order: %w", err)
	}
	return nil
}

// Entry says who moved goods, when and why.
type Entry struct {
	At     time.Time // when they moved; zero is now
	Who    string    // of staff or an API key; "" = shopd
	Reason string
}

// Ship takes goods of an order out of the warehouse: of what is on hand, and of what
// is committed. What is not committed for the order any more does not move.
func (s *Store) Ship(ctx context.Context, tx *sql.Tx, orderID string, lines []Line, e Entry) error {
	return s.commit(ctx, tx, orderID, lines, Shipped, e)
}

// Release ends that goods of an order are committed: it was cancelled, or the rest of
// it will not be sent. What is not committed for the order any more does not move.
func (s *Store) Release(ctx context.Context, tx *sql.Tx, orderID string, lines []Line, e Entry) error {
	return s.commit(ctx, tx, orderID, lines, Released, e)
}

func (s *Store) commit(ctx context.Context, tx *sql.Tx, orderID string, lines []Line, kind Kind, e Entry) error {
	open, err := s.Open(ctx, tx, orderID)
	if err != nil {
		return err
	}
	var moves []Move
	for _, line := range lines {
		n := min(int64(line.Quantity), open[line.SKU])
		if n <= 0 {
			continue
		}
		open[line.SKU] -= n
		m := e.move(line.SKU, kind, orderID)
		if m.Committed = -n; kind == Shipped {
			m.OnHand = -n
		}
		moves = append(moves, m)
	}
	if _, err := apply(ctx, tx, moves, false); err != nil {
		return fmt.Errorf("move stock: %w", err)
	}
	return nil
}

// Open returns what is committed for an order. The caller has locked the order.
func (s *Store) Open(ctx context.Context, tx *sql.Tx, orderID string) (map[string]int64, error) {
	lines, err := db.All(ctx, tx, func(rows *sql.Rows) (l Level, err error) {
		err = rows.Scan(&l.SKU, &l.Committed)
		return l, err
	}, "select sku, sum(committed) from stock_moves where order_id = $1 group by sku", orderID)
	if err != nil {
		return nil, fmt.Errorf("read stock of order: %w", err)
	}
	open := make(map[string]int64, len(lines))
	for _, l := range lines {
		open[l.SKU] = l.Committed
	}
	return open, nil
}

// Commit makes what is committed for an order what its lines say now: they were
// changed after the sale. short are the SKUs of which more is sold now than there is; an
// event tells so.
func (s *Store) Commit(ctx context.Context, tx *sql.Tx, orderID string, open []Line, e Entry) (short []string, err error) {
	had, err := s.Open(ctx, tx, orderID)
	if err != nil {
		return nil, err
	}
	goods, err := counted(ctx, tx, open)
	if err != nil {
		return nil, err
	}
	for _, line := range goods {
		had[line.SKU] -= int64(line.Quantity)
	}
	var moves []Move
	for sku, n := range had {
		if _, uses := CampaignOf(sku); uses { // lines say nothing of them
			continue
		}
		m := e.move(sku, Adjusted, orderID)
		if m.Committed = -n; n != 0 {
			moves = append(moves, m)
		}
	}
	after, err := apply(ctx, tx, moves, false)
	if err != nil {
		return nil, fmt.Errorf("move stock: %w", err)
	}
	for _, m := range moves {
		if m.Committed > 0 && after[m.SKU].Available() < 0 {
			short = append(short, m.SKU)
		}
	}
	return short, oversold(ctx, tx, short, after)
}

// Return puts goods of an order into the warehouse again.
func (s *Store) Return(ctx context.Context, tx *sql.Tx, orderID string, lines []Line, e Entry) error {
	var moves []Move
	for _, line := range lines {
		if line.Quantity > 0 {
			m := e.move(line.SKU, Returned, orderID)
			m.OnHand = int64(line.Quantity)
			moves = append(moves, m)
		}
	}
	if _, err := apply(ctx, tx, moves, false); err != nil {
		return fmt.Errorf("return stock: %w", err)
	}
	return nil
}

func (e Entry) move(sku string, kind Kind, orderID string) Move {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	return Move{SKU: sku, At: e.At, Kind: kind, OrderID: orderID, Who: e.Who, Reason: e.Reason}
}
