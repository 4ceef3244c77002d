// Package db opens the database that keeps what may not be lost: PostgreSQL, or
// SQLite for a shop of one process. Both take the same text of queries, with $1 for
// the first argument.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"
)

// Engine is which of the two databases it is.
type Engine string

// The engines.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

var (
	// ErrInUse: another process has the SQLite database open.
	ErrInUse = errors.New("another process has this SQLite database open, and SQLite is for one process; use PostgreSQL for more")
	// ErrBusy: a lock was not free in time. Nothing was changed.
	ErrBusy = errors.New("the database is busy")
	// ErrCommitUnknown: nobody can say whether the transaction was committed, or
	// whether it is as durable as the server was told to make it. Look before it is
	// done again.
	ErrCommitUnknown = errors.New("it is not known whether the transaction was committed")

	// ErrNoFile: the file of SQLite is not there, and Config.Existing asked for one.
	ErrNoFile = errors.New("the SQLite file is not there")

	errURL = errors.New("not a database URL: want postgres://user@host/database or sqlite:///path")
)

// Config says which database, and its limits. Zero members have the defaults that
// they name.
type Config struct {
	URL string // postgres://user:password@host/database or sqlite:///path

	Connections int           // to PostgreSQL from this process; 20
	Readers     int           // connections to SQLite that read; 4. One more writes
	Lock        time.Duration // how long a statement waits for a lock; 1.5 s
	Statement   time.Duration // how long a statement may take; 10 s
	Transaction time.Duration // how long a transaction may take, its commit included; 10 s
	Idle        time.Duration // how long a transaction may do nothing; 5 s
	Checkpoint  time.Duration // how often SQLite's log is emptied into the database; 1 min
	Existing    bool          // a file of SQLite must be there; else Open makes it
	// Dial makes connections to PostgreSQL; nil: as usual.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	Engine Engine
	// Read is for single statements that change nothing.
	Read *sql.DB

	config Config
	write  *sql.DB // of PostgreSQL the same pool
	close  []func() error
}

// CheckURL says whether a text is the URL of a database. No error has a part of it.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errURL
	case u.Scheme == "sqlite" && u.Path != "":
		return nil
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return errURL
	}
	_, err = postgresConfig(Config{URL: text})
	return err
}

// Open is Config.Open with the defaults.
func Open(ctx context.Context, url string) (*DB, error) { return Config{URL: url}.Open(ctx) }

// Open connects to the database and asks whether it answers. It changes no table:
// see Migrate. No error has a part of the URL, which may have a password.
func (c Config) Open(ctx context.Context) (*DB, error) {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.Lock, 1500 * time.Millisecond},
		{&c.Statement, 10 * time.Second},
		{&c.Transaction, 10 * time.Second},
		{&c.Idle, 5 * time.Second},
		{&c.Checkpoint, time.Minute},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.Connections == 0 {
		c.Connections = 20
	}
	if c.Readers == 0 {
		c.Readers = 4
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errURL
	}
	d := &DB{config: c}
	switch u.Scheme {
	case "postgres", "postgresql":
		err = d.openPostgres()
	case "sqlite":
		err = d.openSQLite(ctx, u)
	default:
		return nil, errURL
	}
	if err == nil {
		err = d.Ping(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	return d, nil
}

// Ping asks whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.write.PingContext(ctx) }

var errReadOnly = errors.New("the database takes no writes")

// Up asks whether the database answers and takes writes: one that does not stores no order.
func (d *DB) Up(ctx context.Context) error {
	if d.Engine == SQLite {
		return d.Ping(ctx)
	}
	var readOnly bool // a standby says so too
	err := d.write.QueryRowContext(ctx, "select current_setting('transaction_read_only') = 'on'").Scan(&readOnly)
	if err == nil && readOnly {
		err = errReadOnly
	}
	return err
}

// Close ends all connections.
func (d *DB) Close() error {
	var errs []error
	for _, end := range slices.Backward(d.close) {
		errs = append(errs, end())
	}
	d.close = nil
	return errors.Join(errs...)
}
