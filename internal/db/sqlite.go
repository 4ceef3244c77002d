package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/shopd/shopd/internal/rounds"
)

// walLimit is how large SQLite's log stays after it was emptied, in bytes.
const walLimit = 16 << 20

// openSQLite opens one connection that writes and some that read: many writers
// would wait for one another in SQLite, which is unfair and slow.
func (d *DB) openSQLite(ctx context.Context, u *url.URL) error {
	path := u.Path
	if u.Host != "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(path, "/") == "" || strings.HasSuffix(path, "/") {
		return errURL
	}
	if _, err := os.Stat(path); d.config.Existing && errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the operator names it
		return ErrNoFile
	}
	unlock, err := Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	d.close = append(d.close, unlock)
	if err := private(path); err != nil {
		return err
	}
	if err := giveToOwner(path+".lock", path); err != nil {
		return err
	}
	busy := "busy_timeout(" + milliseconds(d.config.Lock) + ")"
	d.Engine = SQLite
	if d.write, err = openFile(path, url.Values{"_txlock": {"immediate"}, "_pragma": {
		busy, "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)", "secure_delete(1)",
		fmt.Sprintf("journal_size_limit(%d)", walLimit),
	}}); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	d.close = append(d.close, d.write.Close)
	// The file is there, and is in WAL mode, before a reader comes.
	if err := d.write.PingContext(ctx); err != nil {
		return err
	}
	if d.Read, err = openFile(path, url.Values{"_pragma": {busy, "query_only(1)"}}); err != nil {
		return err
	}
	d.Read.SetMaxOpenConns(d.config.Readers)
	d.Read.SetMaxIdleConns(d.config.Readers)
	d.close = append(d.close, d.Read.Close)
	d.keepLogSmall(ctx)
	return nil
}

// private makes a file that nobody else can read, if it is not there: SQLite would let
// everybody. Its log gets the same permissions.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return file.Close()
}

func openFile(path string, settings url.Values) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	connector, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Lock holds a lock in a file until unlock, or until the process ends, however it ends.
// ErrInUse: another process has it.
// SQLite locks files on every system; so the lock is a database of its own, without
// a table.
func Lock(ctx context.Context, path string) (unlock func() error, err error) {
	lock, err := openFile(path, url.Values{"_txlock": {"exclusive"}})
	if err != nil {
		return nil, err
	}
	tx, err := lock.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = lock.Close()
		if isBusy(err) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return func() error { return errors.Join(tx.Rollback(), lock.Close()) }, nil
}

// keepLogSmall empties the log into the database from time to time. SQLite does so
// by itself, but never makes the log smaller while somebody always reads.
func (d *DB) keepLogSmall(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		rounds.Every(ctx, d.config.Checkpoint, func() { _ = d.checkpoint(ctx) }) // the next one will
	})
	d.close = append(d.close, func() error {
		stop()
		wg.Wait()
		return nil
	})
}

// checkpoint empties the log as far as nobody reads it. It waits for no reader: all
// writers would wait with it.
func (d *DB) checkpoint(ctx context.Context) (err error) {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "pragma busy_timeout = 0"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
	_, back := conn.ExecContext(context.WithoutCancel(ctx), "pragma busy_timeout = "+milliseconds(d.config.Lock))
	return errors.Join(err, back)
}

// isBusy reports whether another connection to SQLite has a lock.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}
