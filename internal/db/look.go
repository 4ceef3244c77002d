package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Server is what a database says of itself.
type Server struct {
	Version string // with the engine's name
	TooOld  bool   // for shopd
	Now     time.Time
	Schema  int64 // the last step that was taken in it; -1: our user may not know
	// Forbidden are the tables that our user may not read and write, and the sequences that it may
	// not count by; MayCreate: it may make tables.
	Forbidden []string
	MayCreate bool
}

// minPostgres is the oldest version of PostgreSQL that will do, as server_version_num has it.
const minPostgres = 140000

// schemaTable has the steps that were taken: see SchemaOf.
const schemaTable = "goose_db_version"

// forbidden are what our user lacks a right to. The table of the steps is read only, also its
// sequence is of whoever migrates.
const forbidden = `select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and case
	when c.relname = '` + schemaTable + `' then not has_table_privilege(c.oid, 'SELECT')
	when c.relname like 'goose%' then false
	when c.relkind = 'S' then not has_sequence_privilege(c.oid, 'USAGE')
	when c.relkind in ('r', 'p') then not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT')
		and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE'))
	else false end order by 1`

// Look asks the database about itself. It changes nothing.
func (d *DB) Look(ctx context.Context) (s Server, err error) {
	if d.Engine == SQLite {
		s.Now, s.MayCreate = time.Now(), true
		err = d.Read.QueryRowContext(ctx, "select 'SQLite ' || sqlite_version()").Scan(&s.Version)
	} else {
		var number int
		err = d.Read.QueryRowContext(ctx, `select 'PostgreSQL ' || current_setting('server_version'), current_setting('server_version_num')::int,
			clock_timestamp(), has_schema_privilege(current_schema(), 'CREATE')`).Scan(&s.Version, &number, &s.Now, &s.MayCreate)
		s.TooOld = number < minPostgres
	}
	if err == nil && d.Engine == Postgres {
		s.Forbidden, err = All(ctx, d.Read, func(rows *sql.Rows) (name string, err error) {
			err = rows.Scan(&name)
			return name, err
		}, forbidden)
	}
	s.Schema = -1
	if err == nil && !slices.Contains(s.Forbidden, schemaTable) {
		s.Schema, err = d.SchemaOf(ctx)
	}
	if err != nil {
		return s, fmt.Errorf("look at the database: %w", err)
	}
	return s, nil
}
