package order

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/shopd/shopd/internal/ordermanagement"
)

// foundColumns are those of found.
var foundColumns = []string{"state", "rejected", "expiring", "to_ship", "flagged", "withdrawn", "found_revision"}

// setFound sets the columns of found, from the third argument on.
var setFound = assigned(foundColumns, 3)

// found is by which filters an order is found, and of which revision that is.
func (o Order) found() []any {
	return []any{string(o.State()), o.FraudStatus == ordermanagement.FraudRejected, o.Expiring && !over(o.Status), o.ToShip(), len(o.Flags) > 0, o.Flagged(WithdrawalRequested), o.Revision}
}

const (
	renewBatch = 100  // orders in a transaction
	renewMost  = 1000 // in a round
)

// renew makes filters and words of orders that were stored by a version that knows other
// ones, while both run or before: that one does not write words_revision. A migration cannot: they
// are made from the record.
func (b *Book) renew(ctx context.Context) error {
	for range renewMost / renewBatch {
		old, err := several(ctx, b.DB.Read, fmt.Sprintf("select record from orders where words_revision <> revision order by id limit %d", renewBatch))
		if err != nil || len(old) == 0 {
			return err
		}
		err = b.DB.Tx(ctx, func(tx *sql.Tx) error {
			for _, o := range old {
				result, err := tx.ExecContext(ctx, "update orders set "+setFound+", words_revision = revision where id = $1 and revision = $2", append([]any{o.ID, o.Revision}, o.found()...)...) //nolint:gosec // names of columns
				if err != nil {
					return err
				}
				if n, err := result.RowsAffected(); err != nil || n == 0 { // changed meanwhile, with all that
					continue
				}
				if err := setWords(ctx, tx, o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("renew what orders are found by: %w", err)
		}
	}
	return nil
}
