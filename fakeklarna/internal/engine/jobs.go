package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Job is a task for a time of the fake's clock. It is plain data, for snapshots: one that runs
// is in them too, as one that is still to be done.
type Job struct {
	Due     time.Time
	Kind    string // see perform
	ID      string // of the order or session
	Detail  string // what the kind needs
	Attempt int    // how often it was done before

	running bool
}

// Perform makes do the function for a kind of jobs. It runs in a goroutine of its own,
// without s.Mu, and may Repeat its job, which is over otherwise.
func (s *State) Perform(kind string, do func(*Job)) { s.performs[kind] = do }

func (s *State) checkJobs(jobs []*Job) error {
	for _, j := range jobs {
		if s.performs[j.Kind] == nil {
			return fmt.Errorf("there is no kind %q", j.Kind)
		}
	}
	return nil
}

// Schedule adds a job. The caller holds s.Mu.
func (s *State) Schedule(j Job) {
	s.Jobs = append(s.Jobs, &j)
	s.jobsChanged()
}

// Repeat has a job that runs be done again. The caller holds s.Mu, and has held it since it
// looked whether it is to be.
func (s *State) Repeat(j *Job, due time.Time, attempt int) {
	s.replaceJob(j, &Job{Due: due, Kind: j.Kind, ID: j.ID, Detail: j.Detail, Attempt: attempt})
}

// replaceJob takes away a job that has run, or puts its repeat in its place. It does nothing
// after a reset or restore, when the jobs are others, and once the fake is closed: what that
// cut short is still to be done. The caller holds s.Mu.
func (s *State) replaceJob(j *Job, by ...*Job) {
	i := slices.Index(s.Jobs, j)
	if i < 0 || s.IsClosed() {
		return
	}
	s.Jobs = slices.Replace(s.Jobs, i, i+1, by...)
	s.jobsChanged()
}

// Hasten lets jobs of a kind that wait be due at another time, if that is earlier. The caller
// holds s.Mu.
func (s *State) Hasten(kind, id string, due time.Time) {
	for _, j := range s.Jobs {
		if !j.running && j.Kind == kind && j.ID == id && due.Before(j.Due) {
			j.Due = due
		}
	}
	s.jobsChanged()
}

// jobsChanged is called after a change of the jobs. The caller holds s.Mu.
func (s *State) jobsChanged() {
	s.wakeJobs()
	s.Stir()
}

// wakeJobs sets the timer to the next job, after a change of jobs or clock. The
// caller holds s.Mu.
func (s *State) wakeJobs() {
	if s.jobTimer != nil {
		s.jobTimer.Stop()
	}
	var next *Job
	for _, j := range s.Jobs {
		if !j.running && (next == nil || j.Due.Before(next.Due)) {
			next = j
		}
	}
	if next != nil {
		s.jobTimer = time.AfterFunc(next.Due.Sub(s.Time()), s.doJobs)
	}
}

// doJobs starts the jobs whose time has come.
func (s *State) doJobs() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.IsClosed() {
		return
	}
	var due []*Job
	for _, j := range s.Jobs {
		if s.isDue(j) {
			due = append(due, j)
		}
	}
	slices.SortStableFunc(due, func(a, b *Job) int { return a.Due.Compare(b.Due) })
	for _, j := range due {
		j.running = true
		s.working++
		go s.work(j)
	}
	s.wakeJobs()
}

func (s *State) isDue(j *Job) bool { return !j.running && !j.Due.After(s.Time()) }

func (s *State) work(j *Job) {
	s.performs[j.Kind](j)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.replaceJob(j)
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
