package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Queryer is a transaction or a database, for functions that do not care.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const (
	txTries = 5
	txPause = 20 * time.Millisecond // at most before the second try, twice as long before the next
)

// Tx runs do in a transaction and commits it, unless do returns an error, which Tx
// returns too. PostgreSQL isolates it by READ COMMITTED; with SQLite it is alone.
//
// do runs again from the start after a deadlock or a failed serialisation, so it
// changes nothing but by its transaction. It calls nobody over the network: what it
// has locked, others wait for. What locks are taken in which order docs/database.md says.
//
// Once the commit has begun ctx no longer ends it. The error is then nil,
// ErrCommitUnknown, or something that says that all was undone.
//
// Inside a trace it is a span.
func (d *DB) Tx(ctx context.Context, do func(*sql.Tx) error) (err error) {
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/shopd/shopd/internal/db").
		Start(ctx, "sql transaction", trace.WithSpanKind(trace.SpanKindClient))
	defer func() {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	for try := 1; ; try++ {
		err = d.tx(ctx, do)
		switch {
		case err == nil || errors.Is(err, ErrCommitUnknown):
			return err
		case code(err) == lockNotAvailable:
			return fmt.Errorf("%w: %w", ErrBusy, err)
		case !retriable(err):
			return err
		case try == txTries:
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
		select {
		case <-time.After(rand.N(txPause << (try - 1))): //nolint:gosec // no secret
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// errBegin: a connection of before the server was started anew, mostly.
var errBegin = errors.New("begin transaction")

// retriable reports whether the transaction was undone only because of others, or
// never began.
func retriable(err error) bool {
	c := code(err)
	return errors.Is(err, errBegin) || c == serializationFailure || c == deadlockDetected || isBusy(err)
}

// tx is Tx, once.
func (d *DB) tx(ctx context.Context, do func(*sql.Tx) error) error {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.config.Transaction)
	defer cancel()
	tx, err := conn.BeginTx(whole, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errBegin, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	err = tx.Commit()
	switch {
	case err == nil && d.Engine == Postgres && standbyAway(conn):
		return fmt.Errorf("%w: the standby did not confirm it", ErrCommitUnknown)
	case err == nil, undone(err):
		return err
	}
	return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
}

// undone reports whether the error of a commit says for certain that nothing of the
// transaction is left.
func undone(err error) bool {
	c := code(err)
	return c == serializationFailure || c == deadlockDetected || strings.HasPrefix(c, integrityViolation) || isBusy(err)
}

// View runs do in a transaction that changes nothing: all its statements see the
// same moment, and are planned for their arguments. It should be short: SQLite's log grows
// meanwhile.
func (d *DB) View(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to keep
	if d.Engine == Postgres {
		// A plan for any argument is wrong for lists: a word may have three rows or a million.
		if _, err := tx.ExecContext(ctx, "set local plan_cache_mode = force_custom_plan"); err != nil {
			return err
		}
	}
	return do(tx)
}

// ForUpdate ends a select whose rows the transaction alone may change until it ends. They are
// locked in the order of the select. SQLite's transactions are alone anyway.
func (d *DB) ForUpdate() string {
	if d.Engine == Postgres {
		return " for update"
	}
	return ""
}

// In is a list of values for a query, "in ($1, $2)", with its arguments; of none it is false.
func In(values []string) (condition string, args []any) {
	places := make([]string, len(values))
	for i, value := range values {
		places[i] = "$" + strconv.Itoa(i+1)
		args = append(args, value)
	}
	return "in (" + cmp.Or(strings.Join(places, ", "), "null") + ")", args
}

// All runs a query and returns what scan makes of each row, in the query's order. The error
// is the database's or scan's.
func All[T any](ctx context.Context, q Queryer, scan func(*sql.Rows) (T, error), query string, args ...any) (list []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// Exec is a transaction of one statement. changed is how many rows it has changed.
func (d *DB) Exec(ctx context.Context, statement string, args ...any) (changed int64, err error) {
	err = d.Tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}

// Due is a row whose time has come: its key, and that time in ms, for Claim.
type Due struct {
	Key string
	At  int64
}

// Due runs a query for the rows that are due: its arguments are the time, in ms, and the
// limit; its columns those of Due.
func (d *DB) Due(ctx context.Context, query string, now time.Time, limit int) ([]Due, error) {
	return All(ctx, d.Read, func(rows *sql.Rows) (due Due, err error) {
		err = rows.Scan(&due.Key, &due.At)
		return due, err
	}, query, now.UnixMilli(), limit)
}

// Claim runs an update that takes a row for the caller until a time, given what he read:
// its arguments are the row's key, the time that was read and the new one, in ms. It is
// false where somebody else was faster. So work is done outside of transactions, by one.
func (d *DB) Claim(ctx context.Context, update, key string, read int64, until time.Time) (ok bool, err error) {
	changed, err := d.Exec(ctx, update, key, read, until.UnixMilli())
	return changed > 0, err
}

// Waiting runs a query for how many rows wait and since when the first does, in ms; the
// time is zero where none waits.
func (d *DB) Waiting(ctx context.Context, query string, args ...any) (n int64, first time.Time, err error) {
	var ms sql.NullInt64
	if err := d.Read.QueryRowContext(ctx, query, args...).Scan(&n, &ms); err != nil {
		return 0, time.Time{}, fmt.Errorf("count what waits: %w", err)
	}
	if ms.Valid {
		first = time.UnixMilli(ms.Int64)
	}
	return n, first, nil
}
