package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Job is a task for a time of the fake's clock. It is plain data, for snapshots.
type Job struct {
	Due     time.Time
	Kind    string // see perform
	ID      string // of the order or session
	Detail  string // what the kind needs
	Attempt int    // how often it was done before
}

// Perform makes do the function for a kind of jobs. It runs in a goroutine of its own,
// without s.Mu.
func (s *State) Perform(kind string, do func(Job)) { s.performs[kind] = do }

func (s *State) checkJobs(jobs []Job) error {
	for _, j := range jobs {
		if s.performs[j.Kind] == nil {
			return fmt.Errorf("there is no kind %q", j.Kind)
		}
	}
	return nil
}

// Schedule adds a job. The caller holds s.Mu.
func (s *State) Schedule(j Job) {
	s.Jobs = append(s.Jobs, j)
	s.wakeJobs()
}

// Hasten lets jobs of a kind that wait be due at another time, if that is earlier. The caller
// holds s.Mu.
func (s *State) Hasten(kind, id string, due time.Time) {
	for i := range s.Jobs {
		if j := &s.Jobs[i]; j.Kind == kind && j.ID == id && due.Before(j.Due) {
			j.Due = due
		}
	}
	s.wakeJobs()
}

// wakeJobs sets the timer to the next job, after a change of jobs or clock. The
// caller holds s.Mu.
func (s *State) wakeJobs() {
	if s.jobTimer != nil {
		s.jobTimer.Stop()
	}
	if len(s.Jobs) == 0 {
		return
	}
	next := slices.MinFunc(s.Jobs, func(a, b Job) int { return a.Due.Compare(b.Due) })
	s.jobTimer = time.AfterFunc(next.Due.Sub(s.Time()), s.doJobs)
}

// doJobs starts the jobs whose time has come.
func (s *State) doJobs() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	select {
	case <-s.Closed:
		return
	default:
	}
	var due []Job
	s.Jobs = slices.DeleteFunc(s.Jobs, func(j Job) bool {
		if !s.isDue(j) {
			return false
		}
		due = append(due, j)
		return true
	})
	slices.SortStableFunc(due, func(a, b Job) int { return a.Due.Compare(b.Due) })
	for _, j := range due {
		s.working++
		go s.work(j)
	}
	s.wakeJobs()
}

func (s *State) isDue(j Job) bool { return !j.Due.After(s.Time()) }

func (s *State) work(j Job) {
	s.performs[j.Kind](j)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.working--
	close(s.rested)
	s.rested = make(chan struct{})
}

// Wait waits until no job is due and none runs, or the fake is closed. The error is that
// of ctx.
func (s *State) Wait(ctx context.Context) error {
	for {
		s.Mu.Lock()
		rested := s.rested
		done := s.working == 0 && !slices.ContainsFunc(s.Jobs, s.isDue)
		s.Mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-rested:
		case <-s.Closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
