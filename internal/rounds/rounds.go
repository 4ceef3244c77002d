// Package rounds is what the loops in the background share: a round every so often, and a part of a round that
// leaves the rest to the next one while things fail.
package rounds

import (
	"context"
	"errors"
	"time"
)

// Every calls do at each tick of a clock until ctx ends. The first tick is one pause away.
func Every(ctx context.Context, pause time.Duration, do func()) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

// Each calls do with one item after the other, and stops after so many failures: what fails that often is away for
// all. The error joins them.
func Each[T any](items []T, failures int, do func(T) error) error {
	var failed []error
	for _, item := range items {
		if err := do(item); err != nil {
			failed = append(failed, err)
		}
		if len(failed) == failures {
			break
		}
	}
	return errors.Join(failed...)
}
