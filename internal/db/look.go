package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Server is what a database says of itself.
type Server struct {
	Version string // with the engine's name
	TooOld  bool   // for shopd
	Now     time.Time
	Schema  int64 // the last step that was taken in it
	// Forbidden are the tables that our user may not read and write; MayCreate: it may make tables.
	Forbidden []string
	MayCreate bool
}

// minPostgres is the oldest version of PostgreSQL that will do, as server_version_num has it.
const minPostgres = 140000

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
	if err == nil {
		s.Schema, err = d.SchemaOf(ctx)
	}
	if err == nil && d.Engine == Postgres {
		s.Forbidden, err = All(ctx, d.Read, func(rows *sql.Rows) (name string, err error) {
			return name, rows.Scan(&name)
		}, `select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relname not like 'goose%'
			and not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT') and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE')) order by 1`)
	}
	if err != nil {
		return s, fmt.Errorf("look at the database: %w", err)
	}
	return s, nil
}
