package dbtest

import (
	"database/sql"
	"testing"
)

// Databases of the shared server are emptied and used again: making one and dropping it
// takes 0.15 s, which thousands of tests would pay, and emptying one a few milliseconds.
const (
	// others ends what else is still connected, and waits for it.
	others = `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`

	// shape is another after each statement that changes tables, rights or settings, after
	// migrating, and in a database that has grown.
	shape = `select concat_ws(' ',
		(select concat(count(*), ' ', max(xmin::text::bigint)) from pg_class),
		(select concat(count(*), ' ', max(xmin::text::bigint)) from pg_attribute),
		(select concat(count(*), ' ', max(xmin::text::bigint)) from pg_constraint),
		(select concat(count(*), ' ', max(xmin::text::bigint)) from pg_trigger),
		(select count(*) from pg_namespace), (select count(*) from pg_db_role_setting), (select count(*) from goose_db_version),
		pg_database_size(current_database()) > 2 * pg_database_size('shop'))`

	// emptying gives the statements that empty each table, and put back the rows that migrations
	// left there and the beginning of its numbers.
	emptying = `select concat('delete from ', t, '; insert into ', t, ' select * from json_populate_recordset(null::', t, ', ',
			quote_literal(coalesce((xpath('/table/row/rows/text()', query_to_xml('select json_agg(r)::text as rows from ' || t || ' r', false, false, '')))[1]::text, '[]')), ');')
		from (select oid::regclass::text as t from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'goose_db_version') as tables
		union all
		select concat('select setval(', quote_literal(s.seqrelid::regclass), ', ', s.seqstart, ', false);') from pg_sequence s where s.seqrelid <> 'goose_db_version_id_seq'::regclass`
)

// prepare reads from the template how databases are emptied.
func (s *Server) prepare(t testing.TB) {
	t.Helper()
	admin := s.admin(t, "shop")
	defer func() { _ = admin.Close() }()
	must(t, admin.QueryRow(shape).Scan(&s.shape))
	var steps string
	must(t, admin.QueryRow(`select string_agg(concat, ' ') from (`+emptying+`) as steps`).Scan(&steps))
	// Without triggers and foreign keys the order of the tables does not matter.
	s.emptying = "set session_replication_role = replica; " + steps
}

// database is one of the shared server. Its administrator stays connected while tests come and go: what a connection has to
// learn of the tables costs four times as much as emptying them.
type database struct {
	name  string
	admin *sql.DB
}

// lend returns an empty database.
func (s *Server) lend(t testing.TB) database {
	t.Helper()
	if n := len(shared.empty); n > 0 {
		d := shared.empty[n-1]
		shared.empty = shared.empty[:n-1]
		return d
	}
	name := s.database(t)
	admin := s.admin(t, name)
	admin.SetMaxOpenConns(1)
	return database{name, admin}
}

// free gives a database back after its test: emptied for the next, or dropped when its tables
// are no longer as they were made.
func (s *Server) free(t testing.TB, d database) {
	t.Helper()
	_, err := d.admin.Exec(others)
	must(t, err)
	var now string
	must(t, d.admin.QueryRow(shape).Scan(&now))
	if now != s.shape {
		must(t, d.admin.Close())
		s.exec(t, "drop database "+d.name+" with (force)")
		return
	}
	_, err = d.admin.Exec(s.emptying)
	must(t, err)
	shared.Lock()
	defer shared.Unlock()
	shared.empty = append(shared.empty, d)
}

func (s *Server) admin(t testing.TB, database string) *sql.DB {
	t.Helper()
	admin, err := sql.Open("pgx", s.url(database, "postgres"))
	must(t, err)
	return admin
}
