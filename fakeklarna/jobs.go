package fakeklarna

import (
	"slices"
	"time"
)

// job is a task for a time of the fake's clock. It is plain data, for snapshots.
type job struct {
	Due     time.Time
	Kind    string // one of jobKinds
	ID      string // of the order or session
	Detail  string // what the kind needs
	Attempt int    // how often it was done before
}

// jobKinds returns the functions that do jobs. Each runs in its own goroutine, without
// s.mu. It is no variable, because jobs may schedule jobs.
func jobKinds() map[string]func(*Server, job) {
	return map[string]func(*Server, job){
		"push":           (*Server).push,
		jobAuthorization: (*Server).sendAuthorization,
		jobPaymentPush:   (*Server).push,
		"decision":       (*Server).decision,
		"notification":   (*Server).notify,
	}
}

// schedule adds a job. The caller holds s.mu.
func (s *Server) schedule(j job) {
	s.jobs = append(s.jobs, j)
	s.wakeJobs()
}

// wakeJobs sets the timer to the next job, after a change of jobs or clock. The
// caller holds s.mu.
func (s *Server) wakeJobs() {
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
func (s *Server) doJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	now := s.now()
	var due []job
	s.jobs = slices.DeleteFunc(s.jobs, func(j job) bool {
		if j.Due.After(now) {
			return false
		}
		due = append(due, j)
		return true
	})
	slices.SortStableFunc(due, func(a, b job) int { return a.Due.Compare(b.Due) })
	kinds := jobKinds()
	for _, j := range due {
		go kinds[j.Kind](s, j)
	}
	s.wakeJobs()
}
