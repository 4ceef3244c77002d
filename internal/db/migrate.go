package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

const (
	migrationLock  = 7366_1010 // the advisory lock of shopd's migrations
	migrationTries = 30
)

// Schema is the number of the last step that this version has, the same for both engines.
func Schema() int64 {
	files, err := fs.ReadDir(migrations, "migrations/"+string(Postgres))
	if err != nil || len(files) == 0 {
		panic("no migrations")
	}
	number, err := goose.NumericComponent(files[len(files)-1].Name())
	if err != nil {
		panic(err)
	}
	return number
}

// Migrate brings the tables to what this version needs and returns the names of the
// steps that it took. Any number of processes may call it at once; one does it and
// the others wait. Tables of a newer version stay. A step that cannot have a table
// within Config.Lock is tried again: while it waits, purchases wait behind it.
func (d *DB) Migrate(ctx context.Context) (steps []string, err error) {
	for try := 1; ; try++ {
		taken, err := d.migrate(ctx)
		steps = append(steps, taken...)
		if code(err) != lockNotAvailable || try == migrationTries {
			if err != nil {
				return steps, fmt.Errorf("migrate database: %w", err)
			}
			return steps, nil
		}
		select {
		case <-time.After(d.config.Lock):
		case <-ctx.Done():
			return steps, fmt.Errorf("migrate database: %w", context.Cause(ctx))
		}
	}
}

func (d *DB) migrate(ctx context.Context) (steps []string, err error) {
	p, done, err := d.provider()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	results, err := p.Up(ctx)
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		results = partial.Applied
	}
	for _, r := range results {
		steps = append(steps, r.Source.Path)
	}
	return steps, err
}

// ErrOldTables: the tables are older than this version needs.
var ErrOldTables = errors.New("the database's tables are older than this version needs: run shopd migrate")

// Check returns ErrOldTables where Migrate has something to do. It changes nothing.
func (d *DB) Check(ctx context.Context) error {
	number, err := d.SchemaOf(ctx)
	if err == nil && number < Schema() {
		err = ErrOldTables
	}
	return err
}

// SchemaOf is the number of the last step that was taken in this database; 0: none. Goose is
// not asked: it would make its table, and wait for whoever migrates.
func (d *DB) SchemaOf(ctx context.Context) (number int64, err error) {
	query := "select exists (select 1 from sqlite_master where name = 'goose_db_version')"
	if d.Engine == Postgres {
		query = "select to_regclass('goose_db_version') is not null"
	}
	var begun bool
	err = d.Read.QueryRowContext(ctx, query).Scan(&begun)
	if err == nil && begun {
		err = d.Read.QueryRowContext(ctx, "select coalesce(max(version_id), 0) from goose_db_version").Scan(&number)
	}
	if err != nil {
		return 0, fmt.Errorf("read how far the tables are: %w", err)
	}
	return number, nil
}

// provider is goose with our steps. It works on connections of its own, whose
// statements may take long.
func (d *DB) provider() (p *goose.Provider, done func() error, err error) {
	files, err := fs.Sub(migrations, "migrations/"+string(d.Engine))
	if err != nil {
		return nil, nil, err
	}
	nothing := func() error { return nil }
	if d.Engine == SQLite {
		p, err = goose.NewProvider(goose.DialectSQLite3, d.write, files)
		return p, nothing, err
	}
	c := d.config
	c.Statement, c.Idle = 0, time.Minute
	config, err := postgresConfig(c)
	if err != nil {
		return nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 600))
	if err != nil {
		return nil, nil, err
	}
	pool := stdlib.OpenDB(*config)
	if p, err = goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithSessionLocker(locker)); err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	return p, pool.Close, nil
}
