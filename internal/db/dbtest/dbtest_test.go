package dbtest_test

import (
	"database/sql"
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// Each test has a database of its own, with tables and without rows.
func TestEmpty(t *testing.T) {
	for range 2 {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			var n int
			if err := d.Read.QueryRowContext(t.Context(), "select count(*) from cart_locks").Scan(&n); err != nil || n != 0 {
				t.Fatalf("%d rows, %v", n, err)
			}
			if err := d.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := exec(t, d, "insert into cart_locks (cart_id, touched_at) values ($2, $1)", 1, "c"); err != nil {
				t.Error(err)
			}
		})
	}
}

func exec(t *testing.T, d *db.DB, query string, args ...any) (sql.Result, error) {
	var result sql.Result
	err := d.Tx(t.Context(), func(tx *sql.Tx) (err error) {
		result, err = tx.ExecContext(t.Context(), query, args...)
		return err
	})
	return result, err
}
