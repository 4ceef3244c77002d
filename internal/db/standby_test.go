package db_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// The scripts of deploy/postgres make a primary whose commits wait for its standby, which
// has them all when it is promoted; and who was connected finds it.
func TestStandby(t *testing.T) {
	t.Parallel()
	pair := dbtest.StartPair(t, "../../deploy/postgres")
	d := dbtest.Open(t, db.Config{URL: pair.URL, Transaction: 2 * time.Second})
	write := func(cart string) error {
		return d.Tx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "insert into cart_locks (cart_id, touched_at) values ($1, 1)", cart)
			return err
		})
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var state string
		err := d.Read.QueryRowContext(t.Context(), "select coalesce(sync_state, '') from pg_stat_replication").Scan(&state)
		if err == nil {
			break // it is connected; who it is only an administrator sees
		}
		if !errors.Is(err, sql.ErrNoRows) || time.Since(start) > 20*time.Second {
			t.Fatal(state, err)
		}
	}
	if err := write("a"); err != nil {
		t.Fatal(err)
	}
	v, err := d.Durability(t.Context())
	if err != nil || v.SynchronousNames != "*" || v.Standbys != 1 || slices.ContainsFunc(v.Problems(), func(p string) bool { return p != "fsync is off: a power cut can destroy the database" }) {
		t.Errorf("a commit is worth %+v, %v", v, err)
	}

	thaw := pair.Standby.Freeze()
	if err := write("b"); !errors.Is(err, db.ErrCommitUnknown) {
		t.Errorf("while the standby stands still: %v, want ErrCommitUnknown", err)
	}
	thaw()

	pair.Primary.Kill()
	pair.Promote()
	if err := write("c"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := d.Read.QueryRowContext(context.WithoutCancel(t.Context()), "select count(*) from cart_locks where cart_id in ('a', 'c')").Scan(&n); err != nil || n != 2 {
		t.Errorf("the promoted standby has %d of 2 rows, %v", n, err)
	}
}
