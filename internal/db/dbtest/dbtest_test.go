package dbtest_test

import (
	"database/sql"
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// Each test has a database of its own, with tables and without rows, whatever the test before it did.
func TestEmpty(t *testing.T) {
	for _, last := range []string{
		"select 1", "create table more (n int)", "drop table cart_locks", "alter table orders add more int", "create index more on orders (updated_at)",
		"insert into goose_db_version (version_id, is_applied) values (9999, true)", "delete from event_numbers",
	} {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			for query, want := range map[string]int{"cart_locks": 0, "event_numbers where last = 0": 1, "events": 0} {
				var n int
				if err := d.Read.QueryRowContext(t.Context(), "select count(*) from "+query).Scan(&n); err != nil || n != want {
					t.Fatalf("%s: %d rows, %v", query, n, err)
				}
			}
			if err := d.Check(t.Context()); err != nil {
				t.Error(err)
			}
			for _, query := range []string{
				"insert into cart_locks (cart_id, touched_at) values ('c', 1)", "update event_numbers set last = 7", last,
			} {
				if _, err := exec(t, d, query); err != nil {
					t.Error(err)
				}
			}
			var position int
			err := d.Tx(t.Context(), func(tx *sql.Tx) error {
				return tx.QueryRowContext(t.Context(), "insert into staff_log (at, staff, event, outcome, detail) values (1, '', 'sign_in', '', '') returning position").Scan(&position)
			})
			if err != nil || position != 1 {
				t.Errorf("the first number is %d, %v", position, err)
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
