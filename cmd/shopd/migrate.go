package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopd/shopd/internal/db"
)

// migrate brings the tables of the database to this version, and says what a commit
// of that server is worth.
func migrate(ctx context.Context, e *env) (err error) {
	v := e.problems()
	if !v.required("-database-url", e.databaseURL) {
		return v.err()
	}
	d, err := db.Open(ctx, e.databaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	steps, err := d.Migrate(ctx)
	for _, step := range steps {
		_, _ = fmt.Fprintln(e.stdout, "done:", step)
	}
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		_, _ = fmt.Fprintln(e.stdout, "nothing to do")
	}
	worth, err := d.Durability(ctx)
	if err != nil {
		return err
	}
	for _, problem := range worth.Problems() {
		_, _ = fmt.Fprintln(e.stdout, "note:", problem)
	}
	return nil
}
