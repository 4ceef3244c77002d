package checkoutsession_test

import (
	"database/sql"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/stock"
)

// What ended without an order is forgotten, with all that the merchant has said in it; what is
// open or was bought stays.
func TestForget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s := &checkoutsession.Store{DB: d}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{"ended", "open", "bought"} {
			must(s.Add(ctx, session(id, id, id)))
		}
		for _, id := range []string{"ended", "bought"} {
			must(s.Expire(ctx, &stock.Store{DB: d}, id))
		}
		must(d.Tx(ctx, func(tx *sql.Tx) error { // a bank has answered late
			row, _, err := checkoutsession.Lock(ctx, tx, "bought")
			if err != nil {
				return err
			}
			return checkoutsession.SetComplete(ctx, tx, row, "ord_1")
		}))
		ends := time.Now().Add(checkoutsession.Life)
		left := func(now time.Time, want ...string) {
			t.Helper()
			must(s.Forget(ctx, now))
			var got []string
			for _, id := range []string{"ended", "open", "bought"} {
				if _, found, err := s.ByCart(ctx, id); err != nil || found {
					must(err)
					got = append(got, id)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("left are %q, want %q", got, want)
			}
		}
		left(ends.Add(checkoutsession.Kept-time.Minute), "ended", "open", "bought")
		left(ends.Add(checkoutsession.Kept+time.Minute), "open", "bought")
		must(s.Add(ctx, session("anew", "ended", "ended")))

		// Many, in several steps.
		must(d.Tx(ctx, func(tx *sql.Tx) error {
			for i := range 1200 {
				if _, err := tx.ExecContext(ctx, `insert into checkout_sessions (cart_id, reference, order_number, status, revision, record, created_at, expires_at)
					values ($1, 'r', 'n', 'expired', 1, '{}', 0, 0)`, strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		}))
		must(s.Forget(ctx, time.Now()))
		var n int
		must(d.Read.QueryRowContext(ctx, "select count(*) from checkout_sessions").Scan(&n))
		if n != 3 {
			t.Errorf("%d are left", n)
		}
	})
}
