package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// Wait waits for what is due: jobs that run, jobs that they schedule for by now, not for
// later ones; until the fake is closed or the context ends.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
		done := 0
		s.Perform("slow", func(j engine.Job) {
			time.Sleep(10 * time.Second)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			done++
			j.Due = j.Due.Add(5 * time.Minute)
			s.Schedule(j)
		})
		wait := func(ctx context.Context, want int) {
			t.Helper()
			if err := s.Wait(ctx); err != nil {
				t.Error(err)
			}
			s.Mu.Lock()
			defer s.Mu.Unlock()
			if done != want {
				t.Errorf("%d were done, want %d", done, want)
			}
		}
		wait(t.Context(), 0)
		s.Mu.Lock()
		s.Schedule(engine.Job{Due: s.Time().Add(time.Minute), Kind: "slow"})
		s.Mu.Unlock()
		wait(t.Context(), 0)
		if err := s.Advance(time.Minute); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it runs
		wait(t.Context(), 1)
		if err := s.Advance(14 * time.Minute); err != nil { // due after 5 and 10 minutes, and nearly after 15
			t.Fatal(err)
		}
		wait(t.Context(), 3)

		if err := s.Advance(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Wait(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: %v", err)
		}
		s.Close()
		if err := s.Wait(t.Context()); err != nil {
			t.Errorf("closed: %v", err)
		}
		time.Sleep(time.Minute)
	})
}
