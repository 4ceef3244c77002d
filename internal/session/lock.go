package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/bsm/redislock"

	"github.com/shopd/shopd/internal/trace"
)

const (
	lockPrefix = "shopd:lock:"
	leaseTime  = 4 * time.Second // after which a killed process blocks nobody
	leaseRenew = time.Second
	lockWait   = 6 * time.Second
	lockPoll   = 20 * time.Millisecond
	redisTime  = time.Second // for one command
)

// obtain takes the lease on a session and renews it until release is called. Who
// loses it meanwhile goes on: the stores compare and set. Waiting ends with ErrBusy
// when gone is closed, but a command that is under way is not cut off: it may have
// taken the lease.
func (s *Sessions) obtain(ctx context.Context, token string, gone <-chan struct{}) (release func(), err error) {
	hash := sha256.Sum256([]byte(token))
	key := lockPrefix + base64.RawURLEncoding.EncodeToString(hash[:])
	polling, done := trace.Whole(ctx, "session lock")
	lock, err := s.locks.Obtain(polling, key, leaseTime, &redislock.Options{
		RetryStrategy: patience{until: time.Now().Add(lockWait), gone: gone},
	})
	done(err)
	switch {
	case err == nil:
	case errors.Is(err, redislock.ErrNotObtained), ctx.Err() != nil:
		return nil, ErrBusy
	default:
		return nil, storeError(err)
	}

	stop := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() { s.renew(ctx, lock, stop) })
	return func() {
		close(stop)
		renewing.Wait()
		// The deadline may have passed; the lease should go nevertheless.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTime)
		defer cancel()
		if err := lock.Release(ctx); err != nil {
			s.log.WarnContext(ctx, "session lease not released", "error", err)
		}
	}, nil
}

func (s *Sessions) renew(ctx context.Context, lock *redislock.Lock, stop <-chan struct{}) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if err := lock.Refresh(ctx, leaseTime, nil); err != nil {
				s.log.WarnContext(ctx, "session lease not renewed", "error", err)
			}
		}
	}
}

// patience is a redislock.RetryStrategy: poll until a time, or until the browser has
// left.
type patience struct {
	until time.Time
	gone  <-chan struct{}
}

func (p patience) NextBackoff() time.Duration {
	select {
	case <-p.gone:
		return 0
	default:
		if time.Until(p.until) < lockPoll {
			return 0
		}
		return lockPoll
	}
}
