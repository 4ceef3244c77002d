package db_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// Both engines have the same steps, and the same tables with the same columns.
func TestEnginesHaveTheSameTables(t *testing.T) {
	steps, columns := map[db.Engine][]string{}, map[db.Engine][]string{}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		entries, err := os.ReadDir("migrations/" + string(d.Engine))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			steps[d.Engine] = append(steps[d.Engine], e.Name())
		}
		query := `select m.name, c.name, c."notnull" = 0 and c.pk = 0 from sqlite_master m, pragma_table_info(m.name) c
			where m.type = 'table' and m.name not like 'sqlite%' and m.name not like 'goose%'`
		if d.Engine == db.Postgres {
			query = `select table_name, column_name, is_nullable = 'YES' from information_schema.columns
				where table_schema = 'public' and table_name not like 'goose%'`
		}
		rows, err := d.Read.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var table, column string
			var null bool
			if err := rows.Scan(&table, &column, &null); err != nil {
				t.Fatal(err)
			}
			columns[d.Engine] = append(columns[d.Engine], fmt.Sprintf("%s.%s %v", table, column, null))
		}
		slices.Sort(columns[d.Engine])
		if len(columns[d.Engine]) < 85 {
			t.Errorf("only %d columns: %q", len(columns[d.Engine]), columns[d.Engine])
		}
	})
	if diff := cmp.Diff(steps[db.Postgres], steps[db.SQLite]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(columns[db.Postgres], columns[db.SQLite]); diff != "" {
		t.Error(diff)
	}
}

// Any number of processes may migrate at once, and again; tables of a newer version stay.
func TestMigrate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, table := range tables(t, d) {
			exec1(t, d, "drop table "+table+map[db.Engine]string{db.Postgres: " cascade"}[d.Engine])
		}
		if err := d.Check(t.Context()); !errors.Is(err, db.ErrOldTables) {
			t.Errorf("without tables: %v", err)
		}
		var wg sync.WaitGroup
		taken := make([]int, 3)
		for i := range taken {
			wg.Go(func() {
				steps, err := d.Migrate(t.Context())
				if err != nil {
					t.Error(err)
				}
				taken[i] = len(steps)
			})
		}
		wg.Wait()
		if n := taken[0] + taken[1] + taken[2]; n != allSteps(t) || slices.Max(taken) != n {
			t.Errorf("%v steps were taken", taken)
		}
		exec1(t, d, "insert into goose_db_version (version_id, is_applied) values (9999, $1)", true)
		if steps, err := d.Migrate(t.Context()); len(steps) != 0 || err != nil {
			t.Errorf("a newer version's tables: %v, %v", steps, err)
		}
		if err := d.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Who looks changes nothing, and waits for nobody who migrates: also without tables, and with
// a user who may make none.
func TestLookChangesNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		open func(*testing.T) *db.DB
	}{
		{"postgres", func(t *testing.T) *db.DB {
			address := dbtest.PostgresURL(t)
			owner := dbtest.Open(t, db.Config{URL: address})
			exec1(t, owner, "create schema empty")
			held, err := owner.Read.BeginTx(t.Context(), nil)
			if err == nil {
				_, err = held.ExecContext(t.Context(), "select pg_advisory_xact_lock(73661010)")
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = held.Rollback() })
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			query.Set("search_path", "empty")
			query.Set("default_transaction_read_only", "on")
			u.RawQuery = query.Encode()
			return dbtest.Open(t, db.Config{URL: u.String()})
		}},
		{"sqlite", func(t *testing.T) *db.DB {
			return dbtest.Open(t, db.Config{URL: "sqlite://" + t.TempDir() + "/shop.db"})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.open(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if is, err := d.Look(ctx); err != nil || is.Schema != 0 {
				t.Errorf("%+v, %v", is, err)
			}
			if err := d.Check(ctx); !errors.Is(err, db.ErrOldTables) {
				t.Errorf("check: %v", err)
			}
			query := "select count(*) from sqlite_master"
			if d.Engine == db.Postgres {
				query = "select count(*) from pg_class where relnamespace = 'empty'::regnamespace"
			}
			if n := one[int](t, d.Read, query); n != 0 {
				t.Errorf("it made %d tables", n)
			}
		})
	}
}

// allSteps is how many steps there are.
func allSteps(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("migrations/postgres")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func tables(t *testing.T, d *db.DB) (list []string) {
	t.Helper()
	query := "select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by name desc"
	if d.Engine == db.Postgres {
		query = "select tablename from pg_tables where schemaname = 'public'"
	}
	rows, err := d.Read.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	// What refers to others first.
	slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
	return list
}

func rank(table string) int {
	return slices.IndexFunc([]string{"order_words", "audit", "bulk_items", "stock_moves", ""}, func(s string) bool {
		return strings.HasPrefix(table, s)
	})
}

// A step waits for no table for long, and is tried again.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t), Lock: 50 * time.Millisecond})
	for _, table := range tables(t, d) {
		if table != "goose_db_version" {
			exec1(t, d, "drop table "+table+" cascade")
		}
	}
	exec1(t, d, "delete from goose_db_version where version_id > 0")
	held, err := d.Read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.ExecContext(t.Context(), "lock table goose_db_version in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(200 * time.Millisecond) // longer than the step waits
		_ = held.Rollback()
	}()
	if steps, err := d.Migrate(t.Context()); err != nil || len(steps) != allSteps(t) {
		t.Error(steps, err)
	}
}
