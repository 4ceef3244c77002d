package fakeklarna

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// job is a task for a time of the fake's clock. It is plain data, for snapshots.
type job struct {
	Due     time.Time
	Kind    string // see perform
	ID      string // of the order or session
	Detail  string // what the kind needs
	Attempt int    // how often it was done before
}

// perform makes do the function for a kind of jobs. It runs in a goroutine of its own,
// without s.mu.
func (s *engineState) perform(kind string, do func(job)) { s.performs[kind] = do }

func (s *engineState) checkJobs(jobs []job) error {
	for _, j := range jobs {
		if s.performs[j.Kind] == nil {
			return fmt.Errorf("there is no kind %q", j.Kind)
		}
	}
	return nil
}

// schedule adds a job. The caller holds s.mu.
func (s *engineState) schedule(j job) {
	s.jobs = append(s.jobs, j)
	s.wakeJobs()
}

// wakeJobs sets the timer to the next job, after a change of jobs or clock. The
// caller holds s.mu.
func (s *engineState) wakeJobs() {
	if s.jobTimer != nil {
		s.jobTimer.Stop()
	}
	if len(s.jobs) == 0 {
		return
	}
	next := slices.MinFunc(s.jobs, func(a, b job) int { return a.Due.Compare(b.Due) })
	s.jobTimer = time.AfterFunc(next.Due.Sub(s.now()), s.doJobs)
}

// doJobs starts the jobs whose time has come.
func (s *engineState) doJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	var due []job
	s.jobs = slices.DeleteFunc(s.jobs, func(j job) bool {
		if !s.isDue(j) {
			return false
		}
		due = append(due, j)
		return true
	})
	slices.SortStableFunc(due, func(a, b job) int { return a.Due.Compare(b.Due) })
	for _, j := range due {
		s.working++
		go s.work(j)
	}
	s.wakeJobs()
}

func (s *engineState) isDue(j job) bool { return !j.Due.After(s.now()) }

func (s *engineState) work(j job) {
	s.performs[j.Kind](j)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working--
	close(s.rested)
	s.rested = make(chan struct{})
}

// Wait waits until no job is due and none runs, or the fake is closed. The error is that
// of ctx.
func (s *engineState) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		rested := s.rested
		done := s.working == 0 && !slices.ContainsFunc(s.jobs, s.isDue)
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-rested:
		case <-s.closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
