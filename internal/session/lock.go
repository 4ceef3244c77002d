package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
)

const (
	lockPrefix = "shopd:lock:"
	// A request that waits for another process asks Redis first after lockPoll, then after half as
	// long again each time, up to lockPollMost.
	lockPoll     = 20 * time.Millisecond
	lockPollMost = 100 * time.Millisecond
	redisTime    = time.Second // for one command
)

// leaseOf names the lease on what a secret stands for: its hash, as scs makes it.
func leaseOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type leaseKey struct{}

// Lease names the lease on the session that a request holds, for LockAgain. It is no secret.
func (s *Sessions) Lease(ctx context.Context) string {
	name, _ := ctx.Value(leaseKey{}).(string)
	return name
}

// obtain takes the lease of a name and renews it until release is called. A request
// that loses its lease continues: the stores compare and set. When gone is closed the
// wait ends with ErrBusy. A command under way is not cut off: it may have taken the
// lease. loading is ctx for loading the session.
func (s *Sessions) obtain(ctx context.Context, hash string, gone <-chan struct{}) (loading context.Context, release func(), err error) {
	from := &ahead{UniversalClient: s.rdb, key: sessionPrefix + hash}
	_, from.had = s.rdb.(*redis.ClusterClient)
	polling, wait := s.observer.LockWait(ctx)
	until := time.Now().Add(s.wait)
	pause, leave, turn := s.queues.enter(ctx, gone, hash, until)
	if !turn {
		wait.End(observe.LockBusy)
		return ctx, nil, ErrBusy
	}
	if pause {
		select {
		case <-time.After(lockPollMost):
		case <-ctx.Done():
		case <-gone:
		}
	}
	lock, err := redislock.Obtain(polling, from, lockPrefix+hash, s.lease, &redislock.Options{
		RetryStrategy: &patience{until: until, gone: gone},
	})
	if redisconn.Full(err) { // then the turn in this process must do: all stores compare and set
		wait.End(observe.LockTaken)
		return ctx, leave, nil
	}
	if err != nil {
		leave()
	}
	switch {
	case err == nil:
		wait.End(observe.LockTaken)
	case errors.Is(err, redislock.ErrNotObtained), ended(ctx):
		wait.End(observe.LockBusy)
		return ctx, nil, ErrBusy
	default:
		wait.End(observe.LockFailed)
		return ctx, nil, storeError("lock session", err)
	}
	from.had = true

	stop := s.renew(ctx, lock)
	return from.found(ctx), func() {
		defer leave()
		stop()
		// The deadline may have passed; the lease should go nevertheless.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTime)
		defer cancel()
		if err := lock.Release(ctx); err != nil {
			s.log.WarnContext(ctx, "session lease not released", "error", err)
		}
	}, nil
}

// LockCart takes the lease on a cart, which orders what is told to Klarna of one that has
// more than one session: that of a checkout session. The error is ErrBusy or ErrStore.
func (s *Sessions) LockCart(ctx context.Context, cartID string) (release func(), err error) {
	return s.LockAgain(ctx, leaseOf("cart "+cartID))
}

// LockAgain takes a lease by the name that a request told of the one that it held. The error
// is ErrBusy or ErrStore.
func (s *Sessions) LockAgain(ctx context.Context, lease string) (release func(), err error) {
	_, release, err = s.obtain(ctx, lease, ctx.Done())
	return release, err
}

// ended also says yes when the deadline has come and the context does not know it yet:
// go-redis gives the connection the same deadline, and either may be first.
func ended(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// renew renews a lease after each quarter of its time, until stop is called.
func (s *Sessions) renew(ctx context.Context, lock *redislock.Lock) (stop func()) {
	var mu sync.Mutex
	stopped := false
	var timer *time.Timer
	every := s.lease / 4
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(every, func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		if err := lock.Refresh(ctx, s.lease, nil); err != nil {
			s.log.WarnContext(ctx, "session lease not renewed", "error", err)
		}
		timer.Reset(every)
	})
	return func() {
		mu.Lock() // waits for a renewal that is under way
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// patience is a redislock.RetryStrategy. It polls, less and less often, until a time, or
// until the browser has left.
type patience struct {
	until time.Time
	gone  <-chan struct{}
	last  time.Duration
}

func (p *patience) NextBackoff() time.Duration {
	select {
	case <-p.gone:
		return 0
	default:
	}
	p.last = min(max(lockPoll, p.last*3/2), lockPollMost)
	if time.Until(p.until) < p.last {
		return 0
	}
	return p.last
}
