package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Beside are the numbers of the orders before and after an order in the list that is asked for, ""
// at an end of it. The order itself need not be in the list any more. Cursor and Limit do not count.
// The error is ErrUnavailable, wrapped.
func (b *Book) Beside(ctx context.Context, q Query, o Order) (before, after string, err error) {
	at := o.position()
	switch q.Sort {
	case ByAmount:
		at.key = fmt.Sprint(int64(o.OrderAmount))
	case ByStatus:
		at.key = string(o.State())
	case ByPlaced:
	}
	err = b.view(ctx, func(tx *sql.Tx) error {
		s, err := q.selection(ctx, tx)
		if err != nil {
			return err
		}
		for backwards, number := range map[bool]*string{true: &before, false: &after} {
			next := sqlf("$ select (select number from orders where id = o.id) from "+s.from+" o$$ limit 1", s.with,
				where(append(slices.Clip(s.where), q.beyond(at, "", backwards))), q.order(backwards))
			if err := next.scan(ctx, tx, number); err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		return nil
	})
	return before, after, err
}

// OthersOf are the newest other orders with the e-mail address of an order's customer, at most limit. The
// error is ErrUnavailable.
func (b *Book) OthersOf(ctx context.Context, o Order, limit int) (others []Order, err error) {
	email := o.BillingAddress.Email
	if o.Erased() || email == "" {
		return nil, nil
	}
	among, args := db.In(words(Order{BillingAddress: klarna.Address{Email: email}}))
	found, err := several(ctx, b.DB.Read, "select record from orders where id in (select order_id from order_words where word "+among+") order by placed_at desc, id desc"+
		fmt.Sprintf(" limit %d", 2*limit+1), args...)
	for _, other := range found {
		if other.ID != o.ID && strings.EqualFold(other.BillingAddress.Email, email) && len(others) < limit {
			others = append(others, other)
		}
	}
	return others, err
}

// Counts are how many orders of the book staff have to do with or to look at, each as far as MaxTotal + 1.
type Counts struct{ ToShip, Expiring, Withdrawn, Flagged, Pending, Rejected int64 }

// Counts counts them. The error is ErrUnavailable, wrapped.
func (b *Book) Counts(ctx context.Context) (c Counts, err error) {
	err = b.view(ctx, func(tx *sql.Tx) error {
		for n, q := range map[*int64]Query{
			&c.ToShip: {ToShip: true}, &c.Expiring: {Expiring: true}, &c.Flagged: {Flagged: true}, &c.Withdrawn: {Withdrawn: true},
			&c.Pending: {Risk: ordermanagement.FraudPending}, &c.Rejected: {Risk: ordermanagement.FraudRejected},
		} {
			s, err := q.selection(ctx, tx)
			if err == nil {
				err = s.count(ctx, tx, n)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return c, err
}
