// Package stafflog is the audit of what staff do that is about no single order: signing in,
// taking an export.
package stafflog

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/shopd/shopd/internal/db"
)

// Kept is how long entries are kept.
const Kept = 400 * 24 * time.Hour

// The events.
const (
	SignIn = "sign_in"
	Export = "export"
)

// Entry is one thing that a member of staff has done, or tried.
type Entry struct {
	At      time.Time
	Staff   string // a member of the team; "" = somebody with a name that is none
	Event   string
	Outcome string // of a sign-in: see the back office
	Detail  string // of an export: which file, of which days; no personal data
}

// Add writes an entry, and deletes those that are older than Kept.
func Add(ctx context.Context, d *db.DB, e Entry) error {
	err := d.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "insert into staff_log (at, staff, event, outcome, detail) values ($1, $2, $3, $4, $5)",
			e.At.UnixMilli(), e.Staff, e.Event, e.Outcome, e.Detail); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from staff_log where at < $1", e.At.Add(-Kept).UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("write what staff did: %w", err)
	}
	return nil
}

// Newest are the newest entries, at most limit, the newest first.
func Newest(ctx context.Context, d *db.DB, limit int) ([]Entry, error) {
	entries, err := db.All(ctx, d.Read, func(rows *sql.Rows) (e Entry, err error) {
		var at int64
		err = rows.Scan(&at, &e.Staff, &e.Event, &e.Outcome, &e.Detail)
		e.At = time.UnixMilli(at).UTC()
		return e, err
	}, "select at, staff, event, outcome, detail from staff_log order by position desc limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("read what staff did: %w", err)
	}
	return entries, nil
}
