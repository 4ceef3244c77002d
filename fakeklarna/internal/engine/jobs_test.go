package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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
		s.Perform("slow", func(j *engine.Job) {
			time.Sleep(10 * time.Second)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			done++
			s.Repeat(j, j.Due.Add(5*time.Minute), 0)
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

// A snapshot has the job that runs as one that is still to be done, and not its repeat as well;
// what it is restored over changes nothing in it any more. What the end of a fake cuts short
// stays in the last snapshot.
func TestJobsThatRunAreInSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []int // the attempts
		state := func() *engine.State {
			s := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
			s.Perform("slow", func(j *engine.Job) {
				s.Mu.Lock()
				began = append(began, j.Attempt)
				s.Mu.Unlock()
				select {
				case <-time.After(10 * time.Second):
				case <-s.Closed:
				}
				s.Mu.Lock()
				defer s.Mu.Unlock()
				if j.Attempt < 2 {
					s.Repeat(j, j.Due.Add(time.Minute), j.Attempt+1)
				}
			})
			return s
		}
		first := state()
		first.Mu.Lock()
		first.Schedule(engine.Job{Due: first.Time().Add(time.Minute), Kind: "slow"})
		first.Mu.Unlock()
		time.Sleep(time.Minute + time.Second) // it runs
		amid, changed := first.Snapshot(), first.Changed()
		time.Sleep(10 * time.Second) // its repeat waits
		select {
		case <-changed:
		default:
			t.Error("nobody is told that the repeat is in the snapshot now")
		}
		if err := first.Restore(amid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if err := first.Restore(amid); err != nil { // while it runs again
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []int{0, 0, 0, 1, 2}; !slices.Equal(began, want) {
			t.Errorf("began as attempts %v, want %v", began, want)
		}

		began = nil
		if err := first.Restore(amid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		first.Close()
		synctest.Wait()
		second := state()
		if err := second.Restore(first.Snapshot()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []int{0, 0, 1, 2}; !slices.Equal(began, want) {
			t.Errorf("after the end began as attempts %v, want %v", began, want)
		}
		if err := second.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		second.Close()
	})
}
