package session

import (
	"context"
	"sync"
	"time"
)

const (
	// mostWaiting is how many requests of a process may want one lease at once. Pages send one
	// update at a time, so a shopper with many tabs has a handful.
	mostWaiting = 128
	// turnsInRow is how often a lease goes from one request of a process to its next one before
	// the next one waits for lockPollMost: so a process without an end of requests leaves the lease
	// to the others.
	turnsInRow = 10
)

// queues let one request of this process at a time try for a lease in Redis. The others wait in
// the process, in the order in which they came, and send nothing meanwhile.
type queues struct {
	mu sync.Mutex
	of map[string]*queue // by the lease's key; nobody wants it: none
}

type queue struct {
	turn  chan struct{} // has a place for the one whose turn it is
	n     int           // who wants the lease or has it
	turns int           // since nobody wanted it
}

// enter waits for a turn at a lease, until a time, or until ctx or gone ends. pause says that others
// are to be let in first; leave ends the turn. Not ok: there is none.
func (q *queues) enter(ctx context.Context, gone <-chan struct{}, key string, until time.Time) (pause bool, leave func(), ok bool) {
	line := q.join(key)
	if line == nil {
		return false, nil, false
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case line.turn <- struct{}{}:
		line.turns++ // by whoever has the turn alone
		return line.turns%turnsInRow == 0, func() {
			<-line.turn
			q.part(key)
		}, true
	case <-ctx.Done():
	case <-gone:
	case <-timer.C:
	}
	q.part(key)
	return false, nil, false
}

func (q *queues) join(key string) *queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.of[key]
	if line == nil {
		if q.of == nil {
			q.of = map[string]*queue{}
		}
		line = &queue{turn: make(chan struct{}, 1)}
		q.of[key] = line
	}
	if line.n >= mostWaiting {
		return nil
	}
	line.n++
	return line
}

func (q *queues) part(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of[key].n--; q.of[key].n == 0 {
		delete(q.of, key)
	}
}
