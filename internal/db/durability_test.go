package db_test

import (
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

func TestProblems(t *testing.T) {
	well := db.Durability{Engine: db.Postgres, Fsync: "on", SynchronousCommit: "on", FullPageWrites: "on"}
	for name, test := range map[string]struct {
		change func(*db.Durability)
		want   int
	}{
		"well":             {func(*db.Durability) {}, 0},
		"standby confirms": {func(v *db.Durability) { v.SynchronousNames, v.Standbys = "*", 1 }, 0},
		"fsync":            {func(v *db.Durability) { v.Fsync = "off" }, 1},
		"pages":            {func(v *db.Durability) { v.FullPageWrites = "off" }, 1},
		"commits":          {func(v *db.Durability) { v.SynchronousCommit = "off" }, 1},
		"late standby":     {func(v *db.Durability) { v.Standbys = 1 }, 1},
		"local":            {func(v *db.Durability) { v.SynchronousNames, v.Standbys, v.SynchronousCommit = "*", 1, "local" }, 1},
		"standby away":     {func(v *db.Durability) { v.SynchronousNames = "*" }, 1},
		"is a standby":     {func(v *db.Durability) { v.Standby = true }, 1},
		"is only read":     {func(v *db.Durability) { v.ReadOnly = true }, 1},
	} {
		v := well
		test.change(&v)
		if got := v.Problems(); len(got) != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if v, err := dbtest.SQLite(t).Durability(t.Context()); err != nil || len(v.Problems()) != 0 {
		t.Errorf("sqlite: %v, %v", v.Problems(), err)
	}
}

// A database that answers and takes no writes is not up: no order can be stored.
func TestUp(t *testing.T) {
	address := dbtest.PostgresURL(t)
	for name, test := range map[string]struct {
		d  *db.DB
		up bool
	}{
		"postgres":     {dbtest.Open(t, db.Config{URL: address}), true},
		"is only read": {dbtest.Open(t, db.Config{URL: address + "&default_transaction_read_only=on"}), false},
		"sqlite":       {dbtest.SQLite(t), true},
	} {
		if err := test.d.Up(t.Context()); (err == nil) != test.up {
			t.Errorf("%s: %v", name, err)
		}
	}
}
