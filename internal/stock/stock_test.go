package stock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// Pages read levels from memory: at most a second old, and asked for once by any
// number of pages; while the database is away what was known for some time.
func TestLevels(t *testing.T) {
	t.Parallel()
	s := dbtest.StartServer(t)
	w := newWorld(t, dbtest.Open(t, db.Config{URL: s.Database()}))
	levels := func() string {
		t.Helper()
		l, err := w.Levels(t.Context())
		w.must(err)
		return fmt.Sprint(l)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if got := levels(); got != "map[A:10 B:5 C:3]" {
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
	w.must(w.reserve("cart", "1", line("A", 4)))
	start := time.Now()
	for levels() != "map[A:6 B:5 C:3]" {
		if time.Since(start) > 1500*time.Millisecond {
			t.Fatalf("old levels after %v", time.Since(start))
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Kill()
	for start := time.Now(); time.Since(start) < 1200*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		if got := levels(); got != "map[A:6 B:5 C:3]" {
			t.Errorf("away: %s", got)
		}
	}
	if _, err := w.Left(t.Context(), "A"); err == nil {
		t.Error("Left answers while the database is away")
	}
	s.Restart()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	time.Sleep(1010 * time.Millisecond) // what was known is old
	if _, err := w.Levels(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	// It stands still: nobody waits for it for long.
	levels()
	thaw := s.Freeze()
	defer thaw()
	for start := time.Now(); time.Since(start) < 2*time.Second; time.Sleep(100 * time.Millisecond) {
		asked := time.Now()
		if got := levels(); got != "map[A:6 B:5 C:3]" || time.Since(asked) > 1500*time.Millisecond {
			t.Errorf("the database stands still: %s after %v", got, time.Since(asked))
		}
	}
}
