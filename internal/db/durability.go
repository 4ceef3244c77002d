package db

import (
	"context"
	"fmt"
	"log/slog"
)

// Durability is what a commit is worth, as the server says.
type Durability struct {
	Engine            Engine
	Fsync             string // on, off; SQLite: "full" is on
	SynchronousCommit string // of PostgreSQL: on, off, local, remote_write, remote_apply
	FullPageWrites    string // of PostgreSQL
	SynchronousNames  string // of PostgreSQL: synchronous_standby_names, "" = commits wait for no standby
	Standbys          int    // of PostgreSQL: how many follow now
	Standby           bool   // the server is itself a standby, and takes no writes
	ReadOnly          bool   // of PostgreSQL: default_transaction_read_only, as where a managed one's disk is full
}

// Durability asks the server what a commit is worth.
func (d *DB) Durability(ctx context.Context) (Durability, error) {
	v := Durability{Engine: d.Engine}
	var err error
	if d.Engine == SQLite {
		var synchronous int
		err = d.write.QueryRowContext(ctx, "pragma synchronous").Scan(&synchronous)
		v.Fsync = "off"
		if synchronous >= 2 {
			v.Fsync = "on"
		}
	} else {
		err = d.write.QueryRowContext(ctx, `select current_setting('fsync'), current_setting('synchronous_commit'),
			current_setting('full_page_writes'), current_setting('synchronous_standby_names'),
			(select count(*) from pg_stat_replication), pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'`).
			Scan(&v.Fsync, &v.SynchronousCommit, &v.FullPageWrites, &v.SynchronousNames, &v.Standbys, &v.Standby, &v.ReadOnly)
	}
	if err != nil {
		return v, fmt.Errorf("ask what a commit is worth: %w", err)
	}
	return v, nil
}

// Problems are sentences about what can be lost, or what does not work; none is well.
func (v Durability) Problems() (list []string) {
	say := func(is bool, text string) {
		if is {
			list = append(list, text)
		}
	}
	say(v.Standby, "the server is a standby: nothing can be written")
	say(v.ReadOnly, "the server takes no writes (default_transaction_read_only is on): nothing can be bought")
	say(v.Fsync == "off", "fsync is off: a power cut can destroy the database")
	if v.Engine == Postgres {
		say(v.FullPageWrites == "off", "full_page_writes is off: a power cut can destroy the database")
		say(v.SynchronousCommit == "off", "synchronous_commit is off: a crash of the server loses the newest orders")
		waits := v.SynchronousCommit != "local" && v.SynchronousCommit != "off"
		say(v.SynchronousNames != "" && !waits, "synchronous_commit waits for no standby although one is named: a failover loses the newest orders")
		say(v.SynchronousNames != "" && waits && v.Standbys == 0, "commits wait for a standby and none is connected: nothing can be bought")
		say(v.SynchronousNames == "" && v.Standbys > 0, "standbys follow later: a failover loses the newest orders")
	}
	return list
}

// LogValue is all of it.
func (v Durability) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("engine", string(v.Engine)), slog.String("fsync", v.Fsync)}
	if v.Engine == Postgres {
		attrs = append(attrs, slog.String("synchronous_commit", v.SynchronousCommit), slog.String("full_page_writes", v.FullPageWrites),
			slog.String("synchronous_standby_names", v.SynchronousNames), slog.Int("standbys", v.Standbys), slog.Bool("standby", v.Standby),
			slog.Bool("read_only", v.ReadOnly))
	}
	return slog.GroupValue(attrs...)
}

// Origin names this copy of the data: it is another one after a failover of PostgreSQL or
// a restored dump. A copy of SQLite's file and a disk's snapshot cannot be told apart: who
// restores one says so in the table event_numbers, see docs/operations.md.
func (d *DB) Origin(ctx context.Context, q Queryer) (origin string, err error) {
	if d.Engine == SQLite {
		return string(SQLite), nil
	}
	// The server, its timeline, the database and the table, which a restored dump makes anew.
	const query = `select s.system_identifier || ':' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || ':' ||
		d.oid::text || ':' || 'events'::regclass::oid::text
		from pg_control_system() s, pg_database d where d.datname = current_database()`
	if err := q.QueryRowContext(ctx, query).Scan(&origin); err != nil {
		return "", fmt.Errorf("ask which copy of the data it is: %w", err)
	}
	return origin, nil
}
